"""A server's own certificate, renewed before anybody notices that it ages.

Owns when, and the order: a new key is made here and never leaves; what comes back is judged as
partners will judge it; then the keystore is written, taken into force, and put back when that is
refused. Who issues is given: HUB's authority over the channel, or directly on HUB's own server.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.errors import Fault, SettingsError, SottovoceError
from sottovoce.ini import Secret
from sottovoce.keystore import Keystore, PrivateKeyEntry, dumps, loads
from sottovoce.net import Clock
from sottovoce.net.log import Log
from sottovoce.pki import (
    KeyAlgorithm,
    PrivateKey,
    dns_names,
    fingerprint,
    generate_key,
    ip_addresses,
    make_request,
    uri_names,
)
from sottovoce.policy import RENEW_BELOW, Lifetime
from sottovoce.store import write_atomically
from sottovoce.tls import Trust, TrustGeneration, identity_faults

__all__ = ["Renewer", "due", "grade", "retry_pause"]

#: How far before two thirds of a certificate's life it may be renewed, as a share of that life: an
#: installation made in one hour does not renew in one minute.
SPREAD = 1 / 15
#: Below these shares of the life a renewal that keeps failing is told anew, each time more loudly.
GRADES = (RENEW_BELOW, 1 / 6, 1 / 10)
#: The longest pause between two attempts, in seconds, and the share of the life that it is else.
LONGEST_PAUSE, PAUSE_SHARE = 3600.0, 1 / 30
#: Seconds before a renewal that somebody waits for is tried again; doubled each time, up to the
#: usual pause. HUB is restarted in the middle of a renaming, and nobody waits an hour for that.
FIRST_PAUSE = 5.0
#: Seconds between two looks whether it is time, or somebody wants a renewal.
LOOK_EVERY = 1.0


def due(begin: datetime, end: datetime, chance: float) -> datetime:
    """Return when a certificate is renewed: at two thirds of its life, or a little before.

    Args:
        begin, end: its validity, UTC.
        chance: 0 to 1; how much before.
    """
    life = end - begin
    return begin + life * (1 - RENEW_BELOW - SPREAD * chance)


def retry_pause(life: timedelta, chance: float) -> float:
    """Return seconds until the next attempt after one that failed; *chance* 0 to 1 spreads them."""
    pause = min(LONGEST_PAUSE, max(1.0, life.total_seconds() * PAUSE_SHARE))
    return pause * (0.5 + 0.5 * chance)


def grade(share_left: float) -> int:
    """Return how bad it is that a renewal fails: 0 with time to spare, 3 just before the end."""
    return sum(share_left < share for share in GRADES)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the key entry in use stands."""

    path: Path
    password: Secret
    data: bytes
    store: Keystore
    alias: str


class Renewer:
    """Renews the certificate in force; :meth:`run` is its task.

    Args:
        trust: the pointer to what is in force.
        place: gives the path and the password of the keystore, as ``ssl.ini`` has them now.
        issue: gives the chain for a request (DER): leaf first, root last.
        reload: takes the files into force; returns the faults that kept it from that.
        clock: UTC.
        log: the server's.
        chance: 0 to 1, for jitter.
        waiter: waits that many seconds.

    ``failure`` is the code of what keeps the certificate from being renewed; empty when nothing.
    ``renewed`` and ``failed`` count since the start.
    """

    def __init__(  # noqa: PLR0913 - one renewer has exactly these partners, all by name
        self,
        *,
        trust: Trust,
        place: Callable[[], tuple[Path, Secret]],
        issue: Callable[[bytes], Awaitable[tuple[x509.Certificate, ...]]],
        reload: Callable[[str], Awaitable[tuple[Fault, ...]]],
        clock: Clock,
        log: Log,
        chance: Callable[[], float] = random.random,
        waiter: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._trust = trust
        self._place = place
        self._issue = issue
        self._reload = reload
        self._clock = clock
        self._log = log
        self._chance = chance
        self._wait = waiter
        self._told: tuple[str, int] = ("", 0)
        self._wanted = False
        self._in_vain = 0
        self.failure = ""
        self.renewed = 0
        self.failed = 0

    def renew_soon(self, why: str) -> None:
        """Have the certificate renewed at the next look, although it is not due.

        Args:
            why: for the log.
        """
        if not self._wanted:
            self._log.info(f"This server's certificate is to be renewed: {why}.", action="renewal")
        self._wanted = True

    async def run(self) -> None:
        """Renew whenever it is due, for ever; ends by cancellation only."""
        while True:
            generation = self._trust.current
            if generation is None:
                return
            leaf = generation.identity.chain[0]
            begin, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
            await self._sleep_until(due(begin, end, self._chance()), generation)
            if self._trust.current is not generation:
                continue
            if self._clock() >= end:
                self._too_late(leaf)
                await self._wait(LONGEST_PAUSE)
                continue
            try:
                await self.renew()
            except (SottovoceError, OSError) as error:
                self._not_renewed(leaf, error)
                await self._wait(self._pause(end - begin))

    def _pause(self, life: timedelta) -> float:
        """Return seconds until the next attempt: few at first, when somebody waits for it."""
        pause = retry_pause(life, self._chance())
        if not self._wanted:
            return pause
        self._in_vain += 1
        return float(min(pause, FIRST_PAUSE * 2 ** min(self._in_vain - 1, 16)))

    async def _sleep_until(self, moment: datetime, generation: TrustGeneration) -> None:
        """Wait in short steps: the clock may be set, and another generation may come meanwhile."""
        while self._trust.current is generation:
            left = (moment - self._clock()).total_seconds()
            if left <= 0 or self._wanted:
                return
            await self._wait(min(left, LOOK_EVERY))

    async def renew(self) -> None:
        """Renew once, now.

        Raises:
            SottovoceError: the authority declined or was not reached, or the new certificate is
                not good; the old one stays in force.
            OSError: the disk declined; likewise.
        """
        generation = self._trust.current
        if generation is None:
            return
        old = generation.identity
        key = await asyncio.to_thread(generate_key, KeyAlgorithm.EC_P256)
        chain = await self._issue(_request(key, old.chain[0]))
        entry = _entry(key, chain, old)
        _check(entry, generation, self._clock())
        place = await asyncio.to_thread(self._found, old)
        try:
            await self._put_in_force(place, entry)
        except BaseException:
            await asyncio.to_thread(write_atomically, place.path, place.data)
            raise
        self.renewed += 1
        self._wanted, self._in_vain = False, 0
        self.failure, self._told = "", ("", 0)
        leaf = chain[0]
        self._log.info(
            f"This server's certificate is renewed, until "
            f"{leaf.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC; the key is a new one.",
            action="certificate-renewed",
            serial=f"{leaf.serial_number:x}",
            fingerprint=fingerprint(leaf),
        )

    def _found(self, old: PrivateKeyEntry) -> _Place:
        """Return where *old* stands; the file may have changed since it was taken into force."""
        path, password = self._place()
        data = path.read_bytes()
        store = loads(data, password)
        for alias, entry in store.entries.items():
            if isinstance(entry, PrivateKeyEntry) and entry.chain[:1] == old.chain[:1]:
                return _Place(path, password, data, store, alias)
        raise SettingsError(
            [
                Fault(
                    code="reload-incomplete",
                    why="The key in use no longer stands in the keystore, so its certificate is "
                    "not renewed there.",
                    expected=f"the certificate {fingerprint(old.chain[0])}",
                    file=str(path),
                    hint="See 'sottovoce check': what is on the disk is not what is in use.",
                )
            ]
        )

    async def _put_in_force(self, place: _Place, entry: PrivateKeyEntry) -> None:
        def write() -> None:
            store = place.store.with_entry(place.alias, entry)
            write_atomically(place.path, dumps(store, place.password, format=store.format))

        await asyncio.to_thread(write)
        faults = await self._reload("renewal")
        if faults:
            raise SettingsError(faults, message="The renewed certificate was not taken into use.")

    # What is told of failures.

    def _not_renewed(self, leaf: x509.Certificate, error: SottovoceError | OSError) -> None:
        self.failed += 1
        code = error.code if isinstance(error, SottovoceError) else "file-unwritable"
        self.failure = code
        life = Lifetime(
            what="This server's certificate",
            begin=leaf.not_valid_before_utc,
            end=leaf.not_valid_after_utc,
        )
        share = life.share_left(self._clock())
        told = (code, max(1, grade(share)))
        if told == self._told:
            return
        self._told = told
        tell = self._log.error if told[1] > 1 else self._log.warning
        tell(
            f"This server's certificate could not be renewed: {error} {share:.0%} of its life is "
            f"left, until {leaf.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC; it is tried again.",
            action="renewal-failing",
            code=code,
            share_left=round(share, 3),
        )

    def _too_late(self, leaf: x509.Certificate) -> None:
        self.failure = "renewal-too-late"
        if self._told[0] == self.failure:
            return
        self._told = (self.failure, len(GRADES))
        self._log.error(
            f"This server's certificate ended {leaf.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC "
            "and was not renewed in time: it cannot prove any more who it is. Put the "
            "switch aside (sottovoce secure back), and join again by a new invitation of HUB.",
            action="renewal-failing",
            code=self.failure,
        )


def _request(key: PrivateKey, leaf: x509.Certificate) -> bytes:
    names = [*dns_names(leaf), *map(str, ip_addresses(leaf))]
    return make_request(key, subject=leaf.subject, names=names).public_bytes(Encoding.DER)


def _entry(
    key: PrivateKey, chain: tuple[x509.Certificate, ...], old: PrivateKeyEntry
) -> PrivateKeyEntry:
    """Join key and chain; the root goes along only where it did before."""
    last = old.chain[-1]
    if len(chain) > 1 and last.issuer != last.subject:
        chain = tuple(each for each in chain if each.issuer != each.subject)
    return PrivateKeyEntry(key, chain)


def _check(entry: PrivateKeyEntry, generation: TrustGeneration, at: datetime) -> None:
    """Refuse a certificate that says less than the old one, or that partners would refuse.

    A name that is on no list any more may go: that is how a renaming ends.
    """
    old, new = generation.identity.chain[0], entry.chain[0]
    faults = list(
        identity_faults(
            entry,
            name=generation.own_name,
            roots=generation.roots,
            crls=generation.revocations,
            at=at,
        )
    )
    kept = {name for name in dns_names(old) if name in generation.allowed}
    for what, before, after in (
        ("names", kept | set(dns_names(new)), set(dns_names(new))),
        ("roles", set(uri_names(old)), set(uri_names(new))),
    ):
        if before != after:
            faults.append(
                Fault(
                    code="reload-refused",
                    why=f"The renewed certificate has other {what} than the one in use.",
                    expected=", ".join(sorted(before)),
                    presented=", ".join(sorted(after)) or "none",
                    hint="Look at the authority's index: sottovoce ca list.",
                )
            )
    if faults:
        raise SettingsError(faults, message="The renewed certificate is not good.")
