"""Several identities of one server: the one shown is chosen by the name asked for (W10)."""

import asyncio
from datetime import datetime

import pytest

from sottovoce.errors import ChannelError
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import Outcome
from sottovoce.policy import AllowedClients, Component
from sottovoce.testing import Party, ThrowAwayAuthority, listening
from sottovoce.tls import Engine, Secured, Side, TrustGeneration

ALLOWED = ("hub.test", "desk.test", "third.test", "lui.test", "nobody.test")


@pytest.fixture(scope="module")
def second(moment: datetime) -> ThrowAwayAuthority:
    return ThrowAwayAuthority("Second root", at=moment)


@pytest.fixture(scope="module")
def hub(authority: ThrowAwayAuthority, second: ThrowAwayAuthority) -> TrustGeneration:
    """HUB with three identities: two names in the first, the second under another CA."""
    return TrustGeneration.make(
        number=1,
        own_name="hub.test",
        identity=authority.issue("hub.test", "alias.hub.test"),
        others=[second.issue("desk.test"), authority.issue("third.test", "*.wild.test")],
        roots=(authority.root, second.root),
        allowed=AllowedClients(ALLOWED),
    )


def lui(
    *roots: ThrowAwayAuthority, identity: PrivateKeyEntry, allowed: tuple[str, ...] = ALLOWED
) -> Party:
    generation = TrustGeneration.make(
        number=1,
        own_name="lui.test",
        identity=identity,
        roots=tuple(root.root for root in roots),
        allowed=AllowedClients(allowed),
    )
    return Party("lui.test", generation)


@pytest.fixture(scope="module")
def certified(authority: ThrowAwayAuthority) -> PrivateKeyEntry:
    return authority.issue("lui.test", roles=[Component.LUI])


@pytest.mark.parametrize("name", ["hub.test", "desk.test", "third.test"])
async def test_the_name_dialled_chooses_the_certificate_and_is_announced(
    name: str,
    hub: TrustGeneration,
    authority: ThrowAwayAuthority,
    second: ThrowAwayAuthority,
    certified: PrivateKeyEntry,
) -> None:
    party = lui(authority, second, identity=certified)
    async with listening(Party("hub.test", hub)) as listener:
        channel = await party.connect(listener.port, dial=name)
        assert channel.facts.name == name
        assert channel.facts.identity is not None
        assert name in channel.facts.identity.names
        await channel.aclose()


async def test_a_further_name_of_the_same_certificate_is_announced_too(
    hub: TrustGeneration, authority: ThrowAwayAuthority, certified: PrivateKeyEntry
) -> None:
    """W10: several DNS names in one certificate; the partner's list needs the name it dials."""
    party = lui(authority, identity=certified, allowed=("alias.hub.test", "lui.test"))
    async with listening(Party("hub.test", hub)) as listener:
        channel = await party.connect(listener.port, dial="alias.hub.test")
        assert channel.facts.name == "alias.hub.test"
        await channel.aclose()


async def test_a_partner_under_the_second_ca_only_is_served_by_name(
    hub: TrustGeneration,
    authority: ThrowAwayAuthority,
    second: ThrowAwayAuthority,
    certified: PrivateKeyEntry,
) -> None:
    """Who trusts one of the two CAs reaches the server by the name that this CA certified."""
    party = lui(second, identity=certified)
    async with listening(Party("hub.test", hub)) as listener:
        channel = await party.connect(listener.port, dial="desk.test")
        await channel.aclose()
        with pytest.raises(ChannelError) as caught:
            await party.connect(listener.port, dial="hub.test")
    assert caught.value.code in ("issuer-unknown", "root-untrusted")


async def test_a_name_of_nobody_meets_the_default_and_is_told_so(
    hub: TrustGeneration, authority: ThrowAwayAuthority, certified: PrivateKeyEntry
) -> None:
    party, server = lui(authority, identity=certified), Party("hub.test", hub)
    async with listening(server) as listener:
        with pytest.raises(ChannelError) as caught:
            await party.connect(listener.port, dial="nobody.test")
        await server.logged(Outcome.REFUSED)
    assert caught.value.code == "name-mismatch"
    assert "hub.test" in caught.value.faults[0].presented


async def test_a_name_that_only_a_wildcard_covers_is_not_announced(hub: TrustGeneration) -> None:
    face = hub.face("a.wild.test")
    assert "third.test" in str(face.identity.chain[0].extensions)
    assert face.announced("a.wild.test", "hub.test") == "hub.test"


async def test_a_client_hello_in_pieces_is_waited_for(
    hub: TrustGeneration, second: ThrowAwayAuthority, certified: PrivateKeyEntry
) -> None:
    """The name stands behind a kilobyte of key shares; the choice waits for it."""
    generation = lui(second, identity=certified).generation
    engine = Engine(generation, side=Side.CALLING, server_name="desk.test")
    engine.start()
    async with listening(Party("hub.test", hub)) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        data = engine.data_to_send()
        for at in range(0, len(data), 100):
            writer.write(data[at : at + 100])
            await writer.drain()
            await asyncio.sleep(0)
        while not engine.secured and not engine.over:
            engine.receive_data(await reader.read(2**16))
            writer.write(engine.data_to_send())
        writer.close()
        await writer.wait_closed()
    (event,) = [event for event in engine.events() if isinstance(event, Secured)]
    assert event.chain[0] == hub.others[0].identity.chain[0]
