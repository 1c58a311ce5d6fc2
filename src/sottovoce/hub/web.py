"""HUB's pages for administrators: the log-in, the set-up of a new installation, *Security*.

Every page but the first two needs the right ``admin``. Nothing is changed by looking.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

from sottovoce.errors import AccountRefused
from sottovoce.hub.security_page import security_view
from sottovoce.hub.service import Accounts, Right, SecurityReport, Sessions
from sottovoce.hub.settings import WebPlace
from sottovoce.ini import Secret
from sottovoce.web import (
    SHARED_TEMPLATES,
    Answer,
    Page,
    PagesCertificate,
    Shell,
    Templates,
    Visit,
    WebServer,
    serve,
)

__all__ = ["CHANGES_ON_PAGE", "HubPages", "serve_pages"]

#: Rows of the history on the page Security, and on the page of its own.
CHANGES_ON_PAGE, MOST_CHANGES = 8, 300

#: Seconds between two refreshes, for who asks for them.
REFRESH = 15

_TEMPLATES = Path(__file__).parent / "templates"

ReadReport = Callable[[int], Awaitable[SecurityReport]]


class HubPages:
    """The pages, each a handler for the shell.

    Args:
        templates: of HUB and the shell.
        sessions, accounts: HUB's use cases.
        report: gives how the connections stand, with so many changes.
        https: whether they are served so.
    """

    def __init__(
        self,
        templates: Templates,
        *,
        sessions: Sessions,
        accounts: Accounts,
        report: ReadReport,
        https: bool,
    ) -> None:
        self._accounts = accounts
        self._report = report
        self.shell = Shell(templates, sessions, name="HUB", home="/security", https=https)
        self.shell.add(
            [
                Page(path="/security", show=self._security, right=Right.ADMIN),
                Page(path="/history", show=self._history, right=Right.ADMIN),
                Page(path="/set-up", show=self._show_set_up, act=self._set_up),
            ]
        )

    async def _security(self, visit: Visit) -> Answer:
        refreshing = visit.request.query.get("refresh") == "on"
        report = await self._report(CHANGES_ON_PAGE)
        return self.shell.page(
            "security.html",
            visit,
            view=security_view(report),
            refresh=REFRESH if refreshing else 0,
            every=REFRESH,
        )

    async def _history(self, visit: Visit) -> Answer:
        view = security_view(await self._report(MOST_CHANGES))
        return self.shell.page("history.html", visit, view=view, most=MOST_CHANGES)

    # The first account.

    async def _show_set_up(self, visit: Visit) -> Answer:
        if visit.ticket is not None or not await self._accounts.needs_set_up():
            return self.shell.go("/login", visit)
        return self._set_up_page(visit)

    async def _set_up(self, visit: Visit) -> Answer:
        form = visit.request.form
        password = form.get("password", "")
        if password != form.get("again", ""):
            why = "The two passwords differ. Nothing was done."
            return self._set_up_page(visit, HTTPStatus.BAD_REQUEST, why=why)
        try:
            await self._accounts.set_up(
                Secret(form.get("code", "")), form.get("account", ""), Secret(password)
            )
        except AccountRefused as refused:
            why = f"{refused.message} {refused.hint}"
            return self._set_up_page(visit, HTTPStatus.FORBIDDEN, why=why)
        return self.shell.go("/login", visit)

    def _set_up_page(self, visit: Visit, status: int = HTTPStatus.OK, *, why: str = "") -> Answer:
        typed = visit.request.form.get("account", "")[:64]
        return self.shell.page("set-up.html", visit, status, why=why, typed=typed)


async def serve_pages(
    place: WebPlace,
    certificate: PagesCertificate,
    *,
    sessions: Sessions,
    accounts: Accounts,
    report: ReadReport,
) -> WebServer:
    """Open HUB's pages; they answer when this returns.

    Args:
        place: where.
        certificate: for HTTPS, where there is one.
        sessions, accounts, report: see :class:`HubPages`.

    Raises:
        SettingsError: the port or the certificate cannot be used.
        KeystoreError, FormatError: the keystore for HTTPS does not open.
    """
    entry = await asyncio.to_thread(certificate.read)
    templates = await asyncio.to_thread(
        Templates, _TEMPLATES, SHARED_TEMPLATES, style=SHARED_TEMPLATES / "style.css"
    )
    pages = HubPages(
        templates,
        sessions=sessions,
        accounts=accounts,
        report=report,
        https=entry is not None,
    )
    return await serve(pages.shell, address=place.address, port=place.port, keystore_entry=entry)
