"""SIGTERM and SIGINT in the middle of a real campaign: a stop in order, a start that goes on."""

import signal
from pathlib import Path

import pytest

from sottovoce.policy import Component
from sottovoce.testing.killing import Kill, survive

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("number", "servers"), [(signal.SIGTERM, 1), (signal.SIGINT, 2)], ids=["SIGTERM", "SIGINT"]
)
def test_stopped_while_mails_go_out_nothing_is_uncertain_and_nothing_lost(
    number: signal.Signals, servers: int, tmp_path: Path
) -> None:
    """W1: exit status 0; after the restart every mail has gone out, once."""
    kill = Kill(
        servers=servers,
        victim=Component.LUI,
        phase="delivery",
        after=60,
        recipients=150,
        by=number,
    )
    found = survive(tmp_path, kill)
    assert found.broken == []
    assert 60 <= found.mails_at_kill < 150
    assert (found.mails, found.accepted, found.uncertain) == (150, 150, 0)


def test_a_tracker_stopped_while_recipients_react_loses_no_event_at_all(tmp_path: Path) -> None:
    """W1: what was answered before the stop is stored, opens and clicks too."""
    kill = Kill(
        servers=2,
        victim=Component.TRK,
        phase="reactions",
        after=60,
        recipients=150,
        by=signal.SIGTERM,
        secured=False,
    )
    found = survive(tmp_path, kill)
    assert found.broken == []
    assert found.stored["open"] >= found.answered["open"] > 50
    assert found.stored["click"] >= found.answered["click"] > 50
