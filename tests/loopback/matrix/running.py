"""Rows of servers under way: files that change, reloads, who is cut off (A6, O1 to O4, O7, R5, V6).

Servers of real files and real sockets, with an echo in place of their components.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from tests.cli.test_check import Case
from tests.components.test_reload import Station, revoke
from tests.loopback.matrix.homes import case_of, damaged
from tests.loopback.matrix.rows import Made, Row, Seen
from tests.loopback.matrix.stage import DAY, HUB, LUI, Stage, words

from sottovoce.errors import ChannelError, Fault
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import Destination, Offer, Outcome, Peer, listen, monotonic, utc_now
from sottovoce.policy import Component
from sottovoce.server import InUse, ReloadOutcome, ReloadResult, read_plan
from sottovoce.server.checking import Notebook, check_home
from sottovoce.server.home import Home, occupy
from sottovoce.testing import EchoCalls, Echoing, Text
from sottovoce.testing.homes import Premises

__all__ = ["ROWS"]

Change = Callable[[Stage, Premises], object]


def replaced(change: Change) -> Made:
    """Return a row's play: check of a home whose files changed under the server that runs on it."""

    async def made(stage: Stage) -> Seen:
        return await asyncio.to_thread(_replaced, stage, change)

    return made


def _replaced(stage: Stage, change: Change) -> Seen:
    home = case_of(stage, stage.templates.hub).home
    with occupy(Home(home.path)):
        generation = read_plan(home.path, at=utc_now()).generation
        served = InUse.of(generation, process=os.getpid(), server=HUB, since=utc_now())
        served.write(Home(home.path))
        change(stage, home)
        notebook = Notebook(monotonic=monotonic)
        check_home(home.path, notebook, at=utc_now())
    found = next(each for each in notebook.findings if each.id == "in-force")
    fault = Fault(
        code=found.code,
        why=found.message,
        expected=found.expected,
        presented=found.presented,
        hint=found.next_step,
    )
    return Seen(found=(found.code, ""), faults=(fault,), text=words([fault]))


@asynccontextmanager
async def connected(stage: Stage, *, dial: str = HUB) -> AsyncIterator[tuple[Station, Station]]:
    """HUB, LUI, and LUI's lasting connection to HUB."""
    homes = [
        await asyncio.to_thread(case_of, replace(stage, folder=stage.folder / name), template)
        for name, template in (("hub", stage.templates.hub), ("lui", stage.templates.lui))
    ]
    if dial != HUB:
        both = stage.issue(HUB, dial, roles=[Component.HUB])
        await asyncio.to_thread(homes[0].home.write_identity, both)
        await asyncio.to_thread(homes[1].home.write_ssl, SSLAllowedClients=f"{HUB},{LUI},{dial}")
        await asyncio.to_thread(homes[0].home.write_ssl, SSLAllowedClients=f"{HUB},{LUI},{dial}")
    hub, lui = [await asyncio.to_thread(Station.of, each.home) for each in homes]
    listener = await listen(
        hub.endpoint,
        address="127.0.0.1",
        port=0,
        offers=[Offer(EchoCalls, Echoing().for_caller)],
        on_error=lambda name, error: None,
    )
    hub.listeners[Component.HUB] = listener
    where = Destination(name=dial, port=listener.port, address="127.0.0.1", component=Component.HUB)
    peer = Peer(lui.endpoint, component=Component.LUI, destination=where)
    lui.peers.append(peer)
    try:
        await peer.stub(EchoCalls).say(Text(text="x"))
        yield hub, lui
    finally:
        await peer.aclose()
        await listener.aclose(grace=0)


def reloaded(
    change: Change, *, lui: bool = False, dial: str = HUB, before: Change = lambda _, __: None
) -> Made:
    """Return a row's play: files of HUB's change, and the reload is refused.

    Args:
        change: of the files.
        lui: whether it is LUI's files.
        dial: by which name LUI calls HUB.
        before: a change that is taken into force before.
    """

    async def made(stage: Stage) -> Seen:
        async with connected(stage, dial=dial) as (hub, caller):
            station = caller if lui else hub
            number = station.number
            await asyncio.to_thread(before, stage, station.home)
            result = await station.reload(lambda home: change(stage, home))
            assert result.outcome is ReloadOutcome.REFUSED
            assert station.number == number, "the old generation stays in force"
            assert station.log.of("error"), "and the log says why"
        return _refused(result)

    return made


def _refused(result: ReloadResult) -> Seen:
    fault = result.faults[0]
    return Seen(found=("", fault.code), faults=(fault,), text=words(result.faults))


def cut_off(
    change: Callable[[Premises, int], object], *, before: Change = lambda _, __: None
) -> Made:
    """Return a row's play: HUB's files change, and LUI's open connection ends for it.

    Args:
        change: of HUB's files; is given the serial number of LUI's certificate.
        before: of the files of both, before they start.
    """

    async def made(stage: Stage) -> Seen:
        async with connected(stage) as (hub, lui):
            for station in (hub, lui):
                await asyncio.to_thread(before, stage, station.home)
                await station.keeper.reload("a test")
            await lui.peers[0].stub(EchoCalls).say(Text(text="x"))
            serial = lui.serial
            result = await hub.reload(lambda home: change(home, serial))
            assert result.outcome is ReloadOutcome.ACCEPTED
            ended = await lui.party.logged(Outcome.CLOSED, code=result.closed[0].code)
            try:
                await lui.peers[0].stub(EchoCalls).say(Text(text="x"))
            except ChannelError as error:
                again = error
            ours = await hub.party.logged(Outcome.CLOSED, code=result.closed[0].code)
        lines = " ".join(hub.log.of("warning") + hub.log.of("info"))
        return Seen(
            accepting=(ours.code,),
            calling=again.faults[0].code,
            told=(ended.code,),
            faults=(ours.faults[0], again.faults[0]),
            text=f"{words(ours.faults)} {lines}",
        )

    return made


def _half_written(stage: Stage, home: Premises) -> None:
    """The new key is there, the new certificate is not."""
    one, two = stage.issue(HUB), stage.issue(HUB)
    home.write_identity(PrivateKeyEntry(one.key, two.chain))


def _no_longer_this_name(stage: Stage, home: Premises) -> None:
    home.write_identity(stage.issue(HUB, roles=[Component.HUB]))


def _new_authority(stage: Stage, home: Premises) -> None:
    home.write_roots(stage.authority.root, stage.stranger.root)
    home.write_identity(stage.issue(LUI, by=stage.stranger, roles=[Component.LUI]))


def _both_roots(stage: Stage, home: Premises) -> None:
    home.write_roots(stage.authority.root, stage.stranger.root)
    if home.name == LUI:
        home.write_identity(stage.issue(LUI, by=stage.stranger, roles=[Component.LUI]))


def _managed_and_expired(case: Case) -> None:
    case.home.set("server.ini", "TrustFromHub", "yes")
    begin = case.at.replace(microsecond=0)
    entry = case.authority.issue(case.home.name, not_before=begin - 31 * DAY, not_after=begin - DAY)
    case.home.write_identity(entry)


ROWS = (
    Row(
        id="A6",
        cause="the list on disk is another than the one in force",
        made=replaced(lambda _, home: home.write_ssl(SSLAllowedClients=f"{HUB},{LUI}")),
        found=("not-reloaded", ""),
        says=("SSLAllowedClients in use since", "sottovoce reload"),
    ),
    Row(
        id="O3",
        cause="the certificate on disk is another than the one in use",
        made=replaced(lambda at, home: home.write_identity(at.issue(HUB))),
        found=("not-reloaded", ""),
        says=("In use: certificate", "On disk:"),
    ),
    Row(
        id="O1",
        cause="a half-written pair is read while the server runs",
        made=reloaded(_half_written),
        found=("", "keystore-key-mismatch"),
        says=("belongs to another key",),
    ),
    Row(
        id="O4",
        cause="the new certificate lacks the name by which LUI calls",
        made=reloaded(_no_longer_this_name, dial="alias.test"),
        found=("", "reload-refused"),
        says=("lacks the name alias.test", LUI, "Reissue it with alias.test"),
    ),
    Row(
        id="O2",
        cause="a new certificate under a CA that the partner does not trust yet",
        made=reloaded(_new_authority, lui=True),
        found=("", "root-not-spread"),
        says=("'Stranger'", "Import the new root on hub.test first"),
    ),
    Row(
        id="R5",
        cause="LUI is revoked while it is connected",
        made=cut_off(revoke),
        accepting=("revoked",),
        calling="revoked",
        told=("revoked",),
        says=("Closed 1 open connection of lui.test (revoked).",),
    ),
    Row(
        id="O7",
        cause="the CA of LUI is removed while it is connected",
        made=cut_off(lambda home, _: home.write_roots(home.authority.root), before=_both_roots),
        accepting=("root-untrusted",),
        calling="root-untrusted",
        told=("root-untrusted",),
        says=("Closed 1 open connection of lui.test (root-untrusted).", "0 connections left"),
    ),
    Row(
        id="O7",
        cause="LUI is taken from the list while it is connected",
        made=cut_off(lambda home, _: home.write_ssl(SSLAllowedClients=HUB)),
        accepting=("not-in-allowed-list",),
        calling="not-in-allowed-list",
        told=("not-in-allowed-list",),
        says=("Closed 1 open connection of lui.test (not-in-allowed-list).",),
    ),
    Row(
        id="V6",
        cause="HUB was to renew the certificate, and it has expired",
        made=damaged(_managed_and_expired),
        found=("renewal-too-late", "renewal-too-late"),
        says=("expired", "sottovoce invite"),
    ),
)
