"""What a host name looks like, and the one form in which two of them are compared.

Owns syntax and normalisation; refuses to resolve anything.
"""

import ipaddress
import re
import unicodedata

import idna

__all__ = ["is_ip_address", "normalise_host_name"]

#: RFC 1035 §2.3.4, without the trailing dot.
_LONGEST_NAME = 253
_LONGEST_LABEL = 63
#: LDH (RFC 952, RFC 1123 §2.1); the underscore occurs in practice and passes in TLS (catalogue N3).
_LABEL = re.compile(r"(?!-)[a-z0-9_-]+(?<!-)")


def normalise_host_name(text: str) -> str:
    """Return the form in which host names are compared (catalogue A4).

    Lower case, one trailing dot dropped, other scripts as IDNA 2008 A-labels (RFC 5891).

    Args:
        text: one name, without blanks, port or scheme.

    Raises:
        ValueError: it is no host name; the message is a phrase that says why (“is an IP address;
            …”) and never repeats the text.
    """
    if not text:
        raise ValueError("is empty")
    if len(text) > _LONGEST_NAME + 1:
        raise ValueError(f"is longer than the {_LONGEST_NAME} characters of a host name")
    _refuse_look_alikes(text)
    name = text.removesuffix(".")
    name = name.lower() if name.isascii() else _a_labels(name)
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"is longer than the {_LONGEST_NAME} characters of a host name")
    for label in name.split("."):
        _check_label(label)
    if name.rpartition(".")[2].isdigit():
        raise ValueError("ends in a number, as only an IP address does")
    return name


def is_ip_address(text: str) -> bool:
    """Return whether the text is an IPv4 or IPv6 address, in brackets or not."""
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _refuse_look_alikes(text: str) -> None:
    if is_ip_address(text.removesuffix(".")):
        raise ValueError(
            "is an IP address; servers are known by the DNS names in their certificates"
        )
    if "://" in text or "/" in text:
        raise ValueError("is an address of the web; only the host name belongs here")
    if ":" in text:
        raise ValueError("has a port; only the host name belongs here")
    if "*" in text:
        raise ValueError("has a wildcard; every server is named by itself")
    if any(char.isspace() for char in text):
        raise ValueError("has blanks")


def _a_labels(name: str) -> str:
    try:
        return idna.encode(unicodedata.normalize("NFC", name.lower())).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise ValueError("is no international host name (IDNA 2008)") from None


def _check_label(label: str) -> None:
    if not label:
        raise ValueError("has an empty part between two dots")
    if len(label) > _LONGEST_LABEL:
        raise ValueError(f"has a part longer than {_LONGEST_LABEL} characters")
    if not _LABEL.fullmatch(label):
        raise ValueError("has characters other than letters, digits and inner hyphens")
