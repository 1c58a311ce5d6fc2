"""TLS without I/O: bytes in, bytes out, events; every alert reaches the bytes to send.

The engine owns one pyOpenSSL connection over memory BIOs. It knows no socket, no clock and no
policy: it reports what happened, and the gate decides. Why not asyncio's TLS: python/cpython#98078.
"""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cryptography import x509
from OpenSSL import SSL

from sottovoce.errors import LocalProtocolError
from sottovoce.tls.alerts import CLOSURE_ALERTS, alert_name
from sottovoce.tls.contexts import AlpnPath
from sottovoce.tls.evidence import Problem, Side, Tunnel
from sottovoce.tls.generation import TrustGeneration

__all__ = ["UNREADABLE", "Arrived", "Broken", "Ended", "Engine", "Event", "PlainEngine", "Secured"]

#: Our reason where a certificate of the peer is one for OpenSSL and none for ``cryptography``.
UNREADABLE = "a certificate cannot be read"

#: The most that one read of OpenSSL gives: one record (RFC 8446 §5.1).
RECORD = 2**14
#: Bytes moved out at once: below glibc's mmap threshold of 128 KiB, beyond which every buffer costs
#: page faults (shared measurements: half of the throughput).
CHUNK = 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured:
    """The handshake is complete on this side.

    Args:
        chain: verified chain, leaf first; in collect mode what the peer sent, verified or not.
        tunnel: what was agreed on; None on a plain connection.
        path: what both sides use the connection for; all but ``CALLS`` in collect mode.
        problems: what OpenSSL found and was told to pass over.
        asked_name: the server name that the caller asked for (SNI), on the accepting side.
        protocol: the one agreed on (ALPN); empty for none, which no server of ours answers with.
    """

    chain: tuple[x509.Certificate, ...]
    tunnel: Tunnel | None
    path: AlpnPath = AlpnPath.CALLS
    problems: tuple[Problem, ...] = ()
    asked_name: str = ""
    protocol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Application data from the peer."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """TLS failed; there may still be bytes to send (our alert).

    Args:
        problems: what OpenSSL found wrong with the peer's chain, in the order it met them.
        chain: the peer's certificates as far as they were followed, leaf first; unverified.
        alert_sent, alert_received: names of RFC 8446 §6, or empty.
        reasons: OpenSSL's own words.
        secured: whether the handshake had been complete on our side (TLS 1.3: a refusal of the
            caller's certificate reaches it afterwards).
    """

    problems: tuple[Problem, ...] = ()
    chain: tuple[x509.Certificate, ...] = ()
    alert_sent: str = ""
    alert_received: str = ""
    reasons: tuple[str, ...] = ()
    secured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The peer has said its last word: orderly (``close_notify``) or a bare end of the stream."""

    orderly: bool


Event: TypeAlias = Secured | Arrived | Broken | Ended


class Engine:
    """One end of one TLS connection.

    Args:
        generation: the trust generation in force when the connection began.
        side: ours.
        server_name: on the calling side, the name asked for (SNI).
        path: on the calling side, the one to offer.
        joinable: on the accepting side, whether a new server may take the *join* path.
        context: overrides the generation's; for strangers in tests and in the demonstration.

    Call :meth:`start`, then move bytes: :meth:`receive_data` and :meth:`receive_eof` in,
    :meth:`data_to_send` out, and read :meth:`events` after each. :meth:`send` once ``Secured``.
    """

    def __init__(
        self,
        generation: TrustGeneration | None,
        *,
        side: Side,
        server_name: str = "",
        path: AlpnPath = AlpnPath.CALLS,
        joinable: bool = False,
        context: SSL.Context | None = None,
    ) -> None:
        if context is None:
            if generation is None:
                raise TypeError("an Engine needs a generation or a context")
            calling = side is Side.CALLING
            context = generation.calling if calling else generation.accepting
        self.side = side
        self.collecting = path.collects
        self.secured = False
        self.over = False
        self._path = path
        self._joinable = joinable
        self._problems: list[Problem] = []
        self._alerts = {True: "", False: ""}
        self._events: list[Event] = []
        self._unreadable = ""
        self._closing = False
        self._connection = SSL.Connection(context, None)
        # Weak, so that a connection's memory goes with it and does not wait for the collector.
        self._connection.set_app_data(weakref.proxy(self))
        if side is Side.CALLING:
            self._connection.set_alpn_protos([path.value])
            if server_name:
                self._connection.set_tlsext_host_name(server_name.encode("ascii"))
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()

    # What the context's callbacks report (tls.contexts.Observer).

    def saw_problem(self, problem: Problem) -> None:
        """Record a problem of the peer's chain."""
        self._problems.append(problem)

    def saw_unreadable(self, what: str) -> None:
        """Record that a certificate of the peer could not be read at all."""
        self._unreadable = what

    def saw_alert(self, number: int, *, from_peer: bool) -> None:
        """Record the first alert of each direction that refuses something."""
        if number in CLOSURE_ALERTS:
            self._closing = self._closing or from_peer
        elif not self._alerts[from_peer]:
            self._alerts[from_peer] = alert_name(number)

    def saw_protocols(self, offered: Sequence[bytes]) -> bytes | None:
        """Choose the path by the ALPN protocols offered; this runs before the peer is judged."""
        path = next((path for path in AlpnPath if path.value in offered), None)
        if path is None or (path is AlpnPath.JOIN and not self._joinable):
            return None
        self._path = path
        self.collecting = path.collects
        if path in {AlpnPath.WHY, AlpnPath.LISTS}:
            # Who has no certificate may ask why: the answer is that it has none. Lists are public.
            self._connection.set_verify(SSL.VERIFY_PEER)
        return path.value

    # The five verbs.

    def start(self) -> None:
        """Begin; on the calling side there is then a ClientHello to send."""
        self._advance()

    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes from the peer; read :meth:`events` and :meth:`data_to_send` next."""
        if self.over:
            return
        view = memoryview(data)
        while view:
            view = view[self._connection.bio_write(view) :]
        self._advance()

    def receive_eof(self) -> None:
        """Take note that the peer will send no more."""
        if not self.over:
            self.over = True
            self._events.append(Ended(orderly=False))

    def events(self) -> list[Event]:
        """Return what has happened since the last call, oldest first."""
        events, self._events = self._events, []
        return events

    def send(self, data: bytes | bytearray) -> None:
        """Encrypt application data; fetch it with :meth:`data_to_send`."""
        if not self.secured:
            raise LocalProtocolError("application data before the handshake is complete")
        if self.over:
            return
        view = memoryview(data)
        while view:
            view = view[self._connection.send(view[:CHUNK]) :]

    def close(self) -> None:
        """Say ``close_notify``; fetch it with :meth:`data_to_send`."""
        if self.secured and not self.over:
            try:
                self._connection.shutdown()
            except SSL.Error:
                self.over = True

    def data_to_send(self) -> bytes:
        """Return the bytes that are due to the peer, alerts included."""
        parts: list[bytes] = []
        while not parts or len(parts[-1]) == CHUNK:
            try:
                parts.append(self._connection.bio_read(CHUNK))
            except SSL.WantReadError:
                break
        return parts[0] if len(parts) == 1 else b"".join(parts)

    # How it goes on.

    def _advance(self) -> None:
        try:
            if not self.secured:
                self._connection.do_handshake()
                self._complete()
            while True:
                self._events.append(Arrived(data=self._connection.recv(RECORD)))
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.over = True
            self._events.append(Ended(orderly=True))
        except SSL.Error as error:
            unreadable = (UNREADABLE, self._unreadable) if self._unreadable else ()
            self._fail((*unreadable, *_words(error)))
        except Exception as error:  # noqa: BLE001 - fail closed: a chain that cannot be read
            self._fail((UNREADABLE, type(error).__name__))

    def _complete(self) -> None:
        self.secured = True
        connection = self._connection
        self._events.append(
            Secured(
                chain=self._chain(collect=self.collecting),
                tunnel=Tunnel(
                    version=connection.get_protocol_version_name(),
                    group=connection.get_group_name() or "",
                    cipher=connection.get_cipher_name() or "",
                ),
                path=self._agreed_path(),
                problems=tuple(self._problems),
                asked_name=self._asked_name(),
                protocol=connection.get_alpn_proto_negotiated().decode("ascii", "replace"),
            )
        )

    def _agreed_path(self) -> AlpnPath:
        """The other side of a caller may have chosen no protocol: then it is the normal path."""
        if self._connection.get_alpn_proto_negotiated() == self._path.value:
            return self._path
        return AlpnPath.CALLS

    def _asked_name(self) -> str:
        if self.side is Side.CALLING:
            return ""
        return (self._connection.get_servername() or b"").decode("ascii", "replace")

    def _chain(self, *, collect: bool) -> tuple[x509.Certificate, ...]:
        connection = self._connection
        if not collect:
            return tuple(connection.get_verified_chain(as_cryptography=True) or ())
        sent = list(connection.get_peer_cert_chain(as_cryptography=True) or ())
        leaf = connection.get_peer_certificate(as_cryptography=True)
        if leaf is not None and (not sent or sent[0] != leaf):
            sent.insert(0, leaf)
        return tuple(sent)

    def _fail(self, reasons: tuple[str, ...]) -> None:
        self.over = True
        try:
            chain = self._chain(collect=False) or self._chain(collect=True)
        except Exception:  # noqa: BLE001 - it is reported as broken all the same
            chain = ()
        if self._closing and not (self._problems or any(self._alerts.values()) or reasons):
            self._events.append(Ended(orderly=True))
            return
        self._events.append(
            Broken(
                problems=tuple(self._problems),
                chain=chain,
                alert_sent=self._alerts[False],
                alert_received=self._alerts[True],
                reasons=reasons,
                secured=self.secured,
            )
        )


def _words(error: SSL.Error) -> tuple[str, ...]:
    details = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return tuple(str(entry[-1]) for entry in details if len(entry))


class PlainEngine:
    """The same verbs without TLS, for an installation that is not secured (SPEC W3).

    Bytes pass through. The preamble that marks a plain connection is spoken before (``net``).
    """

    collecting = False

    def __init__(self, *, side: Side) -> None:
        self.side = side
        self.secured = False
        self.over = False
        self._events: list[Event] = []
        self._out = bytearray()

    def start(self) -> None:
        """Be complete at once: there is nothing to negotiate and nobody is authenticated."""
        self.secured = True
        self._events.append(Secured(chain=(), tunnel=None))

    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes from the peer."""
        if not self.over:
            self._events.append(Arrived(data=bytes(data)))

    def receive_eof(self) -> None:
        """Take note that the peer will send no more."""
        if not self.over:
            self.over = True
            self._events.append(Ended(orderly=True))

    def events(self) -> list[Event]:
        """Return what has happened since the last call, oldest first."""
        events, self._events = self._events, []
        return events

    def send(self, data: bytes | bytearray) -> None:
        """Queue application data."""
        self._out += data

    def close(self) -> None:
        """Do nothing: the end of the stream says it."""

    def data_to_send(self) -> bytes:
        """Return the bytes that are due to the peer."""
        out, self._out = bytes(self._out), bytearray()
        return out
