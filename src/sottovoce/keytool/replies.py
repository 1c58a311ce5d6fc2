"""Which chain a CA's reply makes, and why it makes none (SPEC W13, W14).

Owns the rule: the certificate for the key, then issuer by issuer, each signature checked, up to a
self-signed certificate that is trusted. It judges no dates and no purposes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

__all__ = ["Chain", "find_chain", "is_self_signed", "issued"]

#: The longest chain that is built, and the signatures tried for it.
_DEEPEST = 16
_MOST_SIGNATURES = 200


@dataclass(frozen=True, slots=True)
class Chain:
    """What became of the search: the certificates found, and whether they reach a trusted root.

    Args:
        certificates: leaf first, as far as issuers were found.
        trusted: True when the last one is a trusted root.
    """

    certificates: tuple[x509.Certificate, ...]
    trusted: bool

    @property
    def last(self) -> x509.Certificate:
        """The topmost certificate found."""
        return self.certificates[-1]


def issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether *issuer*'s name and signature are on *certificate*."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Tell whether a certificate names and has signed itself."""
    return certificate.issuer == certificate.subject and issued(certificate, certificate)


class _Search:
    def __init__(self, roots: Sequence[x509.Certificate], others: Iterable[x509.Certificate]):
        self.roots = {each for each in roots if is_self_signed(each)}
        known = dict.fromkeys([*roots, *others])
        self.by_name: dict[x509.Name, list[x509.Certificate]] = {}
        for each in known:
            self.by_name.setdefault(each.subject, []).append(each)
        self.signatures = _MOST_SIGNATURES
        self.longest: tuple[x509.Certificate, ...] = ()

    def climb(self, chain: tuple[x509.Certificate, ...]) -> tuple[x509.Certificate, ...] | None:
        last = chain[-1]
        if len(chain) > len(self.longest):
            self.longest = chain
        if last in self.roots:
            return chain
        if len(chain) >= _DEEPEST or last.issuer == last.subject:
            return None
        for issuer in sorted(self.by_name.get(last.issuer, ()), key=lambda c: c not in self.roots):
            self.signatures -= 1
            if self.signatures < 0:
                return None
            if issuer not in chain and issued(last, issuer):
                found = self.climb((*chain, issuer))
                if found is not None:
                    return found
        return None


def find_chain(
    leaf: x509.Certificate,
    *,
    roots: Sequence[x509.Certificate],
    others: Iterable[x509.Certificate] = (),
) -> Chain:
    """Build the chain from *leaf* to a trusted root.

    Args:
        leaf: the certificate to begin with.
        roots: the trusted certificates; those that are self-signed end a chain, the others may
            stand in it.
        others: further certificates that may stand in the chain, such as those of the reply.
    """
    search = _Search(roots, others)
    found = search.climb((leaf,))
    if found is not None:
        return Chain(found, trusted=True)
    return Chain(search.longest, trusted=False)
