"""Constraints: the names that an authority may certify (RFC 5280 4.2.1.10).

Owns the matching of every name form against permitted and excluded subtrees. Knows nothing of
paths; :mod:`sottovoce.pki.checks` says which certificate stands under which constraints.
"""

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from cryptography import x509
from cryptography.x509.oid import NameOID

from sottovoce.errors import IssuanceError
from sottovoce.pki.examined import Examined, canonical_name
from sottovoce.pki.names import UNREADABLE, display_name, printable
from sottovoce.pki.naming import as_address, dns_name_problem
from sottovoce.pki.requests import alternative_names

__all__ = [
    "Comparisons",
    "malformed_constraint",
    "malformed_name",
    "permitted_names",
    "permitting",
]

#: Comparisons of names with subtrees for one verdict, against quadratic work; beyond, refused.
#: OpenSSL allows 2^20 for one pair of certificates (NAME_CHECK_MAX); a hundred names under a
#: hundred subtrees need 10,000.
COMPARISONS = 1 << 16

_URI_HOST = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:@]*)")


#: Every address there is: what is excluded where no address may be certified.
_ALL_ADDRESSES = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def permitting(names: Iterable[str]) -> x509.NameConstraints:
    """Return the constraints under which these names may be certified, and no others.

    A form of name that is not mentioned would stay unlimited (RFC 5280 4.2.1.10), so all addresses
    are excluded where none is given. Where some are, nothing is excluded: what is not permitted is
    refused, and JDK 17 fails on an address that meets a subtree of the other family. URI names are
    left out on purpose: a role is a URN, which has no host and would be refused by any such
    constraint.

    Args:
        names: host names and addresses as text. A host name also permits every name below it:
            subtrees of DNS names are suffixes, and there is no form for a single name.

    Raises:
        IssuanceError: there is no host name among them, or one that could never be matched.
    """
    permitted: list[x509.GeneralName] = []
    for name in alternative_names(names):
        match name:
            case x509.IPAddress(value=value):
                permitted.append(x509.IPAddress(ip_network(value)))
            case x509.DNSName(value=value) if "*" not in value:
                permitted.append(name)
            case _:
                raise IssuanceError(
                    f"{_shown(name)} cannot stand in name constraints.",
                    hint="Give the domain itself; every name below it is permitted with it.",
                )
    if not any(isinstance(name, x509.DNSName) for name in permitted):
        raise IssuanceError(
            "At least one host name is needed: without one, every host name would be permitted.",
            hint="Give the name by which partners call HUB's server.",
        )
    if any(isinstance(name, x509.IPAddress) for name in permitted):
        return x509.NameConstraints(permitted, None)
    return x509.NameConstraints(permitted, [x509.IPAddress(every) for every in _ALL_ADDRESSES])


def permitted_names(authority: x509.Certificate) -> tuple[str, ...]:
    """Return the host names and addresses that an authority is limited to, in their order.

    Returns:
        Networks of one address as that address; nothing for an authority without such limits.
    """
    try:
        found = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return ()
    names = []
    for subtree in found.permitted_subtrees or ():
        match subtree:
            case x509.DNSName(value=value):
                names.append(value)
            case x509.IPAddress(value=IPv4Network() | IPv6Network() as network):
                single = network.num_addresses == 1
                names.append(str(network.network_address if single else network))
    return tuple(names)


def malformed_constraint(constraints: x509.NameConstraints) -> str:
    """Say which subtree of an extension is not of RFC 5280's form, or return the empty text."""
    subtrees = [*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ())]
    if not subtrees:
        return "its name constraints are empty"
    for subtree in subtrees:
        if problem := _subtree_problem(subtree):
            return f"its name constraint {_shown(subtree)} {problem}"
    return ""


def _subtree_problem(subtree: x509.GeneralName) -> str:
    match subtree:
        case x509.DNSName(value=value):
            return "is no DNS name without wildcard" if value and dns_name_problem(value) else ""
        case x509.IPAddress(value=value):
            return "" if isinstance(value, IPv4Network | IPv6Network) else "has no network mask"
        case x509.RFC822Name(value=value):
            host = value.rpartition("@")[2].removeprefix(".")
            wrong = value.count("@") > 1 or value.startswith("@") or "@." in value
            return "is no mailbox or host" if wrong or (host and dns_name_problem(host)) else ""
        case x509.UniformResourceIdentifier(value=value):
            host = value.removeprefix(".")
            return "is no host or domain" if not host or dns_name_problem(host) else ""
    return ""


def malformed_name(name: x509.GeneralName) -> str:
    """Say why an alternative name is not of RFC 5280's form (4.2.1.6), or return the empty text.

    A ``*`` that is not the whole left-most label is no fault of form: it never matches
    (RFC 9525 6.3).
    """
    match name:
        case x509.DNSName(value=value):
            problem = dns_name_problem(value.replace("*", "x"))
            return f"the DNS name {_shown(name)}: {problem}" if problem else ""
        case x509.IPAddress(value=value):
            plain = isinstance(value, IPv4Address | IPv6Address)
            return "" if plain else f"the address {_shown(name)} is a network"
        case x509.RFC822Name(value=value):
            return "" if _mailbox(value) else f"the mail address {_shown(name)}"
        case x509.UniformResourceIdentifier(value=value):
            good = value.isascii() and re.match(r"[A-Za-z][A-Za-z0-9+.-]*:.", value)
            return "" if good else f"the URI {_shown(name)} has no scheme or other characters"
    return ""


def _mailbox(value: str) -> tuple[str, str] | None:
    local, at, host = value.rpartition("@")
    quoted = len(local) > 1 and local[0] == local[-1] == '"'
    if not at or not local or not value.isascii() or dns_name_problem(host):
        return None
    if not quoted and ("@" in local or any(char.isspace() for char in local)):
        return None
    return local, host.lower()


class Comparisons:
    """The comparisons of one verdict: each pair of certificates once, all together bounded.

    Args:
        allowed: how many names may be compared with how many subtrees, over all pairs.
    """

    __slots__ = ("_found", "_left")

    def __init__(self, allowed: int = COMPARISONS) -> None:
        self._left = allowed
        self._found: dict[tuple[Examined, Examined], str] = {}

    def problem(self, authority: Examined, bearer: Examined) -> str:
        """Say which name of a certificate an authority may not certify, or return the empty text.

        Args:
            authority: its constraints count when they are well-formed (else they are a fault of
                its own).
            bearer: the certificate below it; its alternative names of every form, its subject and
                the mail addresses in it are compared, its common name is not (RFC 9525).
        """
        pair = (authority, bearer)
        if pair not in self._found:
            self._found[pair] = self._compare(authority, bearer)
        return self._found[pair]

    def _compare(self, authority: Examined, bearer: Examined) -> str:
        constraints = authority.get(x509.NameConstraints)
        if constraints is None or malformed_constraint(constraints):
            return ""
        permitted = list(constraints.permitted_subtrees or ())
        excluded = list(constraints.excluded_subtrees or ())
        names = list(_names(bearer))
        self._left -= len(names) * (len(permitted) + len(excluded))
        if self._left < 0:
            return "there are too many names and constraints to compare"
        for name in names:
            if problem := _outside(name, permitted, excluded):
                return problem
        return ""


def _outside(
    name: x509.GeneralName,
    permitted: list[x509.GeneralName],
    excluded: list[x509.GeneralName],
) -> str:
    allowed = [subtree for subtree in permitted if type(subtree) is type(name)]
    forbidden = [subtree for subtree in excluded if type(subtree) is type(name)]
    if not allowed and not forbidden:
        return ""
    if not _comparable(name):
        return f"{_shown(name)} cannot be compared with the constraints"
    for subtree in forbidden:
        if _within(name, subtree, touching=True):
            return f"{_shown(name)} lies under the excluded {_shown(subtree)}"
    if allowed and not any(_within(name, subtree, touching=False) for subtree in allowed):
        listed = ", ".join(_shown(subtree) for subtree in allowed[:8])
        return f"{_shown(name)} is not under any permitted name ({listed})"
    return ""


def _names(bearer: Examined) -> Iterator[x509.GeneralName]:
    alternative = bearer.get(x509.SubjectAlternativeName)
    yield from alternative or ()
    if bearer.subject:
        subject = bearer.certificate.subject
        yield x509.DirectoryName(subject)
        for item in subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
            if isinstance(item.value, str) and item.value.isascii():
                yield x509.RFC822Name(item.value)


def _comparable(name: x509.GeneralName) -> bool:
    match name:
        case x509.UniformResourceIdentifier(value=value):
            host = _host(value)
            return bool(host) and as_address(host) is None and not dns_name_problem(host)
        case x509.RFC822Name(value=value):
            return _mailbox(value) is not None
        case x509.DNSName() | x509.IPAddress():
            return not malformed_name(name)
        case x509.DirectoryName():
            return True
    return False


def _host(uri: str) -> str:
    found = _URI_HOST.match(uri)
    return found[1].lower() if found else ""


def _within(name: x509.GeneralName, subtree: x509.GeneralName, *, touching: bool) -> bool:
    """Tell whether a name lies in a subtree of its own form.

    Args:
        name: comparable.
        subtree: of the same form.
        touching: whether a wildcard that *may* stand for a name in the subtree counts.
    """
    match name, subtree:
        case x509.DNSName(value=value), x509.DNSName(value=base):
            return _dns_within(value.lower(), base.lower(), touching=touching)
        case x509.IPAddress(value=address), x509.IPAddress(value=network):
            return isinstance(network, IPv4Network | IPv6Network) and address in network
        case x509.RFC822Name(value=value), x509.RFC822Name(value=base):
            return _mail_within(value, base)
        case x509.UniformResourceIdentifier(value=value), x509.UniformResourceIdentifier(
            value=base
        ):
            return _host_within(_host(value), base.lower())
        case x509.DirectoryName(value=inner), x509.DirectoryName(value=outer):
            prefix = canonical_name(outer)
            return canonical_name(inner)[: len(prefix)] == prefix
    return False


def _dns_within(value: str, base: str, *, touching: bool) -> bool:
    if not base:
        return True
    if value == base or value.endswith(f".{base}"):
        return True
    if touching and "*" in value.partition(".")[0]:
        return base.partition(".")[2] == value.partition(".")[2]
    return False


def _mail_within(value: str, base: str) -> bool:
    mailbox = _mailbox(value)
    if not base or mailbox is None:
        return not base
    if "@" in base:
        local, _, host = base.rpartition("@")
        return mailbox == (local, host.lower())
    return _host_within(mailbox[1], base.lower())


def _host_within(host: str, base: str) -> bool:
    return host.endswith(base) and host != base if base.startswith(".") else host == base


def _shown(name: x509.GeneralName) -> str:
    match name:
        case x509.DirectoryName(value=value):
            return f"'{display_name(value)}'"
        case (
            x509.DNSName() | x509.RFC822Name() | x509.UniformResourceIdentifier() | x509.IPAddress()
        ):
            return f"'{printable(str(name.value), 100)}'"
    return f"of the form {type(name).__name__}"
