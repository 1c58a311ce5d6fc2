"""What is remembered of a lasting connection: its state, since when, and the last refusal."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from sottovoce.errors import ChannelError, ConnectFailed, Fault, HandshakeFailed, NotAdmitted
from sottovoce.net import Destination, PeerFacts, Trace
from sottovoce.net.posture import LONGEST_MESSAGE, MOST_NAMES, EdgeRecord, certificate_facts
from sottovoce.policy import Component, PeerIdentity
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.tls import Tunnel

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LUI, HUB = Component.LUI, Component.HUB


@dataclass
class HandClock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: int) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def record(clock: HandClock) -> EdgeRecord:
    return EdgeRecord(LUI, Destination(name="hub.test", port=1099, component=HUB), clock)


def identity(authority: ThrowAwayAuthority, name: str) -> PeerIdentity:
    return PeerIdentity.from_certificate(authority.issue(name).chain[0])


def facts(peer: PeerIdentity | None) -> PeerFacts:
    return PeerFacts(
        name="hub.test",
        identity=peer,
        tunnel=Tunnel(version="TLSv1.3", group="X25519", cipher="c") if peer else None,
        address="127.0.0.1:1",
        connection_id="c",
        version="1",
        generation=1,
    )


def refusal(code: str = "refused-by-peer", *, why: str = "It says no.") -> ChannelError:
    fault = Fault(code="not-in-allowed-list", why=why, hint="Add it.")
    return NotAdmitted("no", peer="hub.test", phase="greeting", faults=(fault,), code=code)


def test_before_the_first_attempt_nothing_is_known(record: EdgeRecord) -> None:
    posture = record.posture()
    assert (posture.state, posture.code, posture.since, posture.refusal) == ("down", "", None, None)
    assert (posture.name, posture.port) == ("hub.test", 1099)


def test_a_new_channel_does_not_end_the_time_for_which_the_connection_stands(
    record: EdgeRecord, clock: HandClock, authority: ThrowAwayAuthority
) -> None:
    """A renewed certificate is another certificate on the same connection."""
    own = identity(authority, "lui.test")
    first, second = identity(authority, "hub.test"), identity(authority, "hub.test")
    record.opened(facts(first), own)
    clock.advance(60)
    record.opened(facts(second), own)
    posture = record.posture()
    assert (posture.state, posture.since) == ("secured", START)
    assert posture.fingerprint == posture.known == second.fingerprint
    assert posture.expires == min(own.not_after, second.not_after)


def test_a_connection_that_was_lost_is_down_since_then_and_has_no_certificate_to_show(
    record: EdgeRecord, clock: HandClock, authority: ThrowAwayAuthority
) -> None:
    peer = identity(authority, "hub.test")
    record.opened(facts(peer), identity(authority, "lui.test"))
    lost = clock.advance(5)
    record.lost("the peer does not answer")
    clock.advance(5)
    error = ConnectFailed("Nothing there.", peer="hub.test", phase="c", code="connection-refused")
    record.failed(error, Trace(lambda: 0.0))
    posture = record.posture()
    assert (posture.state, posture.code, posture.since) == ("down", "connection-refused", lost)
    assert posture.message == "Nothing there."
    assert (posture.certificates, posture.fingerprint, posture.tls) == ((), "", "")
    assert posture.known == peer.fingerprint, "what it was is still known"
    assert posture.refusal is None, "nobody was there to refuse"


def test_a_refusal_is_remembered_with_who_refused_and_stays_when_it_is_over(
    record: EdgeRecord, clock: HandClock, authority: ThrowAwayAuthority
) -> None:
    other = authority.issue("other.test")
    trace = Trace(lambda: 0.0, chain=tuple(other.chain))
    record.failed(refusal(), trace)
    posture = record.posture()
    assert (posture.state, posture.code) == ("refused", "not-in-allowed-list")
    assert posture.called_certificate is not None
    assert posture.called_certificate.names == ("other.test",), "what was shown instead"
    assert posture.refusal is not None
    assert (posture.refusal.by, posture.refusal.next_step) == ("called", "Add it.")
    clock.advance(5)
    record.failed(refusal("name-mismatch"), trace)
    second = record.posture().refusal
    assert second is not None
    assert (second.by, second.at) == ("caller", clock.now)
    record.opened(facts(identity(authority, "hub.test")), identity(authority, "lui.test"))
    assert record.posture().refusal == second
    assert record.posture().code == ""


def test_a_plain_connection_has_no_certificate(record: EdgeRecord) -> None:
    record.opened(facts(None), None)
    posture = record.posture()
    assert (posture.state, posture.expires, posture.known) == ("plain", None, "")


def test_what_a_peer_says_is_bounded_and_printable(
    record: EdgeRecord, authority: ThrowAwayAuthority
) -> None:
    record.failed(refusal(why="a\nb" + "x" * 5000), Trace(lambda: 0.0))
    assert "\n" not in record.posture().message
    assert len(record.posture().message) <= LONGEST_MESSAGE + 10
    many = authority.issue("a.test", *(f"n{number}.test" for number in range(50)))
    found = certificate_facts(PeerIdentity.from_certificate(many.chain[0]))
    assert len(found.names) == MOST_NAMES + 1
    assert found.names[-1] == f"… and {51 - MOST_NAMES} more"


def test_a_handshake_that_broke_without_a_fault_has_the_error_s_own_code(
    record: EdgeRecord,
) -> None:
    record.failed(HandshakeFailed("It broke.", peer="hub.test", phase="tls"), Trace(lambda: 0.0))
    assert record.posture().code == HandshakeFailed.code
    assert record.posture().message == "It broke."
