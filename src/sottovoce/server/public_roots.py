"""The public roots that the operating system trusts, under names that a person can read (SPEC W16).

The list is Mozilla's, as the system's packages keep it; none is shipped with this program. Only
what can be a root today is taken. Importing them means that partners may have certificates of any
public CA; who of them may speak is still said by ``SSLAllowedClients``.
"""

import re
import unicodedata
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from sottovoce.errors import CertificateFormatError, WrongUsage
from sottovoce.pki import fingerprint, load_certificates, short_name

__all__ = ["SYSTEM_LISTS", "PublicRoots", "read_public_roots", "system_list"]

#: Where the systems keep the list: Debian, Red Hat, SUSE, Alpine and the BSDs, macOS.
SYSTEM_LISTS = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
    Path("/etc/ssl/cert.pem"),
)

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_LONGEST_ALIAS = 60
#: The lists in use have 150 entries and 220 KB.
_LARGEST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicRoots:
    """What a system's list gives.

    Args:
        source: the file.
        entries: alias → root, in the order of the file.
        left_out: one line for each certificate that was not taken, with the reason.
    """

    source: Path
    entries: Mapping[str, x509.Certificate]
    left_out: tuple[str, ...] = ()


def system_list(places: Iterable[Path] = SYSTEM_LISTS) -> Path | None:
    """Return the first list that there is."""
    return next((path for path in places if path.is_file()), None)


def read_public_roots(*, at: datetime, places: Iterable[Path] = SYSTEM_LISTS) -> PublicRoots:
    """Read the first list that there is.

    Args:
        at: UTC; what is not valid then is left out.
        places: where to look.

    Raises:
        WrongUsage: there is none, or it has no root.
    """
    looked = tuple(places)
    source = system_list(looked)
    if source is None:
        raise WrongUsage(
            "This system has no list of public roots: there is none of "
            f"{', '.join(str(path) for path in looked)}.",
            hint="Install the package ca-certificates, or leave --public-roots out and import the "
            "root of your own CA.",
        )
    try:
        with source.open("rb") as file:
            data = file.read(_LARGEST)
    except OSError as error:
        raise WrongUsage(
            f"The system's list of public roots, {source}, cannot be read: {error.strerror}.",
            hint="Look at its permissions, or leave --public-roots out.",
        ) from error
    found = _sorted(data, source, at)
    if not found.entries:
        raise WrongUsage(
            f"{source} has no public root that is valid now.",
            hint="Install the package ca-certificates anew, and look at this machine's clock.",
        )
    return found


def _sorted(data: bytes, source: Path, at: datetime) -> PublicRoots:
    entries: dict[str, x509.Certificate] = {}
    left_out: list[str] = []
    for number, block in enumerate(_BLOCK.findall(data), 1):
        try:
            (root,) = load_certificates(block, source=str(source))
            with warnings.catch_warnings():  # roots of 2004 and 2009 have the serial number 0
                warnings.simplefilter("ignore")
                why = _unfit(root, at)
        except CertificateFormatError:
            left_out.append(f"certificate {number}: it cannot be read")
            continue
        if why:
            left_out.append(f"{short_name(root.subject)}: {why}")
        elif root not in entries.values():
            entries[_free_alias(root, entries)] = root
    return PublicRoots(source=source, entries=entries, left_out=tuple(left_out))


def _unfit(root: x509.Certificate, at: datetime) -> str:
    """Say why a certificate is no root for today, or return the empty text."""
    if at > root.not_valid_after_utc:
        return f"it ended on {root.not_valid_after_utc:%Y-%m-%d}"
    if at < root.not_valid_before_utc:
        return f"it begins on {root.not_valid_before_utc:%Y-%m-%d}"
    try:
        basic = root.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = root.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as error:
        return "" if error.oid == x509.KeyUsage.oid else "it is not marked as a CA"
    except (ValueError, x509.DuplicateExtension):
        return "its extensions cannot be read"
    if not basic.ca:
        return "it is not marked as a CA"
    return "" if usage.key_cert_sign else "its key may not sign certificates"


def _free_alias(root: x509.Certificate, taken: Mapping[str, x509.Certificate]) -> str:
    """Make an alias of the root's name, with a part of its fingerprint where that is taken."""
    plain = unicodedata.normalize("NFKD", short_name(root.subject)).encode("ascii", "ignore")
    words = re.findall(r"[a-z0-9]+", plain.decode("ascii").lower())
    alias = "-".join(words)[:_LONGEST_ALIAS].rstrip("-")
    own = fingerprint(root).replace(":", "").lower()
    if not alias:
        return f"root-{own[:16]}"
    return alias if alias not in taken else f"{alias}-{own[:16]}"
