"""The third checks: this server's own certificate, as its partners will judge it, topic by topic.

What one verdict says at once is told here as the chain of questions that a person would ask. That
the partners know the CA cannot be seen from here; the checks of partners find that out.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from cryptography import x509

from sottovoce.errors import Fault
from sottovoce.pki import (
    ChainVerdict,
    Purpose,
    RevocationEvidence,
    as_address,
    dns_names,
    fingerprint,
    ip_addresses,
    matches_dns_name,
    short_name,
    verify,
)
from sottovoce.policy import Lifetime, first_to_end, span
from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.notebook import Notebook
from sottovoce.server.fetching import fetches
from sottovoce.server.home import Faults
from sottovoce.server.revocation import read_revocations, soft_warning
from sottovoce.server.settings import ServerSettings
from sottovoce.server.trust import own_fault

__all__ = ["check_certificate", "check_revocation", "lifetimes"]

_NAMES = frozenset(
    {
        "no-subject-alternative-name",
        "address-as-dns-name",
        "address-mismatch",
        "wildcard-mismatch",
        "name-mismatch",
    }
)
_PURPOSES = frozenset({"purpose-server-missing", "purpose-client-missing", "key-usage"})
_STRENGTH = frozenset({"weak-key", "weak-signature"})
_DATES = frozenset(
    {"certificate-expired", "issuer-expired", "not-yet-valid", "issuer-not-yet-valid"}
)
_REVOCATION = frozenset({"revoked", "revocation-unknown", "revocation-list-expired"})
_PROFILE = frozenset({"strict-profile"})
_OTHERS = _NAMES | _PURPOSES | _STRENGTH | _DATES | _REVOCATION | _PROFILE


def check_certificate(notebook: Notebook, known: Examination) -> None:
    """Judge the own certificate for both purposes, under the own name."""
    notebook.group = "Certificate"
    if known.identity is None or known.roots is None or known.settings is None:
        notebook.skip(
            "certificate",
            "This server's certificate was not judged: it needs the key entry, the trusted roots "
            "and the server's name.",
        )
        return
    judged = notebook.look("certificate", lambda _: _judged(known), fine=lambda _: "")
    if judged is None:
        return
    verdict, faults = judged
    known.verdict = verdict
    _tell(notebook, known, faults)


def _judged(known: Examination) -> tuple[ChainVerdict, tuple[Fault, ...]]:
    """Return one verdict for its path, and what both of them find, without repetitions."""
    assert known.identity is not None
    assert known.roots is not None
    verdicts = [
        verify(
            list(known.identity.chain),
            roots=known.roots,
            purpose=purpose,
            name=known.own_name,
            at=known.at,
            crls=known.revocations or (),
        )
        for purpose in (Purpose.SERVER, Purpose.CLIENT)
    ]
    once: dict[tuple[str, int | None, str], Fault] = {}
    for verdict in verdicts:
        for fault in (*verdict.faults, *verdict.warnings):
            once.setdefault((fault.code, fault.depth, fault.why), fault)
    return verdicts[0], tuple(once.values())


def _tell(notebook: Notebook, known: Examination, faults: tuple[Fault, ...]) -> None:
    assert known.identity is not None
    assert known.verdict is not None
    leaf, path = known.identity.certificate, known.verdict.path

    def of(codes: Iterable[str] | None) -> list[Fault]:
        chosen = [
            fault
            for fault in faults
            if (fault.code in codes if codes is not None else fault.code not in _OTHERS)
        ]
        return [_owned(fault, known) for fault in chosen]

    root = short_name(path[-1].subject)
    short = list(_sent_short(known))
    chain = [fault for fault in of(None) if not (short and fault.code == "partial-chain")]
    notebook.faults(
        "certificate-chain",
        [*short, *chain],
        fine=f"The chain as it is sent leads to the trusted root '{root}'.",
    )
    notebook.faults(
        "certificate-names",
        [*of(_NAMES), *_other_names(leaf, known), *_addresses_as_names(leaf)],
        fine=f"It is for {_names(leaf)}; this server announces itself as {known.own_name}.",
    )
    notebook.faults(
        "certificate-purposes",
        of(_PURPOSES),
        fine="It may accept as a server and call as a client.",
    )
    notebook.faults(
        "certificate-strength", of(_STRENGTH), fine="Keys and signatures of the chain are strong."
    )
    ends = first_to_end(lifetimes(path))
    until = (
        f"The first to end is {_lower(ends.what)}: in {span(ends.left(known.at))}, on "
        f"{ends.end:%Y-%m-%d %H:%M} UTC ({ends.share_left(known.at):.0%} of its lifetime is left)."
        if ends is not None
        else "No dates."
    )
    notebook.faults("certificate-dates", [*of(_DATES), *_running_out(path, known)], fine=until)
    notebook.faults(
        "certificate-profile",
        of(_PROFILE),
        fine="Nothing in it that programs with stricter rules would refuse.",
    )
    if known.revocations:
        notebook.faults(
            "certificate-revocation",
            of(_REVOCATION),
            fine="No certificate of the chain is revoked.",
        )


def _lower(what: str) -> str:
    return what[:1].lower() + what[1:]


def _owned(fault: Fault, known: Examination) -> Fault:
    """Say whose certificate it is; a warning stays one."""
    if known.keystore_path is None:
        return fault
    managed = known.settings is not None and known.settings.trust_from_hub
    return own_fault(fault, known.keystore_path, known.home, managed=managed)


def _sent_short(known: Examination) -> Iterable[Fault]:
    """Build the chain of what is *sent* alone: an intermediate in our own trusted roots hides that
    it is missing from the key entry (catalogue T5, the trap).
    """
    assert known.identity is not None
    assert known.roots is not None
    assert known.verdict is not None
    sent = known.identity.chain
    anchors = [root for root in known.roots if root.issuer == root.subject]
    between = [root for root in known.roots if root.issuer != root.subject]

    def leads_to_a_root(chain: Sequence[x509.Certificate]) -> bool:
        return verify(chain, roots=anchors, purpose=Purpose.SERVER, name=None, at=known.at).valid

    if not known.verdict.valid or leads_to_a_root(sent) or not leads_to_a_root([*sent, *between]):
        return
    missing = short_name(sent[-1].issuer)
    yield Fault(
        code="intermediate-missing",
        why=f"This server sends {len(sent)} certificate{'s' if len(sent) > 1 else ''}, without the "
        f"intermediate '{missing}'. It works here because that is among the trusted roots; a "
        "partner that trusts the root alone refuses it.",
        expected=f"'{missing}' in the key entry",
        presented="only in the trusted roots",
        hint="Put the intermediate into the key entry: import the reply again with its chain.",
        file=str(known.keystore_path),
        warning=True,
    )


def _other_names(leaf: x509.Certificate, known: Examination) -> Iterable[Fault]:
    """Components of one server dial each other by the names of the settings (catalogue N3)."""
    for component, name, place in known.sayings:
        if component not in known.components or name == known.own_name:
            continue
        if any(matches_dns_name(each, name) for each in dns_names(leaf)):
            continue
        yield Fault(
            code="name-mismatch",
            why=f"{component.label} runs on this server, which {place} calls {name}; its "
            f"certificate is for {_names(leaf) or 'no name'}.",
            expected=name,
            presented=_names(leaf),
            hint=f"Write {known.own_name} there, or reissue the certificate for both names.",
        )


def _addresses_as_names(leaf: x509.Certificate) -> Iterable[Fault]:
    for name in dns_names(leaf):
        if as_address(name) is not None:
            yield Fault(
                code="address-as-dns-name",
                why=f"The certificate has {name} as a DNS name; addresses must be IP entries, and "
                "nobody finds it there.",
                expected=f"IP:{name}",
                presented=f"DNS:{name}",
                hint=f"Reissue it with {name} as IP address, or without it.",
                warning=True,
            )


def _names(leaf: x509.Certificate) -> str:
    every = [*dns_names(leaf), *map(str, ip_addresses(leaf))]
    return ", ".join(every[:6]) + (f" and {len(every) - 6} more" if len(every) > 6 else "")


def lifetimes(path: Iterable[x509.Certificate], *, owner: str = "This server's") -> list[Lifetime]:
    """Return the lifetime of each certificate of a path, leaf first.

    Args:
        path: leaf first.
        owner: whose leaf it is, in the genitive.
    """
    return [
        Lifetime(
            what=f"{owner} certificate"
            if depth == 0
            else f"The CA certificate '{short_name(one.subject)}'",
            begin=one.not_valid_before_utc,
            end=one.not_valid_after_utc,
        )
        for depth, one in enumerate(path)
    ]


def _running_out(path: tuple[x509.Certificate, ...], known: Examination) -> Iterable[Fault]:
    """Warn of what should be renewed, the first to end first (catalogue V5)."""
    every = lifetimes(path)
    for one in sorted(every, key=lambda lifetime: lifetime.end):
        hint = (
            "Renew it: sottovoce keytool -certreq, have it signed, -importcert."
            if one is every[0]
            else "Renew that CA's certificate and spread it to all servers, before it ends."
        )
        fault = one.warning(known.at, code="certificate-expiring", hint=hint)
        if fault is not None:
            yield fault.at(file=str(known.keystore_path))


def check_revocation(notebook: Notebook, known: Examination) -> None:
    """Check the revocation lists, when there are to be any (catalogue R3, R4)."""
    settings = known.settings
    if settings is None:
        return
    notebook.group = "Revocation lists"
    folder = settings.revocation_lists
    if folder is None:
        known.revocations = RevocationEvidence()
        notebook.fine(
            "revocation-lists",
            "Revocation is not checked: server.ini names no RevocationLists.",
        )
        return

    def read(faults: Faults) -> RevocationEvidence:
        evidence = read_revocations(settings)
        found = list(_list_faults(evidence.lists, known))
        faults.found += [fault for fault in found if not fault.warning and not evidence.soft]
        faults.warnings += [fault for fault in found if fault.warning or evidence.soft]
        return evidence

    known.revocations = notebook.look(
        "revocation-lists",
        read,
        fine=lambda evidence: f"{folder}: {_lists_line(evidence, known.at)}",
    )
    if fetches(settings):
        notebook.fine("revocation-fetch", _fetch_line(settings))
    soft = soft_warning(settings, known.home.server_ini)
    if soft is not None:
        notebook.fault("revocation-failure", soft)


def _list_faults(
    lists: tuple[x509.CertificateRevocationList, ...], known: Examination
) -> Iterable[Fault]:
    fetched = known.settings.revocation_fetch if known.settings is not None else ()
    for root in known.roots or ():
        of_root = [one for one in lists if one.issuer == root.subject]
        name = short_name(root.subject)
        if not of_root and "ocsp" in fetched:
            continue
        if not of_root:
            yield Fault(
                code="revocation-unknown",
                why=f"Revocation is checked here, and there is no list of the trusted CA '{name}' "
                f"(SHA-256 {fingerprint(root)[:23]}…): whatever it has signed is refused.",
                expected=f"a list of '{name}'",
                presented="none",
                hint="Fetch it (sottovoce ca crl makes one) and put it beside the others.",
            )
            continue
        newest = max(of_root, key=lambda one: one.next_update_utc or known.at)
        yield from _list_dates(newest, name, known)


def _list_dates(
    newest: x509.CertificateRevocationList, name: str, known: Examination
) -> Iterable[Fault]:
    end = newest.next_update_utc
    if end is None:
        return
    if end <= known.at:
        yield Fault(
            code="revocation-list-expired",
            why=f"The revocation list of '{name}' is {span(known.at - end)} too old; every "
            "certificate of that CA is refused, however valid.",
            expected=f"a list that is current at {known.at:%Y-%m-%d %H:%M} UTC",
            presented=f"next update {end:%Y-%m-%d %H:%M} UTC",
            hint="Fetch the current list: sottovoce ca crl, and put it in place of the old one.",
        )
        return
    life = Lifetime(what=f"The revocation list of '{name}'", begin=newest.last_update_utc, end=end)
    fault = life.warning(
        known.at, code="revocation-list-expiring", hint="Fetch the current list before that."
    )
    if fault is not None:
        yield fault


def _lists_line(evidence: RevocationEvidence, at: datetime) -> str:
    lists = evidence.lists
    ends = [one.next_update_utc for one in lists if one.next_update_utc is not None]
    until = f", the first is to be renewed in {span(min(ends) - at)}" if ends else ""
    line = f"{len(lists)} revocation list{'' if len(lists) == 1 else 's'} of the trusted CAs{until}"
    return f"{line}; {len(evidence.answers)} OCSP answers." if evidence.answers else f"{line}."


def _fetch_line(settings: ServerSettings) -> str:
    kinds = {"crl": "lists", "ocsp": "OCSP answers"}
    named = [kinds[each] for each in settings.revocation_fetch]
    by_certificates = f"{' and '.join(named)} at the addresses in certificates" if named else ""
    count = len(settings.revocation_list_urls)
    listed = f"lists at {count} address{'' if count == 1 else 'es'} of server.ini" if count else ""
    every = span(timedelta(seconds=settings.revocation_fetch_interval))
    wanted = " and ".join(filter(None, (listed, by_certificates)))
    return f"Fetched at least every {every}: {wanted}."
