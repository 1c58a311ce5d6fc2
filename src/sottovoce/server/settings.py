"""The keys of ``server.ini`` and the settings that they become."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sottovoce.errors import Fault, SettingsError
from sottovoce.ini import (
    PORT,
    AbsolutePath,
    AnyKey,
    Boolean,
    Choice,
    CredentialName,
    Document,
    Duration,
    HostName,
    HttpUrl,
    IpAddress,
    Key,
    ListOf,
    PasswordFile,
    Settings,
    examine_table,
)
from sottovoce.policy import Component

__all__ = ["SERVER_KEYS", "ServerSettings"]

_SERVER_NAME = Key(
    "ServerName",
    HostName(),
    required=True,
    help="The name by which this server identifies itself; it must be in its certificate.",
)
_COMPONENTS = Key(
    "Components",
    ListOf(Choice(tuple(Component)), noun="component"),
    required=True,
    help="The components that run on this server: hub, lui, trk, separated by commas.",
)
_BIND_ADDRESS = Key(
    "BindAddress",
    IpAddress(),
    default="0.0.0.0",  # noqa: S104 - a secured server is there to be reached; plain is held back
    help="Where the internal and the tracker port listen. Without ssl.ini only a loopback address "
    "is used, unless the server is started with --unsafe-plain-network.",
)
_INTERNAL_PORT = Key(
    "InternalPort", PORT, default=1099, help="The internal communications port (HUB listens)."
)
_TRACKER_PORT = Key(
    "TrackerPort", PORT, default=7000, help="The tracker communications port (TRK listens)."
)
_EXPLAIN_REFUSALS = Key(
    "ExplainRefusals",
    Boolean(),
    default=True,
    help="Whether a refused caller that asks why is told what is wrong with its own certificate.",
)
_TRUSTED_ROOTS = Key(
    "TrustedRoots",
    AbsolutePath(),
    help="The keystore of trusted roots; without it, conf/cacerts of this home.",
)
_TRUSTED_ROOTS_PASSWORD = Key(
    "TrustedRootsPasswordFile",
    AbsolutePath(),
    help="An owner-only file with its password; without it, conf/cacerts.password of this home.",
)
_KEYSTORE_PASSWORD_FILE = Key(
    "KeystorePasswordFile",
    PasswordFile(),
    help="An owner-only file with the password of ssl.ini's keystore in its first line. With it, "
    "SSLKeystorePassword is left out of ssl.ini, or left empty.",
)
_KEYSTORE_PASSWORD_CREDENTIAL = Key(
    "KeystorePasswordCredential",
    CredentialName(),
    help="The same, by the name of a systemd credential: the unit has LoadCredential=NAME:… or "
    "LoadCredentialEncrypted=NAME:…, and the password is read below $CREDENTIALS_DIRECTORY.",
)
_REVOCATION_LISTS = Key(
    "RevocationLists",
    AbsolutePath(),
    help="A folder of revocation lists (.crl, PEM or DER). With it, a certificate is refused whose "
    "issuer has no current list there; without it, revocation is not checked.",
)
_REVOCATION_FAILURE = Key(
    "RevocationFailure",
    Choice(("hard", "soft")),
    default="hard",
    help="What happens to a certificate about which there is no current list or answer: hard "
    "refuses it; soft lets it pass, and says so at every start. A revoked one is always refused.",
)
_TRUST_FROM_HUB = Key(
    "TrustFromHub",
    Boolean(),
    default=False,
    help="Whether this server takes its trusted roots, its revocation lists and the names in "
    "SSLAllowedClients from HUB, and renews its certificate there; HUB needs the installation's "
    "own authority, and RevocationLists must name a folder. 'join' and 'init --own-ca' write yes.",
)
_REVOCATION_LIST_URLS = Key(
    "RevocationListUrls",
    ListOf(HttpUrl(), noun="address"),
    default=(),
    help="Addresses from which revocation lists are fetched into that folder, again and again.",
)
_REVOCATION_FETCH = Key(
    "RevocationFetch",
    ListOf(Choice(("crl", "ocsp")), noun="kind"),
    default=(),
    help="What is fetched besides, from the addresses in the certificates of this server, of its "
    "partners and of their CAs: crl, ocsp, or both. Only chains that lead to a trusted root count.",
)
_REVOCATION_FETCH_INTERVAL = Key(
    "RevocationFetchInterval",
    Duration(1, 7 * 86400),
    default=3600.0,
    help="How often lists and answers are fetched; sooner, when half of their time has passed.",
)
_LOG_LEVEL = Key(
    "LogLevel",
    Choice(("debug", "info", "warning", "error")),
    default="info",
    help="The least severe lines that the logs get.",
)

#: The keys of ``server.ini``.
SERVER_KEYS: tuple[AnyKey, ...] = (
    _SERVER_NAME,
    _COMPONENTS,
    _BIND_ADDRESS,
    _INTERNAL_PORT,
    _TRACKER_PORT,
    _EXPLAIN_REFUSALS,
    _TRUSTED_ROOTS,
    _TRUSTED_ROOTS_PASSWORD,
    _KEYSTORE_PASSWORD_FILE,
    _KEYSTORE_PASSWORD_CREDENTIAL,
    _REVOCATION_LISTS,
    _REVOCATION_FAILURE,
    _TRUST_FROM_HUB,
    _REVOCATION_LIST_URLS,
    _REVOCATION_FETCH,
    _REVOCATION_FETCH_INTERVAL,
    _LOG_LEVEL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What ``server.ini`` says.

    Args:
        server_name: by which this server identifies itself.
        components: which run here.
        bind_address: where the two ports listen.
        internal_port, tracker_port: 1099 and 7000 by default (SPEC W2).
        explain_refusals: answer on the *why* path.
        trusted_roots, trusted_roots_password_file: None = the home's own.
        keystore_password_file, keystore_password_credential: where the password of ``ssl.ini``'s
            keystore stands; both None = in ``ssl.ini`` itself.
        revocation_lists: a folder, or None.
        revocation_soft: let pass about whom lists and answers are silent.
        trust_from_hub: roots, lists, allowed names and renewals come from HUB.
        revocation_list_urls: from which lists are fetched.
        revocation_fetch: what is fetched from the addresses in certificates: ``crl``, ``ocsp``.
        revocation_fetch_interval: seconds.
        log_level: of all logs but ``security.log``, which gets everything.
        warnings: what was noticed and refused nothing.
    """

    server_name: str
    components: tuple[Component, ...]
    bind_address: str
    internal_port: int = 1099
    tracker_port: int = 7000
    explain_refusals: bool = True
    trusted_roots: Path | None = None
    trusted_roots_password_file: Path | None = None
    keystore_password_file: Path | None = None
    keystore_password_credential: str | None = None
    revocation_lists: Path | None = None
    revocation_soft: bool = False
    trust_from_hub: bool = False
    revocation_list_urls: tuple[str, ...] = ()
    revocation_fetch: tuple[str, ...] = ()
    revocation_fetch_interval: float = 3600.0
    log_level: str = "info"
    warnings: tuple[Fault, ...] = ()

    @classmethod
    def read(cls, document: Document, *, file: str) -> Self:
        """Read the settings of a parsed file.

        Raises:
            SettingsError: with every fault of the file.
        """
        examined = examine_table(document, SERVER_KEYS, file=file)
        values, faults = examined.settings, list(examined.faults)
        internal, tracker = values.of(_INTERNAL_PORT), values.of(_TRACKER_PORT)
        if internal == tracker:
            faults.append(
                Fault(
                    code="ini-bad-value",
                    why="TrackerPort and InternalPort are the same port.",
                    expected="two different ports",
                    presented=str(tracker),
                    hint="Choose another for one of them; 1099 and 7000 are the defaults.",
                    file=file,
                    line=values.line_of(_TRACKER_PORT.name),
                    key=_TRACKER_PORT.name,
                )
            )
        faults += _two_places(values)
        faults += _nowhere_to_put(values)
        faults += _fetched_in_vain(values)
        if faults:
            raise SettingsError(faults, message="The server does not start.")
        return cls(
            server_name=values.of(_SERVER_NAME),
            components=tuple(Component(name) for name in values.of(_COMPONENTS)),
            bind_address=values.of(_BIND_ADDRESS),
            internal_port=internal,
            tracker_port=tracker,
            explain_refusals=values.of(_EXPLAIN_REFUSALS),
            trusted_roots=values.find(_TRUSTED_ROOTS),
            trusted_roots_password_file=values.find(_TRUSTED_ROOTS_PASSWORD),
            keystore_password_file=values.find(_KEYSTORE_PASSWORD_FILE),
            keystore_password_credential=values.find(_KEYSTORE_PASSWORD_CREDENTIAL),
            revocation_lists=values.find(_REVOCATION_LISTS),
            revocation_list_urls=values.of(_REVOCATION_LIST_URLS),
            revocation_fetch=values.of(_REVOCATION_FETCH),
            revocation_fetch_interval=values.of(_REVOCATION_FETCH_INTERVAL),
            revocation_soft=values.of(_REVOCATION_FAILURE) == "soft",
            trust_from_hub=values.of(_TRUST_FROM_HUB),
            log_level=values.of(_LOG_LEVEL),
            warnings=values.warnings,
        )

    @property
    def password_key(self) -> str:
        """The key that says where the keystore's password stands; empty when ``ssl.ini`` has it."""
        if self.keystore_password_file is not None:
            return _KEYSTORE_PASSWORD_FILE.name
        return _KEYSTORE_PASSWORD_CREDENTIAL.name if self.keystore_password_credential else ""


def _two_places(values: Settings) -> Iterator[Fault]:
    """Find the keystore's password in a file and in a credential at once."""
    file = values.line_of(_KEYSTORE_PASSWORD_FILE.name)
    credential = values.line_of(_KEYSTORE_PASSWORD_CREDENTIAL.name)
    if file is None or credential is None:
        return
    yield Fault(
        code="keystore-password-twice",
        why=f"The password of the keystore is said to stand in a file (line {file}) and in a "
        f"credential (line {credential}).",
        expected="one place for the password",
        presented=f"{_KEYSTORE_PASSWORD_FILE.name} and {_KEYSTORE_PASSWORD_CREDENTIAL.name}",
        hint="Remove one of the two lines.",
        file=values.file,
        line=max(file, credential),
        key=_KEYSTORE_PASSWORD_CREDENTIAL.name,
    )


def _nowhere_to_put(values: Settings) -> Iterator[Fault]:
    """Find that lists are to be fetched, and no folder is named for them."""
    if values.find(_REVOCATION_LISTS) is not None or values.line_of(_REVOCATION_LISTS.name):
        return
    for key in (_REVOCATION_LIST_URLS, _REVOCATION_FETCH):
        if values.of(key):
            yield Fault(
                code="ini-missing-key",
                why=f"{key.name} wants lists or answers to be fetched, and RevocationLists, the "
                "folder in which they are kept, is missing.",
                expected=_REVOCATION_LISTS.kind.label,
                hint=f"Add the line {_REVOCATION_LISTS.name}=/…/conf/revocation, and make that "
                "folder.",
                file=values.file,
                line=values.line_of(key.name),
                key=_REVOCATION_LISTS.name,
            )


def _fetched_in_vain(values: Settings) -> Iterator[Fault]:
    """Find lists that are to be fetched into a folder that is kept as HUB's (it gives them out)."""
    here = values.find(_COMPONENTS) or ()
    if not values.of(_TRUST_FROM_HUB) or not here or Component.HUB in here:
        return
    for key in (_REVOCATION_LIST_URLS, _REVOCATION_FETCH):
        if values.of(key):
            yield Fault(
                code="ini-bad-value",
                why=f"{key.name} has no effect here: this server takes its lists from HUB "
                f"({_TRUST_FROM_HUB.name}=yes), and what is not HUB's is removed.",
                expected=f"no {key.name} on a server that takes its trust from HUB",
                presented=f"{key.name} and {_TRUST_FROM_HUB.name}=yes",
                hint=f"Set {key.name} on HUB's server, which gives out the lists that it fetches.",
                file=values.file,
                line=values.line_of(key.name),
                key=key.name,
            )
