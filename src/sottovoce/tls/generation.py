"""A trust generation: an immutable snapshot of everything that trust is decided by.

A generation is built and validated as a whole, then put in force by swapping one pointer
(``Trust``); a context in use is never changed (pyOpenSSL refuses it anyway once it was used).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPResponse
from OpenSSL import SSL

from sottovoce.errors import Fault, SettingsError
from sottovoce.ini import normalise_host_name
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.pki import Purpose, RevocationEvidence, dns_names, verify
from sottovoce.policy import AllowedClients, Component, PeerIdentity, stands_for
from sottovoce.tls.contexts import accepting_context, calling_context

__all__ = ["Face", "Trust", "TrustGeneration", "identity_faults", "own_faults"]


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One of a server's identities, as it is shown to who calls (SPEC W10).

    Args:
        identity: its private key and chain.
        accepting: ready-made context that shows it.
        other: whether it is another than the server's default one.
    """

    identity: PrivateKeyEntry
    accepting: SSL.Context = field(repr=False)
    other: bool = False

    def announced(self, asked: str, own_name: str) -> str:
        """Return the name to introduce ourselves by: the one asked for, where it is ours.

        The default identity answers to other names only when it has ``own_name`` as well, so that
        a wrong ``ServerName`` does not go unnoticed. A name that only a wildcard covers is
        announced by nobody: the partner's gate wants it to the letter.
        """
        names = {_plain(name) for name in dns_names(self.identity.chain[0])}
        ours = self.other or _plain(own_name) in names
        return asked if ours and asked in names else own_name


def _plain(name: str) -> str:
    try:
        return normalise_host_name(name)
    except ValueError:
        return ""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrustGeneration:
    """One server's identity and whom it trusts; see :meth:`make`.

    Args:
        number: rises by one with every reload.
        own_name: the name by which this server introduces itself.
        identity: its private key and chain, leaf first.
        roots: trusted anchors.
        crls: revocation lists.
        answers: OCSP answers; with none and no list either, revocation is not checked.
        soft: let pass about whom lists and answers are silent.
        allowed: the allowed clients, checked on accept and on connect.
        hosts: the server on which each component of the installation is expected; a component
            without one may be announced by any allowed server whose certificate has its role.
        accepting: ready-made context for connections that come in.
        calling: ready-made context for connections that go out.
        others: further identities, shown to who asks for a name of theirs.
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
    others: tuple[Face, ...] = ()
    answers: tuple[OCSPResponse, ...] = ()
    soft: bool = False

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
        answers: tuple[OCSPResponse, ...] = (),
        soft: bool = False,
        others: Sequence[PrivateKeyEntry] = (),
    ) -> "TrustGeneration":
        """Build the contexts and the snapshot.

        Args:
            number, own_name, identity, roots, allowed, hosts, crls, answers, soft: as in the
                class.
            others: further identities; the one to show is chosen by the name asked for.

        Raises:
            SettingsError: OpenSSL refuses the key or a certificate as it is.
        """
        try:
            accepting = accepting_context(identity, roots, crls)
            calling = calling_context(identity, roots, crls)
            faces = [Face(each, accepting_context(each, roots, crls), True) for each in others]
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
            others=tuple(faces),
            answers=answers,
            soft=soft,
        )

    def face(self, asked: str) -> Face:
        """Return what to show to a caller that asks for the name *asked*.

        The identity for ``own_name`` comes first, then the others in their order; when nobody has
        the name, or none is asked for, it is that first one, and the caller says what it misses.
        """
        own = Face(self.identity, self.accepting)
        if not self.others or not asked or stands_for(self.identity, asked):
            return own
        return next((face for face in self.others if stands_for(face.identity, asked)), own)

    @property
    def revocations(self) -> RevocationEvidence:
        """What is known of revoked certificates."""
        return RevocationEvidence(lists=self.crls, answers=self.answers, soft=self.soft)

    def says_the_same(self, other: "TrustGeneration") -> bool:
        """Tell whether *other* would decide, and show, nothing else than this generation."""
        return _word(self) == _word(other)

    @property
    def own_identity(self) -> PeerIdentity:
        """This server as its partners will see it."""
        return PeerIdentity.from_certificate(self.identity.chain[0])


@dataclass
class Trust:
    """The pointer to the generation in force; ``None`` means plain (no ``ssl.ini``, SPEC W3)."""

    current: TrustGeneration | None


def _word(generation: TrustGeneration) -> tuple[object, ...]:
    """Return everything that a generation decides by, and shows."""
    return (
        generation.own_name,
        generation.identity.chain,
        tuple(face.identity.chain for face in generation.others),
        frozenset(generation.roots),
        frozenset(crl.public_bytes(Encoding.DER) for crl in generation.crls),
        frozenset(answer.public_bytes(Encoding.DER) for answer in generation.answers),
        generation.soft,
        frozenset(generation.allowed.names),
        dict(generation.hosts),
    )


def own_faults(generation: TrustGeneration, *, at: datetime) -> tuple[Fault, ...]:
    """Return what partners would find wrong with this server's own certificate, before they do.

    Every server is both sides of TLS, so both purposes are asked (catalogue N1, T6, V1, X7). That
    the partners know the CA cannot be seen from here.
    """
    return identity_faults(
        generation.identity,
        name=generation.own_name,
        roots=generation.roots,
        crls=generation.revocations,
        at=at,
    )


def identity_faults(
    identity: PrivateKeyEntry,
    *,
    name: str | None,
    roots: tuple[x509.Certificate, ...],
    crls: RevocationEvidence,
    at: datetime,
) -> tuple[Fault, ...]:
    """Return what partners with the same roots would find wrong with *identity*.

    Args:
        identity: key and chain.
        name: that it must stand for; None for any.
        roots: this server's.
        crls: what it knows of revoked certificates.
        at: UTC.
    """
    faults: list[Fault] = []
    for purpose in (Purpose.SERVER, Purpose.CLIENT):
        verdict = verify(
            list(identity.chain), roots=roots, purpose=purpose, name=name, at=at, crls=crls
        )
        faults += [fault for fault in verdict.faults if fault.code not in {f.code for f in faults}]
    return tuple(faults)


def _reasons(error: SSL.Error) -> str:
    details = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(str(entry[-1]) for entry in details) or "no reason given"
