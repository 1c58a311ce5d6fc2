"""What tests of more than one folder share: authorities, a moment, a loop that may not block."""

from collections.abc import Iterator
from datetime import datetime

import pytest
import trustme
from blockbuster import BlockBuster, blockbuster_ctx

from sottovoce.net import utc_now
from sottovoce.testing import ThrowAwayAuthority

pytest_plugins = ["tests.producing"]


@pytest.fixture(scope="session")
def moment() -> datetime:
    """The moment around which the session's certificates are valid; it does not move."""
    return utc_now()


@pytest.fixture(scope="session")
def authority(moment: datetime) -> ThrowAwayAuthority:
    """The CA of the installation."""
    return ThrowAwayAuthority(at=moment)


@pytest.fixture(scope="session")
def stranger(moment: datetime) -> ThrowAwayAuthority:
    """A CA that nobody of the installation trusts."""
    return ThrowAwayAuthority("Stranger", at=moment)


@pytest.fixture(scope="session")
def independent_ca() -> trustme.CA:
    """A CA that is not ours: our issuer is never its own judge."""
    return trustme.CA()


@pytest.fixture(autouse=True)
def blockbuster(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """Make a call of ours that blocks the event loop an error."""
    if not request.node.get_closest_marker("asyncio"):
        yield None
        return
    with blockbuster_ctx(["sottovoce.net", "sottovoce.tls", "sottovoce.rpc"]) as guard:
        yield guard
