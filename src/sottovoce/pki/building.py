"""Building: from a leaf and a heap of certificates to paths that end in a trusted anchor.

Owns the search (RFC 4158): which certificate may have issued which, in what order to try them, and
the limits that keep a hostile heap from costing more than milliseconds. What is *wrong* with a path
is asked of the caller.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from cryptography import x509

from sottovoce.pki.examined import CanonicalName, Examined
from sottovoce.pki.names import UNREADABLE
from sottovoce.pki.signatures import Budget, signature_fits

__all__ = ["LONGEST_PATH", "MOST_PRESENTED", "Pool"]

#: Certificates in one path, leaf and anchor included: four are usual, ten is OpenSSL's limit for
#: "any chain in the wild is shorter"; eight was chosen in DESIGN §4.
LONGEST_PATH = 8
#: Certificates that a partner may present; the rest is a flood.
MOST_PRESENTED = 64
#: Steps of one search; reached only by heaps that were built to reach it.
STEPS = 2000

Acceptable = Callable[[Examined], bool]
BranchAcceptable = Callable[[Sequence[Examined]], bool]


class Pool:
    """Every certificate that may be part of a path, and which of them issued which.

    Args:
        presented: what came with the leaf, in any order, without repetition.
        anchors: the trusted ones.
        at: for the order in which issuers are tried: those valid now first.
    """

    def __init__(
        self, presented: Sequence[Examined], anchors: Sequence[Examined], at: datetime
    ) -> None:
        self.anchors = frozenset(anchors)
        self.presented = [cert for cert in presented if cert not in self.anchors]
        self.budget = Budget()
        self.gave_up = False
        self._at = at
        self._by_subject: dict[CanonicalName, list[Examined]] = {}
        for cert in (*anchors, *self.presented):
            if cert.subject is not None:
                self._by_subject.setdefault(cert.subject, []).append(cert)
        self._issuers: dict[Examined, list[Examined]] = {}
        self._checked: dict[tuple[Examined, bytes], bool] = {}

    def named(self, name: CanonicalName | None) -> list[Examined]:
        """Return every certificate with this subject, anchors first."""
        return self._by_subject.get(name, []) if name is not None else []

    def issuers(self, cert: Examined) -> list[Examined]:
        """Return those whose key signed *cert*, the most promising first."""
        if cert not in self._issuers:
            named = sorted(
                (other for other in self.named(cert.issuer) if other != cert),
                key=lambda other: self._promise(cert, other),
            )
            self._issuers[cert] = [other for other in named if self._signed(cert, other)]
        return self._issuers[cert]

    def _signed(self, cert: Examined, issuer: Examined) -> bool:
        """Check a signature once for each key: look-alikes of one key cost one check."""
        pair = (cert, issuer.key_bytes)
        if pair not in self._checked:
            self._checked[pair] = signature_fits(cert, issuer, self.budget)
        return self._checked[pair]

    def _promise(self, cert: Examined, issuer: Examined) -> tuple[bool, bool, bool, float]:
        wanted = cert.get(x509.AuthorityKeyIdentifier)
        offered = issuer.get(x509.SubjectKeyIdentifier)
        other_key = bool(
            wanted
            and offered
            and wanted.key_identifier
            and wanted.key_identifier != offered.key_identifier
        )
        try:
            end = issuer.certificate.not_valid_after_utc
            current = issuer.certificate.not_valid_before_utc <= self._at <= end
        except UNREADABLE:
            return (issuer not in self.anchors, other_key, True, 0.0)
        return (issuer not in self.anchors, other_key, not current, -end.timestamp())

    def distances(self, leaf: Examined, acceptable: Acceptable) -> dict[Examined, int]:
        """Return how many certificates it takes from each one to an anchor, itself included.

        Only certificates above *leaf* that are acceptable are looked at; those from which no
        anchor can be reached are missing.
        """
        above: dict[Examined, list[Examined]] = {}
        waiting = [leaf]
        while waiting:
            cert = waiting.pop()
            if cert in above or (cert in self.anchors and cert is not leaf):
                continue
            above[cert] = [other for other in self.issuers(cert) if acceptable(other)]
            waiting += above[cert]
        found = {other: 1 for level in above.values() for other in level if other in self.anchors}
        changed = True
        while changed:
            changed = False
            for cert, level in above.items():
                near = min((found[other] + 1 for other in level if other in found), default=0)
                if near and near < found.get(cert, near + 1):
                    found[cert] = near
                    changed = True
        return found

    def paths(
        self,
        leaf: Examined,
        acceptable: Acceptable,
        branch: BranchAcceptable = lambda _: True,
        limit: int = LONGEST_PATH,
    ) -> Iterator[tuple[Examined, ...]]:
        """Yield paths from *leaf* to an anchor, the most promising first.

        Args:
            leaf: where each path begins.
            acceptable: whether a certificate may stand above the leaf.
            branch: whether a path may go on with its newest certificate.
            limit: certificates in a path.
        """
        distances = self.distances(leaf, acceptable)
        steps = STEPS
        stack: list[tuple[Examined, ...]] = [(leaf,)]
        while stack:
            path = stack.pop()
            if len(path) > 1 and path[-1] in self.anchors:
                yield path
                continue
            keys = {(cert.subject, cert.key_bytes) for cert in path}
            longer = [
                (*path, issuer)
                for issuer in self.issuers(path[-1])
                if len(path) + distances.get(issuer, limit + 1) <= limit
                and acceptable(issuer)
                and (issuer.subject, issuer.key_bytes) not in keys
            ]
            steps -= 1 + len(longer)
            if steps < 0:
                self.gave_up = True
                return
            stack += [candidate for candidate in reversed(longer) if branch(candidate)]
