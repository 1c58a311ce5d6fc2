"""A server that takes its trust from HUB: what HUB gives out becomes this server's own files.

Owns the order of writing. What HUB gives is checked as a set before the first byte is written; the
files are written so that every state in between still trusts HUB; when the new trust is not taken
into force, the files are put back. Whether the revision in force is HUB's is computed from the
generation itself, never remembered: whoever edits a file of such a server sees HUB's word return.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.contracts import HeartbeatReply, TrustBundle, TrustSince
from sottovoce.errors import CallError, ChannelError, Fault, FormatError, SettingsError
from sottovoce.hub import bundle_of
from sottovoce.ini import with_value
from sottovoce.keystore import Keystore, StoreFormat, TrustedCertificateEntry
from sottovoce.keystore import dumps as write_keystore
from sottovoce.net import Clock
from sottovoce.net.log import Log
from sottovoce.pki import load_certificates, load_crls
from sottovoce.policy import ALLOWED_CLIENTS, AllowedClients
from sottovoce.server.home import Home, read_file, read_passwords
from sottovoce.server.settings import ServerSettings
from sottovoce.store import write_atomically
from sottovoce.tls import Trust, TrustGeneration, own_faults

__all__ = ["Follower", "Prepared", "list_name", "prepare", "root_store"]

#: Seconds before HUB's trust is fetched again after it could not be taken over.
PAUSE = 60.0

_CODE = "trust-not-applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The files that make HUB's trust this server's.

    Args:
        lists: revocation lists by path; written first, since a list too many refuses nobody.
        rest: trusted roots, then ``ssl.ini``.
        stale: lists that HUB no longer gives out; removed last.
        before: what the files of *lists* and *rest* hold now; None for one that is not there.
    """

    lists: Mapping[Path, bytes]
    rest: Mapping[Path, bytes]
    stale: Mapping[Path, bytes]
    before: Mapping[Path, bytes | None]

    def write(self) -> None:
        """Write and remove.

        Raises:
            OSError: the disk declined; call :meth:`put_back`.
        """
        for path, data in (*self.lists.items(), *self.rest.items()):
            if self.before[path] != data:
                write_atomically(path, data)
        for path in self.stale:
            path.unlink(missing_ok=True)

    def put_back(self) -> None:
        """Give every file its former bytes, in the opposite order.

        Raises:
            OSError: the disk declines that too.
        """
        for path, data in self.stale.items():
            write_atomically(path, data)
        for path, former in reversed(tuple(self.before.items())):
            if former is None:
                path.unlink(missing_ok=True)
            elif path.read_bytes() != former:
                write_atomically(path, former)


def prepare(
    bundle: TrustBundle,
    *,
    home: Home,
    settings: ServerSettings,
    generation: TrustGeneration,
    at: datetime,
) -> Prepared:
    """Check what HUB gives out, and turn it into this server's files.

    Args:
        bundle: as fetched over the authenticated channel to HUB.
        home, settings: this server's.
        generation: in force here.
        at: UTC.

    Raises:
        SettingsError: with every reason why this server could not work with it.
    """
    folder = settings.revocation_lists
    if folder is None:
        raise SettingsError([_no_folder(home)])
    roots, crls, allowed = _parsed(bundle)
    candidate = TrustGeneration.make(
        number=generation.number + 1,
        own_name=generation.own_name,
        identity=generation.identity,
        roots=roots,
        allowed=allowed,
        hosts=generation.hosts,
        crls=crls,
        soft=generation.soft,
    )
    wrong = [
        replace(fault, why=f"With what HUB gives out, this server's own certificate: {fault.why}")
        for fault in own_faults(candidate, at=at)
    ]
    if generation.own_name not in allowed:
        wrong.append(
            Fault(
                code="own-name-missing",
                why=f"HUB's list of allowed names lacks {generation.own_name}, this server.",
                expected=f"a list with {generation.own_name} in it",
                presented=str(allowed),
                hint="Add it to SSLAllowedClients on HUB's server.",
            )
        )
    if wrong:
        raise SettingsError(wrong, message="HUB's trust was not taken over.")
    lists = {folder / list_name(crl): crl.public_bytes(Encoding.PEM) for crl in crls}
    rest = {
        home.trusted_roots(settings): root_store(roots, home, settings, at),
        home.ssl_ini: with_value(
            read_file(home.ssl_ini, missing="file-missing", hint="Restore it from a backup."),
            ALLOWED_CLIENTS.name,
            ",".join(bundle.allowed),
        ),
    }
    known = {path: path.read_bytes() for path in folder.glob("*.crl")}
    before = {path: known.get(path) or _bytes_of(path) for path in (*lists, *rest)}
    stale = {path: data for path, data in known.items() if path not in lists}
    return Prepared(lists=lists, rest=rest, stale=stale, before=before)


def _bytes_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _parsed(
    bundle: TrustBundle,
) -> tuple[
    tuple[x509.Certificate, ...], tuple[x509.CertificateRevocationList, ...], AllowedClients
]:
    try:
        roots = tuple(
            each for data in bundle.roots for each in load_certificates(data, source="HUB's roots")
        )
        crls = tuple(each for data in bundle.crls for each in load_crls(data, source="HUB's lists"))
    except FormatError as error:
        why = f"What HUB gives out cannot be read: {error}"
        raise SettingsError([Fault(code=_CODE, why=why, hint="Look at HUB's log.")]) from error
    try:
        allowed = AllowedClients(bundle.allowed)
    except ValueError as error:
        why = f"HUB gives out an allowed list that cannot be used ({error})."
        raise SettingsError([Fault(code=_CODE, why=why, hint="Look at HUB's log.")]) from error
    if not roots:
        why = "HUB gives out no root: every partner would be refused."
        raise SettingsError([Fault(code=_CODE, why=why, expected="at least one root")])
    return roots, crls, allowed


def root_store(
    roots: tuple[x509.Certificate, ...], home: Home, settings: ServerSettings, at: datetime
) -> bytes:
    """Return the keystore of trusted roots, under the password that it has (SPEC W15)."""
    password = read_passwords(home.trusted_roots_password(settings))[0]
    entries = {
        f"hub-{number}": TrustedCertificateEntry(root, at) for number, root in enumerate(roots, 1)
    }
    return write_keystore(Keystore(entries=entries), password, format=StoreFormat.PKCS12)


def list_name(crl: x509.CertificateRevocationList) -> str:
    """Return a name that stays the same for all lists of one issuer and key."""
    try:
        found = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        key = found.key_identifier or b""
    except x509.ExtensionNotFound:
        key = b""
    digest = hashlib.sha256(crl.issuer.public_bytes() + key).hexdigest()
    return f"hub-{digest[:16]}.crl"


def _no_folder(home: Home) -> Fault:
    return Fault(
        code=_CODE,
        why="TrustFromHub=yes, and RevocationLists names no folder for the lists that HUB gives.",
        expected=f"RevocationLists={home.conf / 'revocation'}",
        file=str(home.server_ini),
        key="RevocationLists",
        hint="Add that line and make the folder.",
    )


class Follower:
    """Keeps this server's trust as HUB's; :meth:`run` is its task.

    Args:
        home, settings: this server's.
        trust: the pointer to what is in force here.
        fetch: ``hub.trust`` of a channel to HUB.
        reload: takes the files into force; returns the faults that kept it from that.
        clock: UTC.
        log: the server's.
        pause: seconds before the same revision is tried again.

    ``failure`` is the code of what keeps HUB's trust from being taken over; empty when nothing.
    """

    def __init__(  # noqa: PLR0913 - one follower has exactly these partners, all by name
        self,
        *,
        home: Home,
        settings: ServerSettings,
        trust: Trust,
        fetch: Callable[[TrustSince], Awaitable[TrustBundle]],
        reload: Callable[[str], Awaitable[tuple[Fault, ...]]],
        clock: Clock,
        log: Log,
        pause: float = PAUSE,
    ) -> None:
        self._home = home
        self._settings = settings
        self._trust = trust
        self._fetch = fetch
        self._reload = reload
        self._clock = clock
        self._log = log
        self._pause = pause
        self._news = asyncio.Event()
        self._wanted = ""
        self._told = ("", "")
        self._own: tuple[TrustGeneration, str] | None = None
        self.failure = ""

    @property
    def rev(self) -> str:
        """The revision of what is in force here, as HUB would compute it."""
        generation = self._trust.current
        if generation is None:
            return ""
        if self._own is None or self._own[0] is not generation:
            self._own = (generation, bundle_of(generation).rev)
        return self._own[1]

    def heard(self, reply: HeartbeatReply) -> None:
        """Take note of HUB's revision; one that is not in force here is fetched, a new one now."""
        news = reply.trust_rev not in {"", self.rev, self._wanted}
        self._wanted = reply.trust_rev
        if news:
            self._news.set()

    async def run(self) -> None:
        """Fetch and take over whatever is new, for ever; ends by cancellation only."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause):
                    await self._news.wait()
            self._news.clear()
            if self._wanted in {"", self.rev}:
                continue
            try:
                await self.follow()
            except (ChannelError, CallError, SettingsError, OSError) as error:
                self._not_taken_over(error)

    async def follow(self) -> None:
        """Fetch HUB's trust once and take it over.

        Raises:
            ChannelError, CallError: HUB could not be asked.
            SettingsError: it cannot be taken over, with every reason; nothing has changed.
            OSError: the disk declined; what was written is put back.
        """
        generation = self._trust.current
        if generation is None:
            return
        bundle = await self._fetch(TrustSince(rev=self.rev))
        if bundle.rev == self.rev or not bundle.roots:
            return
        prepared = await asyncio.to_thread(
            prepare,
            bundle,
            home=self._home,
            settings=self._settings,
            generation=generation,
            at=self._clock(),
        )
        try:
            await self._put_in_force(prepared)
        except BaseException:
            await asyncio.to_thread(prepared.put_back)
            raise
        self.failure, self._told = "", ("", "")
        self._log.info(
            f"HUB's trust is in force: {len(bundle.roots)} roots, {len(bundle.crls)} revocation "
            f"lists, {', '.join(bundle.allowed)} allowed.",
            action="trust-taken-over",
            rev=bundle.rev,
        )

    async def _put_in_force(self, prepared: Prepared) -> None:
        await asyncio.to_thread(prepared.write)
        faults = await self._reload("trust from HUB")
        if faults:
            raise SettingsError(faults, message="HUB's trust was not taken over.")

    def _not_taken_over(self, error: Exception) -> None:
        """Say why, once for each revision and reason."""
        away = isinstance(error, ChannelError | CallError)
        self.failure = error.code if isinstance(error, ChannelError | CallError) else _CODE
        told = (self._wanted, self.failure if away else str(error))
        if told == self._told:
            return
        self._told = told
        faults = error.faults if isinstance(error, SettingsError) else ()
        why = "; ".join(str(fault) for fault in faults) or str(error)
        self._log.warning(
            f"HUB's trust was not taken over: {why} What was in force stays; it is tried again.",
            action="trust-not-taken-over",
            code=self.failure,
        )
