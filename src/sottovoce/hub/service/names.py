"""Names of accounts and groups: how they are compared, and which are taken."""

import re
import unicodedata
from dataclasses import dataclass

from sottovoce.errors import AccountRefused

__all__ = ["AccountName", "parse_name"]

_NAME = re.compile(r"[^\W_][\w.@+-]{0,63}")


@dataclass(frozen=True, slots=True)
class AccountName:
    """An account's name and its group's, both as stored; ``group`` is empty for none."""

    name: str
    group: str = ""

    def __str__(self) -> str:
        return f"{self.group}/{self.name}" if self.group else self.name


def parse_name(name: str, group: str = "") -> AccountName:
    """Read a name as people type it: compatibility forms and letter case make no difference.

    Raises:
        AccountRefused: ``account-name-bad``.
    """
    return AccountName(
        _stored(name, "An account's name"), _stored(group, "A group") if group else ""
    )


def _stored(text: str, what: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if _NAME.fullmatch(folded) is None:
        raise AccountRefused(
            f"{what} has 1 to 64 letters, digits or . _ @ + - and begins with a letter or digit; "
            f"{text[:80]!r} does not.",
            hint="Choose another name.",
            code="account-name-bad",
        )
    return folded
