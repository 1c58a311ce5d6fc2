"""The shared web shell: one HTTP server inside our loop, over TLS or not; pages, log-in, forms."""

from typing import TYPE_CHECKING

from sottovoce import loaded_when_used

__all__ = [
    "SHARED_TEMPLATES",
    "Answer",
    "BadRequest",
    "Doorkeeper",
    "Header",
    "KeyEntry",
    "Page",
    "PagesCertificate",
    "Request",
    "Shell",
    "Templates",
    "Visit",
    "WebServer",
    "browser_context",
    "keystore_faults",
    "serve",
]

if TYPE_CHECKING:
    from sottovoce.web.answer import Answer, Header
    from sottovoce.web.certificate import KeyEntry, browser_context
    from sottovoce.web.keystore import PagesCertificate, keystore_faults
    from sottovoce.web.request import BadRequest, Request
    from sottovoce.web.server import WebServer, serve
    from sottovoce.web.shell import Doorkeeper, Page, Shell, Visit
    from sottovoce.web.templates import SHARED_TEMPLATES, Templates
else:
    __getattr__ = loaded_when_used(
        __name__,
        {
            "answer": ("Answer", "Header"),
            "certificate": ("KeyEntry", "browser_context"),
            "keystore": ("PagesCertificate", "keystore_faults"),
            "request": ("BadRequest", "Request"),
            "server": ("WebServer", "serve"),
            "shell": ("Doorkeeper", "Page", "Shell", "Visit"),
            "templates": ("SHARED_TEMPLATES", "Templates"),
        },
    )
