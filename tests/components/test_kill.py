"""SIGKILL to any one server in the middle of a real campaign, then a restart (W1).

Everything here is real: the commands, the processes, SMTP, HTTP, mutual TLS between the servers.
What must hold is checked in :mod:`sottovoce.testing.killing`; ``scripts/kill-cycles`` repeats it at
random moments for as long as wanted.
"""

from pathlib import Path

import pytest

from sottovoce.policy import Component
from sottovoce.testing.killing import MOST_UNCERTAIN, Kill, survive

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HUB, LUI, TRK = Component.HUB, Component.LUI, Component.TRK

#: Of each job; and the number of mails, or of answers, after which a server is killed.
RECIPIENTS, AFTER = 200, 75


@pytest.mark.parametrize(("servers", "victim"), [(3, LUI), (1, LUI)])
def test_killed_while_mails_go_out_no_mail_goes_out_twice(
    servers: int, victim: Component, tmp_path: Path
) -> None:
    """W1: accepted or listed as uncertain, at most 32 of them; every event counted once."""
    kill = Kill(
        servers=servers, victim=victim, phase="delivery", after=AFTER, recipients=RECIPIENTS
    )
    found = survive(tmp_path, kill)
    assert found.broken == []
    assert AFTER <= found.mails_at_kill < RECIPIENTS
    assert found.accepted >= RECIPIENTS - MOST_UNCERTAIN
    assert found.stored["open"] > 50


@pytest.mark.parametrize(("servers", "victim"), [(3, TRK), (1, TRK)])
def test_killed_while_recipients_react_no_acknowledged_event_is_lost(
    servers: int, victim: Component, tmp_path: Path
) -> None:
    """W1: every answered unsubscribe, and every event answered before one, is in LUI once."""
    kill = Kill(
        servers=servers, victim=victim, phase="reactions", after=AFTER, recipients=RECIPIENTS
    )
    found = survive(tmp_path, kill)
    assert found.broken == []
    assert (found.accepted, found.uncertain) == (RECIPIENTS, 0)
    assert found.certain["unsubscribe"] == found.answered["unsubscribe"] > 5
    assert found.certain["open"] > 50


@pytest.mark.parametrize("phase", ["delivery", "reactions"])
def test_a_killed_hub_costs_nothing_at_all(phase: str, tmp_path: Path) -> None:
    """W1: LUI and TRK go on without it, and find it again."""
    found = survive(
        tmp_path, Kill(servers=3, victim=HUB, phase=phase, after=AFTER, recipients=RECIPIENTS)
    )
    assert found.broken == []
    assert (found.accepted, found.uncertain) == (RECIPIENTS, 0)
    assert found.stored == found.answered
