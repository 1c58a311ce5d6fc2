"""The revocation lists of a server that is not running secured, kept current until it is.

They are good for two days, as everywhere (``LIST_LIFETIME``): a list that lives longer could be
shown for as long to a server that is kept from the next one. So HUB's server signs them anew, and
gives them to the others with its word. That crosses a plain channel; a list needs no other proof
than its signature, which is checked against the roots that were carried here by hand.
"""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from sottovoce.errors import FormatError, SettingsError, SottovoceError
from sottovoce.hub.authority import Issuer
from sottovoce.pki import dump_crl, list_refusal, load_crls
from sottovoce.server.following import list_name
from sottovoce.server.home import Faults, Home
from sottovoce.server.revocation import read_revocations
from sottovoce.server.settings import ServerSettings
from sottovoce.server.switching import PreparedHome, Stage, stage_of
from sottovoce.server.trust import read_roots, read_switch
from sottovoce.store import write_atomically

__all__ = ["Weighed", "publish_lists", "renew_before_start", "take_lists", "weigh_lists"]


def publish_lists(home: Home, now: datetime) -> bool:
    """On HUB's server, write the authority's lists where it will read them; return whether it did.

    Args:
        home: the server's; prepared, or switched and not restarted yet, or about to start.
        now: UTC.

    Raises:
        SettingsError: ``server.ini`` is not right.
        StoreError, CertificateFormatError, IssuanceError: of the authority.
    """
    folder = _folder(home)
    issuer = Issuer.open(home.path) if folder is not None else None
    return folder is not None and issuer is not None and issuer.publish(folder, now)


def renew_before_start(path: Path, *, now: datetime) -> None:
    """Have HUB's server sign its lists anew, so that one that was off for days starts.

    What is wrong with the home is told by the start itself, all of it at once.

    Args:
        path: the server's home.
        now: UTC.
    """
    with contextlib.suppress(SottovoceError, OSError):
        publish_lists(Home(path.absolute()), now)


def take_lists(home: Home, lists: Iterable[bytes], now: datetime) -> bool:
    """Write what HUB gives where this server will read it; return whether a file changed.

    Args:
        home: of a server that is prepared, or switched and not restarted yet.
        lists: DER, as they came; what is not a newer list of an authority of this server is left.
        now: UTC.

    Raises:
        SettingsError: the home's files are not right.
        OSError: the disk declined.
    """
    weighed = weigh_lists(home, lists, now)
    weighed.write()
    return bool(weighed.good)


@dataclass(frozen=True, slots=True)
class Weighed:
    """What lists that came are worth here.

    Args:
        good: those that take the place of older ones, by path.
        refused: why others do not, each reason once.
    """

    good: Mapping[Path, bytes]
    refused: tuple[str, ...] = ()

    def write(self) -> None:
        """Put the good ones in their places.

        Raises:
            OSError: the disk declined.
        """
        for path, data in self.good.items():
            write_atomically(path, data)


def weigh_lists(home: Home, lists: Iterable[bytes], now: datetime) -> Weighed:
    """Judge lists by nothing but their signatures and dates, and by what is kept already.

    Args:
        home: of a server whose trust is HUB's, prepared or switched.
        lists: DER, as they came.
        now: UTC.

    Raises:
        SettingsError: the home's files are not right.
    """
    folder = _folder(home)
    if folder is None:
        return Weighed({})
    settings = home.settings()
    issuers, kept = _issuers(home, settings), _kept(settings)
    good, refused = dict[Path, bytes](), dict[str, None]()
    try:
        read = [each for data in lists for each in load_crls(data, source="HUB's word")]
    except FormatError as error:
        return Weighed({}, (error.message.rstrip("."),))
    for crl in read:
        # Judged before anything else is read of it: whoever sent it may be anybody.
        refusal = list_refusal(crl, issuers=issuers, kept=kept, at=now)
        if refusal:
            refused[refusal] = None
            continue
        path, data = folder / list_name(crl), dump_crl(crl)
        if _bytes_of(path) != data:
            good[path] = data
    return Weighed(good, tuple(refused))


def _folder(home: Home) -> Path | None:
    """Return the folder of lists of a server whose trust is HUB's; None when that is no matter."""
    if stage_of(home) is Stage.PLAIN:
        return None
    settings = home.settings()
    return settings.revocation_lists if settings.trust_from_hub else None


def _issuers(home: Home, settings: ServerSettings) -> set[x509.Certificate]:
    """Return the roots, and the certificates above the server's own."""
    there = home if stage_of(home) is Stage.SWITCHED else PreparedHome(home.path)
    _, keys = read_switch(there, settings, Faults())
    chain = keys.chosen().entry.chain if keys is not None else ()
    return {*read_roots(home, settings), *chain[1:]}


def _kept(settings: ServerSettings) -> tuple[x509.CertificateRevocationList, ...]:
    try:
        return read_revocations(settings).lists
    except (SettingsError, FormatError):
        return ()  # there is none, or it is damaged: whatever is good may take its place


def _bytes_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
