"""The certificate of the pages: read from its keystore, and read again when that changes.

It has nothing to do with the traffic between the components (SPEC W6), and a renewal, by ACME or by
hand, needs no restart.
"""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sottovoce.errors import Fault, FormatError, KeystoreError, SettingsError
from sottovoce.ini import Key, Secret, Settings
from sottovoce.keystore import PrivateKeyEntry, loads
from sottovoce.policy import KeyRing

if TYPE_CHECKING:
    from sottovoce.web.server import WebServer

__all__ = ["PagesCertificate", "keystore_faults"]

Mark = tuple[int, ...]


class Log(Protocol):
    """What is needed of a component's log."""

    def info(self, event: str, /, **fields: Any) -> Any:
        """Write that something happened."""
        ...

    def error(self, event: str, /, **fields: Any) -> Any:
        """Write that something is wrong."""
        ...


def keystore_faults(
    values: Settings, path: Key[Path], password: Key[Secret], *, file: str
) -> list[Fault]:
    """Return what is wrong when one of the two keys is there without the other.

    Args:
        values: of the file.
        path, password: the two keys.
        file: its name for messages.
    """
    there = [values.line_of(key.name) is not None for key in (path, password)]
    if there[0] == there[1]:
        return []
    missing, other = (password, path) if there[0] else (path, password)
    return [
        Fault(
            code="ini-missing-key",
            why=f"{missing.name} is missing: {path.name} and {password.name} go together.",
            hint=f"Add the line {missing.name}=…, or remove {other.name} for plain HTTP.",
            file=file,
            key=missing.name,
        )
    ]


class PagesCertificate:
    """Where the pages' key and chain come from.

    Args:
        path: of the keystore; None for plain HTTP.
        password: the keystore's.
        host: the pages' host name; chooses where there are several keys.
        ini: the file in which the keystore is named.
        log: the component's.
    """

    def __init__(
        self, path: Path | None, password: Secret | None, *, host: str, ini: str, log: Log
    ) -> None:
        self._path = path
        self._password = password
        self._host = host
        self._ini = ini
        self._log = log
        self._mark: Mark = ()
        self._in_use: PrivateKeyEntry | None = None

    def read(self) -> PrivateKeyEntry | None:
        """Return key and chain for HTTPS, or None for plain HTTP.

        The keystore may be the one of ``ssl.ini`` (SPEC W12); with several keys in it the public
        pages' host name chooses.

        Raises:
            SettingsError: it cannot be read.
            KeystoreError: it does not open, or has no such key.
            FormatError: it is no keystore.
        """
        path = self._path
        if path is None:
            return None
        self._mark = self._look()
        try:
            data = path.read_bytes()
        except OSError as error:
            fault = Fault(
                code="web-certificate",
                why=f"The keystore for HTTPS cannot be read: {error.strerror}.",
                presented=str(path),
                hint=f"Correct WebKeystorePath in {self._ini}, or remove it for plain HTTP.",
                key="WebKeystorePath",
            )
            raise SettingsError([fault]) from error
        store = loads(data, self._password)
        self._in_use = KeyRing.of(store, self._host).chosen().entry
        return self._in_use

    def _look(self) -> Mark:
        path = self._path
        if path is None:
            return ()
        try:
            found = os.stat(path)  # noqa: PTH116 - a link counts as what it points to
        except OSError as error:
            return (error.errno or 0,)
        return found.st_ino, found.st_size, found.st_mtime_ns

    async def look(self, web: "WebServer") -> None:
        """Show the new certificate when the keystore has changed; on any fault the old one stays.

        Args:
            web: the pages' server.
        """
        if await asyncio.to_thread(self._look) == self._mark:
            return
        before = self._in_use
        try:
            entry = await asyncio.to_thread(self.read)
            if entry is None or (before is not None and entry.chain == before.chain):
                return
            await web.show(entry)
        except (SettingsError, KeystoreError, FormatError) as error:
            self._in_use = before
            self._log.error(
                f"The changed keystore for HTTPS is not used, the old certificate stays: {error}",
                action="web-certificate-refused",
                code=error.code,
            )
            return
        self._log.info(
            "The pages have another certificate, until "
            f"{entry.chain[0].not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
            action="web-certificate-renewed",
        )
