"""What the verbs of ``sottovoce secure`` do, and what they print."""

import argparse
import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sottovoce.cli.ca_places import FINE, WARNINGS, HubHome, emit, hub_of
from sottovoce.cli.options import home_of
from sottovoce.cli.own_authority import OwnAuthority
from sottovoce.cli.printing import print_fault
from sottovoce.cli.secure_printing import described, ends, good_until, lines
from sottovoce.errors import SettingsError, StoreError, WrongUsage
from sottovoce.hub.authority import Issuer
from sottovoce.net.clock import utc_now
from sottovoce.pki import dump_request, fingerprint, key_fingerprint, load_request
from sottovoce.policy import Component
from sottovoce.server import Home
from sottovoce.server.prepared_lists import publish_lists
from sottovoce.server.preparing import (
    accept_reply,
    ask_for,
    prepare_with,
    reply_print,
    sign_request,
)
from sottovoce.server.securing import certified_by
from sottovoce.server.switch_state import own_state, whole_state
from sottovoce.server.switching import Stage, examine, move_back, move_switch, stage_of
from sottovoce.store import write_atomically

if TYPE_CHECKING:
    from sottovoce.server.securing import Credentials
    from sottovoce.server.switch_state import SwitchState

__all__ = ["ACTS"]

FAULTS = 2


def _state(args: argparse.Namespace) -> "SwitchState":
    return asyncio.run(whole_state(Home(home_of(args)), clock=utc_now))


def _show(args: argparse.Namespace) -> int:
    state = _state(args)
    emit(args, described(state), lines(state))
    return FINE if state.reached == "proved" or _all_done_here(state) else WARNINGS


def _all_done_here(state: "SwitchState") -> bool:
    """Elsewhere than on HUB's server, nothing is left to do once the server is secured."""
    return state.whole is None and state.own.in_force


# Preparing.


def _prepare(args: argparse.Namespace) -> int:
    home = Home(home_of(args))
    if args.fingerprint is not None and args.reply is None:
        raise WrongUsage("--fingerprint goes with --reply FILE.")
    if args.own_ca is None and (args.ca_name or args.ca_host or args.ca_password_file):
        raise WrongUsage("--ca-name, --ca-host and --ca-password-file go with --own-ca ROOTDIR.")
    if args.request is not None:
        return _ask(args, home)
    if args.reply is not None:
        return _take(args, home)
    if args.own_ca is not None:
        return _prepare_hub(args, home)
    return _look(args, home)


def _ask(args: argparse.Namespace, home: Home) -> int:
    settings = home.settings()
    if Component.HUB in settings.components:
        raise WrongUsage(
            "HUB runs here, so no request is needed.", hint="Use --own-ca ROOTDIR on this server."
        )
    request = ask_for(home, settings, utc_now())
    _write(args.request, dump_request(request), mode=0o644)
    key = key_fingerprint(request.public_key())
    facts = {"request": str(args.request), "server": settings.server_name, "key": key}
    told = [
        f"Wrote the request of {settings.server_name} to {args.request}; its key stays here.",
        f"    SHA-256 of the key: {key}",
        f"    next: carry {args.request.name} to HUB's server, and there:",
        f"    sottovoce secure sign {args.request.name} --out REPLY --home HUBHOME",
    ]
    emit(args, facts, told)
    return FINE


def _take(args: argparse.Namespace, home: Home) -> int:
    if args.fingerprint is None:
        raise WrongUsage(
            "A reply counts only with its --fingerprint SHA256.",
            hint="Give the one that 'sottovoce secure sign' has shown on HUB's server.",
        )
    data, settings, now = _read(args.reply), home.settings(), utc_now()
    files = accept_reply(home, settings, data, expected=args.fingerprint, now=now)
    return _prepared(args, home, files)


def _prepare_hub(args: argparse.Namespace, home: Home) -> int:
    hub, now = hub_of(args), utc_now()
    if stage_of(home) is Stage.SWITCHED:
        raise WrongUsage(
            "The switch of this server is in its place already.",
            hint="Where it stands: sottovoce secure --home DIR",
        )
    issuer, own = Issuer.open(home.path), None
    if issuer is None:
        own = _own_authority(args, hub, now)
    try:
        credentials = _certified(hub, issuer, now) if own is None else own(home.path)
        files = prepare_with(home, hub.settings, credentials, now)
    except BaseException:
        if own is not None and Issuer.open(home.path) is None:
            own.undo()
        raise
    return _prepared(args, home, files, told=own.lines() if own is not None else [])


def _certified(hub: HubHome, issuer: Issuer | None, now: datetime) -> "Credentials":
    assert issuer is not None
    return certified_by(
        issuer,
        hub.settings.server_name,
        hub.settings.components,
        allowed=hub.hosts,
        lifetime=hub.lifetime,
        now=now,
    )


def _own_authority(args: argparse.Namespace, hub: HubHome, now: datetime) -> OwnAuthority:
    args.name, args.lui, args.tracker = (
        hub.settings.server_name,
        hub.hub.lui_host,
        hub.hub.tracker_host,
    )
    return OwnAuthority(args, hub.home.path, hub.settings.components, now=now)


def _look(args: argparse.Namespace, home: Home) -> int:
    if stage_of(home) is Stage.PLAIN:
        raise WrongUsage(
            "Nothing is prepared here, and no option says how.",
            hint="HUB's server: --own-ca ROOTDIR. Another one: --request FILE. With certificates "
            "of another CA: write commands/ssl.ini.prepared, with the three entries of ssl.ini.",
        )
    return _prepared(args, home, ())


def _prepared(
    args: argparse.Namespace, home: Home, files: tuple[Path, ...], told: list[str] | None = None
) -> int:
    """Say what is ready, after reading it back as a start would."""
    plan = examine(home, at=utc_now())
    assert plan is not None, "its switch is there"
    generation = plan.generation
    assert generation is not None
    leaf, own = generation.identity.chain[0], own_state(home, at=utc_now())
    facts: dict[str, Any] = {
        "server": plan.settings.server_name,
        "files": [str(path) for path in files],
        "fingerprint": fingerprint(leaf),
        "not_after": leaf.not_valid_after_utc.isoformat(),
        "allowed": list(generation.allowed.names),
        **ends(own),
    }
    said = [*(told or []), f"{plan.settings.server_name} is prepared, and stays plain."]
    said += [f"    wrote {path}" for path in files]
    said += [f"    {line}" for line in good_until(own)]
    said.append(f"    next: sottovoce secure --home {home.path}")
    emit(args, facts, said)
    return FINE


def _sign(args: argparse.Namespace) -> int:
    args.home = home_of(args)
    hub, now = hub_of(args), utc_now()
    issuer = Issuer.open(hub.home.path)
    if issuer is None:
        raise StoreError(
            f"{hub.home.path} holds no issuing authority.",
            hint=f"Prepare HUB's server first: sottovoce secure prepare --home {hub.home.path} "
            "--own-ca ROOTDIR",
            code="ca-missing",
        )
    request = load_request(_read(args.request), source=str(args.request))
    places = {
        Component.HUB: hub.settings.server_name,
        Component.LUI: hub.hub.lui_host,
        Component.TRK: hub.hub.tracker_host,
    }
    reply = sign_request(request, issuer, places=places, lifetime=hub.lifetime, now=now)
    data = reply.data()
    _write(args.out, data, mode=0o644)
    facts = {
        "server": reply.server,
        "reply": str(args.out),
        "sha256": reply_print(data),
        "key": key_fingerprint(request.public_key()),
    }
    told = [
        f"Certified {reply.server}; the reply is in {args.out}.",
        f"    SHA-256 of the key:   {facts['key']}",
        "        compare it with what 'prepare --request' has shown there",
        f"    SHA-256 of the reply: {facts['sha256']}",
        f"    next: carry {args.out.name} to {reply.server}, and there:",
        f"    sottovoce secure prepare --reply {args.out.name} --home DIR \\",
        f"        --fingerprint {facts['sha256']}",
    ]
    emit(args, facts, told)
    return FINE


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read: {error.strerror}.", code="file-unreadable"
        ) from error


def _write(path: Path, data: bytes, *, mode: int) -> None:
    try:
        write_atomically(path, data, mode=mode)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}.", code="file-unwritable"
        ) from error


# Checking, switching, proving, and back.


def _current(args: argparse.Namespace) -> "SwitchState":
    """Return the state after HUB's server has renewed its lists; others get theirs from it."""
    publish_lists(Home(home_of(args)), utc_now())
    return _state(args)


def _check(args: argparse.Namespace) -> int:
    state = _current(args)
    faults = () if state.own.in_force else state.obstacles
    if args.json:
        facts = [{"code": each.code, "why": each.why, "next": each.hint} for each in faults]
        print(json.dumps({**described(state), "obstacles": facts}, ensure_ascii=False))
        return FAULTS if faults else FINE
    for fault in faults:
        print_fault(fault)
    if not faults:
        whose = "Every connection" if state.whole else "What is prepared here"
        print(f"{whose} is computed to work. Next: sottovoce secure switch, on every server.")
    for line in () if state.own.in_force else good_until(state.own):
        print(line)
    return FAULTS if faults else FINE


def _switch(args: argparse.Namespace) -> int:
    state = _current(args)
    if state.own.stage is not Stage.SWITCHED and state.obstacles:
        raise SettingsError(
            state.obstacles, message="The switch was not moved: a connection would break."
        )
    move_switch(state.own.home)
    told = [
        f"The switch of {state.own.name} is in its place; it is on at the next start.",
        "    All servers or none: move the switch on every server, then restart them all; until",
        "    the last one has started, those that are secured and those that are not refuse each",
        "    other.",
        f"    next: sottovoce secure --home {state.own.home.path}",
    ]
    emit(args, {"server": state.own.name, "stage": Stage.SWITCHED.value}, told)
    return FINE


def _prove(args: argparse.Namespace) -> int:
    state = _state(args)
    if state.whole is None:
        raise WrongUsage(
            f"HUB does not run on {state.own.name}, and only HUB knows all connections.",
            hint="There: sottovoce secure prove. Here, this server's own connections: sottovoce "
            "check --partners",
        )
    open_edges = [edge for edge in state.whole.edges if edge.state != "secured"]
    facts = {**described(state), "proved": not open_edges}
    told = [
        f"{edge.caller.label} → {edge.called.label}: {edge.state}"
        + (f" ({edge.code}): {edge.message}" if edge.code else "")
        for edge in state.whole.edges
    ]
    told.append(
        f"{len(open_edges)} of {len(state.whole.edges)} connections are not secured; see: "
        "sottovoce edges"
        if open_edges
        else "Every connection is secured, as HUB knows it."
    )
    emit(args, facts, told)
    return FAULTS if open_edges else FINE


def _back(args: argparse.Namespace) -> int:
    home = Home(home_of(args))
    settings = home.settings()
    move_back(home)
    told = [
        f"The switch of {settings.server_name} is put aside; the next start is plain.",
        "    All servers or none: do the same on every server, then restart them all. Plain ports",
        "    listen on loopback only, unless started with --unsafe-plain-network.",
        f"    next: sottovoce secure --home {home.path}",
    ]
    emit(args, {"server": settings.server_name, "stage": Stage.PREPARED.value}, told)
    return FINE


#: Verb → what it does.
ACTS: dict[str, Callable[[argparse.Namespace], int]] = {
    "": _show,
    "prepare": _prepare,
    "sign": _sign,
    "check": _check,
    "switch": _switch,
    "prove": _prove,
    "back": _back,
}
