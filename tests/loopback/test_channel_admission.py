"""Who is admitted and logged how; what a refusal tells, and what it keeps to itself.

Each cause of a refusal, on both sides, is in ``matrix/``.
"""

from types import SimpleNamespace

import pytest

from sottovoce.errors import HandshakeFailed, NotAdmitted
from sottovoce.net import Outcome
from sottovoce.testing import Party, listening


async def test_two_partners_are_connected_and_both_logs_say_so(world: SimpleNamespace) -> None:
    """W8: names, fingerprints, tunnel and the same connection id on both sides."""
    hub, lui = Party("hub.test", world.hub), Party("lui.test", world.lui)
    async with listening(hub) as listener:
        channel = await lui.connect(listener.port)
        accepted = await hub.logged(Outcome.ACCEPTED)
        await channel.aclose()
        closed = await hub.logged(Outcome.CLOSED)
    mine = lui.of(Outcome.ACCEPTED)[0]
    assert mine.connection_id == accepted.connection_id == closed.connection_id
    assert accepted.names == ("lui.test",)
    assert mine.names == ("hub.test",)
    assert accepted.tunnel is not None
    assert accepted.tunnel.version == "TLSv1.3"
    assert closed.detail == "the caller said goodbye: done"
    assert lui.of(Outcome.CLOSED)[0].detail == "closed by this side"


async def test_two_plain_servers_are_connected(world: SimpleNamespace) -> None:
    """W3: plain is possible, and said to be plain."""
    hub, lui = Party("hub.test"), Party("lui.test")
    async with listening(hub) as listener, await lui.connect(listener.port) as channel:
        assert channel.facts.identity is None
        accepted = await hub.logged(Outcome.ACCEPTED)
        assert not accepted.secured
        assert accepted.fingerprint == ""


async def test_when_both_refuse_each_has_its_own_reason_first(world: SimpleNamespace) -> None:
    hub = Party("hub.test", world.hub_lonely)
    lui = Party("lui.test", world.lui_lonely)
    async with listening(hub) as listener:
        with pytest.raises(NotAdmitted) as caught:
            await lui.connect(listener.port)
        await hub.logged(Outcome.REFUSED)
    whys = [fault.why for fault in caught.value.faults]
    assert [fault.code for fault in caught.value.faults] == ["not-in-allowed-list"] * 2
    assert "refused this server" in whys[0]
    assert "is not in SSLAllowedClients" in whys[1]
    assert "trk.test" not in "".join(whys), "the other side's list stays private"


async def test_a_refusal_names_no_other_server_to_the_refused(world: SimpleNamespace) -> None:
    """DESIGN §4: told codes about its own certificate, never anything about other peers."""
    hub, lui = Party("hub.test", world.hub_lonely), Party("lui.test", world.lui)
    async with listening(hub) as listener:
        with pytest.raises(NotAdmitted) as caught:
            await lui.connect(listener.port)
    text = "".join(f"{f.why}{f.expected}{f.presented}{f.hint}" for f in caught.value.faults)
    assert "trk.test" not in text
    assert "trk.test" in hub.of(Outcome.REFUSED)[0].faults[0].why


async def test_with_explanations_turned_off_there_is_the_alert_alone(
    world: SimpleNamespace,
) -> None:
    """``ExplainRefusals=no``."""
    hub = Party("hub.test", world.hub, explain_refusals=False)
    lui = Party("lui.test", world.lui_foreign)
    async with listening(hub) as listener:
        with pytest.raises(HandshakeFailed) as caught:
            await lui.connect(listener.port)
    assert caught.value.code == "refused-by-peer"
    # A look at its own certificate is all that LUI has besides.
    (fault,) = caught.value.faults
    assert fault.code == "root-untrusted"
    assert "the alert unknown_ca. This server's own certificate is the reason" in fault.why
    assert [record.outcome for record in hub.records] == [Outcome.REFUSED]
