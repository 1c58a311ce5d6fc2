"""Certificate chains inside a keystore: who issued whom, told by names and, where two share a
name, by signature.

Owns that and the warnings about chains. It judges no trust, no dates and no purposes: that is
``pki.verify``'s work, which this floor does not know.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from sottovoce.errors import Fault

__all__ = ["Pool", "chain_faults", "name_key", "shown"]

#: The longest chain that is followed; OpenSSL's limit is 100, real chains have up to 5.
MAX_CHAIN = 32

#: Signatures tried for one file where certificates share a name.
_MAX_SIGNATURES = 64


def name_key(name: x509.Name) -> tuple[object, ...]:
    """Return *name* in a form that compares as X.500 does: type of string and case do not count."""
    return tuple(
        tuple(sorted((part.oid.dotted_string, _folded(part.value)) for part in group))
        for group in name.rdns
    )


def _folded(value: str | bytes) -> str:
    text = value if isinstance(value, str) else value.hex()
    return " ".join(text.split()).casefold()


def shown(name: x509.Name) -> str:
    """Return *name* as text for a message: the usual form, at most 200 characters."""
    text = name.rfc4514_string() or "(no name)"
    return text if len(text) <= 200 else text[:199] + "…"


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


class Pool:
    """The certificates among which issuers are looked for.

    Args:
        certificates: all certificates of the store, in file order.
    """

    def __init__(self, certificates: Iterable[x509.Certificate]) -> None:
        self._by_name: dict[tuple[object, ...], list[x509.Certificate]] = {}
        self._signatures = _MAX_SIGNATURES
        for certificate in certificates:
            same = self._by_name.setdefault(name_key(certificate.subject), [])
            if certificate not in same:
                same.append(certificate)

    def issuer_of(self, certificate: x509.Certificate) -> x509.Certificate | None:
        """Return the certificate in the pool that issued *certificate*, by name, then signature."""
        found = self._by_name.get(name_key(certificate.issuer), [])
        if len(found) > 1:
            for candidate in found:
                self._signatures -= 1
                if self._signatures >= 0 and _signed(certificate, candidate):
                    return candidate
        return found[0] if found else None

    def chain_from(self, leaf: x509.Certificate) -> tuple[x509.Certificate, ...]:
        """Return the chain from *leaf* upwards as far as the pool reaches, leaf first."""
        chain = [leaf]
        while len(chain) < MAX_CHAIN:
            last = chain[-1]
            if name_key(last.issuer) == name_key(last.subject):
                break
            issuer = self.issuer_of(last)
            if issuer is None or issuer in chain:
                break
            chain.append(issuer)
        return tuple(chain)


def chain_faults(alias: str, chain: Sequence[x509.Certificate]) -> list[Fault]:
    """Return warnings about the order and the completeness of the chain of the key *alias*."""
    if not chain:
        return [
            Fault(
                code="keystore-no-certificate",
                why=f"The key '{alias}' has no certificate.",
                hint="Import the certificate that belongs to it under the same alias.",
                warning=True,
            )
        ]
    for depth, (lower, upper) in enumerate(pairwise(chain)):
        if name_key(lower.issuer) != name_key(upper.subject):
            return [
                Fault(
                    code="keystore-chain-disordered",
                    why=f"The chain of '{alias}' is out of order: certificate {depth + 1} was "
                    f"issued by {shown(lower.issuer)}, the next one is {shown(upper.subject)}.",
                    expected=shown(lower.issuer),
                    presented=shown(upper.subject),
                    hint="Import the reply again with its whole chain, the server's own first.",
                    depth=depth,
                    warning=True,
                )
            ]
    last = chain[-1]
    if name_key(last.issuer) != name_key(last.subject):
        return [
            Fault(
                code="keystore-chain-incomplete",
                why=f"The chain of '{alias}' ends with a certificate of {shown(last.issuer)}, "
                "whose own certificate is not in the store.",
                expected=shown(last.issuer),
                hint="Import that CA, unless it is a root that every partner has already.",
                depth=len(chain) - 1,
                warning=True,
            )
        ]
    return []
