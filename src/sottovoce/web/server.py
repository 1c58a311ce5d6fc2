"""One HTTP or HTTPS server inside our own event loop: uvicorn without its process manners.

It installs no signal handler, reads no environment, writes no access log - tracking tokens would
stand in it - and says no name or version of itself. It knows no page.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import uvicorn

from sottovoce.errors import Fault, SettingsError
from sottovoce.web.certificate import KeyEntry, browser_context, load_entry
from sottovoce.web.protocol import IDLE_TIMEOUT, BoundedProtocol

__all__ = ["WebServer", "serve"]

#: An ASGI application; uvicorn's own type for it is private.
App = Callable[..., Any]

#: Seconds that answers under way get when the server closes.
CLOSING_LIMIT = 5

#: Connections waiting to be accepted, and connections at all.
BACKLOG = 2048
MOST_CONNECTIONS = 10_000


class WebServer:
    """A running server; made by :func:`serve`.

    ``address`` and ``port`` are the ones really bound, ``secured`` tells whether it is HTTPS.
    """

    def __init__(
        self, server: uvicorn.Server, listener: socket.socket, context: ssl.SSLContext | None
    ) -> None:
        self._server = server
        self._listener = listener
        self._closed = False
        self._second: asyncio.TimerHandle | None = None
        self._context = context
        self.secured = context is not None
        self.address, self.port = listener.getsockname()[:2]
        self._tick()

    def __repr__(self) -> str:
        return f"WebServer({self.url}, {'closed' if self._closed else 'open'})"

    @property
    def url(self) -> str:
        """``http://address:port`` or ``https://…``, as bound."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'https' if self.secured else 'http'}://{host}:{self.port}"

    async def show(self, entry: KeyEntry) -> None:
        """Answer the connections that begin from now on by another key and chain.

        Raises:
            SettingsError: they cannot be used; the old ones stay.
        """
        if self._context is None:
            return
        # Tried on a context of its own first: half a change would be none that works.
        await asyncio.to_thread(browser_context, entry)
        load_entry(self._context, entry)

    async def aclose(self) -> None:
        """Accept nothing more, let answers under way finish (≤ 5 s), and close; once or twice."""
        if self._closed:
            return
        self._closed = True
        if self._second is not None:
            self._second.cancel()
        await self._server.shutdown(sockets=[self._listener])

    def _tick(self) -> None:
        """Keep the Date header true to the second; all that uvicorn's own main loop would do."""
        date = formatdate(usegmt=True).encode("ascii")
        self._server.server_state.default_headers = [(b"date", date)]
        self._second = asyncio.get_running_loop().call_later(1.0, self._tick)


async def serve(
    app: App,
    *,
    address: str,
    port: int,
    keystore_entry: KeyEntry | None = None,
) -> WebServer:
    """Start *app* on an address and a port; it answers when this returns.

    Args:
        app: an ASGI application; its lifespan is not called. If it has a method ``at_once``
            (:class:`~sottovoce.web.protocol.AnswersAtOnce`), that is asked first.
        address: to bind, an IP address.
        port: to bind; 0 takes a free one.
        keystore_entry: with it HTTPS, by this key and chain; None is plain HTTP.

    Raises:
        SettingsError: ``port-in-use``, ``port-not-allowed``, ``address-not-here`` or
            ``web-certificate``.
    """
    context: ssl.SSLContext | None = None
    if keystore_entry is not None:
        context = await asyncio.to_thread(browser_context, keystore_entry)
    listener = _bind(address, port)
    try:
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            loop="none",
            interface="asgi3",
            log_config=None,
            log_level="warning",  # below it, uvicorn writes paths, and tokens stand in them
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=int(IDLE_TIMEOUT),
            timeout_graceful_shutdown=CLOSING_LIMIT,
            ssl_context_factory=None if context is None else lambda _config, _default: context,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
    except BaseException:
        listener.close()
        raise
    return WebServer(server, listener, context)


def _bind(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        # Only listening tells two servers on one port apart when both allow reuse.
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise SettingsError([_bind_fault(address, port, error)]) from error
    return listener


def _bind_fault(address: str, port: int, error: OSError) -> Fault:
    place = f"{address}:{port}"
    match error.errno:
        case errno.EADDRINUSE:
            return Fault(
                code="port-in-use",
                why=f"The web pages cannot be opened on {place}: "
                "another program listens there already.",
                expected="a free port",
                presented=place,
                hint=f"Stop that program (ss -ltnp 'sport = :{port}' names it), "
                "or choose another port.",
            )
        case errno.EACCES:
            return Fault(
                code="port-not-allowed",
                why=f"The web pages cannot be opened on {place}: "
                "this user may not open a port below 1024.",
                expected="a port from 1024 on, or the right to open lower ones",
                presented=place,
                hint="Choose a higher port behind a reverse proxy, or grant CAP_NET_BIND_SERVICE.",
            )
        case errno.EADDRNOTAVAIL:
            return Fault(
                code="address-not-here",
                why=f"The web pages cannot be opened on {place}: this machine has no such address.",
                expected="an address of this machine",
                presented=address,
                hint="Name an address that `ip address` lists, or 0.0.0.0 for all.",
            )
        case _:
            return Fault(
                code="port-not-opened",
                why=f"The web pages cannot be opened on {place}: {error.strerror or error}.",
                presented=place,
                hint="Choose another address or port.",
            )
