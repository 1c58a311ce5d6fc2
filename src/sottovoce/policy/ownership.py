"""Who may read a file with a password in it, decided on its mode and owner alone (catalogue K12).

Owns the rule and its wording; refuses to ask the file system.
"""

import shlex

from sottovoce.errors import Fault

__all__ = ["check_owner_only", "explain_mode"]

_ROOT = 0
_READ = 4
_WRITE = 2
_OTHERS = 0o007
_GROUP = 0o070
_GROUP_READ = 0o040
_OWNER_READ_WRITE = 0o600


def check_owner_only(
    *,
    file: str,
    mode: int,
    owner: int,
    process_owner: int,
    group_ok_for_root: bool = True,
) -> Fault | None:
    """Return the fault of a file that others than its owner can read or change (SPEC W20).

    Args:
        file: its path, for the message.
        mode: its mode as ``os.stat`` gives it; the file type bits do not matter.
        owner: the user id that owns it.
        process_owner: the user id of the service.
        group_ok_for_root: a file of root's may be readable by its group, the usual way to hand a
            secret to one service (cockroachdb/cockroach#61975).

    Returns:
        The fault ``file-not-owner-only``, or None when the file is private. Access lists beyond
        the mode are not looked at.
    """
    if owner not in {process_owner, _ROOT}:
        return Fault(
            code="file-not-owner-only",
            why=f"{file} holds a secret and belongs to user {owner}, who is not the service's "
            f"user {process_owner}.",
            expected=f"owner {process_owner}",
            presented=f"owner {owner}",
            hint=f"Run: chown {process_owner} {shlex.quote(file)}",
            file=file,
        )
    tolerated = _GROUP_READ if group_ok_for_root and owner == _ROOT else 0
    excess = mode & (_GROUP | _OTHERS) & ~tolerated
    if not excess:
        return None
    return Fault(
        code="file-not-owner-only",
        why=f"{file} holds a secret and {_who_may(excess)} (mode {mode & 0o777:04o}).",
        expected="mode 0600" if not tolerated else "mode 0600, or 0640 as root's",
        presented=f"mode {mode & 0o777:04o}",
        hint=explain_mode(file=file, mode=mode),
        file=file,
    )


def explain_mode(*, file: str, mode: int) -> str:
    """Return the command that makes a file private, as the next step of a message.

    Args:
        file: its path.
        mode: its present mode; the owner's right to write is kept as it is.
    """
    wanted = mode & _OWNER_READ_WRITE or _OWNER_READ_WRITE
    return f"Run: chmod {wanted:o} {shlex.quote(file)}"


def _who_may(excess: int) -> str:
    who, bits = ("everyone", excess) if excess & _OTHERS else ("its group", excess >> 3)
    verbs = [verb for verb, bit in (("read", _READ), ("change", _WRITE)) if bits & bit]
    return f"{who} may {' and '.join(verbs) or 'execute'} it"
