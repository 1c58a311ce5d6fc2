"""How ``sottovoce secure`` tells where a server, or the installation, stands. Decides nothing."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sottovoce.server.switch_state import OwnState, SwitchState

__all__ = ["described", "ends", "good_until", "lines"]

_WORDS = {
    "plain": "nothing is encrypted",
    "prepared": "every server has all it needs, and stays plain",
    "checked": "every connection is computed to work",
    "switched": "every server's switch is in its place",
    "proved": "every connection is secured",
}


def described(state: "SwitchState") -> dict[str, Any]:
    """Return the state as one JSON-ready object."""
    from sottovoce.server.switch_state import STEPS

    own, whole = state.own, state.whole
    facts: dict[str, Any] = {
        "server": own.name,
        "reached": state.reached,
        "steps": {step: state.done(step) for step in STEPS},
        "stage": own.stage.value,
        "running": bool(own.process),
        "secured": own.in_force,
        "next": _next(state),
        **ends(own),
    }
    if own.fault is not None:
        facts["fault"] = {"code": own.fault.code, "why": own.fault.why}
    if whole is None:
        word = own.word
        facts["hub_says"] = (
            {"at": word.at.isoformat(), "ready": word.word.ready, "why": list(word.word.why)}
            if word is not None
            else None
        )
        return facts
    facts["servers"] = [
        {
            "server": each.server,
            "components": [component.value for component in each.components],
            "state": each.state,
            "remark": each.remark,
        }
        for each in whole.servers
    ]
    facts["connections"] = [
        {
            "caller": edge.caller.value,
            "called": edge.called.value,
            "state": edge.state,
            "code": edge.code,
        }
        for edge in whole.edges
    ]
    return facts


def lines(state: "SwitchState") -> list[str]:
    """Return the same for people."""
    from sottovoce.server.switch_state import STEPS

    own, whole = state.own, state.whole
    what = "The installation" if whole is not None else own.name
    said = [f"{what} on the way from plain to secured:"]
    at = STEPS.index(state.reached)
    for number, step in enumerate(STEPS):
        mark = "√" if number <= at else "→" if number == at + 1 else " "
        said.append(f"  {mark} {step:9} {_WORDS[step]}")
    if whole is not None:
        for each in whole.servers:
            labels = ", ".join(component.label for component in each.components)
            remark = f": {each.remark}" if each.remark else ""
            said.append(f"    {each.server} ({labels}) {each.state}{remark}")
    else:
        said.append("  Of this server only; HUB's server knows the whole installation.")
    if own.fault is not None:
        said.append(f"  It would not start secured ({own.fault.code}): {own.fault.why}")
    elif not own.in_force:
        said += [f"  {line}" for line in good_until(own)]
    said.append(f"  next: {_next(state)}")
    return said


def ends(own: "OwnState") -> dict[str, str]:
    """Return until when what is ready would start, JSON-ready."""
    found = {"good_until": own.until, "lists_until": own.lists_until}
    return {key: end.isoformat() for key, end in found.items() if end is not None}


def good_until(own: "OwnState") -> list[str]:
    """Return the same for people, with what keeps it good, or what to do afterwards."""
    if own.until is None:
        return []
    end = f"{own.until:%Y-%m-%d %H:%M} UTC"
    said = [f"What is prepared is good until {end}; after that, prepare it once more."]
    if own.lists_until is None:
        return said
    said.append(f"Its revocation lists are good until {own.lists_until:%Y-%m-%d %H:%M} UTC.")
    said.append(
        "HUB renews them until the switch is on, while its server and this one run."
        if own.settings.trust_from_hub
        else "Put newer ones in their place before that."
    )
    return said


def _next(state: "SwitchState") -> str:
    own, home = state.own, f"--home {state.own.home.path}"
    if state.reached == "proved":
        return "nothing: every connection is secured"
    if own.stage.value == "switched":
        return _after_switch(state, home)
    if own.stage.value == "plain" or own.fault is not None:
        if state.whole is not None:
            return f"sottovoce secure prepare {home} --own-ca ROOTDIR"
        return f"sottovoce secure prepare {home} --request FILE"
    if state.whole is not None and not state.done("prepared"):
        names = [each.server for each in state.whole.servers if each.state == "plain"]
        return f"on {', '.join(names)}: sottovoce secure --home DIR"
    if state.obstacles:
        return f"sottovoce secure check {home}"
    return f"sottovoce secure switch {home}"


def _after_switch(state: "SwitchState", home: str) -> str:
    whole = state.whole
    if whole is not None:
        late = [each.server for each in whole.servers if each.state in {"plain", "prepared"}]
        if late and not state.own.in_force:
            return f"on {', '.join(late)}: sottovoce secure switch --home DIR; then restart all"
        if state.own.in_force:
            return f"sottovoce secure prove {home}"
    if state.own.in_force:
        return "on HUB's server: sottovoce secure prove --home HUBHOME"
    return f"when every server is switched, restart all: sottovoce start {home}"
