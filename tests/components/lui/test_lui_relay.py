"""The relay's own encryption and log-in, which ssl.ini never touches (W7), and its failures."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from sottovoce.ini import Secret
from sottovoce.lui import LuiSettings, SmtpSecurity
from sottovoce.lui.relay import Handed, Relay, RelayDown

if TYPE_CHECKING:
    from tests.components.lui.conftest import Postbox

MAIL = b"From: a@example.org\r\nTo: b@example.org\r\n\r\n.leading dot\r\n"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def roots(authority: trustme.CA, tmp_path: Path) -> Path:
    file = tmp_path / "roots.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


@asynccontextmanager
async def listening(
    make: Callable[[], Any], context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def relay(port: int, **changes: object) -> Relay:
    settings = LuiSettings(
        hub_host="h", tracker_host="t", smtp_host="127.0.0.1", smtp_port=port, smtp_timeout=5.0
    )
    return Relay(replace(settings, **changes), own_name="lui.test")  # type: ignore[arg-type]


async def hand_over(given: Relay) -> Handed:
    session = await given.connect()
    try:
        return (await session.send("a@example.org", "b@example.org", MAIL)).handed
    finally:
        await session.aclose()


async def refused(given: Relay) -> RelayDown:
    with pytest.raises(RelayDown) as caught:
        await given.connect()
    return caught.value


async def test_starttls_with_trusted_roots_of_its_own(
    postbox: "Postbox", server_tls: ssl.SSLContext, roots: Path
) -> None:
    """W7."""
    async with listening(
        lambda: SMTP(postbox, hostname="x", tls_context=server_tls, require_starttls=True)
    ) as port:
        starttls = SmtpSecurity.STARTTLS
        given = relay(port, smtp_security=starttls, smtp_trusted_roots=roots)
        assert await hand_over(given) is Handed.ACCEPTED
        stranger = await refused(relay(port, smtp_security=starttls))
        assert stranger.code == "smtp-tls-failed"
        assert "SmtpTrustedRoots" in stranger.hint
    assert postbox.mails[0][1].endswith(b"\r\n\r\n.leading dot\r\n")


async def test_tls_from_the_first_byte(
    postbox: "Postbox", server_tls: ssl.SSLContext, roots: Path
) -> None:
    """W7."""
    async with listening(lambda: SMTP(postbox, hostname="x"), server_tls) as port:
        tls = SmtpSecurity.TLS
        assert (
            await hand_over(relay(port, smtp_security=tls, smtp_trusted_roots=roots))
            is Handed.ACCEPTED
        )
        assert (await refused(relay(port, smtp_security=tls))).code == "smtp-tls-failed"


async def test_a_relay_without_starttls_is_not_used_in_the_open(
    postbox: "Postbox", roots: Path
) -> None:
    async with listening(lambda: SMTP(postbox, hostname="x")) as port:
        given = relay(port, smtp_security=SmtpSecurity.STARTTLS, smtp_trusted_roots=roots)
        assert (await refused(given)).code == "smtp-tls-failed"
    assert postbox.mails == []


async def test_unreadable_roots_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"
    error = await refused(relay(1, smtp_security=SmtpSecurity.TLS, smtp_trusted_roots=missing))
    assert error.code == "smtp-tls-failed"
    assert str(missing) in error.message


async def test_a_log_in_that_is_refused_is_told_without_the_password(postbox: "Postbox") -> None:
    def check(*words: Any) -> AuthResult:
        data = words[-1]
        assert isinstance(data, LoginPassword)
        return AuthResult(success=data.password == b"right", handled=False)

    def server() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a log-in without TLS is unwise
            return SMTP(
                postbox,
                hostname="x",
                authenticator=check,
                auth_required=True,
                auth_require_tls=False,
            )

    async with listening(server) as port:
        right = relay(port, smtp_user="lui", smtp_password=Secret("right"))
        assert await hand_over(right) is Handed.ACCEPTED
        error = await refused(relay(port, smtp_user="lui", smtp_password=Secret("hunter2")))
    assert error.code == "smtp-login-refused"
    assert "'lui'" in error.message
    assert "hunter2" not in str(error)


class Grumpy(asyncio.Protocol):
    """Says one thing and hangs up."""

    def __init__(self, words: bytes) -> None:
        self.words = words

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.words)
        transport.close()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (b"554 go away\r\n", "smtp-refused"),
        (b"421 too busy\r\n", "smtp-refused"),
        (b"", "smtp-broken-off"),
    ],
)
async def test_a_relay_that_turns_us_away_at_the_door(words: bytes, code: str) -> None:
    async with listening(lambda: Grumpy(words)) as port:
        error = await refused(relay(port))
    assert error.code == code
    assert f"127.0.0.1:{port}" in error.message
    assert error.hint


async def test_nobody_listening_is_told_with_the_place() -> None:
    error = await refused(relay(1))
    assert (error.code, "127.0.0.1:1" in error.message) == ("smtp-refused", True)


class Talker(asyncio.Protocol):
    """Says yes to everything, and one reply of one's choice to a mail's end."""

    def __init__(self, last: bytes) -> None:
        self.last = last
        self.in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"220 hello\r\n")

    def data_received(self, data: bytes) -> None:
        if self.in_data:
            if data.endswith(b"\r\n.\r\n"):
                self.in_data = False
                self.transport.write(self.last)
        elif data.startswith(b"DATA"):
            self.in_data = True
            self.transport.write(b"354 go on\r\n")
        else:
            self.transport.write(b"250 ok\r\n")


@pytest.mark.parametrize(
    ("reply", "handed"),
    [
        (b"250 taken\r\n", Handed.ACCEPTED),
        (b"251 taken, in other words\r\n", Handed.BROKEN_IN_DATA),
        (b"354 what?\r\n", Handed.BROKEN_IN_DATA),
        (b"gibberish\r\n", Handed.BROKEN_IN_DATA),
        (b"421 later\r\n", Handed.DEFERRED),
        (b"554 spam\r\n", Handed.REFUSED),
    ],
)
async def test_only_a_clear_no_at_the_end_of_a_mail_may_be_tried_again(
    reply: bytes, handed: Handed
) -> None:
    """RFC 5321 §4.2.1: the first digit says whether it was taken; a mail goes out once."""
    async with listening(lambda: Talker(reply)) as port:
        assert await hand_over(relay(port)) is handed
