"""What the steps of ``sottovoce rename`` do, and what is printed of them."""

import argparse
import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sottovoce.cli.ca_places import FINE, WARNINGS, emit, hub_of, root_of
from sottovoce.cli.options import home_of
from sottovoce.errors import Fault, SettingsError, WrongUsage
from sottovoce.hub.authority import Issuer, forget_rename, names_without, rename, renew_issuing
from sottovoce.hub.service import Renaming
from sottovoce.ini import normalise_host_name
from sottovoce.net.clock import utc_now
from sottovoce.policy import Component
from sottovoce.server import Plan, read_plan
from sottovoce.server.admitting import change_list
from sottovoce.server.rename_files import rename_in_settings
from sottovoce.server.rename_state import check_reachable, read_renaming

__all__ = ["run"]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the command was typed, and what it is about."""

    args: argparse.Namespace
    plan: Plan
    issuer: Issuer | None
    renaming: Renaming

    @property
    def old(self) -> str:
        return self.renaming.old

    @property
    def new(self) -> str:
        return self.renaming.new

    @property
    def is_managed(self) -> bool:
        """Whether another server, HUB's, decides whom this one allows."""
        return self.plan.hub is None and self.plan.settings.trust_from_hub

    @property
    def allowed(self) -> tuple[str, ...]:
        """The list that is edited where this command is typed, or where this server has it from."""
        if self.is_managed:
            hub = (one for one in self.renaming.servers if Component.HUB in one.components)
            return next((one.naming.allowed for one in hub if one.naming is not None), ())
        generation = self.plan.generation
        return generation.allowed.names if generation is not None else ()

    @property
    def certifies(self) -> Issuer | None:
        """The authority by which HUB renews the certificate of the renamed server, if it does."""
        server = self.renaming.server
        return self.issuer if server is not None and server.managed else None


def run(args: argparse.Namespace) -> int:
    """Show the plan, or carry out the step whose turn it is; return the exit status."""
    if args.step and not args.apply:
        raise WrongUsage("--step goes with --apply.")
    old, new = _normal(args.old), _normal(args.new)
    plan = read_plan(home_of(args), at=utc_now())
    issuer = Issuer.open(plan.home.path) if plan.hub is not None else None
    place = _Place(args, plan, issuer, _read(plan, issuer, old, new))
    if place.renaming.impossible:
        known = ", ".join(one.name for one in place.renaming.servers)
        raise _refused(
            place.renaming.impossible,
            "Name a server by the name that it has now: sottovoce rename OLD NEW --home DIR",
            expected=f"one of {known}, and a name that no server has",
            presented=f"{old} {new}",
        )
    told: list[str] = []
    if args.apply:
        told = _apply(place)
        plan = read_plan(plan.home.path, at=utc_now())
        place = _Place(args, plan, issuer, _read(plan, issuer, old, new))
    emit(args, {**_facts(place.renaming), "told": told}, [*told, *_lines(place)])
    return WARNINGS if place.renaming.next_step else FINE


def _normal(name: str) -> str:
    try:
        return normalise_host_name(name)
    except ValueError as error:
        raise WrongUsage(f"{name!r} {error}.", hint="Give the host name of a server.") from error


def _read(plan: Plan, issuer: Issuer | None, old: str, new: str) -> Renaming:
    return asyncio.run(read_renaming(plan, old, new, issuer=issuer, clock=utc_now))


def _refused(why: str, hint: str, *, expected: str, presented: str) -> SettingsError:
    fault = Fault(code="rename-order", why=why, hint=hint, expected=expected, presented=presented)
    return SettingsError([fault])


# The steps.


def _apply(place: _Place) -> list[str]:
    """Take the next step, as far as it is this server's; return what is to be said of it."""
    renaming, wanted = place.renaming, place.args.step
    step = renaming.next_step
    if wanted and wanted != step:
        raise _out_of_turn(place, wanted)
    return _ACTS[step](place) if step else []


def _out_of_turn(place: _Place, wanted: str) -> SettingsError:
    renaming = place.renaming
    step = renaming.next_step
    if wanted not in renaming.steps:
        why = f"'{wanted}' is no step of this renaming."
    elif renaming.done(wanted):
        why = f"'{wanted}' is done."
    else:
        why = f"'{wanted}' is not next: {' '.join(renaming.missing(step))}"
    return _refused(
        why,
        f"The next step: {_command(place, step)}" if step else "Nothing is left to do.",
        expected=f"the step '{step}'" if step else "no further step",
        presented=f"the step '{wanted}'",
    )


def _permit(place: _Place) -> list[str]:
    issuer, args = place.issuer, place.args
    assert issuer is not None, "the step is taken on HUB's server only"
    if args.dir is None:
        raise WrongUsage(
            f"HUB's authority may not certify {place.new}; that is for the root to permit.",
            hint="Add --dir ROOT, the folder of the root.",
        )
    now = utc_now()
    args.home = home_of(args)
    renew_issuing(root_of(args), issuer, (*issuer.names, place.new), now=now)
    hub_of(args).settle(issuer, now)
    return [f"HUB's authority may certify {place.new} now; every server renews by itself."]


def _allow(place: _Place) -> list[str]:
    if place.is_managed:
        return ["This server has its list from HUB: the step is taken there."]
    if change_list(place.plan.home, add=place.new):
        return [
            f"Put {place.new} into SSLAllowedClients in {place.plan.home.ssl_ini};",
            "    the running server takes it into use by itself, and gives it to those that take",
            "    their trust from HUB.",
        ]
    return [f"{place.plan.home.ssl_ini} has {place.new} already; it is not everywhere yet."]


def _certify(place: _Place) -> list[str]:
    if place.certifies is None:
        return _by_hand(place, f"dns:{place.old},dns:{place.new}")
    rename(place.certifies, place.old, place.new, now=utc_now())
    return _renews(place, f"{place.old} and {place.new}")


def _reissue(place: _Place) -> list[str]:
    if place.certifies is not None:
        rename(place.certifies, place.old, place.new, alone=True, now=utc_now())
        return _renews(place, f"{place.new} alone")
    issuer, server = place.issuer, place.renaming.server
    if issuer is not None and server is not None and place.old not in server.certified:
        # What was recorded before the server ceased to take its trust from HUB.
        forget_rename(issuer, place.old, place.new, now=utc_now())
        return [f"HUB's authority has nothing to certify for {place.new} any more."]
    return _by_hand(place, f"dns:{place.new}")


def _renews(place: _Place, names: str) -> list[str]:
    server = place.renaming.server
    assert server is not None
    whose = f"{server.labels}'s server"
    return [f"{whose} is to renew its certificate, for {names}, with its next heartbeat."]


def _by_hand(place: _Place, names: str) -> list[str]:
    server = place.renaming.server
    assert server is not None
    if server.managed:
        return ["The step is taken on HUB's server."]
    entry = "-alias ALIAS -keystore KEYSTORE"
    return [
        f"The certificate of {server.labels}'s server comes from outside. On that server:",
        f"    sottovoce keytool -certreq {entry} -ext san={names}",
        "    then have the request certified, and import the reply:",
        f"    sottovoce keytool --home DIR -importcert -trustcacerts {entry} -file REPLY",
    ]


def _name(place: _Place) -> list[str]:
    plan = place.plan
    if plan.secured:
        asyncio.run(check_reachable(plan, place.old, place.new, clock=utc_now))
    changed = rename_in_settings(
        plan.home,
        plan.settings,
        place.old,
        place.new,
        check=lambda: read_plan(plan.home.path, at=utc_now()),
    )
    if not changed:
        return ["The settings of this server say so already; it reads them when it is restarted."]
    told = [f"Wrote {place.new} into", *(f"    {each}" for each in changed)]
    if plan.lui is not None and not plan.lui.mail_domain and plan.settings.server_name == place.old:
        told += [
            f"    Message-ID and List-Id end in {place.new} then; to keep what people sort by:",
            f"    MailDomain={place.old} in {plan.home.component_ini(Component.LUI)}",
        ]
    together = "" if plan.secured else ", all servers together"
    return [*told, f"    next: restart this server{together}"]


def _forget(place: _Place) -> list[str]:
    if place.is_managed:
        return ["This server has its list from HUB: the step is taken there."]
    if change_list(place.plan.home, remove=place.old):
        return [f"Took {place.old} out of SSLAllowedClients in {place.plan.home.ssl_ini}."]
    return [f"{place.plan.home.ssl_ini} lacks {place.old} already; it is still allowed elsewhere."]


_ACTS: Mapping[str, Callable[[_Place], list[str]]] = {
    "permitted": _permit,
    "allowed": _allow,
    "certified": _certify,
    "named": _name,
    "forgotten": _forget,
    "reissued": _reissue,
}


# What is printed.


def _facts(renaming: Renaming) -> dict[str, Any]:
    server = renaming.server
    return {
        "old": renaming.old,
        "new": renaming.new,
        "components": [each.value for each in server.components] if server is not None else [],
        "steps": [
            {"step": step, "done": renaming.done(step), "missing": list(renaming.missing(step))}
            for step in renaming.steps
        ],
        "next": renaming.next_step,
    }


def _lines(place: _Place) -> list[str]:
    renaming, server = place.renaming, place.renaming.server
    assert server is not None
    whose = f"{server.labels}'s server"
    words = {
        "permitted": f"HUB's authority may certify {place.new}",
        "allowed": f"every server allows {place.new} beside {place.old}",
        "certified": f"the certificate of {whose} is for both names",
        "named": f"{whose} calls itself {place.new}, and its partners call it so",
        "forgotten": f"no server allows {place.old} any more",
        "reissued": f"the certificate of {whose} is for {place.new} alone",
    }
    following = renaming.next_step
    steps = renaming.steps
    at = steps.index(following) if following else len(steps)
    if not following:
        return [f"{whose} is {place.new} everywhere.", *_left(place)]
    lines = [f"Renaming {whose} from {place.old} to {place.new}:"]
    for number, step in enumerate(steps):
        mark = "√" if number < at else "→" if number == at else " "
        lines.append(f"  {mark} {step:9} {words[step]}")
        if number == at:
            lines += [f"        {why}" for why in renaming.missing(step)]
            lines.append(f"        next: {_command(place, step)}")
    return lines


def _is_asked(place: _Place, step: str) -> bool:
    """Tell whether what is to be typed for a step was; the rest follows by itself."""
    match step:
        case "allowed":
            return place.new in place.allowed
        case "forgotten":
            return place.old not in place.allowed
        case "certified" | "reissued":
            coming = place.renaming.coming
            wanted = {place.new} if step == "reissued" else {place.old, place.new}
            return coming is not None and {place.old, place.new} & set(coming) == wanted
    return False


def _command(place: _Place, step: str) -> str:
    words = f"sottovoce rename {place.old} {place.new}"
    if _is_asked(place, step):
        home = place.plan.home.path
        return f"it spreads with the next heartbeats; look again: {words} --home {home}"
    words += " --apply"
    match step:
        case "permitted":
            return f"on HUB's server, {words} --dir ROOT --home HUBHOME"
        case "named":
            together = "" if place.renaming.secured else ", all together"
            return f"on each server named here, {words} --home DIR; then restart it{together}"
        case _:
            if any(not one.managed for one in place.renaming.servers):
                return f"on HUB's server and on those with TrustFromHub=no, {words} --home DIR"
            return f"on HUB's server, {words} --home HUBHOME"


def _left(place: _Place) -> list[str]:
    """Return what the renaming itself does not change."""
    server, lines = place.renaming.server, []
    assert server is not None
    if Component.TRK in server.components:
        lines += [
            f"    Links in letters sent before point to the PublicUrl of that time: if {place.old}",
            "    is in it, keep that name in the DNS for as long as the letters are read.",
        ]
    if place.issuer is not None:
        rest = names_without(place.issuer.names, place.old, place.new)
        if rest:
            keep = " ".join(f"--host {name}" for name in rest)
            lines += [
                f"    HUB's authority may still certify {place.old}; to end that:",
                f"    sottovoce ca issuing {keep} --dir ROOT --home HUBHOME",
            ]
    return lines
