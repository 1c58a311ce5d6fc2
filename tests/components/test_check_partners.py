"""``sottovoce check --partners``: real connections to real listeners, each cause named first.

The server checked is LUI's; HUB and TRK are parties on loopback that a test makes wrong in one
way. Who calls HUB is told by the log of HUB's home.
"""

import asyncio
import datetime as dt
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sottovoce.diagnosis import Finding, Report, Status
from sottovoce.keystore import PrivateKeyEntry
from sottovoce.net import LIMITS, Limits, monotonic, utc_now
from sottovoce.net.security import identity_of
from sottovoce.policy import Component
from sottovoce.server.checking import Notebook, check_home, check_partners, explain_here
from sottovoce.server.home import Home, occupy
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.homes import Premises
from sottovoce.testing.loopback import Party, listening

HUB, LUI, TRK = "hub.test", "lui.test", "trk.test"
ALL = (HUB, LUI, TRK)
#: Short enough for a test, long enough for a busy machine.
QUICK = replace(LIMITS, connect=0.3, first_bytes=0.3, handshake=0.6, linger=0.1)


def party(
    authority: ThrowAwayAuthority,
    name: str,
    *,
    identity: PrivateKeyEntry | None = None,
    trusts: ThrowAwayAuthority | None = None,
    allowed: tuple[str, ...] = ALL,
    **more: Any,
) -> Party:
    """Return a secured partner; *trusts*: whose root it has instead of the installation's."""
    generation = (trusts or authority).generation(
        identity or authority.issue(name), own_name=name, allowed=allowed
    )
    return Party(name, generation, **more)


@dataclass
class Street:
    """LUI's home, and whoever stands at the other ends of its connections."""

    home: Premises
    ports: dict[str, int] = field(default_factory=dict)

    async def check(self, *, limits: Limits = LIMITS) -> Report:
        for key, port in self.ports.items():
            self.home.set("lui/lui.ini", key, str(port))
        notebook = Notebook(monotonic=monotonic)
        known = await asyncio.to_thread(check_home, self.home.path, notebook, at=utc_now())
        await check_partners(known, notebook, limits=limits)
        return notebook.report


def bad(report: Report) -> list[Finding]:
    """Return what is not fine, in order."""
    return [each for each in report.findings if each.status not in {Status.FINE, Status.SKIPPED}]


def codes(report: Report) -> list[str]:
    return [each.code for each in bad(report)]


@pytest.fixture
def home(tmp_path: Path, authority: ThrowAwayAuthority) -> Premises:
    partners = {"HubHost": HUB, "HubAddress": "127.0.0.1", "HubPort": "1"}
    partners |= {"TrackerHost": TRK, "TrackerAddress": "127.0.0.1", "TrackerPort": "2"}
    return Premises.make(
        tmp_path / "lui",
        name=LUI,
        components=[Component.LUI],
        authority=authority,
        allowed=ALL,
        values={"lui/lui.ini": partners},
    ).secure()


@asynccontextmanager
async def street(home: Premises, hub: Party | None, trk: Party | None) -> AsyncIterator[Street]:
    """The partners listen; a port of one that is not there is closed."""
    async with AsyncExitStack() as stack:
        ports = {}
        for key, one in (("HubPort", hub), ("TrackerPort", trk)):
            if one is not None:
                ports[key] = (await stack.enter_async_context(listening(one))).port
            else:
                ports[key] = _closed_port()
        yield Street(home, ports)


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_two_good_partners_leave_no_warning(
    home: Premises, authority: ThrowAwayAuthority
) -> None:
    """Every phase is timed, up to Ready."""
    async with street(home, party(authority, HUB), party(authority, TRK)) as place:
        report = await place.check()
    assert bad(report) == []
    tried = {each.id: each for each in report.findings if each.group == "Connections"}
    assert sorted(tried) == ["connection-lui-hub", "connection-lui-trk"]
    phases = list(tried["connection-lui-hub"].phases)
    assert phases == ["resolve", "connect", "first bytes", "tls", "greeting", "gate", "ready"]
    assert all(seconds >= 0 for seconds in tried["connection-lui-hub"].phases.values())
    assert "secured (TLSv1.3" in tried["connection-lui-hub"].message


async def test_nobody_listens(home: Premises, authority: ThrowAwayAuthority) -> None:
    async with street(home, None, party(authority, TRK)) as place:
        report = await place.check()
    assert codes(report) == ["connection-refused"]
    assert report.worst is Status.FAULT


async def test_a_host_that_swallows_packets_is_told_from_one_that_is_down(
    home: Premises, authority: ThrowAwayAuthority
) -> None:
    """P5: the other port of the same host does answer, so something on the way drops them."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(3):  # its queue is full: Linux answers no further SYN
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            waiting.append(one)
        async with street(home, None, party(authority, TRK)) as place:
            place.ports["HubPort"] = full.getsockname()[1]
            report = await place.check(limits=QUICK)
        for one in waiting:
            one.close()
    [found] = bad(report)
    assert found.code == "no-answer"
    assert f"port {place.ports['TrackerPort']} on that host does answer" in found.message
    assert "firewall" in found.next_step


async def talker(said: bytes) -> asyncio.Server:
    """Somebody who says one thing and then waits to be hung up on."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await reader.read()
        writer.close()

    return await asyncio.start_server(talk, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "foreign-service"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "foreign-service"),
        (b"", "tls-not-started"),
    ],
    ids=["ssh", "http", "silence"],
)
async def test_something_else_answers(
    home: Premises, authority: ThrowAwayAuthority, said: bytes, code: str
) -> None:
    server = await talker(said)
    async with server, street(home, None, party(authority, TRK)) as place:
        place.ports["HubPort"] = server.sockets[0].getsockname()[1]
        report = await place.check(limits=QUICK)
    assert codes(report) == [code]
    if said:
        assert said[:8].decode() in bad(report)[0].message


async def test_a_half_secured_installation_is_named_before_the_edges_that_fail(
    home: Premises, authority: ThrowAwayAuthority
) -> None:
    """P9, SPEC W4."""
    async with street(home, party(authority, HUB), Party(TRK)) as place:
        report = await place.check()
    assert codes(report) == ["half-secured", "peer-not-secured"]
    assert "Secured: HUB, LUI. Not secured: TRK. 2 of 3 connections cannot work." in str(
        bad(report)[0].message
    )


async def test_a_plain_server_among_secured_ones_is_named_as_the_one(
    home: Premises, authority: ThrowAwayAuthority
) -> None:
    home.ssl_ini.unlink()
    async with street(home, party(authority, HUB), party(authority, TRK)) as place:
        report = await place.check()
    assert codes(report) == ["not-secured", "half-secured", "mode-mismatch", "mode-mismatch"]
    assert report.first is not None
    assert report.first.code == "half-secured"
    assert "Secured: HUB, TRK. Not secured: LUI." in report.first.message


async def test_an_installation_that_is_plain_everywhere_has_one_warning(home: Premises) -> None:
    home.ssl_ini.unlink()
    async with street(home, Party(HUB), Party(TRK)) as place:
        report = await place.check()
    assert codes(report) == ["not-secured"]
    assert report.worst is Status.WARNING


async def test_refused_by_the_partners_list(home: Premises, authority: ThrowAwayAuthority) -> None:
    hub = party(authority, HUB, allowed=(HUB, TRK))
    async with street(home, hub, party(authority, TRK)) as place:
        report = await place.check()
    assert codes(report) == ["not-in-allowed-list"]


async def test_a_root_that_is_missing_here_is_named(
    home: Premises, authority: ThrowAwayAuthority, stranger: ThrowAwayAuthority
) -> None:
    """W11: which root, on which server."""
    hub = party(authority, HUB, identity=stranger.issue(HUB))
    async with street(home, hub, party(authority, TRK)) as place:
        report = await place.check()
    [found] = bad(report)
    assert found.code == "root-untrusted"
    assert "A root is missing on lui.test (this server)" in found.message
    assert "'Stranger'" in found.message
    assert f"--home {home.path} -importcert -cacerts" in found.next_step


async def test_a_root_that_is_missing_there_is_named(
    home: Premises, authority: ThrowAwayAuthority, stranger: ThrowAwayAuthority
) -> None:
    """W11: the partner says only that it does not know our CA; which one that is we know."""
    hub = party(authority, HUB, trusts=stranger)
    async with street(home, hub, party(authority, TRK)) as place:
        report = await place.check()
    [found] = bad(report)
    assert found.code == "root-untrusted"
    assert "A root is missing on hub.test (HUB): it does not trust 'Throw-away root'" in (
        found.message
    )


async def test_an_alert_is_explained_by_trying_the_connection(
    home: Premises, authority: ThrowAwayAuthority, stranger: ThrowAwayAuthority
) -> None:
    """The text names no root and no server; the connection that was tried does."""
    hub = party(authority, HUB, trusts=stranger)
    async with street(home, hub, party(authority, TRK)) as place:
        for key, port in place.ports.items():
            home.set("lui/lui.ini", key, str(port))
        notebook = Notebook(monotonic=monotonic)
        known = await asyncio.to_thread(check_home, home.path, notebook, at=utc_now())
        await check_partners(known, notebook)
    first, *_ = explain_here("tlsv1 alert unknown ca", known, notebook.report, {})
    assert first.code == "root-untrusted"
    assert "A root is missing on hub.test (HUB)" in first.message
    assert "connection-lui-hub" in first.evidence[0]


async def test_two_roots_missing_on_two_servers_are_both_named(
    home: Premises, authority: ThrowAwayAuthority, stranger: ThrowAwayAuthority
) -> None:
    """W11: one CA for each server, and nothing imported yet."""
    hub = party(authority, HUB, identity=stranger.issue(HUB), trusts=stranger)
    async with street(home, hub, party(authority, TRK)) as place:
        report = await place.check()
    assert [each.message.partition(" (")[0] for each in bad(report)] == [
        "A root is missing on lui.test",
        "A root is missing on hub.test",
    ]


async def test_one_key_on_two_servers(home: Premises, authority: ThrowAwayAuthority) -> None:
    """N8: nothing fails, and that is the danger."""
    both = authority.issue(HUB, TRK)
    hub, trk = party(authority, HUB, identity=both), party(authority, TRK, identity=both)
    async with street(home, hub, trk) as place:
        report = await place.check()
    [found] = bad(report)
    assert (found.code, found.status) == ("same-key", Status.WARNING)
    assert "hub.test and trk.test present the same key" in found.message


@pytest.mark.parametrize(
    ("seconds", "status"), [(60, Status.WARNING), (-420, Status.FAULT), (20, None)]
)
async def test_a_partners_clock(
    home: Premises, authority: ThrowAwayAuthority, seconds: int, status: Status | None
) -> None:
    """V4: the greeting tells the time."""
    hub = party(authority, HUB, clock=lambda: utc_now() + dt.timedelta(seconds=seconds))
    async with street(home, hub, party(authority, TRK)) as place:
        report = await place.check()
    assert [(each.code, each.status) for each in bad(report)] == (
        [("clock-skew", status)] if status else []
    )


Wrong = Callable[[ThrowAwayAuthority, dt.datetime], Party]

WRONG_PARTNERS: dict[str, tuple[Wrong, str]] = {
    "its certificate is for another name": (
        lambda authority, _: party(authority, HUB, identity=authority.issue("old.test")),
        "name-mismatch",
    ),
    "its certificate has expired": (
        lambda authority, at: party(
            authority,
            HUB,
            identity=authority.issue(
                HUB, not_before=at - dt.timedelta(days=9), not_after=at - dt.timedelta(days=1)
            ),
        ),
        "certificate-expired",
    ),
    "its certificate soon expires": (
        lambda authority, at: party(
            authority,
            HUB,
            identity=authority.issue(
                HUB, not_before=at - dt.timedelta(days=9), not_after=at + dt.timedelta(days=1)
            ),
        ),
        "certificate-expiring",
    ),
    "it announces another name": (
        lambda authority, _: replace_name(party(authority, HUB), "new.test"),
        "announced-name-mismatch",
    ),
}


async def test_a_partner_that_was_renamed_is_named_so_by_its_key(
    home: Premises, authority: ThrowAwayAuthority
) -> None:
    """N2 across servers: HUB has its new certificate, and this server still dials the old name."""
    new = authority.issue("hub-new.test")
    identity = identity_of(new.chain)
    assert identity is not None
    said(
        home,
        {"side": "calling", "outcome": "accepted", "dialled": HUB, "names": [HUB]}
        | {"key": identity.key, "component": "hub", "announced": HUB},
    )
    hub = replace_name(party(authority, HUB, identity=new), "hub-new.test")
    async with street(home, hub, party(authority, TRK)) as place:
        report = await place.check()
    [found] = bad(report)
    assert found.code == "server-renamed"
    assert (found.expected, found.presented) == (HUB, "hub-new.test")
    assert "with the key that it had under the old one" in found.message
    assert "HubHost in lui/lui.ini, and add hub-new.test to SSLAllowedClients" in found.next_step


async def test_a_partner_whose_new_name_is_listed_here_was_renamed(
    home: Premises, authority: ThrowAwayAuthority
) -> None:
    """Half of the renaming was done: the list has the new name, the settings have not."""
    home.allowed = (*ALL, "hub-new.test")
    home.write_ssl()
    hub = replace_name(party(authority, HUB, identity=authority.issue("hub-new.test")), "x")
    async with street(home, hub, party(authority, TRK)) as place:
        report = await place.check()
    assert report.first is not None
    assert report.first.code == "server-renamed"
    assert "SSLAllowedClients here lists that name" in report.first.message


def replace_name(one: Party, name: str) -> Party:
    one.name = name
    return one


@pytest.mark.parametrize(("wrong", "code"), WRONG_PARTNERS.values(), ids=WRONG_PARTNERS)
async def test_a_partner_that_is_wrong_is_named(
    home: Premises, authority: ThrowAwayAuthority, moment: dt.datetime, wrong: Wrong, code: str
) -> None:
    async with street(home, wrong(authority, moment), party(authority, TRK)) as place:
        report = await place.check()
    assert codes(report)[:1] == [code]


async def test_a_name_that_cannot_be_resolved(
    home: Premises, authority: ThrowAwayAuthority
) -> None:
    ini = home.path / "lui/lui.ini"
    lines = ini.read_text("utf-8").splitlines()
    ini.write_text("\n".join(each for each in lines if not each.startswith("HubAddress=")) + "\n")
    async with street(home, None, party(authority, TRK)) as place:
        report = await place.check(limits=replace(LIMITS, resolve=0.3))
    assert codes(report) == ["name-not-resolved"]


async def test_nothing_is_tried_while_the_server_itself_is_wrong(
    home: Premises, authority: ThrowAwayAuthority
) -> None:
    hub = party(authority, HUB)
    home.keystore.chmod(0o644)
    async with street(home, hub, party(authority, TRK)) as place:
        report = await place.check()
    assert codes(report) == ["file-not-owner-only"]
    assert hub.records == []
    assert "connections" in [each.id for each in report.of(Status.SKIPPED)]


# Who calls: HUB's home, and what its log says.


@pytest.fixture
def hub_home(tmp_path: Path, authority: ThrowAwayAuthority) -> Premises:
    ports = {"BindAddress": "127.0.0.1", "InternalPort": str(_closed_port())}
    return Premises.make(
        tmp_path / "hub",
        name=HUB,
        components=[Component.HUB],
        authority=authority,
        allowed=ALL,
        values={"server.ini": ports, "hub/hub.ini": {"LuiHost": LUI, "TrackerHost": TRK}},
    ).secure()


def said(home: Premises, *events: dict[str, Any]) -> None:
    lines = [
        json.dumps({"at": utc_now().isoformat(), "side": "accepting", "port": 1099} | event)
        for event in events
    ]
    (home.path / "logs" / "security.log").write_text("\n".join(lines) + "\n", "utf-8")


def accepted(component: str, name: str, connection: str) -> dict[str, Any]:
    who = {"component": component, "announced": name, "names": [name], "key": name}
    address = f"10.0.0.{len(connection)}:5"
    how = {"connection": connection, "address": address, "tls": "TLSv1.3"}
    return {"outcome": "accepted"} | how | who


async def checked(home: Premises, *events: dict[str, Any]) -> Report:
    """Check HUB's home while a server holds it and its port."""
    ini = (home.path / "server.ini").read_text("utf-8").splitlines()
    port = next(int(each.partition("=")[2]) for each in ini if each.startswith("InternalPort="))
    with occupy(Home(home.path)), socket.create_server(("127.0.0.1", port)):
        said(home, *events)
        notebook = Notebook(monotonic=monotonic)
        known = await asyncio.to_thread(check_home, home.path, notebook, at=utc_now())
        await check_partners(known, notebook)
    return notebook.report


GOOD = (accepted("lui", LUI, "a"), accepted("trk", TRK, "bb"))


async def test_partners_that_are_connected_are_fine(hub_home: Premises) -> None:
    report = await checked(hub_home, *GOOD)
    assert bad(report) == []
    connected = [each.id for each in report.findings if "connected since" in each.message]
    assert connected == ["connection-lui-hub", "connection-trk-hub"]
    [_, other] = report.of(Status.SKIPPED)  # what is in force, which nobody has written down
    assert (other.id, "LUI was not heard" in other.message) == ("connection-lui-trk", True)


async def test_partners_that_were_never_seen(hub_home: Premises) -> None:
    report = await checked(hub_home, GOOD[0])
    assert codes(report) == ["partner-never-seen"]
    assert "TRK on trk.test has never called HUB" in bad(report)[0].message


async def test_a_partner_that_was_refused_last_is_told_with_its_reason(hub_home: Premises) -> None:
    refusal = {"outcome": "refused", "code": "revoked", "names": [TRK], "why": "It was revoked.",
               "next": "Issue a new one."}  # fmt: skip
    gone = {"outcome": "closed", "connection": "bb"}
    report = await checked(hub_home, *GOOD, gone, refusal)
    [found] = bad(report)
    assert (found.code, found.status, found.next_step) == (
        "revoked",
        Status.FAULT,
        "Issue a new one.",
    )
    assert "It was revoked." in found.message


async def test_somebody_elses_refusal_under_a_partners_name_alarms_nobody_while_it_is_connected(
    hub_home: Premises,
) -> None:
    refusal = {"outcome": "refused", "code": "role-not-granted", "names": [TRK], "why": "No."}
    assert bad(await checked(hub_home, *GOOD, refusal)) == []


async def test_a_partner_that_calls_under_a_new_name_was_renamed(hub_home: Premises) -> None:
    """N2 across servers: it says that it is LUI, and is refused by the name that it now has."""
    refused = accepted("lui", "lui-new.test", "ccc") | {
        "outcome": "refused",
        "code": "not-in-allowed-list",
    }
    report = await checked(hub_home, *GOOD[1:], refused)
    first = bad(report)[0]
    assert (first.code, first.id) == ("server-renamed", "connection-lui-hub")
    assert "LUI calls itself lui-new.test now; the settings here expect it on lui.test." in (
        first.message
    )
    assert "LuiHost in hub/hub.ini, and add lui-new.test to SSLAllowedClients" in first.next_step


async def test_a_partner_that_is_gone(hub_home: Premises) -> None:
    report = await checked(hub_home, *GOOD, {"outcome": "closed", "connection": "a"})
    assert codes(report) == ["channel-closed"]
    assert "LUI on lui.test is not connected to HUB now" in bad(report)[0].message


async def test_a_partner_that_calls_unencrypted_makes_the_installation_half_secured(
    hub_home: Premises,
) -> None:
    gone = {"outcome": "closed", "connection": "bb"}
    plain = {"outcome": "refused", "code": "plaintext-peer", "address": "10.0.0.2:77", "why": "P."}
    report = await checked(hub_home, *GOOD, gone, plain)
    assert codes(report) == ["half-secured", "plaintext-peer"]
    assert "Secured: HUB, LUI. Not secured: TRK." in bad(report)[0].message


async def test_two_callers_with_one_key(hub_home: Premises) -> None:
    report = await checked(hub_home, GOOD[0], GOOD[1] | {"key": LUI})
    assert codes(report) == ["same-key"]


async def test_without_a_running_server_nobody_can_call(hub_home: Premises) -> None:
    notebook = Notebook(monotonic=monotonic)
    known = await asyncio.to_thread(check_home, hub_home.path, notebook, at=utc_now())
    await check_partners(known, notebook)
    assert codes(notebook.report) == ["server-not-running"]
