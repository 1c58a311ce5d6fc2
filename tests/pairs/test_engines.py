"""Two real engines on a wire in memory: every refusal, its alert in both directions, every cut."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from OpenSSL import SSL

from sottovoce.errors import LocalProtocolError
from sottovoce.testing import EngineWire, Line
from sottovoce.testing.playbook import (
    Begin,
    Bytes,
    EndOfStream,
    EngineActor,
    LocalBreach,
    Playbook,
    Speak,
)
from sottovoce.tls import AlpnPath, Arrived, Broken, Ended, Engine, PlainEngine, Secured, Side

Join = Callable[..., EngineWire]
C, A = Side.CALLING, Side.ACCEPTING

#: Records that OpenSSL sends after the handshake, naming sessions nobody keeps (tls.contexts).
TICKETS = 2


def broken(wire: EngineWire, side: Side) -> Broken:
    (found,) = [event for event in wire.events[side] if isinstance(event, Broken)]
    return found


def secured(wire: EngineWire, side: Side) -> Secured:
    (found,) = [event for event in wire.events[side] if isinstance(event, Secured)]
    return found


def data(wire: EngineWire, side: Side) -> bytes:
    return b"".join(event.data for event in wire.events[side] if isinstance(event, Arrived))


def records(stream: bytes) -> list[tuple[int, int, int]]:
    """Return (content type, start, end) of the TLS records in *stream*."""
    found, at = [], 0
    while at < len(stream):
        end = at + 5 + int.from_bytes(stream[at + 3 : at + 5], "big")
        found.append((stream[at], at, end))
        at = end
    return found


def test_two_partners_are_secured_with_tls_1_3(joined: Join, generations: SimpleNamespace) -> None:
    """W8: mutual TLS 1.3; each side has the other's verified chain."""
    wire = joined(generations.lui, generations.hub).run()
    for side, peer in ((C, generations.hub), (A, generations.lui)):
        event = secured(wire, side)
        assert event.chain[0] == peer.identity.chain[0]
        assert event.tunnel is not None
        assert event.tunnel.version == "TLSv1.3"
        assert event.path is AlpnPath.CALLS
        assert event.problems == ()
    assert secured(wire, A).asked_name == "hub.test"
    wire.ends[C].send(b"to the server")
    wire.ends[A].send(b"to the caller")
    wire.run()
    assert (data(wire, A), data(wire, C)) == (b"to the server", b"to the caller")


def test_the_key_exchange_is_hybrid(joined: Join, generations: SimpleNamespace) -> None:
    tunnel = secured(joined(generations.lui, generations.hub).run(), A).tunnel
    assert tunnel is not None
    assert tunnel.group == "X25519MLKEM768"


REFUSALS = [
    ("foreign_lui", A, "unknown_ca"),
    ("expired_lui", A, "certificate_expired"),
    ("without_certificate", A, "certificate_required"),
    ("distrusting", C, "unknown_ca"),
]


@pytest.mark.parametrize(("who", "refusing", "alert"), REFUSALS)
def test_the_right_alert_reaches_the_refused_side(
    who: str, refusing: Side, alert: str, joined: Join, generations: SimpleNamespace
) -> None:
    """Catalogue B.0: always flushed, in both directions."""
    wire = joined(getattr(generations, who), generations.hub).run()
    mine, theirs = broken(wire, refusing), broken(wire, refusing.other)
    assert mine.alert_sent == theirs.alert_received == alert
    assert mine.alert_received == theirs.alert_sent == ""
    assert not any(isinstance(event, Secured) for event in wire.events[refusing])
    assert not any(isinstance(event, Arrived) for event in wire.events[refusing.other])


def test_a_stranger_gets_an_alert_and_not_one_byte_more(
    joined: Join, generations: SimpleNamespace
) -> None:
    """W8: after the handshake's own flight only one record goes out, the alert."""
    wire = joined(generations.foreign_lui, generations.hub, from_calling=Line(held=True)).run()
    wire.lines[C].held = False
    wire.run()
    sent = bytes(wire.lines[A].sent)
    flight = records(sent)
    # ServerHello, ChangeCipherSpec, then encrypted records; the last of them is 2 bytes of alert,
    # a byte of type and a tag of 16.
    assert [kind for kind, *_ in flight[:2]] == [22, 20]
    _, start, end = flight[-1]
    assert end - start == 5 + 2 + 1 + 16
    assert end == len(sent)


def test_the_problems_of_the_chain_are_recorded(joined: Join, generations: SimpleNamespace) -> None:
    event = broken(joined(generations.foreign_lui, generations.hub).run(), A)
    assert [problem.number for problem in event.problems] == [19]  # its root came along
    assert event.chain[0] == generations.foreign_lui.identity.chain[0]
    assert (
        broken(joined(generations.expired_lui, generations.hub).run(), A).problems[0].number == 10
    )


def test_a_refused_caller_knows_that_its_own_side_was_complete(
    joined: Join, generations: SimpleNamespace
) -> None:
    """TLS 1.3: the refusal of its certificate reaches it afterwards."""
    event = broken(joined(generations.foreign_lui, generations.hub).run(), C)
    assert event.secured


@pytest.mark.parametrize("step", [1, 2, 7, 100, 1000])
def test_how_the_bytes_are_cut_changes_nothing(
    step: int, joined: Join, generations: SimpleNamespace
) -> None:
    lines = {"from_calling": Line(step=step), "from_accepting": Line(step=step)}
    wire = joined(generations.lui, generations.hub, **lines).run()
    wire.ends[C].send(b"x" * 3000)
    wire.run()
    assert data(wire, A) == b"x" * 3000
    assert secured(wire, C).chain


@pytest.mark.parametrize("side", Side)
def test_a_stream_cut_at_or_within_any_record_never_looks_complete(
    side: Side, joined: Join, generations: SimpleNamespace
) -> None:
    whole = joined(generations.lui, generations.hub).run()
    stream = bytes(whole.lines[side].sent)
    flight = records(stream) if side is C else records(stream)[:-TICKETS]
    places = {place for _, start, end in flight for place in (start, start + 3, end - 1)}
    name = "from_calling" if side is C else "from_accepting"
    for place in sorted(places):
        wire = joined(generations.lui, generations.hub, **{name: Line(cut=place)}).run()
        assert wire.events[side.other][-1] == Ended(orderly=False), place
        assert not any(isinstance(event, Secured) for event in wire.events[side.other])


@pytest.mark.parametrize("side", Side)
def test_a_stream_damaged_in_any_record_breaks(
    side: Side, joined: Join, generations: SimpleNamespace
) -> None:
    whole = joined(generations.lui, generations.hub).run()
    name = "from_calling" if side is C else "from_accepting"
    for kind, _, end in records(bytes(whole.lines[side].sent)):
        if kind == 20:
            continue  # ChangeCipherSpec means nothing in TLS 1.3 (RFC 8446 §5)
        seen = bytearray()

        def alter(part: bytes, last: int = end - 1, seen: bytearray = seen) -> bytes:
            at = last - len(seen)
            seen.extend(part)
            if 0 <= at < len(part):
                part = part[:at] + bytes([part[at] ^ 1]) + part[at + 1 :]
            return part

        wire = joined(generations.lui, generations.hub, **{name: Line(alter=alter)}).run()
        assert any(isinstance(event, Broken) for event in wire.events[side.other]), end


GARBAGE = [
    b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    b"\x16\x03\x01\xff\xff" + bytes(70_000),
    b"\x17\x03\x03\x00\x01x",
    b"\x15\x03\x03\x00\x02\x02\x28",
    b"GET / HTTP/1.1\r\n\r\n",
    b"SSH-2.0-x\r\n",
    bytes(100),
]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("side", Side)
def test_garbage_breaks_and_nothing_else(
    garbage: bytes, side: Side, generations: SimpleNamespace
) -> None:
    engine = Engine(generations.hub, side=side)
    assert Playbook(EngineActor(engine)) >> Begin() >> Bytes(garbage) << Broken >> Bytes(b"more")


def test_sixteen_megabytes_of_records_are_not_collected(generations: SimpleNamespace) -> None:
    """A stranger's garbage costs no memory: TLS breaks at its first record."""
    engine = Engine(generations.hub, side=A)
    engine.start()
    block = b"\x16\x03\x03\x40\x00" + bytes(2**14)
    for _ in range(1024):
        engine.receive_data(block)
    assert [type(event) for event in engine.events()] == [Broken]
    assert len(engine.data_to_send()) < 100


def test_an_engine_as_a_playbook(generations: SimpleNamespace) -> None:
    actor = EngineActor(Engine(generations.hub, side=A))
    assert (
        Playbook(actor) >> Begin() >> Speak(b"too early") << LocalBreach() >> EndOfStream()
        << Ended(orderly=False) >> EndOfStream()
    )  # fmt: skip
    assert actor.sent == b""


def test_an_orderly_end_is_told_from_a_bare_one(joined: Join, generations: SimpleNamespace) -> None:
    wire = joined(generations.lui, generations.hub).run()
    wire.ends[C].close()
    wire.run()
    assert wire.events[A][-1] == Ended(orderly=True)
    wire.ends[A].send(b"nobody reads this")
    wire.ends[A].close()
    wire.run()
    assert not any(isinstance(event, Broken) for event in wire.events[C])


def test_nothing_is_sent_before_the_handshake_is_complete(generations: SimpleNamespace) -> None:
    engine = Engine(generations.lui, side=C)
    engine.start()
    with pytest.raises(LocalProtocolError):
        engine.send(b"early")
    engine.close()
    assert engine.data_to_send().startswith(b"\x16\x03\x01")


def test_an_engine_needs_a_generation_or_a_context() -> None:
    with pytest.raises(TypeError):
        Engine(None, side=C)


def test_what_is_longer_than_a_chunk_arrives_whole(
    joined: Join, generations: SimpleNamespace
) -> None:
    wire = joined(generations.lui, generations.hub).run()
    body = bytes(range(256)) * 2048
    wire.ends[C].send(bytearray(body))
    wire.run()
    assert data(wire, A) == body


# The *why* path.


@pytest.mark.parametrize(
    ("who", "presented"),
    [("foreign_lui", True), ("expired_lui", True), ("lui", True)],
)
def test_on_the_why_path_any_certificate_is_collected_with_proof_of_its_key(
    who: str, presented: bool, joined: Join, generations: SimpleNamespace
) -> None:
    """DESIGN §4: the handshake completes in collect mode; the gate still has the last word."""
    caller = getattr(generations, who)
    wire = joined(caller, generations.hub, path=AlpnPath.WHY).run()
    event = secured(wire, A)
    assert event.path is AlpnPath.WHY
    assert event.chain[0] == caller.identity.chain[0]
    assert secured(wire, C).path is AlpnPath.WHY


def test_a_caller_without_a_certificate_may_ask_why(
    joined: Join, generations: SimpleNamespace
) -> None:
    wire = joined(generations.without_certificate, generations.hub, path=AlpnPath.WHY).run()
    event = secured(wire, A)
    assert event.path is AlpnPath.WHY
    assert event.chain == ()


def test_a_caller_that_distrusts_the_server_completes_the_why_path(
    joined: Join, generations: SimpleNamespace
) -> None:
    wire = joined(generations.distrusting, generations.hub, path=AlpnPath.WHY).run()
    assert secured(wire, C).chain[0] == generations.hub.identity.chain[0]
    assert secured(wire, C).problems


@pytest.mark.parametrize(
    ("offered", "path"),
    [
        ([b"sottovoce/1"], None),
        ([b"sottovoce-why/1"], AlpnPath.WHY),
        ([b"sottovoce/1", b"sottovoce-why/1"], None),
        ([b"sottovoce-why/1", b"sottovoce/1"], None),
        ([b"h2", b"http/1.1"], None),
        ([b"h2", b"sottovoce-why/1"], AlpnPath.WHY),
        ([b"sottovoce-why/2"], None),
        ([b"sottovoce-join/1"], AlpnPath.JOIN),
        ([b"sottovoce-join/1", b"sottovoce/1"], None),
        ([b"sottovoce-join/1", b"sottovoce-why/1"], AlpnPath.WHY),
        ([b"sottovoce-join/2"], None),
        ([b"sottovoce-lists/1"], AlpnPath.LISTS),
        ([b"sottovoce-lists/1", b"sottovoce/1"], None),
        ([b"sottovoce-lists/1", b"sottovoce-why/1"], AlpnPath.WHY),
    ],
)
def test_only_three_paths_collect_and_nothing_unknown_leads_there(
    offered: list[bytes], path: AlpnPath | None, generations: SimpleNamespace
) -> None:
    """ALPN tricks: whoever offers the normal path is verified, in whatever order."""
    engine = Engine(generations.foreign_lui, side=C)
    engine._connection.set_alpn_protos(offered)
    wire = EngineWire(engine, Engine(generations.hub, side=A, joinable=True)).run()
    completed = [event for event in wire.events[A] if isinstance(event, Secured)]
    assert [event.path for event in completed] == ([path] if path else [])
    if path is None:
        assert broken(wire, A).alert_sent == "unknown_ca"


def test_the_join_path_is_there_only_while_it_is_offered(
    joined: Join, generations: SimpleNamespace
) -> None:
    """Without an open invitation whoever wants to join is a stranger, and both sides see it."""
    wire = joined(generations.foreign_lui, generations.hub, path=AlpnPath.JOIN).run()
    assert secured(wire, C).path is AlpnPath.CALLS, "nobody agreed to the path offered"
    assert broken(wire, A).alert_sent == broken(wire, C).alert_received == "unknown_ca"


def test_the_join_path_gives_both_sides_what_the_other_presented(
    joined: Join, generations: SimpleNamespace
) -> None:
    """Neither knows the other's authority yet; keys are proved all the same."""
    options = {"path": AlpnPath.JOIN, "joinable": True}
    wire = joined(generations.distrusting, generations.hub, **options).run()
    for side, peer in ((C, generations.hub), (A, generations.distrusting)):
        assert secured(wire, side).path is AlpnPath.JOIN
        assert secured(wire, side).chain[0] == peer.identity.chain[0]


def test_the_join_path_is_not_for_who_has_no_key(
    joined: Join, generations: SimpleNamespace
) -> None:
    options = {"path": AlpnPath.JOIN, "joinable": True}
    wire = joined(generations.without_certificate, generations.hub, **options).run()
    assert broken(wire, A).alert_sent == "certificate_required"


def test_the_lists_path_is_for_anybody(joined: Join, generations: SimpleNamespace) -> None:
    """Without a certificate, and from somebody who trusts nobody there."""
    wire = joined(generations.without_certificate, generations.hub, path=AlpnPath.LISTS).run()
    assert secured(wire, C).path is secured(wire, A).path is AlpnPath.LISTS
    assert secured(wire, A).chain == ()


# What is not spoken.


def foreign_context(generations: SimpleNamespace, **versions: int) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    identity = generations.lui.identity
    context.use_privatekey(identity.key)
    context.use_certificate(identity.chain[0])
    if "most" in versions:
        context.set_max_proto_version(versions["most"])
    return context


def drive(client: SSL.Connection, server: Engine) -> list[Any]:
    """Carry bytes between a foreign client and an engine until nothing moves."""
    server.start()
    events: list[Any] = []
    moved = True
    while moved:
        moved = False
        try:
            client.do_handshake()
            client.recv(2**14)
        except SSL.Error:
            pass
        try:
            server.receive_data(client.bio_read(2**16))
            moved = True
        except SSL.WantReadError:
            pass
        if out := server.data_to_send():
            client.bio_write(out)
            moved = True
        events += server.events()
    return events


def test_a_caller_without_alpn_is_on_the_normal_path(generations: SimpleNamespace) -> None:
    client = SSL.Connection(foreign_context(generations), None)
    client.set_connect_state()
    (event,) = drive(client, Engine(generations.hub, side=A))
    assert isinstance(event, Secured)
    assert event.path is AlpnPath.CALLS


def test_tls_1_2_is_refused_with_its_own_alert(generations: SimpleNamespace) -> None:
    """W8, catalogue X1."""
    client = SSL.Connection(foreign_context(generations, most=SSL.TLS1_2_VERSION), None)
    client.set_connect_state()
    (event,) = drive(client, Engine(generations.hub, side=A))
    assert isinstance(event, Broken)
    assert event.alert_sent == "protocol_version"
    assert "unsupported protocol" in event.reasons


def test_no_session_is_resumed(generations: SimpleNamespace) -> None:
    """R2: a resumed session would escape revocation and a removed root."""
    context = foreign_context(generations)
    first = SSL.Connection(context, None)
    first.set_connect_state()
    (event,) = drive(first, Engine(generations.hub, side=A))
    assert isinstance(event, Secured)
    session = first.get_session()
    assert session is not None
    second = SSL.Connection(context, None)
    second.set_session(session)
    second.set_connect_state()
    (again,) = drive(second, Engine(generations.hub, side=A))
    assert isinstance(again, Secured)
    assert again.chain == event.chain, "the certificate was presented and verified again"


def test_a_plain_engine_passes_bytes_through() -> None:
    wire = EngineWire(PlainEngine(side=C), PlainEngine(side=A)).run()
    wire.ends[C].send(b"hello")
    wire.run()
    wire.lines[C].cut = 5
    wire.run()
    assert wire.events[A] == [
        Secured(chain=(), tunnel=None),
        Arrived(data=b"hello"),
        Ended(orderly=True),
    ]
    wire.ends[A].close()
    wire.ends[A].receive_data(b"late")
    wire.ends[A].receive_eof()
    assert wire.ends[A].events() == []
