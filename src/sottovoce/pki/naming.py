"""Naming: whether a certificate is for the name that was dialled or announced (RFC 9525).

Owns the comparison of DNS names and addresses with a certificate's alternative names, and the
sentence that says which differs. Looks at the subject alternative name only; the common name is
quoted in messages and never compared. Knows nothing of chains.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address

import idna
from cryptography import x509

from sottovoce.errors import Fault
from sottovoce.pki.names import common_name, dns_names, fingerprint, ip_addresses, printable

__all__ = ["as_address", "dns_name_problem", "matches_dns_name", "name_fault", "nameless_fault"]

#: RFC 1035 2.3.4: octets of a label, and of a whole name as written without its final dot.
LABEL_LIMIT = 63
NAME_LIMIT = 253
#: How many names of a certificate a message lists.
SHOWN_NAMES = 8

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def as_address(name: str | IPv4Address | IPv6Address) -> IPv4Address | IPv6Address | None:
    """Return the address that a name is the literal of, or None for a DNS name."""
    if isinstance(name, IPv4Address | IPv6Address):
        return name
    try:
        return ip_address(name.strip("[]") if name.startswith("[") else name)
    except ValueError:
        return None


def dns_name_problem(name: str, *, wildcard: bool = False) -> str:
    """Say why a text is no DNS name in the preferred syntax, or return the empty text.

    Args:
        name: letters, digits, hyphens and dots (RFC 1123 2.1); the underscore passes because
            every TLS library lets it pass (failure catalogue N3).
        wildcard: whether a left-most label ``*`` passes.
    """
    if not name:
        return "it is empty"
    if not name.isascii():
        return "it is not in ASCII (write the xn-- form)"
    if len(name) > NAME_LIMIT:
        return f"it has {len(name)} characters, at most {NAME_LIMIT} are possible"
    labels = name.split(".")
    if wildcard and labels[0] == "*" and len(labels) > 1:
        labels = labels[1:]
    for label in labels:
        if problem := _label_problem(label):
            return problem
    return ""


def _label_problem(label: str) -> str:
    if not label:
        return "it has an empty label (two dots, or one at an end)"
    if len(label) > LABEL_LIMIT:
        return f"it has a label of {len(label)} characters, at most {LABEL_LIMIT} are possible"
    if "*" in label:
        return "its '*' is not the whole left-most label"
    if wrong := sorted(set(label) - _LETTERS):
        return f"it contains {wrong[0]!r}"
    if label.startswith("-") or label.endswith("-"):
        return "it has a label that begins or ends with a hyphen"
    return ""


def _reference(name: str) -> str:
    """Bring a dialled or announced name to the form in which certificates hold it."""
    plain = name.removesuffix(".")
    if not plain.isascii():
        try:
            plain = idna.encode(plain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return ""
    return plain.lower()


def matches_dns_name(pattern: str, name: str) -> bool:
    """Tell whether one dNSName entry of a certificate stands for a name.

    Args:
        pattern: the entry; ``*`` as the whole left-most label stands for exactly one label, if at
            least two labels follow it (RFC 9525 6.3; one label is what OpenSSL refuses as well).
        name: the name; a final dot and the case of letters do not count, an internationalised name
            is compared in its A-label form.
    """
    reference = _reference(name)
    if dns_name_problem(reference) or dns_name_problem(pattern, wildcard=True):
        return False
    entry = pattern.lower()
    if not entry.startswith("*."):
        return entry == reference
    suffix = entry[1:]
    return suffix.count(".") >= 2 and reference.partition(".")[2] == suffix[1:]


def name_fault(
    certificate: x509.Certificate, name: str | IPv4Address | IPv6Address
) -> Fault | None:
    """Say what keeps a certificate from standing for a name, or return None when nothing does.

    Args:
        certificate: looked at for its alternative names only; whether it is *trusted* is not
            checked here.
        name: a DNS name, or an address as a value or as text.

    Returns:
        A fault of depth 0 with one of the codes ``no-subject-alternative-name``,
        ``name-mismatch``, ``wildcard-mismatch``, ``address-mismatch``, ``address-as-dns-name``.
    """
    names, addresses = dns_names(certificate), ip_addresses(certificate)
    if not names and not addresses:
        return nameless_fault(certificate, str(name))
    address = as_address(name)
    if address is not None:
        return _address_fault(names, addresses, address)
    return _dns_fault(names, addresses, str(name))


def nameless_fault(certificate: x509.Certificate, name: str = "") -> Fault:
    """Return the fault of a certificate without any alternative name.

    Args:
        certificate: the one.
        name: that it should have; empty where that is not known.
    """
    called, wanted = common_name(certificate), printable(name) or "the server's DNS name"
    common = (
        f"; its common name '{printable(called)}' is not looked at (RFC 9525)" if called else ""
    )
    return Fault(
        code="no-subject-alternative-name",
        why=f"The certificate {fingerprint(certificate)[:23]}… has no DNS name and no address in a "
        f"subject alternative name{common}.",
        expected=wanted,
        presented=f"CN={printable(called)} only" if called else "no name",
        hint=f"Reissue it with {wanted} as subject alternative name.",
        depth=0,
    )


def _address_fault(
    names: tuple[str, ...],
    addresses: tuple[IPv4Address | IPv6Address, ...],
    address: IPv4Address | IPv6Address,
) -> Fault | None:
    if address in addresses:
        return None
    if any(as_address(entry) == address for entry in names):
        return Fault(
            code="address-as-dns-name",
            why=f"The certificate has {address} as a DNS name; an address must be an IP entry.",
            expected=f"IP:{address}",
            presented=f"DNS:{address}",
            hint=f"Reissue it with {address} as IP address.",
            depth=0,
        )
    return Fault(
        code="address-mismatch",
        why=f"Asked for the address {address}, the certificate is for {_listed(names, addresses)}.",
        expected=str(address),
        presented=_listed(names, addresses),
        hint="Use the name instead of the address, or reissue the certificate with the address.",
        depth=0,
    )


def _dns_fault(
    names: tuple[str, ...], addresses: tuple[IPv4Address | IPv6Address, ...], name: str
) -> Fault | None:
    if any(matches_dns_name(pattern, name) for pattern in names):
        return None
    shown = printable(name)
    presented = _listed(names, addresses)
    if near := next((p for p in names if "*" in p and _nearly(p, _reference(name))), None):
        return Fault(
            code="wildcard-mismatch",
            why=f"Asked for {shown}; '{printable(near)}' in the certificate stands for exactly one "
            "whole left-most label with at least two after it.",
            expected=shown,
            presented=presented,
            hint=f"Reissue the certificate for {shown} itself.",
            depth=0,
        )
    return Fault(
        code="name-mismatch",
        why=f"Asked for {shown}, the certificate is for {presented}.",
        expected=shown,
        presented=presented,
        hint=f"Reissue the certificate for {shown}, or use a name that it has.",
        depth=0,
    )


def _nearly(pattern: str, name: str) -> bool:
    """Tell whether whoever wrote a wildcard probably meant this name."""
    fixed = pattern.lower().rpartition("*")[2].lstrip(".")
    return name.endswith(fixed)


def _listed(names: tuple[str, ...], addresses: tuple[IPv4Address | IPv6Address, ...]) -> str:
    every = [printable(name) for name in names] + [str(address) for address in addresses]
    more = f" and {len(every) - SHOWN_NAMES} more" if len(every) > SHOWN_NAMES else ""
    return ", ".join(every[:SHOWN_NAMES]) + more
