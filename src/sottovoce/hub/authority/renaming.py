"""A server's name in its certificates while it is renamed: first both, then the new one alone.

What is recorded in HUB's folder says what a renewal certifies instead of what the certificate in
use says; so the new name reaches the server with its next renewal, and only under its own key.
"""

from collections.abc import Sequence
from datetime import datetime

from sottovoce.errors import IssuanceError
from sottovoce.hub.authority.index import Index, Rename
from sottovoce.hub.authority.issuing import Issuer

__all__ = ["forget_rename", "names_without", "permits", "rename", "settle_rename"]


def permits(names: Sequence[str], name: str) -> bool:
    """Tell whether an authority that may certify *names* may certify a host name.

    RFC 5280 4.2.1.10: each of them, and every name below it.
    """
    return any(name == one or name.endswith(f".{one}") for one in names)


def names_without(names: Sequence[str], old: str, new: str) -> tuple[str, ...]:
    """Return what an authority is to certify so that it may certify *new* and not *old* any more.

    Args:
        names: that it may certify.
        old, new: host names in their normal form.

    Returns:
        Empty when there is no such set: *old* is permitted by a name above it, or not at all.
    """
    rest = [name for name in names if name != old]
    if not permits(rest, new):
        rest.append(new)
    return () if old not in names or permits(rest, old) else tuple(rest)


def rename(issuer: Issuer, old: str, new: str, *, alone: bool = False, now: datetime) -> None:
    """Have the server that is called *old* certified for *new* too from its next renewal on.

    Args:
        issuer: HUB's.
        old, new: host names in their normal form.
        alone: certify *new* instead of *old*, not beside it.
        now: UTC.

    Raises:
        IssuanceError: ``rename-order``: the new name is another server's, or may not be certified,
            or another server is being renamed.
        StoreError: it cannot be recorded; then nothing has changed.
    """
    with issuer.folder.locked():
        index = issuer.folder.index()
        _check(index, issuer, old, new, now)
        _record(issuer, index, Rename(old=old, new=new, begun=now, alone=alone), now)


def settle_rename(
    issuer: Issuer, fingerprint: str, *, proved: bool, now: datetime
) -> tuple[str, ...]:
    """Return what a server's next certificate is to say, when it does not say so yet.

    The renaming is over, and forgotten, when the renamed server has proved that it has the new
    name alone.

    Args:
        issuer: HUB's.
        fingerprint: SHA-256 of the certificate that the server has in use.
        proved: whether it has shown that certificate in TLS; else it only says so, and nobody's
            word ends the renaming of another.
        now: UTC.

    Raises:
        StoreError, CertificateFormatError: the authority's files cannot be read or written.
    """
    index = issuer.folder.index()
    if index.rename is None:
        return ()
    entry = next((one for one in index.certificates if one.fingerprint == fingerprint), None)
    if entry is None:
        return ()
    wanted = index.names_now(entry)
    if set(wanted) != set(entry.names):
        return wanted
    if proved and index.rename.alone and index.rename.new in entry.names:
        forget_rename(issuer, index.rename.old, index.rename.new, now=now)
    return ()


def forget_rename(issuer: Issuer, old: str, new: str, *, now: datetime) -> bool:
    """End a renaming, finished or not: renewals certify again what the certificate in use says.

    Returns:
        Whether there was one about these two names.

    Raises:
        StoreError: it cannot be recorded; then nothing has changed.
    """
    with issuer.folder.locked():
        index = issuer.folder.index()
        if index.rename is None or not index.rename.is_of(old, new):
            return False
        _record(issuer, index, None, now)
        return True


def _check(index: Index, issuer: Issuer, old: str, new: str, now: datetime) -> None:
    other = index.rename
    if other is not None and not other.is_of(old, new) and _goes_on(index, other, now):
        raise _refusal(
            f"{other.old} is being renamed to {other.new} at this time.",
            f"Finish that first: sottovoce rename {other.old} {other.new} --home HUBHOME; or take "
            f"it back: sottovoce rename {other.new} {other.old} --home HUBHOME. If that server is "
            f"gone: sottovoce ca revoke --server {other.old} --home HUBHOME",
        )
    if not permits(issuer.names, new):
        raise _refusal(
            f"HUB's issuing authority may not certify {new}, only {', '.join(issuer.names)} and "
            "names below them.",
            f"With the root: sottovoce ca issuing --add-host {new} --dir ROOT --home HUBHOME",
        )
    named = [one for one in index.certificates if new in one.names and one.state(now) == "valid"]
    taken_back = other is not None and (other.old, other.new) == (new, old)
    if named and not taken_back and not any(old in one.names for one in named):
        raise _refusal(
            f"A certificate in force (serial {named[0].serial}) is for {new}, and not for {old}: "
            "that is another server.",
            f"If that server is gone: sottovoce ca revoke --server {new} --home HUBHOME",
        )


def _goes_on(index: Index, other: Rename, now: datetime) -> bool:
    """Tell whether the server of another renaming is still there."""
    names = {other.old, other.new}
    return any(one.state(now) == "valid" and names & set(one.names) for one in index.certificates)


def _refusal(why: str, hint: str) -> IssuanceError:
    return IssuanceError(why, hint=hint, code="rename-order")


def _record(issuer: Issuer, index: Index, wanted: Rename | None, now: datetime) -> None:
    about = wanted or index.rename
    assert about is not None, "something begins or ends"
    state = "over" if wanted is None else "new name alone" if wanted.alone else "both names"
    issuer.folder.record(now, "rename", names=[about.old, about.new], state=state)
    index.rename = wanted
    issuer.folder.write_index(index)
