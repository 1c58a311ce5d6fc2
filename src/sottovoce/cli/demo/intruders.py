"""Four attempts to get in, over real sockets, with blocking sockets of their own.

An intruder speaks TLS by the same engine as everybody, but believes any server and keeps no rules.
It reports what it was told: the alert, and the codes when it asked why.
"""

import secrets
import socket
import time
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from OpenSSL import SSL

from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import utc_now
from sottovoce.pki import BACKDATE, Authority, KeyAlgorithm, generate_key
from sottovoce.rpc import Connection, Greeting, Speaks, State, WhyAnswer
from sottovoce.tls import AlpnPath, Arrived, Broken, Engine, Secured, Side, calling_context

__all__ = ["ATTEMPTS", "Attempt", "Encounter", "attempt_plain_text", "attempt_tls", "strangers_key"]

#: Seconds that an intruder waits for an answer.
_PATIENCE = 10.0

#: The attempts, in the order in which they are made.
ATTEMPTS = ("no certificate", "stranger's CA", "name not in the list", "plain text")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Where an intruder goes, and as whom.

    Args:
        name: one of :data:`ATTEMPTS`.
        address, port: of the server.
        server_name: the name asked for.
        identity: what it presents, or None.
    """

    name: str
    address: str
    port: int
    server_name: str
    identity: PrivateKeyEntry | None


@dataclass(frozen=True, slots=True)
class Encounter:
    """What became of an attempt.

    Args:
        admitted: whether the server said that the intruder may speak.
        from_port: its own port, by which the server's log line is found.
        told: what it was told, in order.
    """

    admitted: bool
    from_port: int
    told: tuple[str, ...]


def strangers_key(server_name: str) -> PrivateKeyEntry:
    """Return a key and certificate for *server_name* by an authority that nobody knows."""
    now, key = utc_now(), generate_key(KeyAlgorithm.EC_P256)
    authority = Authority.create_root(
        "A stranger's CA",
        key=generate_key(KeyAlgorithm.EC_P256),
        serial=secrets.randbits(120) + 1,
        not_before=now - BACKDATE,
        not_after=now + timedelta(days=2),
    )
    certificate = authority.issue(
        key.public_key(),
        names=[server_name],
        serial=secrets.randbits(120) + 1,
        not_before=now - BACKDATE,
        not_after=now + timedelta(days=1),
    )
    return PrivateKeyEntry(key, (certificate,))


def attempt_tls(attempt: Attempt) -> Encounter:
    """Try to get in over TLS; when refused by an alert, ask why."""
    from_port, told, admitted = _speak(attempt, AlpnPath.CALLS)
    if not admitted and any(item.startswith("alert ") for item in told):
        told += _speak(attempt, AlpnPath.WHY)[1]
    return Encounter(admitted, from_port, tuple(dict.fromkeys(told)))


def attempt_plain_text(attempt: Attempt) -> Encounter:
    """Try to get in as the components of the white paper's system spoke: Java RMI, unencrypted."""
    with socket.create_connection((attempt.address, attempt.port), timeout=_PATIENCE) as link:
        from_port: int = link.getsockname()[1]
        link.sendall(b"JRMI\x00\x02K")
        answer = _read_to_the_end(link)
    text = answer.decode("utf-8", "replace").strip()
    return Encounter("sottovoce:" not in text, from_port, (text,) if text else ())


def _speak(attempt: Attempt, path: AlpnPath) -> tuple[int, list[str], bool]:
    engine = Engine(
        None,
        side=Side.CALLING,
        server_name=attempt.server_name,
        path=path,
        context=_believing_anything(attempt.identity),
    )
    # Whatever the server presents is taken: this is the one who should not be let in.
    engine.collecting = True
    with socket.create_connection((attempt.address, attempt.port), timeout=_PATIENCE) as link:
        from_port: int = link.getsockname()[1]
        told, admitted = _converse(link, engine, path)
    return from_port, told, admitted


def _believing_anything(identity: PrivateKeyEntry | None) -> SSL.Context:
    roots: tuple[x509.Certificate, ...] = ()
    return calling_context(identity, roots)


def _converse(link: socket.socket, engine: Engine, path: AlpnPath) -> tuple[list[str], bool]:
    begins = State.WHY if path is AlpnPath.WHY else State.GREETING
    connection = Connection(Speaks.CALLING, begins)
    told: list[str] = []
    engine.start()
    until = time.monotonic() + _PATIENCE
    raw = bytearray()
    while time.monotonic() < until:
        link.sendall(engine.data_to_send())
        try:
            data = link.recv(2**14)
        except OSError:
            break
        if not data:
            break
        raw += data
        if raw.startswith(b"sottovoce"):
            return [raw.decode("utf-8", "replace").strip()], False
        engine.receive_data(data)
        for event in engine.events():
            match event:
                case Broken(alert_received=alert) if alert:
                    return [*told, f"alert {alert}"], False
                case Arrived(data=text):
                    found, admitted = _heard(connection, text)
                    told += found
                    if found or admitted:
                        return told, admitted
                case Secured() | _:
                    pass
    return told, False


def _heard(connection: Connection, data: bytes) -> tuple[list[str], bool]:
    """Return the codes that were told, and whether the server began to trust us."""
    told: list[str] = []
    for message in connection.receive_data(data):
        match message:
            case Greeting(verdict=reasons) | WhyAnswer(reasons=reasons):
                told += [reason.code for reason in reasons]
                if isinstance(message, Greeting) and not reasons:
                    return told, True
            case _:
                pass
    return told, False


def _read_to_the_end(link: socket.socket) -> bytes:
    answer = b""
    try:
        while data := link.recv(4096):
            answer += data
    except OSError:
        pass
    return answer
