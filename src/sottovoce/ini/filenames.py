"""The kinds of values that say where a password stands: never shown, as it may stand there itself.

Owns two kinds beside those of :mod:`sottovoce.ini.kinds`. Whoever mistakes such a key for the
password's own writes the password there; so no message repeats a value that is not right.
"""

from dataclasses import dataclass

from sottovoce.ini.kinds import AbsolutePath, Kind, Objection, Unfit

__all__ = ["CredentialName", "PasswordFile"]

#: NAME_MAX of Linux, which systemd sets for the names of credentials too.
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class PasswordFile(AbsolutePath):
    """The absolute path of a file with a password in it."""

    secret = True

    @property
    def label(self) -> str:
        return "an absolute path, beginning with /, of a file with the password in its first line"


@dataclass(frozen=True, slots=True)
class CredentialName(Kind[str]):
    """The name of a systemd credential, as ``LoadCredential=NAME:…`` in a unit gives it.

    The rule is systemd's own: printable ASCII without ``:`` that is also a file's name.
    """

    secret = True

    @property
    def label(self) -> str:
        return "the name of a systemd credential"

    def read(self, text: str) -> str:
        if text in {".", ".."} or not all("!" <= char <= "~" and char not in ":/" for char in text):
            raise Unfit(
                Objection(
                    why="is no name of a credential: those have visible ASCII characters without "
                    "“:” and “/”",
                    presented=text,
                )
            )
        if len(text) > _LONGEST:
            raise Unfit(Objection(why=f"has more than {_LONGEST} characters", presented=text))
        return text
