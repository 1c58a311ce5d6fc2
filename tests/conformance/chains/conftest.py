import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conformance.chains.forge import Forge


def _forge_module() -> Any:
    name = "sottovoce_chain_forge"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("forge.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def kit() -> Any:
    """The module of the forge: its helpers by name."""
    return _forge_module()


@pytest.fixture(scope="session")
def forge(kit: Any) -> "Forge":
    made: Forge = kit.Forge()
    return made
