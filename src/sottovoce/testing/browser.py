"""A headless Chromium for tests of pages: it goes to an address, fills in forms, takes pictures.

It is driven by the DevTools protocol over a pair of pipes, so that nothing listens on a port and no
driver is needed. Debian's package ``chromium`` is enough.
"""

import base64
import itertools
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any, Self

__all__ = ["Chromium", "find_chromium"]

#: Seconds within which the browser does what it is told, on a busy machine.
PATIENCE = 60.0

#: Without a screen, without a network of its own doing, without a profile that lasts.
_OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)


def find_chromium() -> str | None:
    """Return the browser's path, or None where it is not installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Chromium:
    """One browser with one page; a context manager.

    Args:
        program: from :func:`find_chromium`.
    """

    def __init__(self, program: str) -> None:
        self._program = program
        self._ids = itertools.count(1)
        self._session = ""
        self._buffer = b""
        self._events: deque[dict[str, Any]] = deque()

    def __enter__(self) -> Self:
        self._profile = Path(tempfile.mkdtemp(prefix="sottovoce-chromium-"))
        (hear, its_mouth), (its_ear, say) = os.pipe(), os.pipe()
        silence = os.open(os.devnull, os.O_RDWR)
        options = [*_OPTIONS, f"--user-data-dir={self._profile}"]
        if os.geteuid() == 0:
            options.append("--no-sandbox")  # Chromium refuses root with one
        self._process = os.posix_spawn(
            self._program,
            [self._program, *options, "about:blank"],
            os.environ,
            file_actions=[
                # Well above the numbers that are set next, whatever the pipes' own numbers are.
                (os.POSIX_SPAWN_DUP2, its_ear, 103),
                (os.POSIX_SPAWN_DUP2, its_mouth, 104),
                *((os.POSIX_SPAWN_DUP2, silence, number) for number in (0, 1, 2)),
                (os.POSIX_SPAWN_DUP2, 103, 3),
                (os.POSIX_SPAWN_DUP2, 104, 4),
            ],
            setpgroup=0,
        )
        for descriptor in (its_ear, its_mouth, silence):
            os.close(descriptor)
        self._hear, self._say = hear, say
        try:
            page = self._call("Target.createTarget", url="about:blank")["targetId"]
            attached = self._call("Target.attachToTarget", targetId=page, flatten=True)
            self._session = attached["sessionId"]
            self._call("Page.enable")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        os.killpg(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._say)
        os.close(self._hear)
        shutil.rmtree(self._profile, ignore_errors=True)

    # What a test does with it.

    def size(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Be a window of that many CSS pixels; a narrow one is a telephone's."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])

    def go(self, address: str) -> None:
        """Go to an address and wait until the page is there."""
        self._events.clear()
        failure = self._call("Page.navigate", url=address).get("errorText")
        if failure:
            raise AssertionError(f"{address}: {failure}")
        self._loaded()

    def submit(self, **fields: str) -> None:
        """Fill in the page's first form that has these fields, press its button, wait."""
        self._events.clear()
        script = (
            "(fields) => { for (const [name, value] of Object.entries(fields))"
            " document.querySelector(`main [name=${name}]`).value = value;"
            " document.querySelector('main form button').click(); }"
        )
        self.ask(f"({script})({json.dumps(fields)})")
        self._loaded()

    def ask(self, script: str) -> Any:
        """Return what a script of the test's own gives; the page's policy does not bind it."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def text(self) -> str:
        """Return what a person reads on the page."""
        return str(self.ask("document.body.innerText"))

    def picture(self, path: Path) -> None:
        """Write the whole page as a PNG file."""
        box = self._call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": box["width"], "height": box["height"], "scale": 1}
        shot = self._call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    # The protocol.

    def _loaded(self) -> None:
        self._wait(lambda event: event.get("method") == "Page.loadEventFired")

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._say, json.dumps(message).encode() + b"\0")
        answer = self._wait(lambda event: event.get("id") == number)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def _wait(self, wanted: Any) -> dict[str, Any]:
        """Return the first message that is wanted; others are kept for who waits for them."""
        until = time.monotonic() + PATIENCE
        for event in list(self._events):
            if wanted(event):
                self._events.remove(event)
                return event
        while True:
            event = self._next(until)
            if wanted(event):
                return event
            self._events.append(event)

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._hear], [], [], max(0.0, until - time.monotonic()))
            data = os.read(self._hear, 1 << 20) if ready else b""
            if not data:
                raise AssertionError("Chromium does not answer")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(line))
