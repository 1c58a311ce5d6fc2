"""The foreign peers and their certificates as fixtures, shared by all cases of a module."""

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.loopback.foreign.peers import Java
    from tests.loopback.foreign.wardrobe import Wardrobe

HERE = Path(__file__).parent
FORGE = HERE.parent.parent / "conformance" / "chains" / "forge.py"


def _module(name: str, path: Path) -> Any:
    """Load a helper that stands beside the tests (they are imported without packages)."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def peers() -> Any:
    """The drivers of the foreign programs, by name."""
    return _module("sottovoce_foreign_peers", HERE / "peers.py")


@pytest.fixture(scope="session")
def wardrobe(tmp_path_factory: pytest.TempPathFactory, moment: datetime) -> "Wardrobe":
    """What anybody shows or trusts."""
    kit = _module("sottovoce_chain_forge", FORGE)
    folder = tmp_path_factory.mktemp("wardrobe")
    module = _module("sottovoce_foreign_wardrobe", HERE / "wardrobe.py")
    made: Wardrobe = module.Wardrobe(kit, kit.Forge(), folder, moment)
    return made


@pytest.fixture(scope="session")
def java(peers: Any) -> "Iterator[Java]":
    """The one Java process of the session."""
    if shutil.which("javac") is None:
        pytest.skip("no JDK here")
    machine = peers.Java()
    yield machine
    machine.close()
