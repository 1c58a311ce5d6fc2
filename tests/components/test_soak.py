"""Certificates are renewed and the root replaced under load: the short version of `make soak`."""

from pathlib import Path

import pytest

from sottovoce.testing.soaking import Soak, soak


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_certificates_are_renewed_and_the_root_replaced_without_a_failed_call(
    tmp_path: Path,
) -> None:
    plan = Soak(
        seconds=24,
        lifetime=16,
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
