"""``sottovoce edges --metrics``: how the installation stands, in Prometheus' text format.

Written to the standard output and not served: who may read it is decided by whoever runs the
command, such as a timer that writes for node_exporter's textfile collector.
"""

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from sottovoce.hub.service import SecurityReport
from sottovoce.hub.service.words import certificate_lives
from sottovoce.policy import Lifetime

__all__ = ["metrics"]

#: Every state that a connection can be in; each is a series, so that a rule can name it.
STATES = ("secured", "plain", "down", "refused")


def metrics(report: SecurityReport, *, running: bool) -> str:
    """Return the text.

    Args:
        report: how the installation stands, as HUB knows it.
        running: whether HUB runs.
    """
    registry = CollectorRegistry()
    _gauge(registry, "up", "Whether HUB runs on this home").set(running)
    _gauge(registry, "security_level", "0 all secured, 1 something is to be done, 2 a fault").set(
        int(report.headline.level)
    )
    _connections(registry, report)
    _certificates(registry, report)
    _components(registry, report)
    refused = _gauge(
        registry, "refused_callers", "Callers that HUB has not let in and remembers", "code"
    )
    for one in report.refused:
        refused.labels(one.caller.code).inc(one.caller.attempts)
    return generate_latest(registry).decode("utf-8")


def _gauge(registry: CollectorRegistry, name: str, about: str, *labels: str) -> Gauge:
    return Gauge(f"sottovoce_{name}", about, labels, registry=registry)


def _connections(registry: CollectorRegistry, report: SecurityReport) -> None:
    gauge = _gauge(
        registry, "connection", "1 for the state that a connection is in", "from", "to", "state"
    )
    for edge in report.edges:
        for state in STATES:
            gauge.labels(edge.caller.value, edge.called.value, state).set(edge.state == state)


def _certificates(registry: CollectorRegistry, report: SecurityReport) -> None:
    ends = _gauge(
        registry,
        "certificate_expiry_timestamp_seconds",
        "When the certificate of a component's server ends",
        "component",
    )
    left = _gauge(
        registry,
        "certificate_life_left_ratio",
        "The share of that certificate's life that is left, 0 to 1",
        "component",
    )
    # The first to expire comes last, so that it is what counts where a server shows two.
    for life in reversed(certificate_lives(report.edges, report.at, report.shown)):
        share = Lifetime(what="", begin=life.facts.begins, end=life.facts.ends)
        for owner in life.owners:
            ends.labels(owner.value).set(life.facts.ends.timestamp())
            left.labels(owner.value).set(round(share.share_left(report.at), 4))


def _components(registry: CollectorRegistry, report: SecurityReport) -> None:
    seen = _gauge(
        registry,
        "component_last_seen_timestamp_seconds",
        "When a component gave its last sign of life",
        "component",
    )
    failing = _gauge(
        registry,
        "renewal_failing",
        "1 while a component's server cannot renew its certificate, with the reason's code",
        "component",
        "code",
    )
    old = _gauge(
        registry,
        "revocation_lists_old",
        "1 while a revocation list of a component's server nears its end or has ended, with the "
        "code",
        "component",
        "code",
    )
    for one in report.components:
        if one.last_seen is not None:
            seen.labels(one.component.value).set(one.last_seen.timestamp())
        if one.renewal:
            failing.labels(one.component.value, one.renewal).set(1)
        if one.lists:
            old.labels(one.component.value, one.lists).set(1)
