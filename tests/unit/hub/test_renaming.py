"""The ordered plan of a renaming, computed from what the servers have said."""

from dataclasses import replace

import pytest

from sottovoce.cli.rename import STEPS
from sottovoce.contracts import Naming
from sottovoce.hub.service import RENAME_STEPS, NamedServer, Renaming
from sottovoce.policy import Component

OLD, NEW = "lui.test", "mail.test"
BOTH = ("hub.test", "lui.test", "trk.test", "mail.test")


def server(name: str, component: Component, **naming: object) -> NamedServer:
    said = Naming(server=name, **naming)  # type: ignore[arg-type]
    return NamedServer(
        name=name, components=(component,), naming=said, certified=(name,), managed=True
    )


def installation(
    *, called: str = OLD, own: str = OLD, allowed: tuple[str, ...] = BOTH[:3]
) -> tuple[NamedServer, ...]:
    """HUB, LUI and TRK; LUI calls itself *own*, the others call it *called*."""
    hub = server(
        "hub.test", Component.HUB, allowed=allowed, expects={"lui": called, "trk": "trk.test"}
    )
    dials = {"lui-hub": "hub.test", "lui-trk": "trk.test"}
    lui = server(called, Component.LUI, allowed=allowed, dials=dials)
    assert lui.naming is not None
    lui = replace(
        lui,
        certified=(OLD,),
        naming=Naming(server=own, allowed=allowed, dials=dials),
    )
    trk = server(
        "trk.test",
        Component.TRK,
        allowed=allowed,
        dials={"trk-hub": "hub.test"},
        expects={"lui": called},
    )
    return hub, lui, trk


def renaming(servers: tuple[NamedServer, ...], *, permitted: bool | None = True) -> Renaming:
    return Renaming(
        old=OLD,
        new=NEW,
        secured=True,
        permitted=permitted,
        may_certify=("hub.test", "lui.test"),
        servers=servers,
    )


def certified(servers: tuple[NamedServer, ...], *names: str) -> tuple[NamedServer, ...]:
    hub, lui, trk = servers
    return hub, replace(lui, certified=names), trk


def test_the_words_of_the_command_are_the_steps_of_the_plan() -> None:
    assert STEPS == RENAME_STEPS


def test_each_step_has_its_turn_and_says_what_is_missing() -> None:
    """Issue 5 (7): allowed and certified before it is used; used before the old name goes."""
    start = installation()
    allowed = installation(allowed=BOTH)
    both = certified(allowed, OLD, NEW)
    half = certified(installation(own=NEW, allowed=BOTH), OLD, NEW)
    used = certified(installation(called=NEW, own=NEW, allowed=BOTH), OLD, NEW)
    gone = (BOTH[0], BOTH[2], BOTH[3])
    off = certified(installation(called=NEW, own=NEW, allowed=gone), OLD, NEW)
    over = certified(off, NEW)

    states = [
        (renaming(start, permitted=False), "permitted"),
        (renaming(start), "allowed"),
        (renaming(allowed), "certified"),
        (renaming(both), "named"),
        (renaming(half), "named"),
        (renaming(used), "forgotten"),
        (renaming(off), "reissued"),
        (renaming(over), ""),
    ]
    assert [state.next_step for state, _ in states] == [step for _, step in states]
    assert [state.missing(step) for state, step in states if step] == [
        ("HUB's issuing authority may certify hub.test, lui.test, and names below them.",),
        (
            "hub.test (HUB) does not allow mail.test.",
            "lui.test (LUI) does not allow mail.test.",
            "trk.test (TRK) does not allow mail.test.",
        ),
        ("The certificate of lui.test is for lui.test only.",),
        (
            "HUB's server still calls LUI lui.test.",
            "LUI's server calls itself lui.test.",
            "TRK's server still calls LUI lui.test.",
        ),
        (
            "HUB's server still calls LUI lui.test.",
            "TRK's server still calls LUI lui.test.",
        ),
        (
            "hub.test (HUB) still allows lui.test.",
            "mail.test (LUI) still allows lui.test.",
            "trk.test (TRK) still allows lui.test.",
        ),
        ("The certificate of mail.test is still for lui.test, too.",),
    ]


def test_what_is_written_for_the_next_start_is_not_over_either() -> None:
    """TRK, on which it is typed, got the new name and was not restarted; now all goes back."""
    hub, lui, trk = certified(installation(allowed=BOTH), OLD, NEW)
    ready = replace(trk, written=Naming(server="trk.test", expects={"lui": NEW}))
    back = replace(renaming((hub, lui, trk)), old=NEW, new=OLD)
    assert back.next_step == "forgotten"
    assert replace(back, servers=(hub, lui, ready)).missing("named") == (
        "TRK's server is to call LUI mail.test from its next start on.",
    )
    assert lui.naming is not None
    own = replace(lui, written=Naming(server=NEW, dials=lui.naming.dials))
    assert replace(back, servers=(hub, own, trk)).missing("named") == (
        "LUI's server is to call itself mail.test from its next start on.",
    )
    assert replace(back, old=OLD, new=NEW, servers=(hub, lui, ready)).missing("named")[-1] == (
        "TRK's server still calls LUI lui.test."
    )


def test_what_the_authority_has_recorded_is_not_over() -> None:
    """Also when the server has nothing of it: it was taken back before it was heard."""
    gone = certified(installation(called=NEW, own=NEW, allowed=(BOTH[0], *BOTH[2:])), NEW)
    assert renaming(gone).next_step == ""
    begun = replace(renaming(gone), coming=(NEW, OLD))
    assert begun.next_step == "reissued"
    assert begun.missing("reissued") == (
        "HUB is to certify mail.test for mail.test, lui.test at its next renewal.",
    )
    waits = replace(begun, coming=(NEW,))
    assert waits.missing("reissued") == ("HUB waits for mail.test to come with that certificate.",)


def test_who_has_not_said_anything_is_waited_for() -> None:
    hub, lui, trk = certified(installation(called=NEW, own=NEW, allowed=BOTH), OLD, NEW)
    silent = renaming((hub, lui, replace(trk, naming=None)))
    assert silent.next_step == "allowed"
    assert silent.missing("allowed") == ("trk.test (TRK) has not said whom it allows.",)
    assert silent.missing("named") == (
        "trk.test (TRK) has not said by which names it calls the servers.",
    )
    unknown = renaming((hub, replace(lui, certified=()), trk))
    assert unknown.missing("certified") == (
        "mail.test has not said for which names its certificate is.",
    )


def test_without_an_own_authority_nothing_is_permitted_by_it() -> None:
    assert renaming(installation(), permitted=None).steps == RENAME_STEPS[1:]


def test_a_plain_installation_has_names_only() -> None:
    plain = replace(renaming(installation(allowed=())), secured=False)
    assert plain.steps == ("named",)
    assert plain.next_step == "named"
    renamed = replace(plain, servers=installation(called=NEW, own=NEW, allowed=()))
    assert renamed.next_step == ""


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("lui.test", "lui.test", "are the same: lui.test"),
        ("x.test", "y.test", "there are hub.test (HUB), lui.test (LUI), trk.test (TRK)"),
        ("lui.test", "trk.test", "trk.test is another server of this installation already (TRK)"),
    ],
)
def test_what_cannot_be_renamed_is_said(old: str, new: str, why: str) -> None:
    assert why in replace(renaming(installation()), old=old, new=new).impossible
    assert renaming(installation()).impossible == ""
