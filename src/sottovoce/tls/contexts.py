"""pyOpenSSL contexts: TLS 1.3 only, mutual, no resumption; every problem recorded.

A context holds no state of a connection: what its callbacks see they hand to the :class:`Observer`
that is the connection's app data.
"""

from enum import Enum
from typing import Protocol, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from OpenSSL import SSL, crypto

from sottovoce.keystore import PrivateKeyEntry
from sottovoce.tls.alerts import LEFT_TO_THE_GATE
from sottovoce.tls.evidence import Problem

__all__ = ["AlpnPath", "Observer", "accepting_context", "calling_context"]


class AlpnPath(Enum):
    """What a connection is for, as its ALPN protocol says (RFC 7301); the value stands in TLS."""

    #: The normal path: calls (DESIGN §4). Who offers no protocol is on it.
    CALLS = b"sottovoce/1"
    #: On which a refused caller may ask why.
    WHY = b"sottovoce-why/1"
    #: On which a new server asks for a certificate, by an invitation.
    JOIN = b"sottovoce-join/1"
    #: On which anybody may fetch the revocation lists in force, and nothing else.
    LISTS = b"sottovoce-lists/1"

    @property
    def collects(self) -> bool:
        """Whether the handshake completes whatever the certificates are like."""
        return self is not AlpnPath.CALLS


#: The longest chain that OpenSSL follows; RFC 5280 sets none, its own default is 100, browsers
#: meet no more than five. The same bound stands in ``pki``.
MAX_DEPTH = 8

#: OpenSSL's SSL_MODE_NO_AUTO_CHAIN: send what the key entry holds and nothing from the trust store,
#: so that a chain which works here works everywhere (catalogue T5, the trap).
_NO_AUTO_CHAIN = 0x8

#: The keys that serve (DESIGN §4): P-256 by default, RSA from 2048 bits, Ed25519.
_KEYS = (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey)

#: SSL_CB_ALERT and the direction bits of the info callback (ssl.h).
_CB_ALERT, _CB_READ = 0x4000, 0x04


class Observer(Protocol):
    """What a connection's app data must offer to the callbacks of its context."""

    collecting: bool

    def saw_problem(self, problem: Problem) -> None:
        """Record a problem of the chain."""

    def saw_unreadable(self, what: str) -> None:
        """Record that a certificate of the peer could not be read at all."""

    def saw_alert(self, number: int, *, from_peer: bool) -> None:
        """Record an alert, ours or the peer's."""

    def saw_protocols(self, offered: list[bytes]) -> bytes | None:
        """Choose one of the ALPN protocols offered, None for none of them."""


def _observer(connection: SSL.Connection) -> Observer:
    return cast(Observer, connection.get_app_data())


def _verified(
    connection: SSL.Connection, certificate: crypto.X509, number: int, depth: int, ok: int
) -> bool:
    """OpenSSL's question after each certificate.

    Nothing is raised in here: pyOpenSSL would keep it in the context, which all connections share.
    """
    if ok:
        return True
    observer = _observer(connection)
    try:
        readable = certificate.to_cryptography()
    except Exception as error:  # noqa: BLE001 - fail closed: cryptography raises errors of many kinds
        observer.saw_unreadable(type(error).__name__)
        return False
    observer.saw_problem(Problem(number=number, depth=depth, certificate=readable))
    return observer.collecting or number in LEFT_TO_THE_GATE


def _informed(connection: SSL.Connection, where: int, value: int) -> None:
    if where & _CB_ALERT:
        _observer(connection).saw_alert(value & 0xFF, from_peer=bool(where & _CB_READ))


def _choose(connection: SSL.Connection, offered: list[bytes]) -> bytes:
    chosen = _observer(connection).saw_protocols(offered)
    # pyOpenSSL's marker for "none of these, go on" is typed as an object.
    return SSL.NO_OVERLAPPING_PROTOCOLS if chosen is None else chosen  # type: ignore[return-value]


def _context(
    identity: PrivateKeyEntry | None,
    roots: tuple[x509.Certificate, ...],
    crls: tuple[x509.CertificateRevocationList, ...],
) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    # With both, the two tickets that OpenSSL sends all the same in TLS 1.3 (pyOpenSSL cannot set
    # their number) name sessions that nobody keeps: nothing is ever resumed.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
    context.set_mode(_NO_AUTO_CHAIN)
    context.set_verify_depth(MAX_DEPTH)
    if identity is not None:
        leaf, *rest = identity.chain
        if not isinstance(identity.key, _KEYS):
            raise SSL.Error([("", "", f"a {type(identity.key).__name__} is no key for TLS here")])
        context.use_privatekey(identity.key)
        context.use_certificate(leaf)
        for certificate in rest:
            context.add_extra_chain_cert(certificate)
        context.check_privatekey()
    store = context.get_cert_store()
    if store is None:  # pragma: no cover - pyOpenSSL types it so; a context always has one
        raise SSL.Error([("", "", "no certificate store")])
    flags = crypto.X509StoreFlags.PARTIAL_CHAIN
    for root in roots:
        store.add_cert(crypto.X509.from_cryptography(root))
    for crl in crls:
        store.add_crl(crl)
    if crls:
        flags |= crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.CRL_CHECK_ALL
    store.set_flags(flags)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _verified)
    context.set_info_callback(_informed)
    return context


def accepting_context(
    identity: PrivateKeyEntry,
    roots: tuple[x509.Certificate, ...],
    crls: tuple[x509.CertificateRevocationList, ...] = (),
) -> SSL.Context:
    """Return the context for connections that come in."""
    context = _context(identity, roots, crls)
    context.set_alpn_select_callback(_choose)
    return context


def calling_context(
    identity: PrivateKeyEntry | None,
    roots: tuple[x509.Certificate, ...],
    crls: tuple[x509.CertificateRevocationList, ...] = (),
) -> SSL.Context:
    """Return the context for connections that go out.

    Args:
        identity: None only for a probe that means to show that it is refused (the demonstration's
            intruder without a certificate).
    """
    return _context(identity, roots, crls)
