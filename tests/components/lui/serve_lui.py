"""A LUI in a process of its own, to be killed: ``serve_lui.py HOME SMTP_PORT EVENTS``.

Its tracker has EVENTS events from the start, the same in every process. Each step of the feed is
told on standard output, so that the test can kill at any of them.
"""

import asyncio
import sys
from pathlib import Path

from tests.components.lui.conftest import Lines, MemoryHub, MemoryTracker

from sottovoce.contracts import Acknowledge, EventBatch, EventFacts, EventKind, TrackedEvent
from sottovoce.contracts.hub import Nothing
from sottovoce.contracts.trk import PullEvents
from sottovoce.lui import LuiApp, LuiSettings
from sottovoce.net.clock import utc_now


class TellingTracker(MemoryTracker):
    """Tells each step, and gives events in small batches."""

    async def pull(self, request: PullEvents, /) -> EventBatch:
        batch = await super().pull(PullEvents(epoch=request.epoch, after=request.after, limit=50))
        print(f"pull {request.after}", flush=True)
        return batch

    async def acknowledge(self, request: Acknowledge, /) -> Nothing:
        print(f"acknowledge {request.upto}", flush=True)
        return await super().acknowledge(request)


def happened(count: int) -> list[TrackedEvent]:
    """Return *count* events, the same in every process."""
    return [
        TrackedEvent(seq, seq, EventKind.CLICK, "killed", 1 + seq % 7, seq % 3, EventFacts())
        for seq in range(1, count + 1)
    ]


async def main(home: Path, smtp_port: int, events: int) -> None:
    tracker = TellingTracker()
    tracker.events = happened(events)
    settings = LuiSettings(
        hub_host="hub.test",
        tracker_host="trk.test",
        smtp_host="127.0.0.1",
        smtp_port=smtp_port,
        smtp_connections=3,
        event_transfer_interval=0.2,
        mail_domain="lui.test",
    )
    app = await LuiApp.open(
        home,
        settings,
        hub=MemoryHub(),
        tracker=tracker,
        own_name="lui.test",
        secured=False,
        clock=utc_now,
        log=Lines(),
    )
    await app.start()
    print("started", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
