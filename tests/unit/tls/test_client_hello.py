"""Name and protocols of a ClientHello, as OpenSSL and as nobody sensible writes them."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from sottovoce.tls import ClientHello, client_hello


def asked_name(data: bytes) -> str | None:
    found = client_hello(data)
    return None if found is None else found.name


def hello(
    name: str = "", *, version: int = SSL.TLS1_3_VERSION, alpn: Sequence[bytes] = ()
) -> bytes:
    """Return OpenSSL's own ClientHello."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(version)
    connection = SSL.Connection(context, None)
    if name:
        connection.set_tlsext_host_name(name.encode("ascii"))
    if alpn:
        connection.set_alpn_protos(list(alpn))
    connection.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    return connection.bio_read(2**16)


HELLO = hello("hub.sottovoce.test")


def in_records(message: bytes, size: int) -> bytes:
    """Return a handshake message cut into records of *size* octets."""
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)


def made(extension: bytes, *, kind: int = 0) -> bytes:
    """Return a ClientHello with one extension."""
    extensions = kind.to_bytes(2, "big") + len(extension).to_bytes(2, "big") + extension
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0"
    body += len(extensions).to_bytes(2, "big") + extensions
    return in_records(b"\1" + len(body).to_bytes(3, "big") + body, 4096)


def listed(*names: tuple[int, bytes]) -> bytes:
    items = b"".join(bytes((kind,)) + len(n).to_bytes(2, "big") + n for kind, n in names)
    return len(items).to_bytes(2, "big") + items


@pytest.mark.parametrize("name", ["hub.test", "a.very.long.name." + "x" * 60 + ".test", "h"])
@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_the_name_is_what_openssl_was_told_to_ask_for(name: str, version: int) -> None:
    """W10."""
    assert asked_name(hello(name, version=version)) == name


def test_a_caller_that_asks_for_no_name_gets_the_default() -> None:
    assert asked_name(hello()) == ""


def test_the_name_is_compared_in_one_form() -> None:
    assert asked_name(hello("HUB.Test.")) == "hub.test"


def test_more_bytes_are_wanted_exactly_until_the_message_is_complete() -> None:
    for cut in range(len(HELLO)):
        assert asked_name(HELLO[:cut]) is None
    assert asked_name(HELLO) == "hub.sottovoce.test"
    assert asked_name(HELLO + b"anything behind it") == "hub.sottovoce.test"


def test_a_message_in_a_few_records_is_put_together() -> None:
    message = HELLO[5:]
    for size in (len(message), len(message) - 1, len(message) // 4 + 1):
        split = in_records(message, size)
        assert asked_name(split) == "hub.sottovoce.test"
        assert all(asked_name(split[:cut]) is None for cut in range(0, len(split), 7))


def test_a_message_in_many_crumbs_is_not_waited_for() -> None:
    assert asked_name(in_records(HELLO[5:], 16)) == ""


def test_a_message_that_announces_a_fortune_is_not_waited_for() -> None:
    assert asked_name(b"\x16\x03\x01\x40\x00\x01\xff\xff\xff") == ""


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"\x16\x02\x00\x00\x05hello",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
    ],
    ids=["http", "alert", "version 2", "empty record", "ServerHello"],
)
def test_what_is_no_client_hello_asks_for_nothing(data: bytes) -> None:
    assert asked_name(data) == ""


@pytest.mark.parametrize(
    ("extension", "name"),
    [
        (listed((0, b"hub.test")), "hub.test"),
        (listed((7, b"other"), (0, b"hub.test")), "hub.test"),
        (listed((0, b"hub.test"), (0, b"second.test")), "hub.test"),
        (listed((7, b"other")), ""),
        (listed((0, b"127.0.0.1")), ""),
        (listed((0, b"*.hub.test")), ""),
        (listed((0, b"h\xc3\xbcb.test")), ""),
        (listed((0, b"hub.test\0.evil.test")), ""),
        (listed((0, b"")), ""),
        (b"", ""),
        (b"\0\x05\0\0\x09hub.test", ""),
    ],
)
def test_an_odd_list_of_names_never_raises(extension: bytes, name: str) -> None:
    assert asked_name(made(extension)) == name
    assert asked_name(made(extension, kind=16)) == ""


@pytest.mark.parametrize("offered", [[b"sottovoce-join/1"], [b"h2", b"sottovoce/1"]])
def test_the_protocols_are_those_that_openssl_was_told_to_offer(offered: list[bytes]) -> None:
    versions = ("TLS 1.3",)
    found = client_hello(hello("hub.test", alpn=offered))
    assert found == ClientHello("hub.test", tuple(offered), versions)
    assert client_hello(hello(alpn=offered)) == ClientHello("", tuple(offered), versions)


@pytest.mark.parametrize(
    ("extension", "protocols"),
    [
        (b"\0\5\2h2\1x", (b"h2", b"x")),
        (b"\0\0", ()),
        (b"", ()),
        (b"\0\5\2h2\\9x", ()),
        (b"\0\x50\2h2", ()),
    ],
)
def test_an_odd_list_of_protocols_never_raises(
    extension: bytes, protocols: tuple[bytes, ...]
) -> None:
    assert client_hello(made(extension, kind=16)) == ClientHello("", protocols, ("TLS 1.2",))


@given(data=st.binary(max_size=400))
def test_any_bytes_give_a_name_or_none(data: bytes) -> None:
    assert asked_name(data) in (None, "")
    assert asked_name(b"\x16\x03\x01" + data) in (None, "")


@given(at=st.integers(0, len(HELLO) - 1), octet=st.integers(0, 255))
def test_a_changed_octet_gives_a_host_name_nothing_or_a_wish_for_more(at: int, octet: int) -> None:
    name = asked_name(HELLO[:at] + bytes((octet,)) + HELLO[at + 1 :])
    assert name is None or len(name) <= 253


@pytest.mark.parametrize(
    ("most", "offered"),
    [
        (SSL.TLS1_2_VERSION, ("TLS 1.2",)),
        (SSL.TLS1_3_VERSION, ("TLS 1.3", "TLS 1.2")),
    ],
)
def test_the_versions_are_those_that_openssl_offers(most: int, offered: tuple[str, ...]) -> None:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_max_proto_version(most)
    connection = SSL.Connection(context, None)
    connection.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    found = client_hello(connection.bio_read(2**16))
    assert found is not None
    assert found.versions == offered


def test_versions_that_nobody_knows_are_passed_over() -> None:
    """RFC 8701: grease."""
    found = client_hello(made(b"\x06\x1a\x1a\x03\x04\x99\x99", kind=43))
    assert found is not None
    assert found.versions == ("TLS 1.3",)
