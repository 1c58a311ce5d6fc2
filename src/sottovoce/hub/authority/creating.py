"""The lower of the two authorities of an installation: made, renewed, replaced.

It lies in the home of HUB's server; each of these acts needs the root's key.
"""

import secrets
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509

from sottovoce.errors import IssuanceError, StoreError
from sottovoce.hub.authority import acts
from sottovoce.hub.authority.folder import AuthorityFolder
from sottovoce.hub.authority.index import Index, Issued, Kind, root_stem
from sottovoce.hub.authority.issuing import Issuer, issuing_folder
from sottovoce.hub.authority.lists import LIST_LIFETIME
from sottovoce.hub.authority.roots import (
    OpenRoot,
    certify,
    record_authority,
    sign_root_list,
    trust_root,
)
from sottovoce.pki import (
    Authority,
    KeyAlgorithm,
    common_name,
    display_name,
    fingerprint,
    generate_key,
    permitted_names,
)

__all__ = [
    "add_key",
    "check_own",
    "create_issuing",
    "renew_issuing",
    "replace_issuing",
    "revoke_issuing",
]


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
        authority, stem = certify(root, generate_key(KeyAlgorithm.EC_P256), names, now=now)
        staged.prepare()
        _fill(staged, authority, root, stem, now)
        staged.folder.rename(place)
    except OSError as error:
        shutil.rmtree(staged.folder, ignore_errors=True)
        raise StoreError(
            f"{place} cannot be made: {error.strerror}.", code="file-unwritable"
        ) from error
    except BaseException:
        shutil.rmtree(staged.folder, ignore_errors=True)
        raise
    return Issuer(AuthorityFolder(place), AuthorityFolder(place).password())


def _fill(
    staged: AuthorityFolder, authority: Authority, root: OpenRoot, stem: str, now: datetime
) -> None:
    password = staged.generate_password()
    staged.create(Kind.ISSUING, authority, password)
    with staged.locked():
        index = staged.index()
        index.roots = [trust_root(staged, root, stem)]
        index.signers = {index.current: [fingerprint(authority.certificate)]}
        staged.write_index(index)
        record_authority(staged, "create", authority, now)
        until = now + LIST_LIFETIME
        acts.sign_list(staged, index.current, password=password, now=now, until=until)


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

    In a rollover both keys get one, each from its own root.

    Args:
        root: of the issuing authority.
        issuer: which.
        names: instead of those that it has.
        now: UTC.

    Raises:
        IssuanceError: it is another root's, its certificate is revoked, or the rule that declines.
        StoreError: a file cannot be written.
    """
    folder = issuer.folder
    with folder.locked():
        index = folder.index()
        current = folder.authority(index.current, folder.password())
        check_own(root, current)
        acts.check_in_force(folder, current)
        wanted = permitted_names(current.certificate) if names is None else names
        coming = index.rollover.new_key if index.rollover is not None else index.current
        for stem in {index.current: None, coming: None}:
            _renew_key(root, folder, index, stem, wanted, now)
        folder.write_index(index)
    return issuer.certificate


def _renew_key(
    root: OpenRoot,
    folder: AuthorityFolder,
    index: Index,
    stem: str,
    names: Sequence[str],
    now: datetime,
) -> None:
    """Certify one of the issuing keys anew; in a rollover there is one under each root."""
    old = folder.authority(stem, folder.password())
    rollover = index.rollover
    above = rollover.root_key if rollover is not None and stem == rollover.new_key else ""
    authority, above = certify(
        root, old.key, names, called=common_name(old.certificate), stem=above, now=now
    )
    trust_root(folder, root, above)
    record_authority(folder, "renew", authority, now)
    folder.files(stem).store_certificates((authority.certificate, *authority.chain))
    index.signers[stem].append(fingerprint(authority.certificate))


def replace_issuing(
    root: OpenRoot,
    issuer: Issuer,
    names: Sequence[str] | None = None,
    *,
    now: datetime,
) -> x509.Certificate:
    """Make a new issuing key in place of one whose certificate was revoked.

    It signs at once. A key that is still good is replaced by a rollover only: partners need the
    new key's revocation list before they are shown the first certificate under it.

    Args:
        root: of the issuing authority.
        issuer: which.
        names: instead of those that it has.
        now: UTC.

    Raises:
        IssuanceError: it is another root's, its certificate is good, a rollover is under way, or
            the rule that declines.
        StoreError: a file cannot be written.
    """
    folder = issuer.folder
    with folder.locked():
        index = folder.index()
        current = folder.authority(index.current, folder.password())
        check_own(root, current)
        if index.rollover is not None or acts.revoked_at(folder, current) is None:
            raise IssuanceError(
                "The issuing certificate is good: partners would refuse certificates of another "
                "key until they have its revocation list.",
                hint="Replace it in order, with its root: sottovoce ca rollover. If the key was "
                "stolen, revoke it first: sottovoce ca revoke --issuing.",
                code="ca-rollover-order",
            )
        old = index.current
        wanted = permitted_names(current.certificate) if names is None else names
        index.current = add_key(root, folder, index, wanted, now=now)
        index.live.remove(old)
        folder.write_index(index)
    return issuer.certificate


def add_key(
    root: OpenRoot,
    folder: AuthorityFolder,
    index: Index,
    names: Sequence[str],
    *,
    stem: str = "",
    now: datetime,
) -> str:
    """Make and certify a new issuing key, and add it to *index*; return its stem.

    The caller holds the lock of the folder and writes the index: that is what makes it known.

    Args:
        root: under which.
        folder: HUB's.
        index: HUB's.
        names: that it may certify.
        stem: of the root's key; the current one without it.
        now: UTC.

    Raises:
        IssuanceError: the rule that declines.
        StoreError: a file cannot be written.
    """
    authority, above = certify(root, generate_key(KeyAlgorithm.EC_P256), names, stem=stem, now=now)
    copy = trust_root(folder, root, above)
    own = index.next_stem()
    folder.store(own, authority, folder.password())
    record_authority(folder, "add", authority, now)
    index.live.append(own)
    index.signers[own] = [fingerprint(authority.certificate)]
    if copy not in index.roots:
        index.roots.append(copy)
    return own


def revoke_issuing(
    root: OpenRoot, issuer: Issuer, typed: str, reason: x509.ReasonFlags, now: datetime
) -> list[Issued]:
    """Revoke an issuing key at the root, with every certificate that it has had.

    Everything below it is refused from the next list on. The list is given to HUB at once.

    Args:
        root: that certified it.
        issuer: HUB's; it may be this key's, or have a newer one already.
        typed: how the serial number of a certificate of it begins; empty for the only one in force.
        reason: RFC 5280 5.3.1.
        now: UTC.

    Raises:
        IssuanceError: there is none, or several and *typed* is empty.
        StoreError: it cannot be recorded, or the list cannot be stored.
    """
    folder = root.folder
    with issuer.folder.locked(), folder.locked():
        index = folder.index()
        chosen = _issuing_key(index, typed, now)
        found = [
            item
            for item in index.certificates
            if item.key_fingerprint == chosen and item.state(now) == "valid"
        ]
        for entry in found:
            acts.revoke(folder, index, entry, reason, now)
        for stem in {entry.issuer for entry in found}:
            sign_root_list(root, stem, now)
            (certificate, *_) = folder.files(stem).certificates()
            if root_stem(certificate) in issuer.folder.index().roots:
                trust_root(issuer.folder, root, stem)
        # Its new time is what tells a running HUB that a list has changed.
        issuer.folder.write_index(issuer.folder.index())
    return found


def _issuing_key(index: Index, typed: str, now: datetime) -> str:
    if typed:
        entry = index.find(typed)
        if not entry.authority:
            raise IssuanceError(
                f"Serial {entry.serial} is not that of an issuing certificate.",
                hint="Leave out --issuing.",
            )
        if entry.state(now) != "valid":
            raise IssuanceError(f"The issuing certificate {entry.serial} is {entry.state(now)}.")
        return entry.key_fingerprint
    keys = {
        item.key_fingerprint: item.serial
        for item in index.certificates
        if item.authority and item.state(now) == "valid"
    }
    if len(keys) != 1:
        listed = ", ".join(keys.values()) or "none"
        raise IssuanceError(
            f"There is not exactly one issuing key in force under this root, but: {listed}.",
            hint="Give the serial number: sottovoce ca list --dir ROOT shows them.",
        )
    return next(iter(keys))


def check_own(root: OpenRoot, issuing: Authority, stem: str = "") -> None:
    """See that an issuing authority is under this root.

    Args:
        root: the folder.
        issuing: HUB's.
        stem: of the root's key; the current one without it.

    Raises:
        IssuanceError: ``ca-other-root``.
        StoreError: the folder has no such key.
    """
    own = root.folder.files(stem or root.folder.index().current).certificates()[0]
    (above, *_) = issuing.chain
    if own != above:
        raise IssuanceError(
            f"The issuing authority '{display_name(issuing.certificate.subject)}' is under the "
            f"root '{display_name(above.subject)}' (SHA-256 {fingerprint(above)}), the root in "
            f"{root.folder.folder} is another one (SHA-256 {fingerprint(own)}).",
            hint="Give the folder of that root with --dir.",
            code="ca-other-root",
        )
