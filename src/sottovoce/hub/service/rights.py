"""What an account may do, and the states it can be in; data only."""

from collections.abc import Iterable
from enum import StrEnum

from sottovoce.errors import AccountRefused

__all__ = ["AccountState", "Right", "parse_rights"]


class Right(StrEnum):
    """One thing that an account may do."""

    #: Define campaigns.
    DEFINE = "define"
    #: Authorise and deliver campaigns.
    DELIVER = "deliver"
    #: Read and download reports.
    REPORT = "report"
    #: Import recipients.
    IMPORT = "import"
    #: Change recipient lists.
    LISTS = "lists"
    #: Change text blocks that campaigns share.
    DROPINS = "dropins"
    #: Manage the accounts of the own group.
    GROUPADMIN = "groupadmin"
    #: Manage everything in HUB.
    ADMIN = "admin"


class AccountState(StrEnum):
    """Whether an account may log in."""

    ENABLED = "enabled"
    DISABLED = "disabled"


def parse_rights(names: Iterable[str]) -> frozenset[Right]:
    """Read rights by their names.

    Raises:
        AccountRefused: ``right-unknown``, naming every name that is none.
    """
    wanted = list(names)
    known = {right.value for right in Right}
    unknown = sorted(name for name in wanted if name not in known)
    if unknown:
        raise AccountRefused(
            f"No such right: {', '.join(unknown)}. Rights are {', '.join(Right)}.",
            hint="Name rights from that list, separated by commas.",
            code="right-unknown",
        )
    return frozenset(Right(name) for name in wanted)
