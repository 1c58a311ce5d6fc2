"""``-importcert``: a CA's reply for a key, or a certificate to trust (SPEC W13, W14, W16).

Owns that verb. Everything that would go wrong later is said before anything is written: a reply
for another key, under another alias, without a trusted root, without a name or a purpose.
"""

import shlex
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from sottovoce.errors import AliasTaken, KeystoreError, WrongUsage
from sottovoce.keystore import (
    Keystore,
    LockedKeyEntry,
    PrivateKeyEntry,
    TrustedCertificateEntry,
    loads,
)
from sottovoce.keytool.printing import certificate_text
from sottovoce.keytool.replies import Chain, find_chain, is_self_signed
from sottovoce.keytool.world import Outcome, Session
from sottovoce.pki import (
    display_name,
    dns_names,
    fingerprint,
    load_certificates,
    matches_dns_name,
    short_name,
)

__all__ = ["importcert"]


def importcert(session: Session) -> Outcome:
    """Install a reply where ``-alias`` is a key, else add a trusted certificate.

    Raises:
        AliasTaken: the alias is a trusted certificate already.
        KeystoreError: code ``reply-wrong-key``, ``root-missing-for-reply``, ``reply-identical``,
            ``reply-wrong-alias`` or ``certificate-altered``; nothing is written then.
    """
    found = load_certificates(session.read_file("file"), source=session.command.value("file") or "")
    store, password = session.open_or_new()
    alias = store.spelling(session.alias) or session.alias
    if alias not in store:
        changed = _with_trusted(session, store, alias, found)
    elif isinstance(store.entries[alias], (PrivateKeyEntry, LockedKeyEntry)):
        changed = _with_reply(session, store, alias, found)
    else:
        raise AliasTaken(
            f"Certificate not imported, alias <{alias}> already exists",
            hint="Choose another alias, or delete that entry first.",
            expected="an alias that is free",
            presented=alias,
        )
    if changed is None:
        session.say("Certificate was not added to keystore")
        return session.outcome()
    return session.outcome(session.save(changed, password))


def _spki(certificate: x509.Certificate) -> bytes:
    """Return the public key's octets.

    Raises:
        KeystoreError: code ``certificate-key-unknown``: no key that can be used here.
    """
    try:
        public = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeystoreError(
            f"The key in the certificate of {display_name(certificate.subject)} cannot be used "
            f"here: {error}.",
            hint="Use EC P-256, RSA of 2048 bits or more, or Ed25519.",
            code="certificate-key-unknown",
        ) from error
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _key_with(store: Keystore, certificate: x509.Certificate) -> str | None:
    """Return the alias of the private key that *certificate* belongs to, if there is one."""
    wanted = _spki(certificate)
    for alias in store.key_aliases:
        entry = store.entries[alias]
        if isinstance(entry, PrivateKeyEntry):
            public = entry.key.public_key()
            octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        elif isinstance(entry, LockedKeyEntry) and entry.chain:
            octets = _spki(entry.chain[0])
        else:
            continue
        if octets == wanted:
            return alias
    return None


def _system_roots(session: Session) -> tuple[x509.Certificate, ...]:
    """Return the trusted roots of the server home.

    Raises:
        WrongUsage: no home is named.
        KeystoreError: they cannot be read.
    """
    path = session.world.cacerts
    if path is None:
        raise WrongUsage(
            "-trustcacerts means the trusted roots of a server home, and none is named.",
            hint="Give --home DIR before the verb, or set SOTTOVOCE_HOME.",
        )
    data = session.world.read(path)
    return loads(data, session.world.cacerts_password()).trusted if data is not None else ()


def _roots(session: Session, store: Keystore) -> tuple[x509.Certificate, ...]:
    if session.flag("trustcacerts"):
        return (*store.trusted, *_system_roots(session))
    return store.trusted


def _with_reply(
    session: Session, store: Keystore, alias: str, reply: Sequence[x509.Certificate]
) -> Keystore:
    entry = session.key_entry(store, alias)
    leaf = next((each for each in reply if _spki(each) == _spki(entry.certificate)), None)
    if leaf is None:
        raise _other_key(store, alias, reply[0])
    if len(reply) == 1 and leaf == entry.certificate:
        raise KeystoreError(
            "Certificate reply and certificate in keystore are identical",
            hint="It is installed already; nothing is to be done.",
            code="reply-identical",
            expected="another certificate than the one in the keystore",
            presented="the same",
        )
    others = [*reply, *(each for name in store.key_aliases for each in _chain_of(store, name))]
    chain = find_chain(leaf, roots=_roots(session, store), others=others)
    if not chain.trusted:
        raise _no_chain(session, store, chain)
    for warning in _reply_warnings(session, entry.certificate, leaf):
        session.say(f"Warning: {warning}")
    root = chain.last
    session.say("Certificate reply was installed in keystore")
    session.say(f"Partners need its root: {display_name(root.subject)}, {fingerprint(root)}")
    made = PrivateKeyEntry(entry.key, chain.certificates, session.world.now(), entry.password)
    return store.with_entry(alias, made)


def _chain_of(store: Keystore, alias: str) -> tuple[x509.Certificate, ...]:
    entry = store.entries[alias]
    return entry.chain if isinstance(entry, (PrivateKeyEntry, LockedKeyEntry)) else ()


def _other_key(store: Keystore, alias: str, presented: x509.Certificate) -> KeystoreError:
    fitting = _key_with(store, presented)
    hint = (
        f"It belongs to '{fitting}': import it with -alias {fitting}."
        if fitting is not None
        else "The key was made again after the request, or this is another server's reply: send a "
        "new request (sottovoce keytool -certreq)."
    )
    return KeystoreError(
        f"Public keys in reply and keystore don't match: the reply is for "
        f"{display_name(presented.subject)}, and not for the key '{alias}'.",
        hint=hint,
        code="reply-wrong-key",
        expected=f"a certificate for the key '{alias}'",
        presented=f"one for {display_name(presented.subject)}",
    )


def _no_chain(session: Session, store: Keystore, chain: Chain) -> KeystoreError:
    """Return the error that names the missing CA, its fingerprint, and the command for it."""
    last = chain.last
    # With -trustcacerts it belongs among the server's trusted roots, where partners need it too.
    system = session.flag("trustcacerts")
    place = "-cacerts" if system else f"-keystore {shlex.quote(session.path())}"
    if is_self_signed(last) and len(chain.certificates) > 1:
        name, what = last.subject, f"SHA-256 fingerprint {fingerprint(last)}"
        why = "which came with the reply and is not trusted here"
    else:
        name, what = last.issuer, _key_identifier(last)
        why = "whose certificate is not among the trusted ones"
    known = _in_system(session, name)
    if known is not None:
        hint = (
            f"It is in the server's trusted roots (SHA-256 fingerprint {fingerprint(known)}): "
            "repeat the command with -trustcacerts."
        )
    else:
        hint = (
            "Import it, then repeat the import of the reply: sottovoce keytool -importcert "
            f"-alias {_alias_for(name)} -file ROOT.pem {place}"
        )
    roots = _roots(session, store)
    trusted = ", ".join(short_name(each.subject) for each in roots[:5])
    wanted = f"a chain to one of: {trusted}" if trusted else "a trusted root, and there is none"
    return KeystoreError(
        f"Failed to establish chain from reply: it leads to {display_name(name)}, {why}"
        f"{f' ({what})' if what else ''}. Trusted here: {trusted or 'nothing'}. "
        "Nothing was written.",
        hint=hint,
        code="root-missing-for-reply",
        expected=wanted,
        presented=display_name(name),
    )


def _alias_for(name: x509.Name) -> str:
    word = "".join(letter if letter.isalnum() else "-" for letter in short_name(name).lower())
    return word.strip("-")[:40] or "root"


def _key_identifier(certificate: x509.Certificate) -> str:
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    except (x509.ExtensionNotFound, ValueError):
        return ""
    octets = found.value.key_identifier
    return f"key identifier {octets[:20].hex(':').upper()}" if octets else ""


def _in_system(session: Session, name: x509.Name) -> x509.Certificate | None:
    if session.flag("trustcacerts") or session.world.cacerts is None:
        return None
    return next((each for each in _system_roots(session) if each.subject == name), None)


def _reply_warnings(
    session: Session, before: x509.Certificate, leaf: x509.Certificate
) -> list[str]:
    """Return what partners would object to in the certificate about to be installed."""
    found = []
    names = dns_names(leaf)
    server = session.world.server_name
    if not names:
        found.append("the certificate has no DNS name; partners ignore the common name.")
    elif server is not None and not any(matches_dns_name(each, server) for each in names):
        found.append(
            f"this server calls itself {server}, the certificate is for {', '.join(names[:10])}."
        )
    lost = [each for each in dns_names(before) if each not in names]
    if names and lost:
        found.append(f"the CA left out the DNS names {', '.join(lost[:10])}.")
    missing = _missing_purposes(leaf)
    if missing:
        found.append(
            f"the certificate lacks the extended key usage {' and '.join(missing)}; a server here "
            "both accepts and makes connections and needs both."
        )
    now = session.world.now()
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        found.append(
            f"the certificate is valid from {leaf.not_valid_before_utc:%Y-%m-%d} until "
            f"{leaf.not_valid_after_utc:%Y-%m-%d}, not today."
        )
    return found


def _missing_purposes(leaf: x509.Certificate) -> list[str]:
    try:
        purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    if ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in purposes:
        return []
    wanted = {
        "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
        "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    return [name for name, oid in wanted.items() if oid not in purposes]


def _with_trusted(
    session: Session, store: Keystore, alias: str, found: Sequence[x509.Certificate]
) -> Keystore | None:
    certificate = found[0]
    if len(found) > 1:
        session.say(
            f"Note: the file holds {len(found)} certificates; only the first is imported, as the "
            "JDK does."
        )
    _refuse_reply(store, certificate)
    if certificate.issuer == certificate.subject and not is_self_signed(certificate):
        raise KeystoreError(
            f"The certificate {display_name(certificate.subject)} was altered: its own key did "
            "not make its signature.",
            code="certificate-altered",
        )
    if not session.flag("noprompt") and not _agreed(session, store, certificate):
        return None
    if not _is_authority(certificate):
        session.say("Warning: the certificate is no CA's; no chain can end in it.")
    session.say("Certificate was added to keystore")
    return store.with_entry(alias, TrustedCertificateEntry(certificate, session.world.now()))


def _refuse_reply(store: Keystore, certificate: x509.Certificate) -> None:
    """Refuse what the JDK takes silently: a reply stored as a trusted certificate (K11)."""
    key = _key_with(store, certificate)
    if key is None or _is_authority(certificate):
        return
    entry = store.entries[key]
    if isinstance(entry, PrivateKeyEntry) and certificate in entry.chain:
        raise KeystoreError(
            f"This is the certificate of the key '{key}' in the same keystore; trusting it here "
            "has no use.",
            hint="Import it into the keystores of the partners.",
            code="reply-wrong-alias",
        )
    raise KeystoreError(
        f"This is the CA's reply for the key '{key}'; under a new alias it would be a mere "
        f"trusted certificate, and '{key}' would keep its old one. Nothing was written.",
        hint=f"Import it with -alias {key}.",
        code="reply-wrong-alias",
    )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return found.value.ca


def _agreed(session: Session, store: Keystore, certificate: x509.Certificate) -> bool:
    """Ask where keytool asks: a twin under another alias, or nobody known vouches for it."""
    twin = next(
        (
            alias
            for alias, entry in store.entries.items()
            if isinstance(entry, TrustedCertificateEntry) and entry.certificate == certificate
        ),
        None,
    )
    if twin is not None:
        question = f"Certificate already exists in keystore under alias <{twin}>\n"
        return _yes(session, f"{question}Do you still want to add it? [no]:  ")
    if (
        not is_self_signed(certificate)
        and find_chain(certificate, roots=_roots(session, store)).trusted
    ):
        return True
    return _yes(session, f"{certificate_text(certificate)}\nTrust this certificate? [no]:  ")


def _yes(session: Session, question: str) -> bool:
    return (session.world.ask(question) or "").strip().lower() in ("yes", "y")
