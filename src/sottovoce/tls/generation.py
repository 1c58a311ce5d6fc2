"""A trust generation: an immutable snapshot of everything that trust is decided by.

A generation is built and validated as a whole, then put in force by swapping one pointer
(``Trust``); a context in use is never changed (pyOpenSSL refuses it anyway once it was used).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from cryptography import x509
from OpenSSL import SSL

from sottovoce.errors import Fault, SettingsError
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.pki import Purpose, verify
from sottovoce.policy import AllowedClients, Component, PeerIdentity
from sottovoce.tls.contexts import accepting_context, calling_context

__all__ = ["Trust", "TrustGeneration", "own_faults"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TrustGeneration:
    """One server's identity and whom it trusts; see :meth:`make`.

    Args:
        number: rises by one with every reload.
        own_name: the name by which this server introduces itself.
        identity: its private key and chain, leaf first.
        roots: trusted anchors.
        crls: revocation lists; with none, revocation is not checked.
        allowed: the allowed clients, checked on accept and on connect.
        hosts: the server on which each component of the installation is expected; a component
            without one may be announced by any allowed server whose certificate has its role.
        accepting: ready-made context for connections that come in.
        calling: ready-made context for connections that go out.
    """

    number: int
    own_name: str
    identity: PrivateKeyEntry
    roots: tuple[x509.Certificate, ...]
    crls: tuple[x509.CertificateRevocationList, ...]
    allowed: AllowedClients
    hosts: Mapping[Component, str]
    accepting: SSL.Context = field(repr=False)
    calling: SSL.Context = field(repr=False)

    @classmethod
    def make(  # noqa: PLR0913 - the parts of a generation; keyword-only
        cls,
        *,
        number: int,
        own_name: str,
        identity: PrivateKeyEntry,
        roots: tuple[x509.Certificate, ...],
        allowed: AllowedClients,
        hosts: Mapping[Component, str] = MappingProxyType({}),
        crls: tuple[x509.CertificateRevocationList, ...] = (),
    ) -> "TrustGeneration":
        """Build the contexts and the snapshot.

        Raises:
            SettingsError: OpenSSL refuses the key or a certificate as it is.
        """
        try:
            accepting = accepting_context(identity, roots, crls)
            calling = calling_context(identity, roots, crls)
        except SSL.Error as error:
            raise SettingsError(
                [
                    Fault(
                        code="keystore-key-mismatch",
                        why=f"OpenSSL refuses this server's key or certificate: {_reasons(error)}.",
                        hint="Check the key entry with 'sottovoce keytool -list -v'.",
                    )
                ]
            ) from error
        return cls(
            number=number,
            own_name=own_name,
            identity=identity,
            roots=roots,
            crls=crls,
            allowed=allowed,
            hosts=MappingProxyType(dict(hosts)),
            accepting=accepting,
            calling=calling,
        )

    @property
    def own_identity(self) -> PeerIdentity:
        """This server as its partners will see it."""
        return PeerIdentity.from_certificate(self.identity.chain[0])


@dataclass
class Trust:
    """The pointer to the generation in force; ``None`` means plain (no ``ssl.ini``, SPEC W3)."""

    current: TrustGeneration | None


def own_faults(generation: TrustGeneration, *, at: datetime) -> tuple[Fault, ...]:
    """Return what partners would find wrong with this server's own certificate, before they do.

    Every server is both sides of TLS, so both purposes are asked (catalogue N1, T6, V1, X7). That
    the partners know the CA cannot be seen from here.
    """
    leaf, *rest = generation.identity.chain
    faults: list[Fault] = []
    for purpose in (Purpose.SERVER, Purpose.CLIENT):
        verdict = verify(
            [leaf, *rest],
            roots=generation.roots,
            purpose=purpose,
            name=generation.own_name,
            at=at,
            crls=generation.crls,
        )
        faults += [fault for fault in verdict.faults if fault.code not in {f.code for f in faults}]
    return tuple(faults)


def _reasons(error: SSL.Error) -> str:
    details = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(str(entry[-1]) for entry in details) or "no reason given"
