"""Server homes for tests, made and secured in a moment: with files that a test may break.

Keys are drawn in memory and certificates issued by a throw-away authority, so that a home is ready
without the commands; what the commands make is tested with the commands.
"""

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from cryptography import x509

from sottovoce.ini import dumps as ini_text
from sottovoce.keystore import (
    Keystore,
    PrivateKeyEntry,
    StoreFormat,
    TrustedCertificateEntry,
)
from sottovoce.keystore import dumps as keystore_bytes
from sottovoce.net import utc_now
from sottovoce.policy import Component
from sottovoce.server import INI_FILES, HomePlan, create
from sottovoce.store import write_atomically
from sottovoce.testing.authorities import ThrowAwayAuthority

__all__ = ["Premises"]


@dataclass(kw_only=True)
class Premises:
    """A server home on disk, and what is needed to write its files again.

    Args:
        path: the home.
        name: by which the server identifies itself.
        components: that run there.
        authority: that certifies it.
        allowed: what ``SSLAllowedClients`` lists by default.
        password: of the keystore; stands in ``ssl.ini`` and nowhere else.
    """

    path: Path
    name: str
    components: tuple[Component, ...]
    authority: ThrowAwayAuthority
    allowed: tuple[str, ...]
    password: str = field(
        default_factory=lambda: f"canary-{secrets.token_hex(8)}",
        repr=False,
    )

    @classmethod
    def make(
        cls,
        path: Path,
        *,
        name: str,
        components: Iterable[Component] = tuple(Component),
        authority: ThrowAwayAuthority,
        allowed: Iterable[str] = (),
        values: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> "Premises":
        """Make the home at *path*, not secured.

        Args:
            path: must not exist.
            name: by which the server identifies itself.
            components: that run there.
            authority: that will certify it.
            allowed: the names of all servers; by default its own.
            values: file → key → value, beside those that follow from *name* and *components*.
        """
        here = tuple(components)
        listed = ",".join(here)
        files = {"server.ini": {"ServerName": name, "Components": listed, "BindAddress": _LOOPBACK}}
        partners = {
            Component.HUB: {"LuiHost": name, "TrackerHost": name},
            Component.LUI: {"HubHost": name, "TrackerHost": name, "SmtpHost": _LOOPBACK},
            Component.TRK: {"HubHost": name, "LuiHost": name},
        }
        files |= {INI_FILES[component]: partners[component] for component in here}
        for file, given in values.items():
            files[file] = files.get(file, {}) | dict(given)
        plan = HomePlan(path=path, components=here, values=files)
        asyncio.run(create(plan, now=utc_now()))
        return cls(
            path=path,
            name=name,
            components=here,
            authority=authority,
            allowed=tuple(allowed) or (name,),
        )

    @property
    def ssl_ini(self) -> Path:
        """The switch."""
        return self.path / "commands" / "ssl.ini"

    @property
    def keystore(self) -> Path:
        """The server's keystore."""
        return self.path / "conf" / "server.p12"

    @property
    def cacerts(self) -> Path:
        """The keystore of trusted roots."""
        return self.path / "conf" / "cacerts"

    def secure(self) -> "Premises":
        """Write a right keystore, right trusted roots and a right ``ssl.ini``."""
        self.write_identity(self.authority.issue(self.name, roles=self.components))
        self.write_roots(self.authority.root)
        self.write_ssl()
        return self

    def write_identity(self, *entries: PrivateKeyEntry) -> None:
        """Write the keystore, with one entry or several."""
        named = {f"server{number or ''}": entry for number, entry in enumerate(entries)}
        self.write_keystore(Keystore(entries=named))

    def write_keystore(self, store: Keystore) -> None:
        """Write the keystore as it is given."""
        write_atomically(
            self.keystore, keystore_bytes(store, self.password, format=StoreFormat.PKCS12)
        )

    def write_roots(self, *roots: x509.Certificate) -> None:
        """Write the trusted roots, with the password that the home has for them."""
        entries = {f"root{n}": TrustedCertificateEntry(root) for n, root in enumerate(roots)}
        password = (self.path / "conf" / "cacerts.password").read_text("utf-8").strip()
        store = keystore_bytes(Keystore(entries=entries), password, format=StoreFormat.PKCS12)
        write_atomically(self.cacerts, store)

    def write_ssl(self, text: str | bytes | None = None, **changed: str | None) -> None:
        """Write ``ssl.ini``: *text* as it is, or the right entries with some of them *changed*.

        An entry changed to None is left out.
        """
        entries: dict[str, str | None] = {
            "SSLAllowedClients": ",".join(self.allowed),
            "SSLKeystorePath": str(self.keystore),
            "SSLKeystorePassword": self.password,
        }
        kept = [(key, value) for key, value in (entries | changed).items() if value is not None]
        data = text.encode() if isinstance(text, str) else text or ini_text(kept)
        write_atomically(self.ssl_ini, data)

    def set(self, file: str, key: str, value: str) -> None:
        """Set one entry of an INI file of the home, such as ``trk/tracker.ini``."""
        path = self.path / file
        lines = path.read_text("utf-8").splitlines()
        kept = [line for line in lines if not line.startswith(f"{key}=")]
        entry = ini_text([(key, value)])
        write_atomically(path, "\n".join(kept).encode() + b"\n" + entry)

    def log(self, name: str) -> str:
        """Return what stands in the log *name*, such as ``hub.log``; nothing when there is none."""
        path = self.path / "logs" / name
        return path.read_text("utf-8") if path.exists() else ""


_LOOPBACK = "127.0.0.1"
