"""Jobs: stored once, refused when another comes under their name, targets only of the safe kind."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sottovoce.contracts import EndMode, PutJob
from sottovoce.errors import CallRefused
from sottovoce.trk.service.moments import millis

JOB = PutJob(
    job_ref="job--1",
    key=bytes(32),
    digest="a" * 64,
    links=("https://example.org/",),
    track=True,
    identify=True,
    track_until=datetime(2026, 12, 1, tzinfo=UTC),
    sender="Example Ltd",
    list_name="News",
)


def changed(**fields: Any) -> PutJob:
    from msgspec.structs import replace

    return replace(JOB, **fields)


async def test_putting_a_job_again_is_harmless(bench: Any) -> None:
    assert await bench.jobs.put(JOB, now=1) is True
    assert await bench.jobs.put(JOB, now=2) is False
    assert len(bench.jobs) == 1


async def test_another_content_under_the_same_name_is_a_conflict(bench: Any) -> None:
    await bench.jobs.put(JOB, now=1)
    with pytest.raises(CallRefused) as caught:
        await bench.jobs.put(changed(digest="b" * 64), now=2)
    assert caught.value.code == "job-conflict"
    assert "a" * 64 in str(caught.value)
    assert "b" * 64 in str(caught.value)


async def test_a_job_and_what_became_of_it_survive_a_restart(
    open_bench: Any, database_path: Path
) -> None:
    async with open_bench(database_path) as bench:
        await bench.jobs.put(JOB, now=1)
        assert await bench.jobs.revoke("job--1", [3, 4, 3]) == 2
        assert await bench.jobs.revoke("job--1", [4, 5]) == 1
        await bench.jobs.end("job--1", EndMode.REDIRECT_ONLY)
        before = bench.jobs.get("job--1")
    async with open_bench(database_path) as bench:
        after = bench.jobs.get("job--1")
        names = ("links", "track_until", "sender", "list_name", "digest", "ended", "track")
        for name in names:
            assert getattr(after, name) == getattr(before, name)
        assert after.track_until == millis(datetime(2026, 12, 1, tzinfo=UTC))
        assert [n for n in range(8) if bench.jobs.is_revoked("job--1", n)] == [3, 4, 5]


async def test_a_tracking_choice_on_the_page_holds_after_a_restart(
    open_bench: Any, database_path: Path
) -> None:
    async with open_bench(database_path) as bench:
        await bench.jobs.put(JOB, now=1)
        await bench.writer.add_durably("consent_off", "job--1", 9, None)
    async with open_bench(database_path) as bench:
        assert bench.jobs.is_revoked("job--1", 9)


@pytest.mark.parametrize("verb", ["revoke", "end"])
async def test_an_unknown_job_is_named(bench: Any, verb: str) -> None:
    argument: Any = [1] if verb == "revoke" else EndMode.GONE
    with pytest.raises(CallRefused) as caught:
        await getattr(bench.jobs, verb)("nobody", argument)
    assert caught.value.code == "job-unknown"


@pytest.mark.parametrize(
    "url",
    [
        "/relative",
        "//example.org/",
        "example.org",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org/",
        "https://",
        "https://user:secret@example.org/",
        "https://example.org@evil.example/",
        "https://example.org/a\r\nSet-Cookie: x=1",
        "https://example.org/a\x00",
        "https://example.org/a b",
        "https://example.org/\\evil",
        "https://exämple.org/",
        "https://example.org:notaport/",
        "https://[::1/",
        "https://example.org/" + "a" * 8000,
        "",
    ],
)
async def test_a_target_that_is_no_plain_web_address_is_refused(bench: Any, url: str) -> None:
    """E1: absolute http(s), no credentials, no control characters."""
    with pytest.raises(CallRefused) as caught:
        await bench.jobs.put(changed(links=("https://example.org/", url)), now=1)
    assert caught.value.code == "job-invalid"
    assert "link 1" in str(caught.value)
    assert bench.jobs.get("job--1") is None


@pytest.mark.parametrize(
    "fields",
    [
        {"job_ref": "short"},
        {"job_ref": "sp ace"},
        {"key": bytes(16)},
        {"digest": ""},
        {"sender": "x" * 201},
        {"list_name": "two\nlines"},
    ],
)
async def test_a_job_with_an_unusable_field_is_refused(bench: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(CallRefused) as caught:
        await bench.jobs.put(changed(**fields), now=1)
    assert caught.value.code == "job-invalid"
    assert len(bench.jobs) == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "http://example.org:8080/a/b?c=d&e=%20f#g",
        "https://xn--exmple-cua.org/",
        "https://[2001:db8::1]/x",
    ],
)
async def test_plain_web_addresses_are_taken(bench: Any, url: str) -> None:
    assert await bench.jobs.put(changed(links=(url,)), now=1)
    assert bench.jobs.get("job--1").links == (url,)
