"""The shared web shell: one HTTP server inside our loop, over TLS or not."""

from sottovoce.web.certificate import KeyEntry, browser_context
from sottovoce.web.server import WebServer, serve

__all__ = ["KeyEntry", "WebServer", "browser_context", "serve"]
