"""The calls on 7000, and who may make them."""

import asyncio
from typing import Any

import pytest

from sottovoce.contracts import (
    Acknowledge,
    Caller,
    EndJob,
    EndMode,
    LinkKind,
    Nothing,
    PullEvents,
    PutJob,
    Revoke,
    TrkCalls,
    calls_of,
)
from sottovoce.errors import CallRefused
from sottovoce.policy import Component
from sottovoce.trk.calls import CallsForLui, Desk
from sottovoce.trk.service.moments import from_millis

LUI = Caller(component=Component.LUI, server="LUI.Test", secured=True)
JOB = PutJob(
    job_ref="job--1",
    key=bytes(range(32)),
    digest="d" * 64,
    links=("https://example.org/",),
    track=True,
    identify=True,
)


@pytest.fixture
def calls_as(bench: Any) -> Any:
    """Give the calls as a given caller may make them."""
    desk = Desk(
        instance="i1",
        lui_host="lui.test.",
        store=bench.store,
        writer=bench.writer,
        feed=bench.feed,
        jobs=bench.jobs,
        clock=bench.clock,
        public_url=lambda: "http://trk.test",
        requests=lambda: bench.site.requests,
        disk_free=lambda: 123,
    )
    return lambda caller: CallsForLui(caller, desk)


async def test_a_job_its_events_and_their_receipt(bench: Any, calls_as: Any, ask: Any) -> None:
    calls: TrkCalls = calls_as(LUI)
    hello = await calls.hello(Nothing())
    assert (hello.instance, hello.public_url, hello.now) == (
        "i1",
        "http://trk.test",
        from_millis(bench.clock()),
    )
    assert (hello.oldest_seq, hello.next_seq) == (1, 1)
    assert (await calls.put_job(JOB)).outcome == "stored"
    assert (await calls.put_job(JOB)).outcome == "same"
    assert (await calls.revoke(Revoke(job_ref="job--1", recipients=(3,)))).applied == 1
    await ask(bench.site, "GET", bench.path_of(LinkKind.CLICK))
    await ask(bench.site, "GET", bench.path_of(LinkKind.CLICK, recipient=3))
    await bench.flush()
    batch = await calls.pull(PullEvents(epoch="", after=0))
    assert batch.epoch == hello.epoch
    assert [(event.seq, event.recipient) for event in batch.events] == [(1, 7)]
    await calls.acknowledge(Acknowledge(epoch=batch.epoch, upto=1))
    await calls.end_job(EndJob(job_ref="job--1", mode=EndMode.GONE))
    figures = await calls.statistics(Nothing())
    assert (figures.requests, figures.events, figures.held) == (2, 1, 1)
    assert (figures.acknowledged_upto, figures.lost, figures.disk_free) == (1, 0, 123)


def arguments() -> list[Any]:
    return [
        ("hello", Nothing()),
        ("put_job", JOB),
        ("pull", PullEvents(epoch="", after=0)),
        ("acknowledge", Acknowledge(epoch="", upto=0)),
        ("revoke", Revoke(job_ref="job--1", recipients=())),
        ("end_job", EndJob(job_ref="job--1", mode=EndMode.GONE)),
        ("statistics", Nothing()),
    ]


def test_every_call_of_the_contract_is_tried_here() -> None:
    named = {name for name, _argument in arguments()}
    assert named == {spec.attribute for spec in calls_of(TrkCalls).values()}


@pytest.mark.parametrize(("name", "argument"), arguments())
@pytest.mark.parametrize(
    "caller",
    [
        Caller(component=Component.LUI, server="other.test", secured=True),
        Caller(component=Component.HUB, server="lui.test", secured=True),
        Caller(component=Component.TRK, server="lui.test", secured=True),
        Caller(component=Component.LUI, server="", secured=False),
    ],
    ids=str,
)
async def test_only_lui_on_the_server_that_was_named_may_call(
    bench: Any, calls_as: Any, name: str, argument: Any, caller: Caller
) -> None:
    """W8: of everybody else not even a good certificate helps."""
    with pytest.raises(CallRefused) as caught:
        await getattr(calls_as(caller), name)(argument)
    assert caught.value.code == "caller-unexpected"
    assert len(bench.jobs) == 0


async def test_a_lui_that_is_being_renamed_may_call_by_either_name(calls_as: Any) -> None:
    """Issue 5 (7): its certificate proves the name that TRK still has."""
    renamed = Caller(
        component=Component.LUI,
        server="mail.test",
        secured=True,
        names=("mail.test", "LUI.test"),
    )
    assert (await calls_as(renamed).put_job(JOB)).outcome == "stored"


async def test_two_puts_at_once_store_one_job(calls_as: Any) -> None:
    calls: TrkCalls = calls_as(LUI)
    outcomes = await asyncio.gather(*(calls.put_job(JOB) for _ in range(5)))
    assert sorted(stored.outcome for stored in outcomes) == ["same"] * 4 + ["stored"]
