"""The certificate of the public pages: read from its keystore, and read again when that changes.

It has nothing to do with the traffic between the components (SPEC W6), and a renewal, by ACME or by
hand, needs no restart.
"""

import asyncio
import os

from sottovoce.errors import Fault, FormatError, KeystoreError, SettingsError
from sottovoce.keystore import PrivateKeyEntry, loads
from sottovoce.net.log import Log
from sottovoce.policy import KeyRing
from sottovoce.trk.settings import TrkSettings
from sottovoce.web import WebServer

__all__ = ["PagesCertificate"]

Mark = tuple[int, ...]


class PagesCertificate:
    """Where the pages' key and chain come from.

    Args:
        settings: of ``tracker.ini``.
        own_name: the server's name; chooses among several keys where ``PublicUrl`` is not set.
        log: TRK's.
    """

    def __init__(self, settings: TrkSettings, own_name: str, log: Log) -> None:
        self._settings = settings
        self._own_name = own_name
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
        path = self._settings.web_keystore_path
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
                hint="Correct WebKeystorePath in trk/tracker.ini, or remove it for plain HTTP.",
                key="WebKeystorePath",
            )
            raise SettingsError([fault]) from error
        store = loads(data, self._settings.web_keystore_password)
        name = self._settings.public_host or self._own_name
        self._in_use = KeyRing.of(store, name).chosen().entry
        return self._in_use

    def _look(self) -> Mark:
        path = self._settings.web_keystore_path
        if path is None:
            return ()
        try:
            found = os.stat(path)  # noqa: PTH116 - a link counts as what it points to
        except OSError as error:
            return (error.errno or 0,)
        return found.st_ino, found.st_size, found.st_mtime_ns

    async def look(self, web: WebServer) -> None:
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
