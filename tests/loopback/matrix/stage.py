"""What the rows are made with: authorities, certificates good and odd, servers on loopback, homes.

Everything that is dear to make is made once a session.
"""

import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.conformance.chains.forge import Forge
from tests.conformance.chains.forge import Made as Certified
from tests.loopback.matrix.rows import Made, Seen

from sottovoce.errors import ChannelError, Fault
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import LIMITS, Clock, Outcome, SecurityRecord, utc_now
from sottovoce.pki import Revocation, dump_certificates
from sottovoce.policy import AllowedClients, Component
from sottovoce.testing import Party, ThrowAwayAuthority, listening
from sottovoce.tls import TrustGeneration

if TYPE_CHECKING:
    from tests.loopback.matrix.homes import Templates

__all__ = [
    "ALLOWED",
    "DAY",
    "HUB",
    "IMPATIENT",
    "LUI",
    "TRK",
    "Stage",
    "calls",
    "channel",
    "seen_by_both",
    "swallowing",
    "words",
]

HUB, LUI, TRK = "hub.test", "lui.test", "trk.test"
ALLOWED = (HUB, LUI, TRK)
ROLES = {HUB: Component.HUB, LUI: Component.LUI, TRK: Component.TRK}
DAY = timedelta(days=1)

#: For rows in which nobody answers: whoever waits there waits for these.
IMPATIENT = replace(LIMITS, connect=0.4, handshake=0.4, linger=0.1)


@dataclass(frozen=True, eq=False)
class Stage:
    """Where a row is played.

    Args:
        authority: the CA of the installation; stranger: one that nobody trusts.
        moment: around which the certificates are valid.
        folder: the row's own.
        templates: homes to copy.
    """

    authority: ThrowAwayAuthority
    stranger: ThrowAwayAuthority
    moment: datetime
    folder: Path
    templates: "Templates"

    @property
    def forge(self) -> Forge:
        """Makes certificates that no good authority issues."""
        return _forge()

    @cached_property
    def root(self) -> Certified:
        """The installation's CA, for the forge."""
        return certified(self.authority)

    def issue(self, *names: str, days: tuple[float, float] = (-1, 30), **more: Any) -> Any:
        """Return a key with a good certificate."""
        begin, end = (self.moment + each * DAY for each in days)
        by = more.pop("by", self.authority)
        return by.issue(*names, not_before=begin, not_after=end, **more)

    def odd(
        self, *names: str, by: Certified | None = None, above: Sequence[Certified] = (), **more: Any
    ) -> PrivateKeyEntry:
        """Return a key with a certificate that has something odd about it.

        Args:
            names: as alternative names.
            by: who signs; the installation's CA by default.
            above: what is sent besides.
            more: see :class:`~tests.conformance.chains.forge.Spec`.
        """
        leaf = self.forge.leaf(by or self.root, *names, **self.dated(more))
        return PrivateKeyEntry(leaf.key, (leaf.cert, *(each.cert for each in above)))

    def between(self, name: str = "Issuing One", by: Certified | None = None, **more: Any) -> Any:
        """Return a CA below the installation's."""
        return self.forge.ca(by or self.root, name, **self.dated(more))

    def dated(self, more: dict[str, Any], days: tuple[float, float] = (-1, 30)) -> dict[str, Any]:
        """Fill in dates around the moment."""
        begin, end = (self.moment + each * DAY for each in days)
        return {"begin": begin, "end": end, **more}

    def crl(
        self, *revoked: PrivateKeyEntry, days: tuple[float, float] = (-1, 6), by: Any = None
    ) -> tuple[x509.CertificateRevocationList, ...]:
        """Return the revocation list of an authority."""
        begin, end = (self.moment + each * DAY for each in days)
        gone = [
            Revocation(serial=each.certificate.serial_number, date=self.moment - DAY)
            for each in revoked
        ]
        authority = (by or self.authority).authority
        return (authority.revocation_list(gone, number=1, this_update=begin, next_update=end),)

    def pem(self, identity: PrivateKeyEntry) -> Path:
        """Write a key and its chain for programs that want a file."""
        path = self.folder / "identity.pem"
        key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(key + dump_certificates(identity.chain))
        return path

    def good(self, name: str) -> PrivateKeyEntry:
        """Return the good certificate of one of the three servers; always the same."""
        return _good(self.authority, name)

    def hub(self, identity: PrivateKeyEntry | None = None, **parts: Any) -> Party:
        """Return HUB's server, good but for what is given; see :meth:`party`."""
        return self.party(HUB, identity or self.good(HUB), **parts)

    def lui(self, identity: PrivateKeyEntry | None = None, **parts: Any) -> Party:
        """Return LUI's server, good but for what is given; see :meth:`party`."""
        return self.party(LUI, identity or self.good(LUI), **parts)

    def trk(self, identity: PrivateKeyEntry | None = None, **parts: Any) -> Party:
        """Return TRK's server, good but for what is given; see :meth:`party`."""
        return self.party(TRK, identity or self.good(TRK), **parts)

    def party(
        self,
        name: str,
        identity: PrivateKeyEntry,
        *,
        trusts: Sequence[x509.Certificate] | None = None,
        allowed: Sequence[str] = ALLOWED,
        crls: tuple[x509.CertificateRevocationList, ...] = (),
        hosts: Mapping[Component, str] = MappingProxyType({}),
        announces: str = "",
        clock: Clock = utc_now,
    ) -> Party:
        """Return a secured server.

        Args:
            name, identity: who it is.
            trusts: its roots; by default the installation's.
            allowed: its list; crls: its revocation lists.
            hosts: where it expects the components.
            announces: another name than its own.
            clock: another than the machine's.
        """
        generation = TrustGeneration.make(
            number=1,
            own_name=name,
            identity=identity,
            roots=tuple(trusts) if trusts is not None else (self.authority.root,),
            allowed=AllowedClients(tuple(allowed)),
            crls=crls,
            hosts=hosts,
        )
        return Party(announces or name, generation, clock=clock)


@cache
def _forge() -> Forge:
    return Forge()


@cache
def _good(authority: ThrowAwayAuthority, name: str) -> PrivateKeyEntry:
    return authority.issue(name, roles=[ROLES[name]])


def certified(authority: ThrowAwayAuthority) -> Certified:
    """Return an authority as the forge has them."""
    return Certified(authority.root, authority.authority.key, authority.root.subject)


PartyOf = Callable[[Stage], Party]


def channel(
    *,
    hub: PartyOf = Stage.hub,
    lui: PartyOf = Stage.lui,
    dial: str = HUB,
    component: Component = Component.LUI,
    linked: bool = True,
) -> Made:
    """Return a row's play: LUI calls HUB.

    Args:
        hub, lui: the two servers.
        dial: the name that LUI dials; component: for which it calls.
        linked: whether both logs have the same connection id in the end.
    """

    async def made(stage: Stage) -> Seen:
        accepting, calling = hub(stage), lui(stage)
        async with listening(accepting) as listener:
            try:
                opened = await calling.connect(listener.port, dial=dial, component=component)
            except ChannelError as error:
                return await seen_by_both(accepting, calling, error, linked=linked)
            await accepting.logged(Outcome.ACCEPTED)
            await opened.aclose()
            return Seen()

    return made


async def seen_by_both(
    accepting: Party, calling: Party, error: ChannelError, *, linked: bool = True
) -> Seen:
    """Read both logs after a refusal; the two must name the same connection."""
    refusal = await accepting.logged(Outcome.REFUSED)
    (own,) = calling.of(Outcome.REFUSED)
    assert error.connection_id == own.connection_id
    if not linked or None in (accepting.generation, calling.generation):
        assert not own.connection_id
        return _seen([refusal], own, list(refusal.told))
    lines = [refusal]
    told = list(refusal.told)
    if refusal.refused_by == "us":
        if told and told[0].startswith("alert "):
            told += (await accepting.logged(Outcome.EXPLAINED)).told
        if own.code == "clock-skew":
            lines.append(await accepting.logged(Outcome.HINT))
        assert refusal.connection_id == own.connection_id
    elif own.phase == "tls":
        hint = await accepting.logged(Outcome.HINT)
        lines.append(hint)
        told = [f"alert {_alert_in(refusal)}", *dict.fromkeys(_codes(hint))]
        assert hint.refers_to == refusal.connection_id == own.connection_id
    else:
        told = list(dict.fromkeys(_codes(refusal)))
        assert refusal.connection_id == own.connection_id
    return _seen(lines, own, told)


async def calls(lui: Party, port: int, *, dial: str = HUB, address: str = "127.0.0.1") -> Seen:
    """Call a port at which no server of ours is; return what the caller knows."""
    try:
        await lui.connect(port, dial=dial, address=address)
    except ChannelError:
        (own,) = lui.of(Outcome.REFUSED)
        return Seen(calling=own.code, faults=own.faults[:1], text=words(own.faults))
    raise AssertionError("that was no server of ours")


@contextmanager
def swallowing() -> Iterator[int]:
    """A port whose queue is full: Linux answers no further SYN, as a firewall that drops them."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield int(full.getsockname()[1])


def _seen(lines: list[SecurityRecord], own: SecurityRecord, told: list[str]) -> Seen:
    finder = lines[0] if lines[0].refused_by == "us" else own
    return Seen(
        accepting=tuple(line.code for line in lines),
        calling=own.code,
        told=tuple(told),
        faults=tuple(line.faults[0] for line in (finder, *lines, own)),
        text=words(finder.faults),
    )


def _alert_in(record: SecurityRecord) -> str:
    found = re.search(r"with the alert ([a-z_]+)", record.faults[0].why)
    assert found is not None, record.faults[0].why
    return found.group(1)


def _codes(record: SecurityRecord) -> list[str]:
    return [fault.code for fault in record.faults]


def words(faults: Sequence[Fault]) -> str:
    """Return all that faults say."""
    return " ".join(
        f"{fault.why} {fault.expected} {fault.presented} {fault.hint}" for fault in faults
    )
