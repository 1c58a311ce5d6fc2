"""A plain server that waits to be secured: what it tells HUB, and what it does with HUB's word.

Owns when the files are looked at, and that the lists of what is prepared stay current meanwhile.
"""

import asyncio
import contextlib
import os

import msgspec

from sottovoce.contracts import HeartbeatReply, PreparedSwitch, Status, SwitchWord
from sottovoce.errors import SottovoceError
from sottovoce.net import Clock, monotonic
from sottovoce.net.log import Log
from sottovoce.pki import SILENT
from sottovoce.server.home import Home
from sottovoce.server.prepared_lists import publish_lists, take_lists
from sottovoce.server.switching import HeardWord, PreparedHome, keep_word, report_of

__all__ = ["SwitchWatch"]

#: Seconds between two looks at the files, and until they are read anew although they seem the same:
#: dates pass, and a file that was missing is not watched.
LOOK_EVERY, READ_EVERY = 1.0, 15.0


class SwitchWatch:
    """Looks after the prepared switch of a plain server; :meth:`run` is its task.

    Args:
        home: of the server.
        clock: UTC.
        log: the server's.

    ``report`` is what is ready at this moment.
    """

    def __init__(self, home: Home, *, clock: Clock, log: Log) -> None:
        self._home = home
        self._clock = clock
        self._log = log
        self._heard: SwitchWord | None = None
        self._marks: tuple[int, ...] = ()
        self._read_at = -READ_EVERY
        self._lists: tuple[bytes, ...] = ()
        self._said = ""
        self.report: PreparedSwitch | None = None

    def complete(self, status: Status) -> Status:
        """Add what is ready to a component's status."""
        return msgspec.structs.replace(status, prepared=self.report)

    def heard(self, reply: HeartbeatReply) -> None:
        """Take note of HUB's word."""
        if reply.switch is not None:
            self._heard = reply.switch

    async def run(self) -> None:
        """Look at the files, and write down what HUB says, for ever; ends by cancellation only."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except OSError as error:
                self._log.warning(f"The prepared switch cannot be watched: {error}.")
            except SottovoceError as error:
                self._say(error)
            await asyncio.sleep(LOOK_EVERY)

    def look(self) -> None:
        """Look once.

        Raises:
            OSError: HUB's word, or a list, cannot be written.
            SottovoceError: the lists cannot be kept current.
        """
        word, self._heard = self._heard, None
        if word is not None:
            bare = msgspec.structs.replace(word, lists=())
            keep_word(self._home, HeardWord(at=self._clock(), word=bare))
        marks = self._marks_now()
        if marks != self._marks or monotonic() >= self._read_at + READ_EVERY:
            self._marks, self._read_at = marks, monotonic()
            self.report = report_of(self._home, at=self._clock())
            self._renewed(publish_lists(self._home, self._clock()))
        if word is not None and (word.lists != self._lists or self._lacks_lists):
            self._renewed(take_lists(self._home, word.lists, self._clock()))
            self._lists = word.lists

    @property
    def _lacks_lists(self) -> bool:
        return self.report is not None and self.report.code in SILENT

    def _renewed(self, changed: bool) -> None:
        """Look at what is ready once more when its lists have changed."""
        self._said = ""
        if changed:
            self.report = report_of(self._home, at=self._clock())

    def _say(self, error: SottovoceError) -> None:
        """Say once why the lists are not kept current."""
        if self._said != error.code:
            self._said = error.code
            self._log.warning(
                f"The revocation lists of what is prepared are not renewed: {error}",
                action="lists-not-published",
                code=error.code,
            )

    def _marks_now(self) -> tuple[int, ...]:
        """Return the state of the switch, wherever it is: whoever prepares writes it last."""
        found: list[int] = []
        for path in (self._home.ssl_ini, PreparedHome(self._home.path).ssl_ini):
            with contextlib.suppress(OSError):
                state = os.stat(path)  # noqa: PTH116 - a link counts as what it points to
                found += (state.st_ino, state.st_mtime_ns, state.st_ctime_ns)
            found.append(0)
        return tuple(found)
