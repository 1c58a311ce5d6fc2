"""Missing: why no path leads from a leaf to a trusted anchor.

Owns telling apart what TLS libraries report as one error: T2 (unknown CA), T5 (intermediate not
sent), T6 (self-signed), T7 (untrusted root sent) and T8 (same name, other key) of the failure
catalogue. Decides nothing: the chain is refused already.
"""

import re
from collections.abc import Sequence

from cryptography import x509
from cryptography.x509.oid import NameOID

from sottovoce.errors import Fault
from sottovoce.pki.building import LONGEST_PATH, Pool
from sottovoce.pki.examined import CanonicalName, Examined, canonical_name
from sottovoce.pki.signatures import signature_fits

__all__ = ["partial_path", "why_no_path"]

#: Words by which people name authorities that stand under a root.
_UNDER_A_ROOT = re.compile(r"\b(intermediate|issuing|sub(ordinate)?[ -]?ca)\b", re.IGNORECASE)
_SHOWN_ROOTS = 4


def partial_path(leaf: Examined, pool: Pool) -> tuple[Examined, ...]:
    """Go up from the leaf as far as signatures lead, without an anchor."""
    path = [leaf]
    while len(path) <= LONGEST_PATH:
        above = [cert for cert in pool.issuers(path[-1]) if cert not in path]
        if not above:
            break
        path.append(above[0])
    return tuple(path)


def why_no_path(leaf: Examined, pool: Pool) -> tuple[tuple[Examined, ...], Fault]:
    """Return the path as far as it goes, and the fault that says why it ends there."""
    if leaf.self_issued and signature_fits(leaf, leaf, pool.budget):
        return (leaf,), _self_signed(leaf, trusted=leaf in pool.anchors)
    path = partial_path(leaf, pool)
    top, depth = path[-1], len(path) - 1
    if pool.budget.spent or pool.gave_up:
        return path, _too_much(depth)
    if signature_fits(top, top, pool.budget):
        namesakes = _same_name_other_key(top, pool)
        if namesakes:
            return path, _other_key(top, top, namesakes, depth)
        return path, _untrusted_root(top, pool, depth)
    others = [cert for cert in pool.named(top.issuer) if cert not in path]
    if others:
        return path, _other_key(top, None, others, depth)
    return path, _unknown_issuer(path, pool)


def _same_name_other_key(top: Examined, pool: Pool) -> list[Examined]:
    return [
        cert
        for cert in pool.named(top.subject)
        if cert in pool.anchors and cert.key_bytes != top.key_bytes
    ]


def _self_signed(leaf: Examined, *, trusted: bool) -> Fault:
    also = (
        " It is among the trusted roots here; a root signs certificates, and no server is one "
        "(RFC 5280 6.1: the trust anchor is not part of the path)."
        if trusted
        else ""
    )
    return Fault(
        code="self-signed",
        why=f"'{leaf.called}' still uses the temporary self-signed certificate made with its key "
        f"(SHA-256 {leaf.fingerprint}).{also}",
        expected="a certificate signed by a CA",
        presented=f"issuer = subject = '{leaf.subject_text}'",
        hint="Have its certificate request signed, and import the CA's reply under the alias of "
        "the key.",
        depth=0,
    )


def _untrusted_root(root: Examined, pool: Pool, depth: int) -> Fault:
    return Fault(
        code="root-untrusted",
        why=f"The chain ends in the root '{root.subject_text}' (SHA-256 {root.fingerprint}), which "
        f"is not trusted here. Trusted here: {_trusted(pool)}.",
        expected=_to_a_root(pool),
        presented=f"'{root.subject_text}', SHA-256 {root.fingerprint}",
        hint="If you know this root, compare the fingerprint and import it: "
        "sottovoce keytool -importcert -trustcacerts -alias ROOT -file ROOT.pem.",
        depth=depth,
    )


def _other_key(
    child: Examined, offered: Examined | None, others: Sequence[Examined], depth: int
) -> Fault:
    known = others[0]
    name = known.subject_text
    if offered is not None:
        presented = f"key {offered.key_print}"
    else:
        wanted = child.get(x509.AuthorityKeyIdentifier)
        identifier = (
            wanted.key_identifier.hex(":").upper() if wanted and wanted.key_identifier else ""
        )
        presented = (
            f"signed by the key with identifier {identifier}" if identifier else "another key"
        )
    return Fault(
        code="signature-mismatch",
        why=f"Both sides know a CA called '{name}', but it is not the same key: "
        f"{_under(child, offered)} is not signed by the one known here. One side still has the "
        "old CA, or the certificate was altered.",
        expected=f"key {known.key_print}",
        presented=presented,
        hint=f"Compare the fingerprint of '{name}' on both sides (here SHA-256 "
        f"{known.fingerprint}), and import the new one where the old one is.",
        depth=depth,
    )


def _under(child: Examined, offered: Examined | None) -> str:
    return "the root that was sent" if offered is not None else f"'{child.called}'"


def _unknown_issuer(path: Sequence[Examined], pool: Pool) -> Fault:
    top, depth = path[-1], len(path) - 1
    if _sent_without_intermediate(top, pool):
        return Fault(
            code="intermediate-missing",
            why=f"'{path[0].called}' does not send the whole chain: the certificate of its issuer "
            f"'{top.issuer_text}' is missing.",
            expected=f"the certificate of '{top.issuer_text}' in the chain that is sent",
            presented=_sent(path, pool),
            hint=f"Put the certificate of '{top.issuer_text}' into the key entry of "
            f"'{path[0].called}' (partners need only the root).",
            depth=depth,
        )
    hint = f"Import the root '{top.issuer_text}' into the trusted roots here"
    if depth == 0:
        hint += f"; if it is no root, '{path[0].called}' must send its certificate"
    return Fault(
        code="issuer-unknown",
        why=f"The CA '{top.issuer_text}' that signed '{top.called}' is not known here. "
        f"Trusted here: {_trusted(pool)}.",
        expected=_to_a_root(pool),
        presented=f"signed by '{top.issuer_text}'",
        hint=f"{hint}.",
        depth=depth,
    )


def _sent_without_intermediate(top: Examined, pool: Pool) -> bool:
    """Look for signs that the unknown issuer is no root itself."""
    if not top.issuer:
        return False
    wanted = top.get(x509.AuthorityKeyIdentifier)
    for name in (wanted.authority_cert_issuer if wanted else None) or ():
        if isinstance(name, x509.DirectoryName) and _is_anchor(canonical_name(name.value), pool):
            return True
    if _UNDER_A_ROOT.search(top.issuer_text):
        return True
    if any(set(pool.issuers(cert)) & pool.anchors for cert in pool.presented if cert.is_authority):
        return True  # it sends an intermediate that leads to a trusted root, but another one
    organisation = _organisation(top.issuer)
    return bool(organisation) and any(
        _organisation(anchor.subject) == organisation for anchor in pool.anchors
    )


def _is_anchor(name: CanonicalName, pool: Pool) -> bool:
    return any(cert in pool.anchors for cert in pool.named(name))


def _organisation(name: CanonicalName | None) -> str | bytes:
    wanted = NameOID.ORGANIZATION_NAME.dotted_string
    for rdn in name or ():
        for oid, value in rdn:
            if oid == wanted:
                return value
    return ""


def _sent(path: Sequence[Examined], pool: Pool) -> str:
    others = [f"'{cert.subject_text}'" for cert in pool.presented[:_SHOWN_ROOTS]]
    return ", ".join(dict.fromkeys([f"'{path[0].called}'", *others]))


def _to_a_root(pool: Pool) -> str:
    if not pool.anchors:
        return "a chain to a trusted root, and there is none"
    return f"a chain to one of: {_trusted(pool)}"


def _trusted(pool: Pool) -> str:
    names = sorted({f"'{cert.subject_text}'" for cert in pool.anchors})
    more = f" and {len(names) - _SHOWN_ROOTS} more" if len(names) > _SHOWN_ROOTS else ""
    return ", ".join(names[:_SHOWN_ROOTS]) + more if names else "nothing"


def _too_much(depth: int) -> Fault:
    return Fault(
        code="chain-too-long",
        why="The certificates that were sent lead to more paths than are tried.",
        expected=f"a path of at most {LONGEST_PATH} certificates that can be found at once",
        presented="a heap of look-alikes",
        hint="Send the server's certificate and its issuers only, in order.",
        depth=depth,
    )
