"""The proof that this server has its names: a tiny web server for http-01 (RFC 8555 8.3).

It answers for the tokens that it was given and for nothing else, reads no file, and lives as long
as one order.
"""

import errno
import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sottovoce.errors import Fault, SettingsError

__all__ = ["Proofs", "showing"]

#: Seconds that a connection may take: an authority asks with one short request.
PATIENCE = 10.0


class Proofs(dict[str, bytes]):
    """What is answered, by path."""


@contextmanager
def showing(address: str, port: int) -> Iterator[Proofs]:
    """Answer for proofs on an address and port, within this block.

    Args:
        address: an IP address; IPv4 or IPv6.
        port: what the authority asks as port 80.

    Yields:
        The proofs, to be filled.

    Raises:
        SettingsError: the port cannot be opened.
    """
    proofs = Proofs()

    class Handler(_Handler):
        shown = proofs

    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        daemon_threads = True

    try:
        server = Server((address, port), Handler)
    except OSError as error:
        raise SettingsError([_not_opened(address, port, error)]) from error
    serving = threading.Thread(target=server.serve_forever, args=(0.05,), name="acme-proofs")
    serving.start()
    try:
        yield proofs
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    shown: Proofs
    timeout = PATIENCE
    server_version = "sottovoce"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer for a token."""
        body = self.shown.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: Any) -> None:
        """Say nothing: strangers ask here too."""


def _not_opened(address: str, port: int, error: OSError) -> Fault:
    codes = {errno.EADDRINUSE: "port-in-use", errno.EACCES: "port-not-allowed"}
    return Fault(
        code=codes.get(error.errno or 0, "port-not-opened"),
        why=f"The proof for the authority cannot be shown on {address}:{port}: {error.strerror}.",
        expected="a port that is free and may be opened",
        presented=f"{address}:{port}",
        hint="The authority asks port 80. Run this as root or with CAP_NET_BIND_SERVICE, or give "
        "--port and let a proxy pass /.well-known/acme-challenge/ on to it.",
    )
