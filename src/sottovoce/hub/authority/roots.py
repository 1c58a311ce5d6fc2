"""The root of an installation: a folder outside every server home, opened a few times in ten years.

Its key signs issuing certificates and its own revocation list. Whatever it signs stands in its
index and audit log before it leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from sottovoce.hub.authority import acts
from sottovoce.hub.authority.folder import AuthorityFolder
from sottovoce.hub.authority.index import Index, Kind, entry_of, root_stem
from sottovoce.ini import Secret
from sottovoce.pki import (
    BACKDATE,
    INTERMEDIATE_LIFETIME,
    ROOT_LIFETIME,
    Authority,
    KeyAlgorithm,
    PrivateKey,
    common_name,
    display_name,
    fingerprint,
    generate_key,
    permitted_names,
    permitting,
)

__all__ = [
    "OpenRoot",
    "add_root",
    "certify",
    "create_root",
    "record_authority",
    "sign_root_list",
    "trust_root",
]

#: Longest part of a root's name that stands in the name of the authority below it, so that the
#: whole stays within the 64 characters of a common name (RFC 5280 appendix A.1).
_NAME_PART = 48


@dataclass(frozen=True, slots=True)
class OpenRoot:
    """The root's folder with the password of its key.

    Args:
        folder: of a root.
        password: of its keys.
    """

    folder: AuthorityFolder
    password: Secret


def create_root(
    folder: AuthorityFolder,
    name: str,
    *,
    password: Secret | None = None,
    algorithm: KeyAlgorithm = KeyAlgorithm.EC_P256,
    lifetime: timedelta = ROOT_LIFETIME,
    now: datetime,
) -> Authority:
    """Make a root in a folder of its own.

    Args:
        folder: empty, or not there yet.
        name: its common name.
        password: of its key; None has one generated into the folder.
        algorithm: of its key.
        lifetime: from the begin of its validity, :data:`BACKDATE` ago.
        now: UTC.

    Raises:
        IssuanceError: the rule of the profile that declines.
        StoreError: there is an authority, or a file cannot be written.
    """
    authority = _new_root(name, algorithm=algorithm, lifetime=lifetime, now=now)
    folder.prepare()
    folder.create(Kind.ROOT, authority, password or folder.generate_password())
    certificate = authority.certificate
    with folder.locked():
        folder.record(
            now,
            "create",
            name=display_name(certificate.subject),
            fingerprint=fingerprint(certificate),
            not_after=certificate.not_valid_after_utc.isoformat(),
        )
    return authority


def _new_root(
    name: str, *, algorithm: KeyAlgorithm, lifetime: timedelta, now: datetime
) -> Authority:
    """Make a root, in memory only.

    Raises:
        IssuanceError: the rule of the profile that declines.
    """
    begin = now - BACKDATE
    return Authority.create_root(
        name,
        key=generate_key(algorithm),
        serial=x509.random_serial_number(),
        not_before=begin,
        not_after=begin + lifetime,
    )


def add_root(
    root: OpenRoot,
    name: str,
    *,
    algorithm: KeyAlgorithm = KeyAlgorithm.EC_P256,
    now: datetime,
) -> str:
    """Make a second root in the folder; the first stays in force.

    A second root that an interrupted rollover left is taken instead.

    Args:
        root: the folder of the first.
        name: the common name of the second; another than the first has.
        algorithm: of its key.
        now: UTC.

    Returns:
        The stem of its files.

    Raises:
        IssuanceError: the rule of the profile that declines.
        StoreError: a file cannot be written.
    """
    folder = root.folder
    with folder.locked():
        index = folder.index()
        for stem in index.live:
            if stem != index.current:
                return stem
        authority = _new_root(name, algorithm=algorithm, lifetime=ROOT_LIFETIME, now=now)
        stem = index.next_stem()
        folder.store(stem, authority, root.password)
        record_authority(folder, "create", authority, now)
        index.live.append(stem)
        folder.write_index(index)
        sign_root_list(root, stem, now)
        return stem


def trust_root(folder: AuthorityFolder, root: OpenRoot, stem: str) -> str:
    """Copy a root's certificate and its list into HUB's folder; return the stem of the copies.

    Raises:
        StoreError: a file cannot be read or written.
    """
    source = root.folder.files(stem)
    certificates = source.certificates()
    crl = source.stored_list()
    assert crl is not None, "a root signs its list with each issuing certificate"
    copies = folder.files(root_stem(certificates[0]))
    copies.store_certificates(certificates)
    copies.store_list(crl)
    return copies.stem


def certify(
    root: OpenRoot,
    key: PrivateKey,
    names: Sequence[str],
    *,
    now: datetime,
    called: str = "",
    stem: str = "",
) -> tuple[Authority, str]:
    """Certify a key as an issuing authority: in the root's index before it leaves the root.

    The root's revocation list is signed with it and holds as long as the new certificate: the list
    speaks of issuing certificates only, and a shorter one would stop the whole installation on a
    day on which nothing else ends.

    Args:
        root: under which.
        key: of the issuing authority.
        names: that it may certify.
        now: UTC.
        called: the name that the key has already; a new one without it.
        stem: which of the root's keys signs; the current one without it.

    Returns:
        The issuing authority, and the stem of the root's key.

    Raises:
        IssuanceError: the rule that declines.
        StoreError: it cannot be recorded; then nothing leaves.
    """
    folder = root.folder
    with folder.locked():
        index = folder.index()
        stem = stem or index.current
        above = folder.authority(stem, root.password)
        authority = above.issue_intermediate(
            called or _called(above, index),
            key=key,
            serial=x509.random_serial_number(),
            not_before=now - BACKDATE,
            not_after=min(now + INTERMEDIATE_LIFETIME, above.certificate.not_valid_after_utc),
            constraints=permitting(names),
        )
        record_authority(folder, "sign", authority, now)
        index.certificates.append(entry_of(authority.certificate, issuer=stem, authority=True))
        folder.write_index(index)
        sign_root_list(root, stem, now)
        return authority, stem


def sign_root_list(root: OpenRoot, stem: str, now: datetime) -> x509.CertificateRevocationList:
    """Sign the list of a root; it holds until the last certificate that it speaks of has ended.

    Call it under the lock of the root's folder.

    Raises:
        StoreError: it cannot be recorded or stored.
    """
    ends = [
        item.not_after
        for item in root.folder.index().certificates
        if item.authority and item.issuer == stem and item.not_after > now
    ]
    until = max(ends, default=now + INTERMEDIATE_LIFETIME)
    return acts.sign_list(root.folder, stem, password=root.password, now=now, until=until)


def _called(root: Authority, index: Index) -> str:
    """Return a name that no issuing authority here had: lists are found by their issuer's name."""
    number = len({item.key_fingerprint for item in index.certificates if item.authority}) + 1
    return f"{common_name(root.certificate)[:_NAME_PART].rstrip()} issuing {number}"


def record_authority(
    folder: AuthorityFolder, action: str, authority: Authority, now: datetime
) -> None:
    """Write the making of an authority into a folder's audit log.

    Raises:
        StoreError: it cannot be written; the act must then not take place.
    """
    certificate = authority.certificate
    folder.record(
        now,
        action,
        name=display_name(certificate.subject),
        serial=f"{certificate.serial_number:x}",
        names=list(permitted_names(certificate)),
        fingerprint=fingerprint(certificate),
        not_after=certificate.not_valid_after_utc.isoformat(),
    )
