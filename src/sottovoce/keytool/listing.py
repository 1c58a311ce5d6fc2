"""``-list``, ``-exportcert``, ``-printcert``, ``-printcertreq``, ``-printcrl``: what is there.

Owns these verbs; they change nothing.
"""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.errors import KeystoreError, WrongUsage
from sottovoce.keystore import Entry, Keystore, LockedKeyEntry, PrivateKeyEntry, loads
from sottovoce.keytool.printing import certificate_text, crl_text, date_text, request_text
from sottovoce.keytool.world import Outcome, Session, Write
from sottovoce.pki import fingerprint, load_certificates, load_crls, load_request

__all__ = ["exportcert", "list_entries", "printcert", "printcertreq", "printcrl"]

_STARS = "*******************************************"


def _kind(entry: Entry) -> str:
    keyed = isinstance(entry, (PrivateKeyEntry, LockedKeyEntry))
    return "PrivateKeyEntry" if keyed else "trustedCertEntry"


def _chain(entry: Entry) -> tuple[x509.Certificate, ...]:
    if isinstance(entry, (PrivateKeyEntry, LockedKeyEntry)):
        return entry.chain
    return (entry.certificate,)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii").rstrip("\n")


def _opened(session: Session) -> Keystore:
    """Open the store; without a password what can be read without one, as the JDK's list does."""
    given = session.known_password("storepass")
    if given is not None:
        return session.open()[0]
    data = session.world.read(session.path())
    if data is None:
        return session.open()[0]
    given = session.world.ask_password("Enter keystore password:  ") or None
    return session.checked(loads(data, given or None))


def list_entries(session: Session) -> Outcome:
    """List the store, or the entry ``-alias``: short, in full (``-v``) or as PEM (``-rfc``).

    Raises:
        WrongUsage: both ``-v`` and ``-rfc``.
        AliasMissing: there is no such entry.
    """
    if session.flag("v") and session.flag("rfc"):
        raise WrongUsage("Must not specify both -v and -rfc with 'list' command")
    store = _opened(session)
    if session.command.value("alias") is not None:
        alias = session.existing(store, session.alias)
        text = _entry_text(session, alias, store.entries[alias])
    else:
        text = _store_text(session, store)
    for warning in store.warnings[len(store.notes) :]:
        session.say(f"Warning: {warning}")
    return session.outcome(output=text.encode())


def _store_text(session: Session, store: Keystore) -> str:
    count = len(store)
    lines = [
        f"Keystore type: {store.format}",
        "Keystore provider: sottovoce",
        "",
        f"Your keystore contains {count} {'entry' if count == 1 else 'entries'}",
        "",
    ]
    long = session.flag("v") or session.flag("rfc")
    for alias in sorted(store.entries):
        lines.append(_entry_text(session, alias, store.entries[alias]).rstrip("\n"))
        if long:
            lines += ["", "", _STARS, _STARS, "", ""]
    return "\n".join(lines) + "\n"


def _entry_text(session: Session, alias: str, entry: Entry) -> str:
    chain = _chain(entry)
    if not (session.flag("v") or session.flag("rfc")):
        lines = [f"{alias}, {date_text(entry.created)}, {_kind(entry)}, "]
        lines += [f"Certificate fingerprint (SHA-256): {fingerprint(each)}" for each in chain[:1]]
        return "\n".join(lines) + "\n"
    lines = [f"Alias name: {alias}", f"Creation date: {date_text(entry.created)}"]
    lines.append(f"Entry type: {_kind(entry)}")
    shown = _pem if session.flag("rfc") else certificate_text
    if not isinstance(entry, (PrivateKeyEntry, LockedKeyEntry)):
        return "\n".join([*lines, "", *(shown(each) for each in chain)]) + "\n"
    if isinstance(entry, LockedKeyEntry):
        lines.append(f"Private key: not opened ({entry.reason})")
    lines.append(f"Certificate chain length: {len(chain)}")
    for number, each in enumerate(chain, start=1):
        lines += [f"Certificate[{number}]:", shown(each)]
    return "\n".join(lines) + "\n"


def exportcert(session: Session) -> Outcome:
    """Write the certificate of ``-alias`` to ``-file`` or standard output, DER or PEM (``-rfc``).

    Raises:
        AliasMissing: there is no such entry.
        KeystoreError: the entry has no certificate.
    """
    store, _ = session.open()
    chain = _chain(store.entry(session.alias))
    if not chain:
        raise KeystoreError(
            f"Alias <{session.alias}> has no certificate", code="keystore-no-certificate"
        )
    encoding = Encoding.PEM if session.flag("rfc") else Encoding.DER
    data = chain[0].public_bytes(encoding)
    path = session.command.value("file")
    if path is None:
        return session.outcome(output=data)
    session.say(f"Certificate stored in file <{path}>")
    return session.outcome(Write(path, data, 0o644))


def printcert(session: Session) -> Outcome:
    """Print every certificate of ``-file`` or standard input, in full or as PEM (``-rfc``)."""
    found = load_certificates(session.read_file("file"))
    shown = _pem if session.flag("rfc") else certificate_text
    texts = [shown(each) for each in found]
    if len(found) > 1 and not session.flag("rfc"):
        texts = [f"Certificate[{n}]:\n{text}" for n, text in enumerate(texts, start=1)]
    return session.outcome(output=("\n".join(texts) + "\n").encode())


def printcertreq(session: Session) -> Outcome:
    """Print a certificate request, and say whether its own key signed it."""
    request = load_request(session.read_file("file"))
    if not request.is_signature_valid:
        raise KeystoreError(
            "The request is not signed by the key that it is for, or it was altered.",
            code="request-altered",
        )
    return session.outcome(output=f"{request_text(request)}\n".encode())


def printcrl(session: Session) -> Outcome:
    """Print a certificate revocation list; its signature is checked where its issuer is known."""
    crls = load_crls(session.read_file("file"))
    text = "\n".join(crl_text(each) for each in crls)
    if session.command.value("keystore") is not None:
        store, _ = session.open()
        for crl in crls:
            session.say(_verified(store, crl))
    return session.outcome(output=f"{text}\n".encode())


def _signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _verified(store: Keystore, crl: x509.CertificateRevocationList) -> str:
    for alias, entry in store.entries.items():
        for each in _chain(entry):
            if each.subject == crl.issuer and _signed_by(crl, each):
                return f"Verified by {alias} in keystore"
    return "Warning: the revocation list is signed by nobody whom this keystore knows."
