"""The shared web shell: one HTTP server inside our loop, over TLS or not."""

from sottovoce.web.answer import Answer, Header
from sottovoce.web.certificate import KeyEntry, browser_context
from sottovoce.web.server import WebServer, serve

__all__ = ["Answer", "Header", "KeyEntry", "WebServer", "browser_context", "serve"]
