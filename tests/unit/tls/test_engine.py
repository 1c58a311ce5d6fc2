from types import SimpleNamespace

import pytest
from cryptography import x509

from sottovoce.policy import Component
from sottovoce.testing import EngineWire, ThrowAwayAuthority
from sottovoce.tls import Broken, Ended, Engine, Secured, Side, TrustGeneration
from sottovoce.tls.engine import UNREADABLE


@pytest.fixture
def wire(
    authority: ThrowAwayAuthority, generation: TrustGeneration, identities: SimpleNamespace
) -> EngineWire:
    lui = authority.generation(identities.lui, own_name="lui.test", allowed=["hub.test"])
    return EngineWire(
        Engine(lui, side=Side.CALLING, server_name="hub.test"),
        Engine(generation, side=Side.ACCEPTING),
    )


def unreadable(*, collect: bool) -> tuple[x509.Certificate, ...]:
    raise x509.InvalidVersion("9 is not a valid X509 version", 9)


def test_a_verified_chain_that_cannot_be_read_is_broken_not_secured(
    wire: EngineWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail closed: cryptography raises errors of several kinds, and not all are ValueError."""
    monkeypatch.setattr(wire.ends[Side.ACCEPTING], "_chain", unreadable)
    (event,) = wire.run().events[Side.ACCEPTING]
    assert isinstance(event, Broken)
    assert event.reasons == (UNREADABLE, "InvalidVersion")
    assert event.chain == ()


def test_only_the_first_alert_of_a_direction_is_kept(generation: TrustGeneration) -> None:
    engine = Engine(generation, side=Side.ACCEPTING)
    for number in (0, 90, 48, 40):
        engine.saw_alert(number, from_peer=True)
    engine.saw_alert(116, from_peer=False)
    assert engine._alerts == {True: "unknown_ca", False: "certificate_required"}


def test_a_goodbye_before_an_odd_end_is_an_end(wire: EngineWire) -> None:
    """Java says user_canceled, then close_notify: nothing was refused."""
    wire.run()
    engine = wire.ends[Side.ACCEPTING]
    assert isinstance(engine, Engine)
    engine.saw_alert(90, from_peer=True)
    engine._fail(())
    assert engine.events() == [Ended(orderly=True)]


def test_a_refusal_in_the_same_piece_comes_after_the_end_of_the_handshake(
    authority: ThrowAwayAuthority, stranger: ThrowAwayAuthority, generation: TrustGeneration
) -> None:
    identity = stranger.issue("lui.test", roles=[Component.LUI])
    lui = authority.generation(identity, own_name="lui.test", allowed=["hub.test"])
    calling, accepting = (
        Engine(lui, side=Side.CALLING),
        Engine(generation, side=Side.ACCEPTING),
    )
    events = EngineWire(calling, accepting).run().events[Side.CALLING]
    assert [type(event) for event in events] == [Secured, Broken]
