"""What tests of more than one folder share: authorities, a moment, a loop that may not block."""

import gc
import importlib.util
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import trustme
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import HealthCheck, settings

from sottovoce.net import utc_now
from sottovoce.testing import ThrowAwayAuthority

pytest_plugins = ["tests.producing"]

# How fast inputs are drawn says something of the machine, not of the code: no timed assertion.
settings.register_profile("thorough", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("sottovoce", settings.get_profile("thorough"), max_examples=40)
settings.load_profile("sottovoce")  # make test ARGS=--hypothesis-profile=thorough draws 100


def pytest_configure(config: pytest.Config) -> None:
    """Have all that the tests and the program write searched for secrets (W20)."""
    spec = importlib.util.spec_from_file_location(
        "secret_watch", Path(__file__).with_name("secret_watch.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    config.pluginmanager.register(module.SecretWatch(config), "secret-watch")


#: Folders whose files take longest, so that none of them is begun when all others are done.
_FIRST = ("components", "loopback", "cli", "conformance", "pairs")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first; scripts/test hands whole files, in this order, to whoever is free."""

    def rank(item: pytest.Item) -> int:
        folder = item.nodeid.split("/", 2)[1]
        return _FIRST.index(folder) if folder in _FIRST else len(_FIRST)

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """Have the collector of garbage pass over the thousands of tests, at each of its looks."""
    gc.freeze()


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
