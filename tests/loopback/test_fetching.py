"""Fetching over plain HTTP: what comes whole is returned, everything else is refused and said."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from sottovoce.errors import FetchFailed
from sottovoce.net import Question, fetch

OK = b"HTTP/1.1 200 OK\r\n"
Serve = Callable[..., Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a server that gives the answers by the target asked for; return its address."""
    servers: list[asyncio.Server] = []
    asked: list[bytes] = []

    async def start(answers: dict[str, bytes], *, stay: bool = False) -> str:
        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            length = lower.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            asked.append(head + await reader.readexactly(int(length or b"0")))
            here = f"127.0.0.1:{writer.get_extra_info('sockname')[1]}".encode()
            writer.write(answers[head.split()[1].decode()].replace(b"HERE", here))
            await writer.drain()
            if stay:
                await reader.read()
            writer.close()

        server = await asyncio.start_server(take, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    start.asked = asked  # type: ignore[attr-defined]
    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 5\r\n\r\nlists",
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nlis\r\n2\r\nts\r\n0\r\n\r\n",
        OK + b"\r\nlists",
        b"HTTP/1.0 200 OK\r\nconnection: close\r\n\r\nlists",
    ],
    ids=["length", "chunked", "to the end", "1.0"],
)
async def test_what_comes_whole_is_returned(serve: Serve, answer: bytes) -> None:
    base = await serve({"/a.crl?x=1": answer})
    assert await fetch(Question(url=f"{base}/a.crl?x=1", longest=5)) == b"lists"


async def test_a_question_is_posted_and_a_redirect_followed(serve: Serve) -> None:
    base = await serve(
        {
            "/": b"HTTP/1.1 307 Moved\r\nLocation: http://HERE/ocsp\r\nContent-Length: 0\r\n\r\n",
            "/ocsp": OK + b"Content-Length: 2\r\n\r\nyo",
        }
    )
    question = Question(url=base, longest=9, body=b"\x30\x00", content_type="application/x")
    assert await fetch(question) == b"yo"
    first, second = serve.asked  # type: ignore[attr-defined]
    assert first.startswith(b"POST / HTTP/1.1\r\nHost: 127.0.0.1:")
    assert second.startswith(b"POST /ocsp HTTP/1.1\r\n")
    assert b"\r\nContent-Type: application/x\r\n" in second
    assert second.endswith(b"\r\n\r\n\x30\x00")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "the answer is HTTP 404"),
        (OK + b"Content-Length: 6\r\n\r\nlists!", "it has 6 bytes, at most 5 are taken"),
        (
            OK + b"Transfer-Encoding: chunked\r\n\r\n6\r\nlists!\r\n0\r\n\r\n",
            "it has more than 5 bytes",
        ),
        (OK + b"\r\nlists!", "it has more than 5 bytes"),
        (OK + b"Content-Length: 5\r\n\r\nlis", "the connection broke off"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nlis\r\n", "the connection broke off"),
        (OK + b"X: " + b"x" * 20_000, "the answer's headers are too long"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "the answer is not HTTP"),
        (b"", "the connection broke off"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
            "it sends on more than 3 times",
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: https://HERE/\r\nContent-Length: 0\r\n\r\n",
            "the address does not begin with http://",
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
            "the address does not begin with http://",
        ),
    ],
)
async def test_everything_else_is_refused_and_said(serve: Serve, answer: bytes, why: str) -> None:
    base = await serve({"/": answer})
    with pytest.raises(FetchFailed) as failed:
        await fetch(Question(url=base, longest=5, patience=5.0))
    assert why in str(failed.value)
    assert failed.value.hint


async def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_said(
    serve: Serve,
) -> None:
    base = await serve({"/": OK + b"Content-Length: 5\r\n\r\nlis"}, stay=True)
    with pytest.raises(FetchFailed, match=r"no whole answer within 0.2 s"):
        await fetch(Question(url=base, longest=5, patience=0.2))


@pytest.mark.parametrize(
    "url",
    ["https://x.test/", "http://u:p@x.test/", "http:///x", "http://x.test:99999/", "http://ä/"],
)
async def test_what_is_no_plain_address_is_not_tried(url: str) -> None:
    with pytest.raises(FetchFailed, match="the address"):
        await fetch(Question(url=url, longest=5))


async def test_nobody_there_is_a_failure_of_fetching() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(FetchFailed, match=r"refused|Connect"):
        await fetch(Question(url=f"http://127.0.0.1:{port}/", longest=5))
