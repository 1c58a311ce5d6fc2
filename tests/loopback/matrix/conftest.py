"""The stage of the failure matrix."""

from datetime import datetime
from pathlib import Path

import pytest
from tests.loopback.matrix.homes import Templates
from tests.loopback.matrix.stage import Stage

from sottovoce.testing import ThrowAwayAuthority


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory, authority: ThrowAwayAuthority) -> Templates:
    """Homes that rows copy and damage."""
    return Templates.make(tmp_path_factory.mktemp("matrix"), authority)


@pytest.fixture
def stage(
    authority: ThrowAwayAuthority,
    stranger: ThrowAwayAuthority,
    moment: datetime,
    tmp_path: Path,
    templates: Templates,
) -> Stage:
    """Where one row is played."""
    return Stage(authority, stranger, moment, tmp_path, templates)
