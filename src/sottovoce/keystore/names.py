"""Words that every format's reader needs: entries' names, notes, and the wrong password's hints.

Owns those three and nothing of any format.
"""

import unicodedata

from sottovoce.errors import Fault, IntegrityError, KeystoreFormatError

__all__ = ["Names", "near_passwords", "note", "unreadable", "wrong_password"]


def note(code: str, why: str, hint: str = "") -> Fault:
    """Return a warning: something odd that does not keep the store from being used."""
    return Fault(code=code, why=why, hint=hint, warning=True)


def unreadable(error: KeystoreFormatError) -> Fault:
    """Return the warning for a certificate in an intact store that cannot be used here."""
    return note(
        "keystore-certificate-unreadable",
        f"A certificate at octet {error.position} of {error.source} cannot be used here and is "
        f"passed over ({error.__cause__}); it is lost if the store is written again.",
    )


def near_passwords(password: str) -> list[tuple[str, str]]:
    """Return (what to say, variant) for passwords that are likely meant by *password*."""
    variants = [
        (
            "The password given ends or begins with a blank; without it, the store opens.",
            password.strip(),
        ),
        (
            "The password given holds backslashes; with each pair read as one, the store opens.",
            password.replace("\\\\", "\\"),
        ),
        (
            "The password given is in quotation marks; without them, the store opens.",
            password[1:-1] if password[:1] == password[-1:] and password[:1] in "\"'" else password,
        ),
        (
            "The store opens with the same letters in composed form (Unicode NFC).",
            unicodedata.normalize("NFC", password),
        ),
        (
            "The store opens with the same letters in decomposed form (Unicode NFD).",
            unicodedata.normalize("NFD", password),
        ),
    ]
    return [(text, variant) for text, variant in variants if variant != password]


def wrong_password(hint: str) -> IntegrityError:
    """Return the error for a MAC that does not fit; *hint* says what would."""
    return IntegrityError(
        "The password does not open the keystore. The file is well-formed, so the password is "
        "wrong or the file was altered.",
        hint=hint or "Check SSLKeystorePassword, or the password given to -storepass.",
        expected="the password with which the store was written",
        presented="another one, or an altered file",
    )


class Names:
    """Gives every entry a name of its own; those without one are numbered as Java does."""

    def __init__(self, notes: list[Fault]) -> None:
        self.taken: set[str] = set()
        self.notes = notes
        self.count = 0

    def take(self, name: str | None) -> str:
        if name is None:
            self.count += 1
            name = str(self.count)
        chosen, copy = name, 1
        while chosen in self.taken:
            copy += 1
            chosen = f"{name} ({copy})"
        if copy > 1:
            self.notes.append(
                note(
                    "keystore-alias-twice",
                    f"Two entries are named '{name}'; the later one is called '{chosen}' here, "
                    "Java sees the later one only.",
                )
            )
        self.taken.add(chosen)
        return chosen
