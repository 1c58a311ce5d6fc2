"""A partner that goes by another name than the settings here have: renamed there, not yet here.

On one server alone this is a certificate for another name, or somebody who is not on the list. What
tells more is which component it says it is, the key that it had before, and which of its names the
list here has (catalogue N2).
"""

from sottovoce.errors import Fault
from sottovoce.net import Probe
from sottovoce.net.security import identity_of
from sottovoce.policy import Component
from sottovoce.server.checking.examination import Examination

__all__ = ["renamed_called", "renamed_caller"]


def renamed_called(tried: Probe, known: Examination) -> Fault | None:
    """Tell a partner that is called by its former name, or return None.

    Args:
        tried: the connection, which its certificate's name has ended.
        known: this server.
    """
    peer, called = identity_of(tried.trace.chain), tried.destination.component
    if peer is None or not peer.names or called is None:
        return None
    dialled, now = tried.destination.name, peer.names[0]
    before = next(
        (
            event
            for event in known.history.of(side="calling", outcome="accepted")
            if event.is_of(dialled)
        ),
        None,
    )
    same_key = before is not None and before.key == peer.key
    listed = known.allowed is not None and now in known.allowed.names
    if not (same_key or listed):
        return None
    sign = (
        "with the key that it had under the old one"
        if same_key
        else "and SSLAllowedClients here lists that name"
    )
    return _renamed(
        f"{called.label} goes by another name now: the settings here dial {dialled}, its "
        f"certificate is for {now}, {sign}.",
        called,
        old=dialled,
        new=now,
        known=known,
    )


def renamed_caller(known: Examination, caller: Component) -> Fault | None:
    """Tell a partner that calls under a name which the settings here do not have, or return None.

    Args:
        known: this server.
        caller: the component that should call; its newest event is looked at.
    """
    expected = known.partners.get(caller, "")
    for event in known.history.of(side="accepting"):
        if event.component != caller.value or event.outcome == "closed":
            continue
        if not expected or not event.announced or event.is_of(expected):
            return None
        return _renamed(
            f"{caller.label} calls itself {event.announced} now; the settings here expect it on "
            f"{expected}.",
            caller,
            old=expected,
            new=event.announced,
            known=known,
        )
    return None


def _renamed(why: str, component: Component, *, old: str, new: str, known: Examination) -> Fault:
    places = ", ".join(
        place for each, name, place in known.sayings if each is component and name == old
    )
    missing = known.allowed is not None and new not in known.allowed.names
    listed = f", and add {new} to SSLAllowedClients" if missing else ""
    settings = places or "its name in the settings"
    return Fault(
        code="server-renamed",
        why=why,
        expected=old,
        presented=new,
        hint=f"If {component.label}'s server was renamed: write {new} as {settings}{listed}, and "
        f"restart. If not: set ServerName={old} there again.",
    )
