"""Verifying: one verdict over everything that RFC 5280 and RFC 9525 ask of a chain.

Owns the order of the work: read, search a path without fault, otherwise explain the best one that
there is. Never raises for a bad chain; whatever goes wrong inside is a refusal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from cryptography import x509

from sottovoce.errors import Fault
from sottovoce.pki.building import LONGEST_PATH, MOST_PRESENTED, Pool
from sottovoce.pki.checks import (
    authority_faults,
    constraint_faults,
    leaf_faults,
    length_fault,
)
from sottovoce.pki.constraints import Comparisons
from sottovoce.pki.examined import Examined, distinct, examine
from sottovoce.pki.missing import why_no_path
from sottovoce.pki.naming import name_fault
from sottovoce.pki.revocation import RevocationEvidence, Revocations
from sottovoce.pki.rules import Context
from sottovoce.pki.signatures import signature_weakness, signed_by
from sottovoce.pki.verdict import ChainVerdict, Purpose, in_order

__all__ = ["verify"]

#: Whole paths of which one is looked for that has no fault; and, when none has, how many are
#: compared for the one that explains most.
PATHS_TRIED = 64
PATHS_EXPLAINED = 16

Path = tuple[Examined, ...]


def verify(
    chain: Sequence[x509.Certificate],
    *,
    roots: Iterable[x509.Certificate],
    purpose: Purpose,
    name: str | IPv4Address | IPv6Address | None,
    at: datetime,
    crls: Iterable[x509.CertificateRevocationList] | RevocationEvidence = (),
) -> ChainVerdict:
    """Judge a chain of certificates, with a reason for everything that is wrong with it.

    Args:
        chain: the partner's own certificate first; the others in any order, with or without the
            root, junk and repetitions among them.
        roots: the trusted anchors, roots or intermediates. A certificate that is the partner's own
            is never its own anchor: every path has at least two certificates (RFC 5280 6.1, SPEC
            W8, W14).
        purpose: what the partner does on this connection.
        name: the DNS name or address that the certificate must be for, or None to leave that out.
        at: now, aware.
        crls: revocation lists, or those with OCSP answers; with at least one given, every
            certificate of the path below the anchor needs a current list of its issuer, or a
            current answer, unless the evidence is said to be soft.

    Returns:
        The verdict: every independent fault, the most telling first, what is forgiven, and the
        path.

    Raises:
        TypeError: an argument is not of the type above. Nothing is raised for a bad chain.

    Not checked: policies beyond those that are refused as critical, certificate transparency, and
    whether the partner holds the key. Nobody is asked: what is not among the arguments is unknown.
    """
    evidence = crls if isinstance(crls, RevocationEvidence) else RevocationEvidence(lists=(*crls,))
    presented, anchors = list(chain), list(roots)
    _check_arguments((presented, anchors, evidence.lists), purpose, name, at)
    if not presented:
        return ChainVerdict(faults=(_empty_chain(),), warnings=(), path=())
    try:
        return _judge(presented, anchors, evidence, Context(purpose, at), name)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - fail closed; a panic in Rust is no Exception
        return ChainVerdict(faults=(_internal(error),), warnings=(), path=(presented[0],))


def _check_arguments(
    certificates: tuple[Sequence[object], Sequence[object], Sequence[object]],
    purpose: object,
    name: object,
    at: object,
) -> None:
    chain, roots, crls = certificates
    if not all(isinstance(item, x509.Certificate) for item in (*chain, *roots)):
        raise TypeError("chain and roots hold cryptography.x509.Certificate objects")
    if not all(isinstance(item, x509.CertificateRevocationList) for item in crls):
        raise TypeError("crls holds cryptography.x509.CertificateRevocationList objects")
    if not isinstance(purpose, Purpose):
        raise TypeError("purpose is Purpose.SERVER or Purpose.CLIENT")
    if name is not None and not isinstance(name, str | IPv4Address | IPv6Address):
        raise TypeError("name is a DNS name, an IP address or None")
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise TypeError("at is a datetime that carries its time zone")


def _empty_chain() -> Fault:
    return Fault(
        code="chain-empty",
        why="The partner presented no certificate.",
        expected="a certificate",
        presented="none",
        hint="Name a keystore with a private key in the partner's ssl.ini.",
        depth=0,
    )


def _internal(error: BaseException) -> Fault:
    return Fault(
        code="internal-error",
        why=f"The chain could not be judged ({type(error).__name__}) and is refused.",
        presented=type(error).__name__,
        hint="Report this with the certificates; they hold no secret.",
        depth=0,
    )


def _judge(
    presented: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    evidence: RevocationEvidence,
    context: Context,
    name: str | IPv4Address | IPv6Address | None,
) -> ChainVerdict:
    leaf = examine(presented[0])
    rest = [cert for cert in distinct(presented[1:]) if cert != leaf]
    found = list(leaf_faults(leaf, context))
    found += _flood_faults(rest) + _name_faults(leaf, name)
    pool = Pool(rest[:MOST_PRESENTED], distinct(anchors), context.at)
    path, above = _Search(leaf, pool, context, evidence).best()
    found += above
    return ChainVerdict(
        faults=in_order(fault for fault in found if not fault.warning),
        warnings=in_order(fault for fault in found if fault.warning),
        path=tuple(cert.certificate for cert in path),
    )


def _flood_faults(rest: Sequence[Examined]) -> list[Fault]:
    if len(rest) <= MOST_PRESENTED:
        return []
    return [
        Fault(
            code="chain-too-long",
            why=f"{len(rest) + 1} certificates were sent, at most {MOST_PRESENTED + 1} are looked "
            "at.",
            expected=f"at most {MOST_PRESENTED + 1}",
            presented=str(len(rest) + 1),
            hint="Send the server's certificate and its issuers only.",
            depth=0,
        )
    ]


def _name_faults(leaf: Examined, name: str | IPv4Address | IPv6Address | None) -> list[Fault]:
    if name is not None:
        fault = name_fault(leaf.certificate, name)
        return [fault] if fault is not None else []
    if leaf.get(x509.SubjectAlternativeName) is None and not leaf.problems:
        return [
            Fault(
                code="strict-profile",
                why=f"The certificate of '{leaf.called}' has no subject alternative name, so it "
                "stands for no name at all (RFC 9525).",
                expected="the server's name as subject alternative name",
                presented="a certificate that has no subject alternative name",
                hint="Reissue it with the server's name as subject alternative name.",
                depth=0,
                warning=True,
            )
        ]
    return []


class _Search:
    """The search for the path of one verdict."""

    def __init__(
        self,
        leaf: Examined,
        pool: Pool,
        context: Context,
        evidence: RevocationEvidence,
    ) -> None:
        self._leaf = leaf
        self._pool = pool
        self._context = context
        self._revocations = Revocations(evidence, context.at, pool.budget) if evidence else None
        self._comparisons = Comparisons()
        self._own: dict[Examined, list[Fault]] = {}

    def best(self) -> tuple[Path, list[Fault]]:
        """Return the first path without fault, else the one whose faults say most."""
        tried: list[tuple[Path, list[Fault]]] = []
        for path in self._pool.paths(self._leaf, self._is_sound, self._goes_on):
            faults = self._path_faults(path)
            if all(fault.warning for fault in faults):
                return path, faults
            tried.append((path, faults))
            if len(tried) >= PATHS_TRIED:
                break
        else:
            for path in self._pool.paths(self._leaf, lambda _: True):
                tried.append((path, self._path_faults(path)))
                if len(tried) >= PATHS_TRIED + PATHS_EXPLAINED:
                    break
        if tried:
            return min(tried, key=lambda item: sum(not fault.warning for fault in item[1]))
        return self._without_anchor()

    def _without_anchor(self) -> tuple[Path, list[Fault]]:
        reachable = self._pool.distances(self._leaf, lambda _: True).get(self._leaf)
        path, fault = why_no_path(self._leaf, self._pool)
        if reachable is not None and reachable > LONGEST_PATH:
            fault = _path_length(reachable)
        faults = [fault]
        for depth in range(1, len(path)):
            faults += self._faults_at(path, depth)
        return path, faults

    def _own_faults(self, cert: Examined) -> list[Fault]:
        """Return what is wrong with an authority itself, wherever it stands; found out once."""
        if cert not in self._own:
            anchor = cert in self._pool.anchors
            found = list(authority_faults(cert, self._context, depth=1, anchor=anchor))
            self._own[cert] = found + (_anchor_faults(cert, self._pool) if anchor else [])
        return self._own[cert]

    def _is_sound(self, cert: Examined) -> bool:
        return all(fault.warning for fault in self._own_faults(cert))

    def _goes_on(self, path: Sequence[Examined]) -> bool:
        return not any(self._branch_faults(path, len(path) - 1))

    def _branch_faults(self, path: Sequence[Examined], depth: int) -> list[Fault]:
        length = length_fault(path, depth)
        found = [length] if length is not None else []
        return found + list(constraint_faults(path, depth, self._comparisons))

    def _faults_at(self, path: Sequence[Examined], depth: int) -> list[Fault]:
        own = [replace(fault, depth=depth) for fault in self._own_faults(path[depth])]
        return own + self._branch_faults(path, depth)

    def _path_faults(self, path: Path) -> list[Fault]:
        faults: list[Fault] = []
        for depth in range(1, len(path)):
            faults += self._faults_at(path, depth)
        if self._revocations is not None:
            faults += self._revocations.faults(path)
        return faults


def _path_length(length: int) -> Fault:
    return Fault(
        code="chain-too-long",
        why=f"The shortest path to a trusted root has {length} certificates, at most "
        f"{LONGEST_PATH} are followed.",
        expected=f"at most {LONGEST_PATH}",
        presented=str(length),
        hint="Trust an intermediate nearer to the server, or issue from a CA nearer to the root.",
        depth=0,
    )


def _anchor_faults(anchor: Examined, pool: Pool) -> list[Fault]:
    # A self-issued certificate of a key rollover is signed by the older key, which must be there.
    if damage(anchor.certificate) and not pool.issuers(anchor):
        return [
            Fault(
                code="malformed-certificate",
                why=f"The trusted root '{anchor.subject_text}' is damaged: its signature of itself "
                "does not fit its own key.",
                expected="a root as its CA published it",
                presented=f"SHA-256 {anchor.fingerprint}",
                hint="Import the root again from its source and compare the fingerprint.",
                depth=1,
            )
        ]
    if anchor.self_issued:
        return []
    return [
        Fault(
            code="partial-chain",
            why=f"Trusted here is the intermediate '{anchor.subject_text}' only, not its root "
            f"'{anchor.issuer_text}'; partners that want whole chains refuse this.",
            expected=f"the root '{anchor.issuer_text}'",
            presented=f"the intermediate '{anchor.subject_text}'",
            hint=f"Add the root '{anchor.issuer_text}' to the trusted roots.",
            depth=1,
            warning=True,
        )
    ]


@lru_cache(maxsize=512)
def damage(root: x509.Certificate) -> bool:
    """Tell whether a root that says it signed itself did not.

    The signature of an anchor proves nothing (RFC 5280 6.1.1 d takes only its name and key), but
    one that does not fit shows that the file was altered. Algorithms that cannot be checked any
    more pass.
    """
    cert = examine(root)
    if cert.key is None or signature_weakness(root):
        return False
    return (cert.self_issued or _names_own_key(cert)) and not signed_by(root, cert.key)


def _names_own_key(cert: Examined) -> bool:
    wanted, own = cert.get(x509.AuthorityKeyIdentifier), cert.get(x509.SubjectKeyIdentifier)
    return wanted is not None and own is not None and wanted.key_identifier == own.digest
