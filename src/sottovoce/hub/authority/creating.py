"""Making the two authorities of an installation, and renewing the lower one.

The root lies in a folder outside every server home; its key is needed when the installation is
made, when its names change and every few years. The issuing authority lies in HUB's home.
"""

import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from sottovoce.errors import IssuanceError, StoreError
from sottovoce.hub.authority import acts
from sottovoce.hub.authority.folder import AuthorityFolder
from sottovoce.hub.authority.index import Index, Kind, entry_of
from sottovoce.hub.authority.issuing import LIST_LIFETIME, Issuer, issuing_folder
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

__all__ = ["OpenRoot", "create_issuing", "create_root", "new_root", "renew_issuing"]

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
    authority = new_root(name, algorithm=algorithm, lifetime=lifetime, now=now)
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


def new_root(
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


def create_issuing(root: OpenRoot, home: Path, names: Sequence[str], *, now: datetime) -> Issuer:
    """Make the issuing authority of an installation in the home of HUB's server.

    It is built beside its place and moved there when it is whole.

    Args:
        root: under which.
        home: of HUB's server; its folder ``hub`` is there.
        names: host names and addresses that it may certify, each host name with those below it.
        now: UTC.

    Raises:
        IssuanceError: the rule that declines.
        StoreError: the home has an authority already, or a file cannot be written.
    """
    place = issuing_folder(home)
    if AuthorityFolder(place).exists:
        raise StoreError(
            f"{place} holds an issuing authority already; it is left as it is.",
            hint="Renew it or extend its names: sottovoce ca issuing.",
            code="ca-exists",
        )
    staged = AuthorityFolder(place.with_name(f".ca.{secrets.token_hex(4)}.tmp"))
    try:
        authority, index = _certified(root, generate_key(KeyAlgorithm.EC_P256), names, now=now)
        staged.prepare()
        _fill(staged, authority, root, index, now)
        staged.folder.rename(place)
    except OSError as error:
        shutil.rmtree(staged.folder, ignore_errors=True)
        raise StoreError(f"{place} cannot be made: {error.strerror}.") from error
    except BaseException:
        shutil.rmtree(staged.folder, ignore_errors=True)
        raise
    return Issuer(AuthorityFolder(place), AuthorityFolder(place).password())


def _fill(
    staged: AuthorityFolder, authority: Authority, root: OpenRoot, above: Index, now: datetime
) -> None:
    password = staged.generate_password()
    staged.create(Kind.ISSUING, authority, password)
    with staged.locked():
        index = staged.index()
        index.roots = [trust_root(staged, root, above.current)]
        staged.write_index(index)
        _record(staged, "create", authority, now)
        until = now + LIST_LIFETIME
        acts.sign_list(staged, index.current, password=password, now=now, until=until)


def trust_root(folder: AuthorityFolder, root: OpenRoot, stem: str) -> str:
    """Copy a root's certificate and its list into HUB's folder; return the stem of the copies.

    Raises:
        StoreError: a file cannot be read or written.
    """
    source = root.folder.files(stem)
    certificates = source.certificates()
    crl = source.stored_list()
    assert crl is not None, "a root signs its list with each issuing certificate"
    copies = folder.files(f"root-{fingerprint(certificates[0]).replace(':', '')[:8].lower()}")
    copies.store_certificates(certificates)
    copies.store_list(crl)
    return copies.stem


def renew_issuing(
    root: OpenRoot,
    issuer: Issuer,
    names: Sequence[str] | None = None,
    *,
    now: datetime,
) -> x509.Certificate:
    """Give the issuing authority a new certificate of the same key, for more names if wanted.

    Serial numbers and the index go on. What was issued before stays good: it carries the older
    certificate, which holds until its own end.

    Args:
        root: of the issuing authority.
        issuer: which.
        names: instead of those that it has.
        now: UTC.

    Raises:
        IssuanceError: it is another root's, or the rule that declines.
        StoreError: a file cannot be written.
    """
    with issuer.folder.locked():
        index = issuer.folder.index()
        current = issuer.folder.authority(index.current, issuer.folder.password())
        _check_own(root, current)
        wanted = permitted_names(current.certificate) if names is None else names
        authority, above = _certified(
            root, current.key, wanted, now=now, called=common_name(current.certificate)
        )
        trust_root(issuer.folder, root, above.current)
        _record(issuer.folder, "renew", authority, now)
        files = issuer.folder.files(index.current)
        files.store_certificates((authority.certificate, *authority.chain))
        issuer.folder.write_index(index)
    return authority.certificate


def _check_own(root: OpenRoot, issuing: Authority) -> None:
    own = root.folder.files(root.folder.index().current).certificates()[0]
    (above, *_) = issuing.chain
    if own != above:
        raise IssuanceError(
            f"The issuing authority '{display_name(issuing.certificate.subject)}' is under the "
            f"root '{display_name(above.subject)}' (SHA-256 {fingerprint(above)}), the root in "
            f"{root.folder.folder} is another one (SHA-256 {fingerprint(own)}).",
            hint="Give the folder of that root with --dir.",
            code="ca-other-root",
        )


def _certified(
    root: OpenRoot, key: PrivateKey, names: Sequence[str], *, now: datetime, called: str = ""
) -> tuple[Authority, Index]:
    """Certify a key as an issuing authority: in the root's index before it leaves the root.

    The root's revocation list is signed with it and holds as long as the new certificate: the list
    speaks of issuing certificates only, and a shorter one would stop the whole installation on a
    day on which nothing else ends.
    """
    folder = root.folder
    with folder.locked():
        index = folder.index()
        above = folder.authority(index.current, root.password)
        authority = above.issue_intermediate(
            called or _called(above, index),
            key=key,
            serial=x509.random_serial_number(),
            not_before=now - BACKDATE,
            not_after=min(now + INTERMEDIATE_LIFETIME, above.certificate.not_valid_after_utc),
            constraints=permitting(names),
        )
        _record(folder, "sign", authority, now)
        index.certificates.append(
            entry_of(authority.certificate, issuer=index.current, authority=True)
        )
        folder.write_index(index)
        sign_root_list(root, index.current, now)
        return authority, folder.index()


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
    """Return a name that no issuing authority under this root had: each key has its own."""
    number = len({item.key_fingerprint for item in index.certificates if item.authority}) + 1
    return f"{common_name(root.certificate)[:_NAME_PART].rstrip()} issuing {number}"


def _record(folder: AuthorityFolder, action: str, authority: Authority, now: datetime) -> None:
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
