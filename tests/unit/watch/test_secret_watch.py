"""The search for secrets finds one in every form and place, and fails the run: it can fail."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

if TYPE_CHECKING:
    from tests.secret_watch import Written

PLUGIN = Path(__file__).parents[2] / "secret_watch.py"
VALUE = "kQ7ü &w2Zp9Xa4LrtB8mN3v"


@pytest.fixture
def written() -> "Written":
    """A search of its own, of the class that searches this very run."""
    made: Written = sys.modules["secret_watch"].Written()
    return made


def _base64(before: bytes) -> Callable[[str], str]:
    return lambda value: base64.b64encode(before + value.encode() + b"after").decode()


PLACES: dict[str, Callable[[str], str]] = {
    "plain": lambda value: f"the password is {value}.",
    "repr of octets": lambda value: f"Config(password={value.encode()!r})",
    "json": lambda value: json.dumps({"password": value}),
    "url": lambda value: f"GET /?p={quote(value)}&x=1",
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex().upper(),
    "base64": _base64(b""),
    "base64, one octet before": _base64(b":"),
    "base64, two octets before": _base64(b"u:"),
    "base64url": lambda value: base64.urlsafe_b64encode(b"user:" + value.encode()).decode(),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_secret_is_found_in_every_form(written: "Written", place: Callable[[str], str]) -> None:
    """The find says what and where, and has nothing of the secret."""
    written.now = "test_this"
    written.remember("a Secret", VALUE)
    written.note("here", "nothing in this", place(VALUE))
    written.search()
    assert list(written.finds) == ["here (test_this): a Secret made in test_this"]


def test_a_secret_of_few_long_words_is_found_as_a_whole(written: "Written") -> None:
    written.remember("a Secret", "one 22 three 44 five")
    written.note("here", "it is one 22 three 44 five.")
    written.search()
    assert written.finds


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["P-256", "P-384", "Ed25519"],
)
def test_a_private_key_is_found_in_each_of_its_files(
    written: "Written", key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
) -> None:
    written.remember_key(key)
    written.search()
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        if form is PrivateFormat.TraditionalOpenSSL and isinstance(key, ed25519.Ed25519PrivateKey):
            continue
        written.finds.clear()
        written.note("PEM", key.private_bytes(Encoding.PEM, form, NoEncryption()))
        written.search()
        assert written.finds, form
    written.finds.clear()
    written.note(
        "DER in hex", key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()).hex()
    )
    written.note(
        "its public half",
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )
    written.search()
    assert [find.partition(" (")[0] for find in written.finds] == ["DER in hex"]


def test_an_rsa_key_is_found_by_its_exponent(written: "Written") -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    written.remember_key(key)
    written.note("a dump", f"d = {key.private_numbers().d:x}")
    written.search()
    assert written.finds


def test_logs_are_searched_and_other_files_are_not(written: "Written", tmp_path: Path) -> None:
    """A keystore's password stands in ssl.ini, where it belongs."""
    written.remember("a Secret", VALUE)
    written.search()
    (tmp_path / "ssl.ini").write_text(f"SSLKeystorePassword={VALUE}", "utf-8")
    written.search_files(tmp_path)
    assert not written.finds
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "hub.log").write_text(f"opened with {VALUE}", "utf-8")
    (tmp_path / "loop.log").symlink_to("loop.log")
    written.search_files(tmp_path)
    assert [find.partition(":")[0] for find in written.finds] == [str(tmp_path / "logs/hub.log")]


def test_the_set_up_code_may_be_shown_once_where_it_is_meant(written: "Written") -> None:
    code = "0123-4567-89AB-CDEF-GHJK"
    written.remember("a Secret", code)
    written.note("init", f"Set-up code for the first account (shown only now): {code}\n")
    written.note("init --json", json.dumps({"home": "/x", "set_up_code": code}))
    written.search()
    assert not written.finds
    written.note("a log", f"the code {code} was used")
    written.search()
    assert len(written.finds) == 1


_CONFTEST = f"""
import importlib.util

def pytest_configure(config):
    spec = importlib.util.spec_from_file_location("secret_watch", {str(PLUGIN)!r})
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config.pluginmanager.register(module.SecretWatch(config), "secret-watch")
"""

_LEAKING = """
import logging, secrets
from sottovoce.errors import Fault
from sottovoce.ini import Secret

def secret(): return Secret(secrets.token_urlsafe(18)).reveal()
def test_console(): print(secret())
def test_log(tmp_path): (tmp_path / "hub.log").write_text(secret())
def test_record(): logging.getLogger("x").warning("%s", secret())
def test_fault(): Fault(code="x", why=secret())
def test_caught(capsys):
    print(secret())
    capsys.readouterr()
def test_nothing(): print(Secret(secrets.token_urlsafe(18)))
"""


@pytest.mark.slow
def test_a_run_in_which_everything_passes_fails_for_a_leak(tmp_path: Path) -> None:
    """A real run of pytest, with a worker that tells the controller what it has found."""
    (tmp_path / "test_leaks.py").write_text(_LEAKING, "utf-8")
    (tmp_path / "conftest.py").write_text(_CONFTEST, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-n", "1"]
    command += ["--confcutdir", str(tmp_path), "--basetemp", str(tmp_path / "base")]
    # Without all other plugins of the environment it starts in a third of the time.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [*command, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        env=environment,
    )
    assert "6 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1
    leaks = [line for line in done.stdout.splitlines() if line.startswith("LEAK in ")]
    for name in ("test_console", "hub.log", "test_record", "test_fault", "test_caught"):
        assert [line for line in leaks if name in line.partition(": ")[0]], (name, leaks)
    assert not [line for line in leaks if "test_nothing" in line]
