"""Listening: a port on which callers are admitted and their calls served."""

import asyncio
import errno
from collections.abc import Callable, Sequence

from sottovoce.errors import ChannelError, Fault
from sottovoce.net.admission import Admission, Admitted
from sottovoce.net.clock import monotonic
from sottovoce.net.endpoint import Endpoint, Offer
from sottovoce.net.reception import Reception
from sottovoce.net.security import Outcome, SecurityRecord
from sottovoce.net.serving import ServingChannel
from sottovoce.net.tasks import TaskOwner
from sottovoce.net.visitors import Visitors
from sottovoce.net.wire import Wire
from sottovoce.tls import Side

__all__ = ["Listener", "listen"]

#: Connections that the kernel may hold ready for us (nginx uses 511, redis 511).
_BACKLOG = 512


class Listener:
    """An open port; see :func:`listen`. :meth:`aclose` ends it."""

    def __init__(
        self,
        endpoint: Endpoint,
        offers: Sequence[Offer],
        on_error: Callable[[str, BaseException], None],
        reception: Reception | None,
    ) -> None:
        self._endpoint = endpoint
        self._offers = tuple(offers)
        self._on_error = on_error
        self._reception = reception
        self._tasks = TaskOwner(on_error)
        self._visitors = Visitors(endpoint.limits, monotonic)
        self._server: asyncio.Server | None = None
        self.address = ""
        self.port = 0
        self.channels: set[ServingChannel] = set()

    async def open(self, address: str, port: int) -> None:
        """Bind and listen; *port* 0 takes a free one."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: Wire(self._welcome), address, port, backlog=_BACKLOG, reuse_address=True
            )
        except OSError as error:
            raise _cannot_listen(error, address, port) from error
        self.address, self.port = self._server.sockets[0].getsockname()[:2]

    def _welcome(self, wire: Wire) -> None:
        host = wire.peer_host
        if not self._visitors.may_begin(host):
            if self._visitors.worth_a_line(host, "too-many-handshakes"):
                self._log_crowd(wire)
            wire.abort()
            return
        self._tasks.spawn(self._admit(wire, host), name=f"admit {wire.peer_address}")

    async def _admit(self, wire: Wire, host: str) -> None:
        try:
            admission = Admission(
                wire,
                self._endpoint,
                port=self.port,
                visitors=self._visitors,
                reception=self._reception,
            )
            try:
                admitted = await admission.run()
            finally:
                self._visitors.finished(host)
            if admitted is not None:
                await self._serve(admitted)
        except BaseException:
            # Also when an implementation cannot be made for an admitted caller.
            wire.abort()
            raise

    async def _serve(self, admitted: Admitted) -> None:
        channel = ServingChannel(
            admitted.wire,
            admitted.facts,
            self._endpoint.limits,
            caller=admitted.caller,
            offers=self._offers,
            on_error=self._on_error,
            clock=self._endpoint.clock,
        )
        self.channels.add(channel)
        channel.closed.add_done_callback(lambda why: self._ended(channel, why.result()))
        try:
            await asyncio.shield(channel.closed)
        finally:
            await channel.aclose()

    def _ended(self, channel: ServingChannel, why: str) -> None:
        self.channels.discard(channel)
        facts = channel.facts
        self._endpoint.log(
            SecurityRecord(
                at=self._endpoint.clock(),
                outcome=Outcome.CLOSED,
                side=Side.ACCEPTING,
                connection_id=facts.connection_id,
                address=facts.address,
                port=self.port,
                phase="calls",
                announced=facts.name,
                component=channel.caller.component.value,
                secured=channel.caller.secured,
                faults=channel.refused or channel.sent_away,
                detail=why,
                **SecurityRecord.of(facts.identity),
            )
        )

    def _log_crowd(self, wire: Wire) -> None:
        self._endpoint.log(
            SecurityRecord(
                at=self._endpoint.clock(),
                outcome=Outcome.REFUSED,
                side=Side.ACCEPTING,
                connection_id=self._endpoint.new_id(),
                address=wire.peer_address,
                port=self.port,
                phase="preamble",
                refused_by="us",
                secured=self._endpoint.trust.current is not None,
                faults=(
                    Fault(
                        code="too-many-handshakes",
                        why=(
                            f"{wire.peer_host} has too many unfinished connections to port "
                            f"{self.port}; further ones are closed at once."
                        ),
                        expected=f"at most {self._endpoint.limits.unfinished_per_address}",
                        hint="One line a minute; look at what that host does.",
                    ),
                ),
            )
        )

    async def aclose(self, *, grace: float = 5.0) -> None:
        """Stop listening, let calls under way finish for *grace* seconds, close every channel."""
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*(channel.aclose(grace=grace) for channel in list(self.channels)))
        await self._tasks.aclose()


def _cannot_listen(error: OSError, address: str, port: int) -> ChannelError:
    where = f"{address}:{port}"
    if error.errno == errno.EADDRINUSE:
        return ChannelError(
            f"Port {port} on {address} is in use by another program.",
            peer=where,
            phase="listen",
            code="port-in-use",
            hint="Stop that program ('ss -ltnp' shows it), or set another port in server.ini.",
        )
    return ChannelError(
        f"Cannot listen on {where}: {error.strerror or error}.",
        peer=where,
        phase="listen",
        code="port-unavailable",
        hint="Check BindAddress and the ports in server.ini, and that this user may use them.",
    )


async def listen(
    endpoint: Endpoint,
    *,
    address: str,
    port: int,
    offers: Sequence[Offer],
    on_error: Callable[[str, BaseException], None],
    reception: Reception | None = None,
) -> Listener:
    """Open a port on which callers are admitted by the rules of *endpoint* and their calls served.

    Args:
        endpoint: who we are and whom we trust; plain when its trust points to no generation.
        address: to bind.
        port: 1 to 65535, or 0 for a free one.
        offers: the contracts served here.
        on_error: told of every error that is nobody's refusal, with the name of what failed.
        reception: where new servers may join; None offers no such path.

    Returns:
        The open listener.

    Raises:
        ChannelError: ``port-in-use`` or ``port-unavailable``.
    """
    listener = Listener(endpoint, offers, on_error, reception)
    await listener.open(address, port)
    return listener
