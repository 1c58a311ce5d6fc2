"""The gate over all combinations of right and wrong parts: it opens exactly when all are right."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sottovoce.pki import Purpose, verify
from sottovoce.policy import AllowedClients, Component
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.tls import Evidence, Side, TrustGeneration, judge

NAMES = ["hub.test", "lui.test", "trk.test", "lui2.test", "evil.test"]
SPELT = [*NAMES, "LUI.test", "lui.test.", "", "*.test", "lui.test\n"]


class World:
    """Certificates and generations to choose from, made once a session."""

    def __init__(
        self, authority: ThrowAwayAuthority, stranger: ThrowAwayAuthority, at: datetime
    ) -> None:
        day = timedelta(days=1)
        old = {"not_before": at - 3 * day, "not_after": at - day}
        self.at = at
        self.chains = [
            (),
            authority.issue("lui.test", roles=[Component.LUI]).chain,
            authority.issue("lui.test").chain,
            authority.issue("lui.test", "lui2.test", roles=[Component.LUI]).chain,
            stranger.issue("lui.test", roles=[Component.LUI]).chain,
            authority.issue("lui.test", roles=[Component.LUI], **old).chain,  # type: ignore[arg-type]
            (authority.root,),
        ]
        self.base = authority.generation(
            authority.issue("hub.test"), own_name="hub.test", allowed=["hub.test"]
        )

    def generation(self, allowed: frozenset[str], hosts: dict[Component, str]) -> TrustGeneration:

        return replace(self.base, allowed=AllowedClients(sorted(allowed)), hosts=hosts)


@cache
def world_of(authority: ThrowAwayAuthority, stranger: ThrowAwayAuthority, at: datetime) -> World:
    return World(authority, stranger, at)


@pytest.fixture(scope="session")
def world(authority: ThrowAwayAuthority, stranger: ThrowAwayAuthority, moment: datetime) -> World:
    return world_of(authority, stranger, moment)


evidences = st.fixed_dictionaries(
    {
        "side": st.sampled_from(Side),
        "chain": st.integers(0, 6),
        "dialled_name": st.none() | st.sampled_from(SPELT),
        "announced_name": st.none() | st.sampled_from(SPELT),
        "announced_component": st.none() | st.sampled_from(Component),
        "peer_time": st.sampled_from([None, -1, 0, 1]),
        "address": st.sampled_from(["", "lui.test:1"]),
    }
)
lists = st.frozensets(st.sampled_from(NAMES))
places = st.dictionaries(st.sampled_from(Component), st.sampled_from(NAMES))


def made(world: World, parts: dict[str, Any]) -> Evidence:
    moved = None if parts["peer_time"] is None else world.at + timedelta(days=parts["peer_time"])
    chosen = parts | {"chain": world.chains[parts["chain"]], "at": world.at, "peer_time": moved}
    return Evidence(**chosen)


def plain(name: str) -> str:
    return name.rstrip(".").lower()


FAST = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(parts=evidences, allowed=lists, hosts=places)
@FAST
def test_accepted_means_that_each_condition_holds_on_its_own(
    world: World, parts: dict[str, Any], allowed: frozenset[str], hosts: dict[Component, str]
) -> None:
    """W8, W9: chain, name, list, role; nothing makes up for anything."""
    known, generation = made(world, parts), world.generation(allowed, hosts)
    verdict = judge(known, generation)
    assert verdict.accepted is (verdict.identity is not None) is (not verdict.faults)
    if not verdict.accepted:
        return
    assert known.chain
    assert allowed
    purpose = Purpose.CLIENT if known.side is Side.ACCEPTING else Purpose.SERVER
    assert verify(
        list(known.chain),
        roots=generation.roots,
        purpose=purpose,
        name=known.dialled_name,
        at=known.at,
    ).valid
    assert verdict.identity is not None
    own = {plain(name) for name in verdict.identity.names}
    if known.side is Side.CALLING:
        assert known.dialled_name
    stated = [name for name in (known.dialled_name, known.announced_name) if name is not None]
    assert all(plain(name) in own and plain(name) in allowed for name in stated)
    assert own & allowed
    component = known.announced_component
    if component is not None:
        assert component in verdict.identity.roles or component in hosts
        assert not verdict.identity.roles or component in verdict.identity.roles
        assert component not in hosts or hosts[component] in own


@given(parts=evidences, allowed=lists, hosts=places, more=st.sampled_from(NAMES))
@FAST
def test_a_longer_list_never_mends_a_chain(
    world: World,
    parts: dict[str, Any],
    allowed: frozenset[str],
    hosts: dict[Component, str],
    more: str,
) -> None:
    known = made(world, parts)
    before = judge(known, world.generation(allowed, hosts))
    after = judge(known, world.generation(allowed | {more}, hosts))
    of_the_list = {"not-in-allowed-list", "allowed-list-empty"}
    if set(before.codes) - of_the_list:
        assert not after.accepted
        assert set(before.codes) - of_the_list <= set(after.codes)
    if before.accepted:
        assert after.accepted


@given(parts=evidences, hosts=places)
@FAST
def test_an_empty_list_or_chain_is_never_accepted(
    world: World, parts: dict[str, Any], hosts: dict[Component, str]
) -> None:
    assert not judge(made(world, parts), world.generation(frozenset(), hosts)).accepted
    empty = made(world, parts | {"chain": 0})
    assert not judge(empty, world.generation(frozenset(NAMES), hosts)).accepted


class Breaks:
    """Answers *many* questions, then raises; so that every place inside is where it breaks."""

    def __init__(self, inner: Any, left: list[int]) -> None:
        self._inner, self._left = inner, left

    def __getattr__(self, name: str) -> Any:
        if self._left[0] <= 0:
            raise RuntimeError("broken")
        self._left[0] -= 1
        return getattr(self._inner, name)


@given(questions=st.integers(0, 8), side=st.sampled_from(Side))
@FAST
def test_an_error_anywhere_inside_is_a_refusal(world: World, questions: int, side: Side) -> None:
    parts = {
        "side": side,
        "chain": 1,
        "dialled_name": "lui.test" if side is Side.CALLING else None,
        "announced_name": "lui.test",
        "announced_component": Component.LUI,
        "peer_time": 0,
        "address": "",
    }
    known, generation = made(world, parts), world.generation(frozenset(NAMES), {})
    assert judge(known, generation).accepted
    for broken in (
        (Breaks(known, [questions]), generation),
        (known, Breaks(generation, [questions % 4])),
    ):
        verdict = judge(*broken)
        assert verdict.codes == ("internal-error",)
        assert not verdict.accepted


@given(parts=evidences, name=st.text(max_size=200), allowed=lists)
@FAST
def test_no_word_of_a_peer_breaks_a_line_or_opens_the_gate(
    world: World, parts: dict[str, Any], name: str, allowed: frozenset[str]
) -> None:
    known = made(world, parts | {"announced_name": name})
    verdict = judge(known, world.generation(allowed, {}))
    assert not verdict.accepted or plain(name) in allowed
    for fault in verdict.faults:
        assert f"{fault.why}{fault.expected}{fault.presented}{fault.hint}".isprintable()
