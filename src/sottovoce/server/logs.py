"""The logs of a server home: one file a component, one for the server, one JSON line a peer.

``security.log`` gets everything, whatever the level of the others. No secret reaches a log: what is
written are names, codes and sentences made for it.
"""

import json
import logging
import os
import sys
from pathlib import Path
from typing import TextIO, cast

import structlog

from sottovoce.net import SecurityRecord
from sottovoce.net.log import Log
from sottovoce.policy import Component

__all__ = ["STARTUP_LINE", "Logs"]

#: The start-up message of each component's log, to the letter (SPEC W19).
STARTUP_LINE = "{component}: Initializing Secure Sockets Layer (SSL) for component communication"

_FORMAT = "%Y-%m-%d %H:%M:%SZ"


class Logs:
    """The open log files of one server.

    Args:
        folder: ``logs`` of the home; made when missing.
        level: ``debug``, ``info``, ``warning`` or ``error``.
        echo: where to repeat warnings and errors, or None.
    """

    def __init__(self, folder: Path, *, level: str, echo: TextIO | None = sys.stderr) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._level = logging.getLevelNamesMapping()[level.upper()]
        self._echo = echo
        self._files: list[TextIO] = []
        self._security = self._open("security.log")

    def component(self, component: Component) -> Log:
        """Return the log of *component*."""
        return self._logger(f"{component.value}.log")

    def server(self) -> Log:
        """Return the log of the server itself."""
        return self._logger("server.log")

    def startup(self, component: Component) -> str:
        """Write W19's line, alone on its line, into the component's log; return it."""
        line = STARTUP_LINE.format(component=component.label)
        with self._open(f"{component.value}.log") as file:
            file.write(f"{line}\n")
        self._files.pop()
        return line

    def security(self, record: SecurityRecord) -> None:
        """Write one peer accepted, refused or closed as a line of JSON."""
        self._security.write(json.dumps(record.as_fields(), ensure_ascii=False) + "\n")
        self._security.flush()

    def close(self) -> None:
        """Close every file."""
        for file in self._files:
            file.close()

    def _open(self, name: str) -> TextIO:
        descriptor = os.open(
            self._folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        file = os.fdopen(descriptor, "a", encoding="utf-8", buffering=1)
        self._files.append(file)
        return file

    def _logger(self, name: str) -> Log:
        logger = structlog.wrap_logger(
            structlog.WriteLogger(self._open(name)),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt=_FORMAT, utc=True),
                structlog.processors.format_exc_info,
                self._repeat,
                _render,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(self._level),
        )
        return cast(Log, logger)

    def _repeat(
        self, _logger: object, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        if self._echo is not None and method in {"warning", "error", "critical", "exception"}:
            print(_line(event), file=self._echo, flush=True)
        return event


def _line(event: structlog.typing.EventDict) -> str:
    code = f"{event['code']}: " if event.get("code") else ""
    return f"{event.get('level', '')}: {code}{event.get('event', '')}"


def _render(_logger: object, _method: str, event: structlog.typing.EventDict) -> str:
    """Return one line: time, level, sentence, fields; a traceback follows on lines of its own.

    Values may come from a peer: control characters are escaped, so that nobody writes lines.
    """
    trace = event.pop("exception", "")
    head = f"{event.pop('timestamp')} {event.pop('level'):<7} {_safe(str(event.pop('event')))}"
    fields = " ".join(f"{name}={_safe(str(value))}" for name, value in event.items())
    line = f"{head} {fields}" if fields else head
    return f"{line}\n{trace}" if trace else line


def _safe(text: str) -> str:
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
