"""The fetcher of revocation: it keeps lists and OCSP answers current, in the background.

Owns the times at which each is fetched, and the writing of what is found good. It decides nothing
about a connection: what it writes is read like every other file of trust, at a reload. A handshake
never waits for it, and never asks anybody.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from sottovoce.errors import Fault, FetchFailed, FormatError, SettingsError
from sottovoce.net import Clock, fetch
from sottovoce.pki import RevocationEvidence, load_answer
from sottovoce.server.home import Faults, Home
from sottovoce.server.revocation import ANSWERS, read_revocations
from sottovoce.server.settings import ServerSettings
from sottovoce.server.sources import (
    Chain,
    Kept,
    NotKept,
    Source,
    paths_of,
    sources,
)
from sottovoce.server.trust import is_secured, read_roots, read_switch
from sottovoce.store import write_atomically

__all__ = ["RevocationFetcher", "fetch_before_start", "fetches", "needed"]

#: Seconds until a source that failed is asked again: doubled from the first up to the interval.
FIRST_RETRY = 15.0
#: A source is not asked more often than this, however short its lists count.
SOONEST = 1.0
#: Sources that are asked at the same time.
AT_ONCE = 4
#: Chains of partners that are remembered, the last ones seen; an installation has a dozen.
MOST_CHAINS = 64
#: Octets of a nonce (RFC 9654 2.1).
NONCE = 32
#: How long an answer that nobody needs any more is kept after its end.
LINGERING = timedelta(days=1)


def fetches(settings: ServerSettings) -> bool:
    """Return whether anything is to be fetched."""
    listed = settings.revocation_list_urls or settings.revocation_fetch
    return settings.revocation_lists is not None and bool(listed)


@dataclass(slots=True)
class _Turn:
    """When a source is asked next."""

    due: datetime
    failures: int = 0


class RevocationFetcher:
    """Fetches for one server; see :meth:`refresh`, and :meth:`run` for doing so for ever.

    Args:
        settings: of ``server.ini``; :func:`fetches` says yes.
        roots: gives the trusted roots, chains: the chains of this server and of its live partners;
            both are asked anew each time.
        clock: UTC.
        warn: is told of what could not be fetched or kept.
        changed: puts changed files in force; by default somebody watches them anyway.
    """

    def __init__(
        self,
        settings: ServerSettings,
        *,
        roots: Callable[[], tuple[x509.Certificate, ...]],
        chains: Callable[[], Iterable[Chain]],
        clock: Clock,
        warn: Callable[[Fault], None],
        changed: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        assert settings.revocation_lists is not None
        self._settings = settings
        self._folder: Path = settings.revocation_lists
        self._roots = roots
        self._chains = chains
        self._clock = clock
        self._warn = warn
        self._changed = changed
        self._turns: dict[Source, _Turn] = {}
        self._refused: OrderedDict[bytes, Chain] = OrderedDict()
        self._woken = asyncio.Event()
        self._gate = asyncio.Semaphore(AT_ONCE)

    def saw(self, chain: Chain) -> None:
        """Take note of a partner that was refused because nothing was known of it; ask soon.

        A chain that does not lead to a trusted root is remembered and leads to nothing.
        """
        if not chain:
            return
        key = chain[0].signature
        known = key in self._refused
        self._refused[key] = chain
        self._refused.move_to_end(key)
        while len(self._refused) > MOST_CHAINS:
            self._refused.popitem(last=False)
        if not known:
            self._woken.set()

    async def run(self) -> None:
        """Fetch whatever is due, for ever."""
        while True:
            if await self.refresh() and self._changed is not None:
                await self._changed()
            pause = min(
                ((turn.due - self._clock()).total_seconds() for turn in self._turns.values()),
                default=self._settings.revocation_fetch_interval,
            )
            try:
                async with asyncio.timeout(max(pause, SOONEST)):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()

    async def refresh(self) -> bool:
        """Ask every source that is due, and keep what is good; return whether a file changed."""
        now = self._clock()
        roots = self._roots()
        paths = await asyncio.to_thread(self._paths, roots, now)
        wanted = sources(self._settings, paths)
        self._turns = {each: self._turns.get(each, _Turn(now)) for each in wanted}
        due = [each for each in wanted if self._turns[each].due <= now]
        if not due:
            return False
        issuers = {*roots, *(certificate for path in paths for certificate in path[1:])}
        changed = await asyncio.gather(*(self._renew(each, issuers) for each in due))
        await asyncio.to_thread(self._tidy, {each.file for each in wanted}, now)
        return any(changed)

    def _paths(self, roots: tuple[x509.Certificate, ...], now: datetime) -> tuple[Chain, ...]:
        every = (*self._chains(), *self._refused.values())
        return paths_of(every, roots=roots, at=now)

    async def _renew(self, source: Source, issuers: set[x509.Certificate]) -> bool:
        """Ask one source; return whether its file changed."""
        turn, nonce = self._turns[source], secrets.token_bytes(NONCE)
        try:
            async with self._gate:
                data = await fetch(source.question(nonce))
            kept, changed = await asyncio.to_thread(self._keep, source, data, issuers, nonce)
        except Exception as error:  # noqa: BLE001 - what comes from outside must not end the fetching
            turn.failures += 1
            pause = FIRST_RETRY * 2 ** min(turn.failures - 1, 20)
            turn.due = self._later(pause)
            self._warn(_failure(source, error, self._folder))
            return False
        turn.failures = 0
        turn.due = self._later((kept.until - self._clock()).total_seconds() / 2)
        return changed

    def _later(self, seconds: float) -> datetime:
        interval = self._settings.revocation_fetch_interval
        return self._clock() + timedelta(seconds=max(SOONEST, min(seconds, interval)))

    def _keep(
        self, source: Source, data: bytes, issuers: set[x509.Certificate], nonce: bytes
    ) -> tuple[Kept, bool]:
        """Write what is good and new; in a thread."""
        known = _evidence(self._settings)
        kept = source.judge(data, issuers=issuers, known=known, at=self._clock(), nonce=nonce)
        path = self._folder / source.file
        if path.is_file() and path.read_bytes() == kept.data:
            return kept, False
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, kept.data)
        return kept, True

    def _tidy(self, wanted: set[str], now: datetime) -> None:
        """Remove answers that nobody needs: of partners that are gone, and long out of date."""
        for path in self._folder.glob(f"fetched-{ANSWERS}"):
            if path.name not in wanted and _is_over(path, now):
                path.unlink(missing_ok=True)


def needed(
    settings: ServerSettings,
    chains: Iterable[Chain],
    *,
    roots: tuple[x509.Certificate, ...],
    at: datetime,
) -> bool:
    """Return whether something is to be fetched of which there is nothing current.

    Args:
        settings: of ``server.ini``.
        chains: of this server.
        roots: trusted.
        at: now.
    """
    known = _evidence(settings)
    assert settings.revocation_lists is not None
    for source in sources(settings, paths_of(chains, roots=roots, at=at)):
        path = settings.revocation_lists / source.file
        try:
            source.judge(path.read_bytes(), issuers=_issuers(chains, roots), known=known, at=at)
        except (NotKept, OSError):
            return True
    return False


async def fetch_before_start(path: Path, *, clock: Clock) -> tuple[Fault, ...]:
    """Fetch that of which there is nothing current, so that a server that was off for long starts.

    Nothing is asked where everything needed is at hand, nor where a file has a fault: the start
    tells of that.

    Args:
        path: the server's home.
        clock: UTC.

    Returns:
        What could not be fetched or kept.
    """
    found = await asyncio.to_thread(_what_is_needed, path, clock())
    if found is None:
        return ()
    settings, roots, chains = found
    warned: list[Fault] = []
    fetcher = RevocationFetcher(
        settings, roots=lambda: roots, chains=lambda: chains, clock=clock, warn=warned.append
    )
    await fetcher.refresh()
    return tuple(warned)


def _what_is_needed(
    path: Path, at: datetime
) -> tuple[ServerSettings, tuple[x509.Certificate, ...], list[Chain]] | None:
    """Read as much as tells what this server itself needs; None when that is nothing."""
    home, faults = Home(path.absolute()), Faults()
    settings = faults.attempt(home.settings)
    if settings is None or not fetches(settings) or not is_secured(home):
        return None
    _, keys = read_switch(home, settings, faults)
    roots = faults.attempt(lambda: read_roots(home, settings))
    if keys is None or roots is None:
        return None
    chains = [key.entry.chain for key in (*keys.own, *keys.others)]
    return (settings, roots, chains) if needed(settings, chains, roots=roots, at=at) else None


def _issuers(chains: Iterable[Chain], roots: tuple[x509.Certificate, ...]) -> set[x509.Certificate]:
    return {*roots, *(certificate for chain in chains for certificate in chain[1:])}


def _evidence(settings: ServerSettings) -> RevocationEvidence:
    try:
        return read_revocations(settings)
    except (SettingsError, FormatError):
        # Nothing is there yet, or a file that is none of ours is damaged; that is told elsewhere.
        return RevocationEvidence()


def _is_over(path: Path, now: datetime) -> bool:
    try:
        answer = load_answer(path.read_bytes())
        end = None if answer is None else answer.next_update_utc
    except (OSError, ValueError):
        return False
    return end is None or end + LINGERING < now


def _failure(source: Source, error: Exception, folder: Path) -> Fault:
    if not isinstance(error, FetchFailed | NotKept | OSError):
        error = NotKept(f"it cannot be read ({type(error).__name__})")
    if isinstance(error, FetchFailed):
        return Fault(
            code="fetch-failed", why=error.message, hint=error.hint, file=str(folder), warning=True
        )
    if isinstance(error, OSError):
        return Fault(
            code="file-unwritable",
            why=f"{source} was fetched and could not be written: {error.strerror}.",
            hint=f"Let the service's user write to {folder}.",
            file=str(folder),
            warning=True,
        )
    named = str(source)
    return Fault(
        code="fetched-not-kept",
        why=f"{named[0].upper()}{named[1:]} is not kept: {error}. The one before stays.",
        presented=str(error),
        hint="Compare the address with what the authority publishes; somebody may be in between.",
        file=str(folder / source.file),
        warning=True,
    )
