"""The logs of a server home: one file a component, one for the server, one JSON line a peer.

``security.log`` gets everything, whatever the level of the others. No secret reaches a log: what is
written are names, codes and sentences made for it.
"""

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO, cast

import structlog

from sottovoce.errors import Fault, SettingsError
from sottovoce.net import SecurityRecord
from sottovoce.net.log import Log
from sottovoce.policy import Component

__all__ = ["STARTUP_LINE", "Logs"]

#: The start-up message of each component's log, to the letter (SPEC W19).
STARTUP_LINE = "{component}: Initializing Secure Sockets Layer (SSL) for component communication"

_FORMAT = "%Y-%m-%d %H:%M:%SZ"


class _LogFile:
    """A log file to which whole lines are appended; a full disk never stops the work logged.

    Args:
        path: made when missing, readable by its owner only.
        echo: where it is said, once, that lines cannot be written.
    """

    def __init__(self, path: Path, echo: TextIO | None) -> None:
        self._path = path
        self._echo = echo
        self._failing = False
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)

    def write(self, text: str) -> None:
        """Append *text*, in one piece."""
        try:
            os.write(self._descriptor, text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            if not self._failing:
                _say(f"error: {self._path} cannot be written: {error.strerror}.", self._echo)
            self._failing = True
        else:
            self._failing = False

    def flush(self) -> None:
        """Do nothing: what is written is with the system already."""

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class Logs:
    """The open log files of one server.

    Args:
        folder: ``logs`` of the home; made when missing.
        level: ``debug``, ``info``, ``warning`` or ``error``.
        components: those that run here; each has a file.
        echo: where to repeat warnings and errors, or None.

    Raises:
        SettingsError: the folder or a file in it cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        *,
        level: str,
        components: Iterable[Component] = tuple(Component),
        echo: TextIO | None = sys.stderr,
    ) -> None:
        self._folder = folder
        self._level = logging.getLevelNamesMapping()[level.upper()]
        self._echo = echo
        self._files: dict[str, _LogFile] = {}
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            for name in ("security.log", "server.log", *(f"{each}.log" for each in components)):
                self._files[name] = _LogFile(folder / name, echo)
        except OSError as error:
            self.close()
            raise SettingsError([_unwritable(folder, error)]) from error
        self._loggers = {name: self._logger(file) for name, file in self._files.items()}

    def component(self, component: Component) -> Log:
        """Return the log of *component*."""
        return self._loggers[f"{component}.log"]

    def server(self) -> Log:
        """Return the log of the server itself."""
        return self._loggers["server.log"]

    def startup(self, component: Component) -> str:
        """Write W19's line, alone on its line, into the component's log; return it."""
        line = STARTUP_LINE.format(component=component.label)
        self._files[f"{component}.log"].write(f"{line}\n")
        return line

    def security(self, record: SecurityRecord) -> None:
        """Write one peer accepted, refused or closed as a line of JSON."""
        line = json.dumps(record.as_fields(), ensure_ascii=False)
        self._files["security.log"].write(f"{line}\n")

    def close(self) -> None:
        """Close every file."""
        while self._files:
            self._files.popitem()[1].close()

    def _logger(self, file: _LogFile) -> Log:
        logger = structlog.wrap_logger(
            structlog.WriteLogger(cast(TextIO, file)),
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
        if method in {"warning", "error", "critical", "exception"}:
            _say(_line(event), self._echo)
        return event


def _say(line: str, echo: TextIO | None) -> None:
    """Repeat a line on the console, if it can be had: no work ends because nobody reads there."""
    if echo is not None:
        with contextlib.suppress(OSError, ValueError):
            print(line, file=echo, flush=True)


def _unwritable(folder: Path, error: OSError) -> Fault:
    if folder.exists() and not folder.is_dir():
        why, hint = "The logs need a folder, and a file stands there.", "Move that file away."
    else:
        why = f"The logs cannot be written: {error.strerror} ({error.filename})."
        hint = f"Let user {os.geteuid()} write there: chown -R {os.geteuid()} {folder}"
    return Fault(code="file-unwritable", why=why, file=str(folder), hint=hint)


def _line(event: structlog.typing.EventDict) -> str:
    code = f"{event['code']}: " if event.get("code") else ""
    return f"{event.get('level', '')}: {code}{_safe(str(event.get('event', '')))}"


def _render(_logger: object, _method: str, event: structlog.typing.EventDict) -> str:
    """Return one line: time, level, sentence, fields; a traceback follows, indented.

    Values may come from a peer: control characters are escaped, so that nobody writes lines.
    """
    trace = event.pop("exception", "")
    head = f"{event.pop('timestamp')} {event.pop('level'):<7} {_safe(str(event.pop('event')))}"
    fields = " ".join(f"{name}={_safe(str(value))}" for name, value in event.items())
    line = f"{head} {fields}" if fields else head
    return "\n    ".join([line, *map(_safe, trace.splitlines())])


def _safe(text: str) -> str:
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
