"""TRK's use cases: jobs and their links, recording, the feed to LUI; no web, no streams."""

from sottovoce.trk.service.events import EventStore, draw_new_epoch
from sottovoce.trk.service.feed import Feed
from sottovoce.trk.service.jobs import Job, JobTable
from sottovoce.trk.service.tracking import Hit, Tracker
from sottovoce.trk.service.writer import EventWriter

__all__ = [
    "EventStore",
    "EventWriter",
    "Feed",
    "Hit",
    "Job",
    "JobTable",
    "Tracker",
    "draw_new_epoch",
]
