"""The forge as fixtures, and OpenSSL as a second judge of the same questions."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

if TYPE_CHECKING:
    from tests.conformance.chains.forge import Asked, Forge


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


#: Cases in which OpenSSL refuses what we accept, and why we do.
STRICTER_THERE = {
    "_identifier_of_another_key": "RFC 5280 6.1 looks at names and signatures, not identifiers",
    "last-second": "RFC 5280 4.1.2.5 counts the last second in",
    "within-the-last-second": "the same",
    "intermediate-for-any-purpose": "RFC 5280 4.2.1.12 lets a CA say anyExtendedKeyUsage",
    "another-way-round": "OpenSSL tries one path only",
    "name-constraint-and-address": "OpenSSL takes the common name for a DNS name",
    "uri-host": "OpenSSL compares the host with its case and port",
}


@pytest.fixture
def openssl(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> "Callable[[Asked], str]":
    """Ask the openssl command the same question; its complaint, or the empty text."""
    if shutil.which("openssl") is None or request.node.callspec.id in STRICTER_THERE:
        return lambda _: ""
    folder = tmp_path_factory.mktemp("openssl")
    return lambda asked: _openssl(folder, asked)


def _openssl(folder: Path, asked: "Asked") -> str:
    for name, certificates in (("roots", asked.roots), ("sent", asked.chain[1:])):
        data = b"".join(item.public_bytes(Encoding.PEM) for item in certificates)
        (folder / name).write_bytes(data)
    (folder / "leaf").write_bytes(asked.chain[0].public_bytes(Encoding.PEM))
    words = ["openssl", "verify", "-partial_chain", "-attime", str(int(asked.at.timestamp()))]
    words += ["-purpose", f"ssl{asked.purpose.value}", "-no-CApath", "-CAfile", "roots"]
    if len(asked.chain) > 1:
        words += ["-untrusted", "sent"]
    done = subprocess.run([*words, "leaf"], cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr
