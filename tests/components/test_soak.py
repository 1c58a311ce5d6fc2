"""The root is replaced under load, and no call fails: the short version of `make soak`."""

from pathlib import Path

import pytest

from sottovoce.testing.soaked import Soak
from sottovoce.testing.soaking import soak


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_root_is_replaced_without_a_failed_call_or_a_lost_event(
    tmp_path: Path,
) -> None:
    """No certificate is due meanwhile: every renewal is by HUB's command."""
    plan = Soak(
        seconds=16,
        lifetime=600,
        servers=2,
        calls_per_second=150,
        hits_per_second=10,
        recipients=20,
        rollover=True,
    )

    found = soak(tmp_path, plan)

    assert found.broken == []
    assert [step.split()[0] for step in found.rollover] == [
        "made",
        "trusted",
        "issuing",
        "renewed",
        "removed",
    ]
    assert min(found.renewals.values()) >= 1
    assert found.calls > 1000
    assert found.hits == found.events > 100
