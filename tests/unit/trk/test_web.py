"""TRK's public face, as an ASGI application (E1, E3, E5-E8, E14, E15)."""

import asyncio
import sqlite3
import struct
import zlib
from typing import Any

import pytest

from sottovoce.contracts import LinkKind
from sottovoce.trk.web import BODY_LIMIT, PIXEL

ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
)


async def kinds(bench: Any) -> list[str]:
    return [event.kind for event in (await bench.pulled()).events]


async def test_the_pixel_is_one_transparent_pixel() -> None:
    """Judged by the PNG format: chunk checksums, and one pixel of alpha 0."""
    assert PIXEL[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, rest = {}, PIXEL[8:]
    while rest:
        (size,) = struct.unpack(">I", rest[:4])
        assert struct.unpack(">I", rest[8 + size : 12 + size])[0] == zlib.crc32(rest[4 : 8 + size])
        chunks[rest[4:8]], rest = rest[8 : 8 + size], rest[12 + size :]
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBB", chunks[b"IHDR"][:10]) == (1, 1, 8, 4)
    assert zlib.decompress(chunks[b"IDAT"]) == b"\x00\x00\x00"


async def test_an_open_gets_the_pixel_and_is_recorded(bench: Any, ask: Any) -> None:
    await bench.put()
    answer = await ask(bench.site, "GET", bench.path_of(LinkKind.OPEN))
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert answer.body == PIXEL
    assert await kinds(bench) == ["open"]


async def test_a_click_is_redirected_to_the_stored_target_and_to_nothing_else(
    bench: Any, ask: Any
) -> None:
    """E1: nothing of the request reaches the target."""
    await bench.put()
    answer = await ask(
        bench.site,
        "GET",
        bench.path_of(LinkKind.CLICK),
        query=b"url=https://evil.example/&next=//evil.example",
        headers={"Host": b"evil.example", "X-Forwarded-Host": b"evil.example"},
    )
    assert (answer.status, answer.body) == (302, b"")
    assert answer.headers["location"] == "https://example.org/first?a=1&b=2"
    assert await kinds(bench) == ["click"]


async def test_every_answer_carries_the_headers_that_keep_it_private(bench: Any, ask: Any) -> None:
    """E6."""
    await bench.put()
    for kind in LinkKind:
        headers = (await ask(bench.site, "GET", bench.path_of(kind))).headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-robots-tag"] == "noindex, nofollow"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "set-cookie" not in headers
        assert "server" not in headers
        assert "strict-transport-security" not in headers  # plain HTTP here


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE"])
async def test_whatever_is_no_valid_link_gets_one_and_the_same_answer(
    bench: Any, ask: Any, method: str
) -> None:
    """E3: no event, no echo, no difference."""
    await bench.put()
    await bench.put("job--2")
    good = bench.path_of(LinkKind.CLICK)
    changed = good[:-3] + ("A" if good[-3] != "A" else "B") + good[-2:]
    others = [
        "/",
        "/favicon.ico",
        "/robots.txt",
        "/o/",
        "/../etc/passwd",
        changed,
        changed.replace("job--1", "nobody"),
        good.replace("job--1", "job--2"),
        good.replace("/c/", "/u/"),
        good.replace("/c/", "/o/") + ".png",
        good + "x",
        good + "/",
        bench.path_of(LinkKind.CLICK, link=500),
        "/c/<script>alert(1)</script>",
    ]
    answers = [await ask(bench.site, method, path) for path in others]
    assert {answer.status for answer in answers} == {404}
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].body == (b"" if method == "HEAD" else b"Not found.\n")
    assert await kinds(bench) == []


async def test_a_scanners_head_and_options_are_answered_and_stored_as_what_they_are(
    bench: Any, ask: Any
) -> None:
    """E5: facts, so that LUI never counts them as human."""
    await bench.put()
    path = bench.path_of(LinkKind.CLICK)
    head = await ask(bench.site, "HEAD", path)
    options = await ask(bench.site, "OPTIONS", path)
    assert (head.status, head.body, head.headers["location"][:20]) == (
        302,
        b"",
        "https://example.org/",
    )
    assert (options.status, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    events = (await bench.pulled()).events
    assert [event.facts.method for event in events] == ["HEAD", "OPTIONS"]


@pytest.mark.parametrize(
    ("name", "value", "prefetch"),
    [
        ("Purpose", b"prefetch", True),
        ("Sec-Purpose", b"prefetch;prerender", True),
        ("X-Moz", b"Prefetch", True),
        ("X-Purpose", b"preview", True),
        ("Purpose", b"navigate", False),
    ],
)
async def test_a_prefetch_says_so_in_its_facts(
    bench: Any, ask: Any, name: str, value: bytes, prefetch: bool
) -> None:
    await bench.put()
    await ask(bench.site, "GET", bench.path_of(LinkKind.CLICK), headers={name: value})
    [event] = (await bench.pulled()).events
    assert event.facts.prefetch is prefetch


async def test_a_browsers_description_is_bounded_and_printable(bench: Any, ask: Any) -> None:
    """E7."""
    await bench.put()
    for agent in (b"A" * 5000, b"<script>\x01\x1b[31m\xff\xfe", "Größe".encode()):
        headers = {"User-Agent": agent}
        await ask(bench.site, "GET", bench.path_of(LinkKind.OPEN), headers=headers)
    agents = [event.facts.user_agent for event in (await bench.pulled()).events]
    assert agents[0] == "A" * 200
    assert agents[1].startswith("<script>")
    assert agents[1].isprintable()
    assert agents[2] == "Größe"


async def test_nothing_of_an_address_is_kept_but_a_hash_of_its_network(
    bench: Any, ask: Any
) -> None:
    """E4, E12."""
    await bench.put()
    for address in ("203.0.113.9", "203.0.113.77", "198.51.100.1"):
        await ask(bench.site, "GET", bench.path_of(LinkKind.OPEN), address=address)
    first, second, third = ((event.facts.net) for event in (await bench.pulled()).events)
    assert first == second != third
    assert "203" not in first or len(first) == 16
    stored = await asyncio.to_thread(bench.path.read_bytes)
    assert b"203.0.113" not in stored


async def test_asking_shows_a_page_and_changes_nothing(bench: Any, ask: Any) -> None:
    """E15: scanners follow every link."""
    await bench.put()
    for method in ("GET", "HEAD", "OPTIONS"):
        for kind in (LinkKind.UNSUBSCRIBE, LinkKind.PREFERENCES):
            answer = await ask(bench.site, method, bench.path_of(kind))
            assert answer.status == (204 if method == "OPTIONS" else 200)
    page = (await ask(bench.site, "GET", bench.path_of(LinkKind.UNSUBSCRIBE))).text
    assert "Monthly News" in page
    assert "Example Ltd" in page
    assert '<form method="post">' in page
    assert "<script" not in page
    assert await kinds(bench) == []


@pytest.mark.parametrize(
    ("body", "one_click"), [(b"confirm=yes", False), (ONE_CLICK, True), (MULTIPART, True)]
)
async def test_a_post_unsubscribes_with_the_same_answer_every_time(
    bench: Any, ask: Any, body: bytes, one_click: bool
) -> None:
    """E14, RFC 8058: no cookie, no redirect, the same 200."""
    await bench.put()
    path = bench.path_of(LinkKind.UNSUBSCRIBE)
    first = await ask(bench.site, "POST", path, body=body)
    second = await ask(bench.site, "POST", path, body=body)
    assert first.status == 200
    assert first == second
    assert "You are unsubscribed" in first.text
    events = (await bench.pulled()).events
    assert [(event.kind, event.recipient) for event in events] == [("unsubscribe", 7)] * 2
    assert [event.facts.one_click for event in events] == [one_click] * 2


@pytest.mark.parametrize(("choice", "kind"), [("on", "consent_on"), ("off", "consent_off")])
async def test_a_tracking_choice_is_stored(bench: Any, ask: Any, choice: str, kind: str) -> None:
    await bench.put()
    path = bench.path_of(LinkKind.PREFERENCES)
    answer = await ask(bench.site, "POST", path, body=f"tracking={choice}".encode())
    assert (answer.status, "Your choice is stored" in answer.text) == (200, True)
    assert await kinds(bench) == [kind]


@pytest.mark.parametrize("body", [b"", b"tracking=maybe", b"tracking=on&tracking=off", b"\xff"])
async def test_no_clear_choice_changes_nothing_and_asks_again(
    bench: Any, ask: Any, body: bytes
) -> None:
    await bench.put()
    answer = await ask(bench.site, "POST", bench.path_of(LinkKind.PREFERENCES), body=body)
    assert answer.status == 400
    assert "Please press one of the two buttons" in answer.text
    assert await kinds(bench) == []


async def test_names_are_escaped_in_every_page(bench: Any, ask: Any) -> None:
    """E7."""
    await bench.put(sender="<script>alert(1)</script>", list_name='"><img src=x onerror=y>')
    for method, kind, body in (
        ("GET", LinkKind.UNSUBSCRIBE, b""),
        ("POST", LinkKind.UNSUBSCRIBE, b"a=b"),
        ("GET", LinkKind.PREFERENCES, b""),
        ("POST", LinkKind.PREFERENCES, b"tracking=off"),
    ):
        text = (await ask(bench.site, method, bench.path_of(kind), body=body)).text
        assert "<script" not in text
        assert "<img" not in text
        assert "&lt;script&gt;" in text


async def test_a_form_beyond_all_need_is_refused(bench: Any, ask: Any) -> None:
    await bench.put()
    path = bench.path_of(LinkKind.UNSUBSCRIBE)
    answer = await ask(bench.site, "POST", path, body=b"a" * (BODY_LIMIT + 1))
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    fits = await ask(bench.site, "POST", path, body=b"a" * BODY_LIMIT)
    assert fits.status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PATCH", "CONNECT"])
async def test_other_methods_are_not_allowed_and_record_nothing(
    bench: Any, ask: Any, method: str
) -> None:
    """E8."""
    await bench.put()
    for kind in LinkKind:
        answer = await ask(bench.site, method, bench.path_of(kind))
        assert answer.status == 405
        assert answer.headers["allow"].startswith("GET, HEAD, OPTIONS")
    assert await kinds(bench) == []


async def test_an_unsubscribe_that_could_not_be_stored_is_never_confirmed(
    bench: Any, ask: Any
) -> None:
    """E5: a 503 that says so, and clicks go on being redirected."""
    await bench.put()

    def spoil() -> None:
        connection = sqlite3.connect(bench.path)
        connection.execute(
            "CREATE TRIGGER broken BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        connection.close()

    await asyncio.to_thread(spoil)
    answer = await ask(bench.site, "POST", bench.path_of(LinkKind.UNSUBSCRIBE), body=ONE_CLICK)
    assert (answer.status, answer.headers["retry-after"]) == (503, "60")
    assert "nothing has changed yet" in answer.text
    click = await ask(bench.site, "GET", bench.path_of(LinkKind.CLICK))
    assert click.status == 302


async def test_guessing_is_slowed_down_and_an_unsubscribe_is_let_through(
    open_bench: Any, database_path: Any, ask: Any
) -> None:
    """E3: by network, never by recipient."""
    async with open_bench(database_path, rate=10) as bench:
        await bench.put()
        statuses = [(await ask(bench.site, "GET", f"/c/{n}")).status for n in range(10)]
        assert statuses == [404] * 5 + [429] * 5
        click = bench.path_of(LinkKind.CLICK)
        assert (await ask(bench.site, "GET", click)).status == 429
        assert (await ask(bench.site, "GET", click, address="198.51.100.1")).status == 302
        leave = bench.path_of(LinkKind.UNSUBSCRIBE)
        assert (await ask(bench.site, "POST", leave, body=ONE_CLICK)).status == 200
        bench.clock.now += 10_000
        assert (await ask(bench.site, "GET", click)).status == 302


async def test_requests_are_counted(bench: Any, ask: Any) -> None:
    await ask(bench.site, "GET", "/")
    await ask(bench.site, "GET", "/again")
    assert bench.site.requests == 2
