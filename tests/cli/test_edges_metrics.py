"""``sottovoce edges --metrics``: read back by Prometheus' own parser."""

from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from sottovoce.cli.edges_metrics import metrics
from sottovoce.contracts import CertificateFacts, EdgePosture, RefusedCaller
from sottovoce.hub.service import Refused, SecurityReport
from sottovoce.hub.service.report import ComponentFacts
from sottovoce.policy import Component

LUI, HUB, TRK = Component.LUI, Component.HUB, Component.TRK
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

Series = dict[tuple[str, tuple[str, ...]], float]


def read(text: str) -> Series:
    """Return each value by its name and its labels' values, in the order of the labels' names."""
    return {
        (sample.name, tuple(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def certificate(fingerprint: str, left: timedelta) -> CertificateFacts:
    ends = AT + left
    return CertificateFacts(
        names=("x.test",), fingerprint=fingerprint, begins=ends - timedelta(days=30), ends=ends
    )


def test_states_certificates_and_renewals_are_series() -> None:
    trk = certificate("TT", timedelta(days=6))
    hub = certificate("HH", timedelta(days=24))
    report = SecurityReport(
        at=AT,
        edges=(
            EdgePosture(
                caller=TRK,
                called=HUB,
                port=1099,
                state="secured",
                caller_certificate=trk,
                called_certificate=hub,
            ),
            EdgePosture(caller=LUI, called=TRK, port=7000, state="refused", code="expired"),
        ),
        refused=(
            Refused(
                HUB,
                RefusedCaller(
                    at=AT,
                    port=1099,
                    address="203.0.113.9",
                    code="plaintext-peer",
                    message="It spoke without encryption.",
                    attempts=4,
                ),
            ),
        ),
        changes=(),
        components=(
            ComponentFacts(component=HUB, server="hub.test", last_seen=AT),
            ComponentFacts(
                component=TRK, server="trk.test", last_seen=AT, renewal='no"answer', lists="old"
            ),
        ),
    )

    found = read(metrics(report, running=True))

    assert found["sottovoce_up", ()] == 1
    assert found["sottovoce_security_level", ()] == 2
    assert found["sottovoce_connection", ("trk", "secured", "hub")] == 1
    assert found["sottovoce_connection", ("lui", "secured", "trk")] == 0
    assert found["sottovoce_connection", ("lui", "refused", "trk")] == 1
    assert found["sottovoce_certificate_life_left_ratio", ("trk",)] == 0.2
    assert found["sottovoce_certificate_life_left_ratio", ("hub",)] == 0.8
    ends = (AT + timedelta(days=6)).timestamp()
    assert found["sottovoce_certificate_expiry_timestamp_seconds", ("trk",)] == ends
    assert found["sottovoce_component_last_seen_timestamp_seconds", ("hub",)] == AT.timestamp()
    assert found["sottovoce_renewal_failing", ('no"answer', "trk")] == 1
    assert found["sottovoce_revocation_lists_old", ("old", "trk")] == 1
    assert found["sottovoce_refused_callers", ("plaintext-peer",)] == 4
