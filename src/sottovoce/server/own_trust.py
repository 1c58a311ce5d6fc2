"""HUB's own server as the source of the installation's trust: what it has in force it gives out.

Owns how the installation's authority changes the files of that server, and what every server has
said about its trust. The order of writing is lists, then new roots, then the end of old ones: who
trusts a root has the lists that belong to it already.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from sottovoce.errors import StoreError, WrongUsage
from sottovoce.hub import open_roster
from sottovoce.hub.authority import Issuer, Reported
from sottovoce.ini import Secret
from sottovoce.keystore import Keystore, StoreFormat, TrustedCertificateEntry
from sottovoce.keystore import dumps as write_keystore
from sottovoce.net.clock import Clock
from sottovoce.pki import dns_names, fingerprint, ip_addresses, uri_names
from sottovoce.policy import KEYSTORE_PATH, Component, KeyRing
from sottovoce.server.home import Faults, Home, read_passwords
from sottovoce.server.passwords import fitting, keystore_password
from sottovoce.server.plan import Plan
from sottovoce.server.securing import new_key
from sottovoce.server.settings import ServerSettings
from sottovoce.server.trust import StoreUse, read_keystore, read_ssl, ssl_store
from sottovoce.store import write_atomically
from sottovoce.tls import TrustGeneration

__all__ = ["certify_anew", "issuer_print", "reports", "settle"]

_ALIAS = "installation-root"


def settle(
    home: Home,
    settings: ServerSettings,
    issuer: Issuer,
    *,
    gone: Iterable[x509.Certificate] = (),
    now: datetime,
) -> bool:
    """Make the files of HUB's own server agree with the authority.

    Args:
        home, settings: of HUB's server.
        issuer: the installation's issuing authority.
        gone: roots that are trusted no more.
        now: UTC.

    Returns:
        Whether the server checks revocation at all, by lists in a folder of its own.

    Raises:
        StoreError, SettingsError: a file cannot be read or written.
    """
    folder = settings.revocation_lists
    if folder is not None:
        issuer.publish(folder, now)
    path, password, store = _cacerts(home, settings)
    wanted, end = issuer.roots, set(gone)
    kept = {
        alias: entry
        for alias, entry in store.entries.items()
        if not (isinstance(entry, TrustedCertificateEntry) and entry.certificate in end)
    }
    missing = [root for root in wanted if root not in store.trusted]
    for root in missing:
        kept[_free_alias(kept)] = TrustedCertificateEntry(root, now)
    if missing or len(kept) < len(store.entries):
        _write(path, write_keystore(Keystore(entries=kept), password, format=StoreFormat.PKCS12))
    return folder is not None


def _cacerts(home: Home, settings: ServerSettings) -> tuple[Path, Secret, Keystore]:
    path, secret = home.trusted_roots(settings), home.trusted_roots_password(settings)
    password = fitting(path, read_passwords(secret))
    what = StoreUse("The keystore of trusted roots", f"the password in {secret}")
    return path, password, read_keystore(path, password, what)


def _free_alias(taken: Iterable[str]) -> str:
    used = set(taken)
    names = (_ALIAS, *(f"{_ALIAS}-{number}" for number in range(2, len(used) + 3)))
    return next(name for name in names if name not in used)


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}.", code="file-unwritable"
        ) from error


def certify_anew(
    home: Home, settings: ServerSettings, issuer: Issuer, *, lifetime: timedelta, now: datetime
) -> x509.Certificate:
    """Give HUB's own server a new key and certificate, with the names and roles of the old ones.

    For a server whose certificate cannot be renewed any more because its issuer was revoked; a
    running server takes the keystore into force by itself.

    Args:
        home, settings: of HUB's server.
        issuer: the installation's issuing authority.
        lifetime: of the certificate.
        now: UTC.

    Raises:
        IssuanceError: the authority declines.
        SettingsError, KeystoreError: the keystore cannot be read.
        StoreError: it cannot be written.
    """
    faults = Faults()
    _, values = read_ssl(home, settings, faults)
    path = values.find(KEYSTORE_PATH) if values is not None else None
    password = keystore_password(home, settings, values, faults) if values is not None else None
    if path is None or password is None:
        raise faults.error("The certificate of HUB's own server was not replaced.")
    store = read_keystore(path, password, ssl_store(home, settings))
    old = KeyRing.of(store, settings.server_name).chosen()
    leaf = old.entry.chain[0]
    names = [*dns_names(leaf), *map(str, ip_addresses(leaf))]
    entry = new_key(issuer, names, uri_names(leaf), lifetime=lifetime, now=now)
    changed = store.with_entry(old.alias, entry)
    _write(path, write_keystore(changed, password, format=store.format))
    return entry.chain[0]


async def reports(plan: Plan, *, clock: Clock) -> dict[str, Reported]:
    """Return what every server of the installation has said about its trust.

    Args:
        plan: of HUB's server; about itself, its files speak.
        clock: UTC.

    Raises:
        WrongUsage: HUB does not run there, or its server is not secured.
        StoreError: HUB's database cannot be read.
    """
    if plan.hub is None:
        raise WrongUsage(
            f"HUB does not run on {plan.settings.server_name}.", hint="Give HUB's home."
        )
    own = plan.settings.server_name
    roster = await open_roster(
        plan.home.path, plan.hub, own_name=own, secured=plan.secured, clock=clock
    )
    found = {
        row.server: Reported()
        if row.status is None
        else Reported(roots=frozenset(row.status.roots), issuer=row.status.issuer)
        for row in roster.rows
        if row.component is not Component.HUB
    }
    generation = plan.trust.current
    if generation is None:
        raise WrongUsage(
            f"{own} is not secured, so no root is in use.",
            hint="Secure it first, then repeat this.",
        )
    found[own] = Reported(
        roots=frozenset(fingerprint(root) for root in generation.roots),
        issuer=issuer_print(generation),
    )
    return found


def issuer_print(generation: TrustGeneration) -> str:
    """Return SHA-256 of the certificate above the server's own; empty when it stands alone."""
    chain = generation.identity.chain
    if len(chain) > 1:
        return fingerprint(chain[1])
    above = [root for root in generation.roots if root.subject == chain[0].issuer]
    return fingerprint(above[0]) if above else ""
