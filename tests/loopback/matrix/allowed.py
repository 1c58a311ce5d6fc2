"""Rows A: the allowed list."""

from tests.conformance.chains.forge import named
from tests.loopback.matrix.rows import Row, Seen
from tests.loopback.matrix.stage import HUB, LUI, TRK, Stage, channel

from sottovoce.net import Outcome
from sottovoce.policy import Component
from sottovoce.testing import listening

__all__ = ["ROWS"]


async def _from_elsewhere(stage: Stage) -> Seen:
    hub, lui = stage.hub(), stage.lui()
    async with listening(hub, address="127.0.0.77") as listener:
        opened = await lui.connect(listener.port, address="127.0.0.77")
        accepted = await hub.logged(Outcome.ACCEPTED)
        await opened.aclose()
    assert accepted.names == (LUI,)
    return Seen()


ROWS = (
    Row(
        id="A1",
        cause="LUI is not in HUB's list",
        made=channel(hub=lambda at: at.hub(allowed=[HUB, TRK])),
        accepting=("not-in-allowed-list",),
        calling="not-in-allowed-list",
        told=("not-in-allowed-list",),
        says=(LUI, f"({HUB}, {TRK})", "certificate is good"),
    ),
    Row(
        id="A1",
        cause="a good certificate of a server that is in no list",
        made=channel(lui=lambda at: at.party("evil.test", at.issue("evil.test"))),
        accepting=("not-in-allowed-list",),
        calling="not-in-allowed-list",
        told=("not-in-allowed-list",),
        says=("evil.test", "Add evil.test to SSLAllowedClients if it belongs here"),
    ),
    Row(
        id="A1",
        cause="LUI's server speaks for TRK",
        made=channel(component=Component.TRK),
        accepting=("role-not-granted",),
        calling="role-not-granted",
        told=("role-not-granted",),
        says=("speaks for TRK", "its certificate grants LUI"),
    ),
    Row(
        id="A1",
        cause="HUB is not in LUI's list",
        made=channel(lui=lambda at: at.lui(allowed=[LUI, TRK])),
        accepting=("not-in-allowed-list",),
        calling="not-in-allowed-list",
        told=("not-in-allowed-list",),
        says=(HUB, f"({LUI}, {TRK})"),
    ),
    Row(
        id="A4",
        cause="the list has a typing slip",
        made=channel(hub=lambda at: at.hub(allowed=[HUB, "lui.tset"])),
        accepting=("not-in-allowed-list",),
        calling="not-in-allowed-list",
        told=("not-in-allowed-list",),
        says=(LUI, "lui.tset is listed: correct that entry"),
    ),
    Row(
        id="A4",
        cause="the list has the short name",
        made=channel(hub=lambda at: at.hub(allowed=[HUB, "lui"])),
        accepting=("not-in-allowed-list",),
        calling="not-in-allowed-list",
        told=("not-in-allowed-list",),
        says=(LUI, "lui is listed: correct that entry"),
    ),
    Row(
        id="A4",
        cause="the list has capital letters and a final dot: the same name",
        made=channel(hub=lambda at: at.hub(allowed=[HUB, "LUI.Test."])),
    ),
    Row(
        id="A5",
        cause="an empty list admits nobody",
        made=channel(hub=lambda at: at.hub(allowed=[])),
        accepting=("allowed-list-empty",),
        calling="allowed-list-empty",
        told=("allowed-list-empty",),
        says=("nobody may connect",),
    ),
    Row(
        id="N9",
        cause="an address that no certificate names: names decide, in both directions",
        made=_from_elsewhere,
    ),
    Row(
        id="A7",
        cause="a listed common name, another alternative name",
        made=channel(lui=lambda at: at.lui(at.odd("evil.test", subject=named(LUI)))),
        accepting=("not-in-allowed-list",),
        calling="not-in-allowed-list",
        told=("not-in-allowed-list",),
        says=("evil.test",),
    ),
)
