"""Authority: a small certificate authority, as a value.

Owns issuing, the rules by which it declines, and revocation lists. An authority holds its key and
keeps no count of what it has issued; serial numbers and dates arrive as arguments.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from sottovoce.errors import IssuanceError
from sottovoce.pki.constraints import Comparisons
from sottovoce.pki.examined import examine
from sottovoce.pki.keys import PrivateKey, key_weakness
from sottovoce.pki.names import UNREADABLE, display_name
from sottovoce.pki.profiles import ISSUING, ROOT, SERVER, Profile
from sottovoce.pki.requests import (
    alternative_names,
    check_numbers,
    day,
    hash_for,
    started,
    subject_for,
    subject_of,
    with_profile,
)

__all__ = ["Authority", "Revocation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """One line of a revocation list.

    Args:
        serial: of the certificate that is no longer good.
        date: since when, aware.
        reason: RFC 5280 5.3.1; ``unspecified`` is left out of the list, as there.
    """

    serial: int
    date: datetime
    reason: x509.ReasonFlags = x509.ReasonFlags.unspecified


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority: its certificate, its key, and the certificates above it.

    Args:
        certificate: of this authority.
        key: its private key; checked against the certificate.
        chain: the certificates above, nearest first, root last; empty for a root.
    """

    certificate: x509.Certificate
    key: PrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    def __post_init__(self) -> None:
        if self.key.public_key() != self.certificate.public_key():
            raise IssuanceError(
                f"The key does not belong to the certificate of "
                f"'{display_name(self.certificate.subject)}'.",
                hint="Give the key that was made with this certificate.",
            )

    def __repr__(self) -> str:
        return f"Authority({display_name(self.certificate.subject)})"

    @classmethod
    def create_root(
        cls,
        name: x509.Name | str,
        *,
        key: PrivateKey,
        serial: int,
        not_before: datetime,
        not_after: datetime,
        profile: Profile = ROOT,
    ) -> "Authority":
        """Make a root authority.

        Args:
            name: its distinguished name, or the common name alone.
            key: its private key.
            serial: positive, at most 20 octets.
            not_before: aware; set it :data:`BACKDATE` into the past.
            not_after: aware.
            profile: what the certificate contains.

        Raises:
            IssuanceError: the rule of the profile that declines.
        """
        subject = subject_of(name)
        if not subject.rdns:
            raise IssuanceError(
                "A certificate authority needs a name of 1 to 64 characters (RFC 5280 4.1.2.6)."
            )
        check_numbers(serial, not_before, not_after)
        public = key.public_key()
        _check_key(public, profile)
        _check_lifetime(not_before, not_after, profile)
        builder = started(subject, subject, public, (serial, not_before, not_after))
        builder = with_profile(builder, profile, public)
        own_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(public)
        builder = builder.add_extension(own_id, critical=False)
        return cls(builder.sign(key, hash_for(key)), key)

    def issue_intermediate(  # noqa: PLR0913 - one keyword for each field that the caller decides
        self,
        name: x509.Name | str,
        *,
        key: PrivateKey,
        serial: int,
        not_before: datetime,
        not_after: datetime,
        profile: Profile = ISSUING,
        constraints: x509.NameConstraints | None = None,
    ) -> "Authority":
        """Make an authority under this one.

        Args:
            name: its distinguished name, or the common name alone.
            key: the new authority's private key.
            serial: positive, at most 20 octets.
            not_before: aware.
            not_after: aware, not after this authority's own end.
            profile: what the certificate contains.
            constraints: the names that may be issued under it; critical, as RFC 5280 has it.

        Raises:
            IssuanceError: the rule of the profile that declines.
        """
        subject = subject_of(name)
        if not subject.rdns:
            raise IssuanceError(
                "A certificate authority needs a name of 1 to 64 characters (RFC 5280 4.1.2.6)."
            )
        self._check_may_issue(profile)
        public = key.public_key()
        _check_key(public, profile)
        builder = self._started(subject, public, profile, (serial, not_before, not_after))
        if constraints is not None:
            builder = builder.add_extension(constraints, critical=True)
        certificate = builder.sign(self.key, hash_for(self.key))
        return Authority(certificate, key, (self.certificate, *self.chain))

    def issue(  # noqa: PLR0913 - one keyword for each field that the caller decides
        self,
        public_key: CertificatePublicKeyTypes,
        *,
        subject: x509.Name | None = None,
        names: Iterable[str],
        roles: Iterable[str] = (),
        profile: Profile = SERVER,
        serial: int,
        not_before: datetime,
        not_after: datetime,
    ) -> x509.Certificate:
        """Issue a certificate for a server or a caller.

        Args:
            public_key: of the bearer.
            subject: the distinguished name; without one, the first DNS name as common name. An
                address is never made one: OpenSSL takes it for a host name when it compares with
                name constraints.
            names: DNS names and IP addresses as text.
            roles: URI names, e.g. ``urn:sottovoce:role:hub``.
            profile: what the certificate contains.
            serial: positive, at most 20 octets, never used before by this authority.
            not_before: aware; set it :data:`BACKDATE` into the past.
            not_after: aware, not after this authority's own end.

        Raises:
            IssuanceError: the rule of the profile that declines.
        """
        listed = list(names)
        if profile.names_required and not listed:
            raise IssuanceError(
                f"Profile '{profile.name}': at least one DNS name or address is required "
                "(RFC 9525: the common name is not looked at).",
                hint="Give the name by which partners call this server.",
            )
        self._check_may_issue(profile)
        _check_key(public_key, profile)
        entries = alternative_names(listed, roles)
        bearer = subject_for(listed) if subject is None else subject
        builder = self._started(bearer, public_key, profile, (serial, not_before, not_after))
        if entries:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(entries), critical=not bearer.rdns
            )
        certificate = builder.sign(self.key, hash_for(self.key))
        self._check_constraints(certificate)
        return certificate

    def sign_request(  # noqa: PLR0913 - one keyword for each field that the caller decides
        self,
        csr: x509.CertificateSigningRequest,
        *,
        names: Iterable[str] | None = None,
        roles: Iterable[str] = (),
        subject: x509.Name | None = None,
        profile: Profile = SERVER,
        serial: int,
        not_before: datetime,
        not_after: datetime,
    ) -> x509.Certificate:
        """Issue what a request asks for, after checking that its sender holds the key.

        Args:
            csr: the request; of its extensions only the DNS names and addresses are looked at.
            names: the names to certify instead of those in the request.
            roles: URI names; never taken from the request, because the requester does not decide
                what it may do.
            subject: the distinguished name instead of the request's.
            profile: what the certificate contains.
            serial: positive, at most 20 octets.
            not_before: aware.
            not_after: aware.

        Raises:
            IssuanceError: no proof of possession, or the rule of the profile that declines.
        """
        try:
            proved = csr.is_signature_valid
            public, own = csr.public_key(), csr.subject
        except UNREADABLE as error:
            raise IssuanceError(f"The request cannot be read: {error}.") from error
        if not proved:
            raise IssuanceError(
                "The request is not signed with the key that it is for (no proof of possession).",
                hint="Make the request again from the key entry.",
            )
        wanted = _requested_names(csr) if names is None else list(names)
        return self.issue(
            public,
            subject=(own if own.rdns else None) if subject is None else subject,
            names=wanted,
            roles=roles,
            profile=profile,
            serial=serial,
            not_before=not_before,
            not_after=not_after,
        )

    def issued_chain(self, certificate: x509.Certificate) -> tuple[x509.Certificate, ...]:
        """Return a certificate of this authority with all above it: leaf first, root last."""
        return (certificate, self.certificate, *self.chain)

    def revocation_list(
        self,
        revoked: Iterable[Revocation],
        *,
        this_update: datetime,
        next_update: datetime,
        number: int,
    ) -> x509.CertificateRevocationList:
        """Sign the complete list of what this authority has revoked.

        Args:
            revoked: every certificate that is no longer good and not yet expired.
            this_update: aware, the time of issue.
            next_update: aware, when partners stop relying on this list (catalogue R4).
            number: rises with every list (RFC 5280 5.2.3).

        Raises:
            IssuanceError: the list would end before it begins, or a serial stands twice.
        """
        if next_update <= this_update:
            raise IssuanceError("The revocation list would end before it begins.")
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(this_update.astimezone(UTC).replace(microsecond=0))
            .next_update(next_update.astimezone(UTC).replace(microsecond=0))
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(self._key_id(), critical=False)
        )
        seen: set[int] = set()
        for item in revoked:
            if item.serial in seen:
                raise IssuanceError(f"Serial {item.serial:x} stands twice in the list.")
            seen.add(item.serial)
            builder = builder.add_revoked_certificate(_entry(item))
        return builder.sign(self.key, hash_for(self.key))

    def _check_constraints(self, certificate: x509.Certificate) -> None:
        """Keep back a certificate that no partner would accept (RFC 5280 4.2.1.10)."""
        bearer, comparisons = examine(certificate), Comparisons()
        for above in (self.certificate, *self.chain):
            if problem := comparisons.problem(examine(above), bearer):
                raise IssuanceError(
                    f"'{display_name(above.subject)}' may not certify this: {problem}.",
                    hint="Extend its names under the root: sottovoce ca issuing --add-host NAME",
                    code="name-not-permitted",
                )

    def _key_id(self) -> x509.AuthorityKeyIdentifier:
        try:
            found = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except x509.ExtensionNotFound:
            return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value)

    def _started(
        self,
        subject: x509.Name,
        public: CertificatePublicKeyTypes,
        profile: Profile,
        numbers: tuple[int, datetime, datetime],
    ) -> x509.CertificateBuilder:
        check_numbers(*numbers)
        _check_lifetime(numbers[1], numbers[2], profile)
        own_end = self.certificate.not_valid_after_utc
        if numbers[2] > own_end:
            raise IssuanceError(
                f"Profile '{profile.name}': the certificate would end {day(numbers[2])}, its "
                f"authority ends {day(own_end)}.",
                hint="Ask for fewer days, or renew the authority.",
            )
        if subject == self.certificate.subject:
            raise IssuanceError(
                f"The name '{display_name(subject)}' is the authority's own.",
                hint="Give the server a name of its own.",
            )
        builder = started(subject, self.certificate.subject, public, numbers)
        builder = with_profile(builder, profile, public)
        return builder.add_extension(self._key_id(), critical=False)

    def _check_may_issue(self, profile: Profile) -> None:
        name = display_name(self.certificate.subject)
        try:
            basic = self.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        except x509.ExtensionNotFound:
            raise IssuanceError(f"'{name}' is no certificate authority.") from None
        if not basic.ca:
            raise IssuanceError(f"'{name}' is no certificate authority.")
        if not profile.authority or basic.path_length is None:
            return
        below = profile.path_length
        if basic.path_length == 0 or below is None or below >= basic.path_length:
            raise IssuanceError(
                f"Profile '{profile.name}': '{name}' may have {basic.path_length} authorities "
                f"below it (pathLenConstraint), this one asks for "
                f"{'any number' if below is None else below + 1}.",
                hint="Issue it from the root.",
            )


def _requested_names(csr: x509.CertificateSigningRequest) -> list[str]:
    try:
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    except UNREADABLE as error:
        raise IssuanceError(f"The request's names cannot be read: {error}.") from error
    addresses = [str(item) for item in names.get_values_for_type(x509.IPAddress)]
    return [*names.get_values_for_type(x509.DNSName), *addresses]


def _check_key(public: CertificatePublicKeyTypes, profile: Profile) -> None:
    if weakness := key_weakness(public):
        raise IssuanceError(
            f"Profile '{profile.name}': the key has {weakness}; RSA of at least 2048 bits, EC on "
            "P-256, P-384 or P-521, or Ed25519 is needed.",
            hint="Make a new key: sottovoce keytool -genkeypair -keyalg EC -groupname secp256r1.",
        )


def _check_lifetime(not_before: datetime, not_after: datetime, profile: Profile) -> None:
    if not_after - not_before > profile.longest:
        raise IssuanceError(
            f"Profile '{profile.name}': a life of {(not_after - not_before).days} days was asked "
            f"for, at most {profile.longest.days} are given.",
            hint="Ask for fewer days.",
        )


def _entry(item: Revocation) -> x509.RevokedCertificate:
    builder = (
        x509.RevokedCertificateBuilder()
        .serial_number(item.serial)
        .revocation_date(item.date.astimezone(UTC).replace(microsecond=0))
    )
    if item.reason is not x509.ReasonFlags.unspecified:
        builder = builder.add_extension(x509.CRLReason(item.reason), critical=False)
    return builder.build()
