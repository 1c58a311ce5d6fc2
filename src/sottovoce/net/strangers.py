"""Who does not begin, answer or go on as a partner does: why, and the one readable line it gets.

Pure: first bytes, a first word or what TLS showed in; a refusal or nothing out (catalogue P1 to P3,
P7).
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from cryptography import x509

from sottovoce.errors import Fault, RemoteProtocolError
from sottovoce.net.telling import printable
from sottovoce.pki import name_fault
from sottovoce.policy import Component
from sottovoce.rpc import Hello
from sottovoce.tls import PLAIN_PREAMBLE, FirstBytes, Speaker

__all__ = [
    "FirstRefusal",
    "closed_early",
    "component_of",
    "foreign_in_tls",
    "gone",
    "protocol_fault",
    "refuse_first_answer",
    "refuse_first_bytes",
    "refused_without_reason",
    "silent",
    "speechless",
    "too_slow",
    "unknown_component",
]

#: What web clients offer (RFC 7301 §6, IANA's registry).
_WEB_PROTOCOLS = frozenset({b"h2", b"http/1.1", b"http/1.0"})

_PREAMBLE = PLAIN_PREAMBLE.decode().rstrip()


@dataclass(frozen=True, slots=True)
class FirstRefusal:
    """Why a caller is refused before anything else, and what is sent to it (possibly nothing)."""

    fault: Fault
    answer: bytes = b""
    told: str = ""


def refuse_first_bytes(
    first: FirstBytes, *, secured: bool, address: str, port: int
) -> FirstRefusal | None:
    """Return why a caller that began with *first* is refused, or None when it may go on.

    Args:
        first: the guess about its first bytes.
        secured: whether this server is secured: then only TLS may go on, else only our preamble.
        address: ``host:port`` of the caller; port: ours.
    """
    if first.speaker is (Speaker.TLS if secured else Speaker.PLAIN):
        return None
    line = "sottovoce: this port speaks only to its partners, "
    line += "and only over mutual TLS." if secured else "and is not secured."
    match first.speaker:
        case Speaker.UNCLEAR:
            return FirstRefusal(_silent(first, address))
        case Speaker.TLS:
            # Our own preamble tells a secured partner what it has met.
            return FirstRefusal(_secured_partner(address), PLAIN_PREAMBLE, _PREAMBLE)
        case Speaker.HTTP:
            line = f"{line[:-1]}; HTTP belongs to the web port."
            return FirstRefusal(_http(first, address, port), _as_http(line), line)
        case Speaker.PLAIN:
            line += " Secure that server too: security is all or nothing."
            what = "an unsecured server of this kind"
        case _:
            what = "not one of ours"
    fault = Fault(
        code="plaintext-peer",
        why=(
            f"{address} spoke without encryption to port {port} "
            f"(first bytes “{first.shown}”: {what})."
        ),
        expected="TLS" if secured else _PREAMBLE,
        presented=first.shown,
        hint="Secure that server too; security is all or nothing.",
    )
    return FirstRefusal(fault, f"{line}\n".encode(), line)


def _silent(first: FirstBytes, address: str) -> Fault:
    return Fault(
        code="closed-early",
        why=f"{address} connected and closed again without saying what it wants.",
        expected="a TLS handshake, or a partner's first words",
        presented=first.shown or "no bytes",
        hint="A port scan or a health check, told in one line an address and minute; look there "
        "only if it is a partner.",
    )


def _secured_partner(address: str) -> Fault:
    return Fault(
        code="secured-caller",
        why=f"A secured partner called from {address}; this server is not secured.",
        expected="an unsecured partner",
        presented="a TLS handshake",
        hint="Write commands/ssl.ini here and restart, or take it away there.",
    )


def _http(first: FirstBytes, address: str, port: int) -> Fault:
    return Fault(
        code="http-peer",
        why=f"{address} spoke HTTP to port {port}.",
        expected="a partner of the installation",
        presented=first.shown,
        hint="Point it at the web port; this one is for the installation itself.",
    )


def _as_http(line: str) -> bytes:
    body = f"{line}\n"
    return (
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    ).encode()


def refuse_first_answer(first: FirstBytes, *, secured: bool, who: str) -> Fault | None:
    """Return why an answer that begins with *first* is not a partner's, or None when it is.

    Args:
        first: the guess about the first bytes that came back.
        secured: whether this server is secured: then only TLS will do, else only our preamble.
        who: whom we called, for the message.
    """
    expected = Speaker.TLS if secured else Speaker.PLAIN
    if first.speaker is expected:
        return None
    if first.speaker is Speaker.UNCLEAR:
        return Fault(
            code="closed-early",
            why=f"{who} closed the connection without a word.",
            expected="an answer",
            presented=first.shown or "no bytes",
            hint="Its security log has the reason, if it is one of ours.",
        )
    if secured and first.speaker is Speaker.PLAIN:
        return Fault(
            code="peer-not-secured",
            why=f"{who} answers without encryption: no ssl.ini there, or not restarted.",
            expected="TLS",
            presented=first.shown,
            hint="Secure that server too; security is all or nothing.",
        )
    if not secured and (first.speaker is Speaker.TLS or first.shown.startswith("sottovoce:")):
        return Fault(
            code="mode-mismatch",
            why=f"{who} is secured; this server is not.",
            expected="an unsecured partner",
            presented=first.shown,
            hint="Write commands/ssl.ini here and restart; security is all or nothing.",
        )
    return Fault(
        code="foreign-service",
        why=f"{who} answered “{first.shown}”: that is not one of ours.",
        expected="TLS" if secured else _PREAMBLE,
        presented=first.shown,
        hint="Check the host, and that the port is the right one there.",
    )


def refused_without_reason(teller: str) -> Fault:
    """Return the fault of a refusal that came without a code.

    Args:
        teller: who refused, for the message.
    """
    return Fault(
        code="refused-by-peer",
        why=f"{teller} refused this server and gave no reason.",
        expected="a reason with the refusal",
        presented="none",
        hint="Look into its security log, which has the reason.",
    )


def protocol_fault(error: RemoteProtocolError) -> Fault:
    """Return the fault of a peer that broke our protocol before it was admitted."""
    return Fault(
        code="protocol-error",
        why=f"The peer broke the protocol: {error.message}.",
        expected="the conversation of two servers of this installation",
        presented=error.message,
        hint="Update the older of the two servers; a stranger's program does not belong here.",
    )


def closed_early(phase: str, error: str) -> Fault:
    """Return the fault of a server that hung up in *phase*, with the system's words for it."""
    words = f" ({error})" if error else ""
    return Fault(
        code="closed-early",
        why=f"The connection ended in phase {phase}{words}.",
        expected="the other side's next word",
        presented=error or "the end of the connection",
        hint="The other side's security log has the reason, if it is one of ours.",
    )


def silent(phase: str) -> Fault:
    """Return the fault of a server that accepts connections and says nothing in *phase*."""
    return Fault(
        code="tls-not-started" if phase == "tls" else "phase-timeout",
        why=f"The other side accepts connections but is silent in phase {phase}.",
        expected="an answer within the time limit",
        presented="silence",
        hint="Look what owns that port: an overloaded server, a balancer, or something that is not "
        "one of ours.",
    )


def gone(address: str, phase: str, error: str) -> Fault:
    """Return the fault of a caller at *address* that hung up in *phase*."""
    words = f" ({error})" if error else ""
    return Fault(
        code="closed-early",
        why=f"{address} closed the connection in phase {phase}{words}.",
        expected="the caller's next word",
        presented=error or "the end of the connection",
        hint="Look at its log for the same minute, if it is a partner.",
    )


def too_slow(address: str, phase: str) -> Fault:
    """Return the fault of a caller at *address* that did not go on in *phase*."""
    return Fault(
        code="phase-timeout",
        why=f"{address} took too long in phase {phase}.",
        expected="the caller's next word within the time limit",
        presented="silence",
        hint="Look at its load, if it is a partner; it calls again by itself.",
    )


def component_of(hello: Hello | None) -> Component | None:
    """Return the component that a caller speaks for; None when it names none of ours."""
    try:
        return Component(hello.component) if hello is not None else None
    except ValueError:
        return None


def unknown_component(hello: Hello) -> tuple[Fault, ...]:
    """Return why a caller that speaks for no component of ours is refused; nothing for others."""
    if component_of(hello) is not None:
        return ()
    return (
        Fault(
            code="component-unexpected",
            why=f"The peer speaks for {printable(hello.component)!r}, which is no component.",
            expected=", ".join(Component),
            presented=printable(hello.component),
            hint="Update the older of the two servers.",
        ),
    )


def speechless(
    fault: Fault, *, asked: str, shown: x509.Certificate, offered: Collection[bytes]
) -> tuple[Fault, ...]:
    """Say more of a caller that completed TLS and then did not speak as a partner does.

    Args:
        fault: how it ended.
        asked: the name that it asked for, empty for none; shown: our certificate.
        offered: the protocols that it offered (ALPN).

    Returns:
        what goes before *fault*: that it speaks HTTP, or why it refused this server. curl and its
        like compare the name after TLS, and close without an alert.
    """
    wrong = name_fault(shown, asked) if asked and fault.code == "closed-early" else None
    if wrong is not None:
        why = f"It asked for {asked}, saw this server's certificate and went without a word: "
        hint = f"Let it call this server by a name of its certificate, or {_lower(wrong.hint)}"
        return (replace(wrong, why=f"{why}{_lower(wrong.why)}", hint=hint),)
    web = ", ".join(sorted(name.decode() for name in _WEB_PROTOCOLS.intersection(offered)))
    if not web:
        return ()
    http = Fault(
        code="http-peer",
        why=f"A caller with a good certificate speaks HTTP inside TLS (it offers {web}).",
        expected="a partner of the installation",
        presented=web,
        hint="Point it at the web port; this one is for the installation itself.",
    )
    return (http,)


def _lower(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"


def foreign_in_tls(who: str) -> Fault:
    """Return the fault of a server that speaks TLS, with a good certificate, and is not ours.

    It chose none of the protocols offered to it, which every server of ours does. A web server that
    uses the same keystore is the usual one (SPEC W12).

    Args:
        who: whom we called.
    """
    return Fault(
        code="foreign-service",
        why=f"{who} speaks TLS and shows a good certificate, but not our protocol: another service "
        "has that port, such as a web server with the same keystore.",
        expected="sottovoce/1",
        presented="no protocol chosen",
        hint="Check that the port is the internal one there, not that of its web pages.",
    )
