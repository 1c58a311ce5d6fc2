"""Rows that only several servers together show: ``check --partners``, by real connections."""

from tests.loopback.matrix.homes import callers, partners
from tests.loopback.matrix.rows import Row
from tests.loopback.matrix.stage import HUB, LUI, TRK, Stage

from sottovoce.policy import Component
from sottovoce.testing import Party

__all__ = ["ROWS"]


def _one_identity(at: Stage) -> dict[str, Party]:
    both = at.issue(HUB, TRK)
    return {"hub": at.hub(both), "trk": at.trk(both)}


def _new_authority(at: Stage) -> Party:
    """TRK has its new certificate already; LUI has only the old CA."""
    return at.trk(at.issue(TRK, by=at.stranger))


ROWS = (
    Row(
        id="N3",
        cause="LUI dials TRK by its short name",
        made=partners(home=lambda case: case.home.set("lui/lui.ini", "TrackerHost", "trk")),
        found=("not-in-allowed-list", ""),
    ),
    Row(
        id="N8",
        cause="HUB and TRK have one certificate",
        made=partners(both=_one_identity),
        found=("same-key", ""),
        says=("hub.test and trk.test present the same key", "SHA-256"),
    ),
    Row(
        id="N8",
        cause="LUI and TRK call HUB with one certificate",
        made=callers(lambda at: at.issue(LUI, TRK, roles=[Component.LUI, Component.TRK])),
        found=("same-key", ""),
        says=("lui.test", "trk.test", "SHA-256"),
    ),
    Row(
        id="T2",
        cause="HUB's root is missing on LUI's server",
        made=partners(hub=lambda at: at.hub(at.issue(HUB, by=at.stranger))),
        found=("root-untrusted", ""),
        says=("A root is missing on lui.test (this server)", "'Stranger'", "-importcert -cacerts"),
    ),
    Row(
        id="T3",
        cause="LUI's root is missing on HUB's server",
        made=partners(hub=lambda at: at.hub(at.issue(HUB), trusts=[at.stranger.root])),
        found=("root-untrusted", ""),
        says=("A root is missing on hub.test (HUB)", "'Throw-away root'"),
    ),
    Row(
        id="V5",
        cause="TRK's certificate soon ends",
        made=partners(trk=lambda at: at.trk(at.issue(TRK, days=(-29, 9)))),
        found=("certificate-expiring", ""),
        says=("TRK's certificate ends in", "Renew TRK's certificate on trk.test"),
    ),
    Row(
        id="P5",
        cause="a firewall on the way to HUB: TRK's port does answer",
        made=partners(firewall=True),
        found=("no-answer", ""),
        says=("on that host does answer", "firewall"),
    ),
    Row(
        id="P9",
        cause="TRK is not secured",
        made=partners(trk=lambda _: Party(TRK)),
        found=("half-secured", ""),
        says=("Secured: HUB, LUI. Not secured: TRK. 2 of 3 connections cannot work.",),
    ),
    Row(
        id="O2",
        cause="TRK's certificate is by a new CA, which LUI does not trust yet",
        made=partners(trk=_new_authority),
        found=("root-untrusted", ""),
        says=("A root is missing on lui.test (this server)", "'Stranger'"),
    ),
)
