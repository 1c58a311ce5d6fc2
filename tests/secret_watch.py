"""Secrets that came to exist are looked for in everything that was written (SPEC W20).

A plugin of the test run. It remembers the value of each ``Secret``, each private key, ticket, job
key and token that is made in this process, and searches for them, in the forms in which text may
carry them: what tests and our servers printed, what was logged, every error and fault whether it
was shown or not, and all logs under the temporary folders. One find fails the run; it is told by
the kind of secret and the place, never by its value.

What has too little entropy to be recognised (``changeit``) is left alone: it would be found
everywhere. Under pytest-xdist each worker searches its own, and tells the controller.
"""

import base64
import functools
import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sottovoce.contracts.tokens import TokenCodec
from sottovoce.errors import Fault, SottovoceError
from sottovoce.ini import Secret
from sottovoce.keystore import PrivateKeyEntry

__all__ = ["SecretWatch", "Written", "forms", "recognisable"]

#: Characters of a secret that are looked for: 12 of base64 are 72 bits, of hex 48; chance has none.
WINDOW = 12
#: What may hold a window: a run of the characters of hexadecimal, base64 and URL encodings.
_RUN = re.compile(rb"[A-Za-z0-9+/_=%\\-]{12,}")
#: Files that are searched: logs, and what programs printed into files.
_WRITTEN = (".log", ".out", ".err", ".jsonl")
#: The longest file that is read, in octets.
_LONGEST = 16 * 2**20
#: Where a secret belongs: the set-up code and an invitation, shown to the administrator once.
_MEANT = re.compile(
    rb"shown only now(?:\):|:\n\n)\s?\S+|\"set_up_code\": \"[^\"]*\"|(?m:^)\{\"code\": \"[^\"]*\""
)
#: Texts that wait to be searched before that is done without waiting for the end of the test.
_MANY = 4000


def forms(value: bytes) -> set[bytes]:
    """Return what a secret is recognised by in each form: pieces of :data:`WINDOW` characters.

    Plain, escaped (``repr``, JSON), URL-encoded, hexadecimal, decimal, and base64 in both alphabets
    at each of the three places at which it may begin in longer data.
    """
    text = value.decode("utf-8", "replace")
    spelt = {text, repr(text)[1:-1], json.dumps(text)[1:-1], quote(text, safe=""), quote(text)}
    found = {_piece(one.encode("utf-8", "replace")) for one in spelt}
    found |= {_piece(value.hex().encode()), _piece(value.hex().upper().encode())}
    found.add(_piece(str(int.from_bytes(value, "big")).encode()))
    for shift in range(3):
        # The first and the last characters mix with what stands beside the secret. Two pieces,
        # since a line of PEM may end within one of them.
        coded = base64.b64encode(b"\0" * shift + value)[4 if shift else 0 : -4]
        for part in (coded[-WINDOW:], coded[-2 * WINDOW - 4 : -WINDOW]):
            found |= {_piece(part), _piece(part.translate(bytes.maketrans(b"+/", b"-_")))}
    return found - {b""}


def _piece(form: bytes) -> bytes:
    """Return the piece of a form that chance is least likely to have; empty when it has none.

    It is taken from the end: ``canary-``, and the first digits of a number, are common to many.
    """
    pieces = (form[start : start + WINDOW] for start in range(len(form) - WINDOW, -1, -1)[:30])
    best = max(
        (piece for piece in pieces if _RUN.fullmatch(piece)),
        key=lambda piece: len(set(piece)),
        default=b"",
    )
    return best if len(set(best)) >= 7 else b""


def recognisable(value: str) -> bool:
    """Tell whether a text is so like noise that it stands nowhere by accident.

    A path is none: ``-storepass:file`` names one in the place of a password.
    """
    digits = sum(character.isdigit() for character in value)
    noisy = len(value) >= 16 and digits >= 2 and len(set(value)) >= 8
    return noisy and not value.startswith("/")


class Written:
    """Everything that was written, and the secrets that must not be in it."""

    def __init__(self) -> None:
        self.now = "before the first test"
        self.finds: dict[str, None] = {}
        self._pieces: dict[bytes, str] = {}
        #: Secrets that have no run of WINDOW characters: blanks and marks stand between.
        self._whole: dict[bytes, str] = {}
        self._known: set[bytes] = set()
        self._values: list[tuple[str, bytes, str]] = []
        self._texts: list[tuple[str, str | bytes]] = []

    def remember(self, kind: str, value: str | bytes) -> None:
        """Take a secret into what is looked for."""
        data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        if data not in self._known:
            self._known.add(data)
            self._values.append((kind, data, self.now))

    def remember_key(self, key: object) -> None:
        """Take the secret part of a private key into what is looked for."""
        part = _secret_part(key)
        if part:
            self.remember("a private key", part)

    def note(self, where: str, *texts: str | bytes | None) -> None:
        """Take texts into what is searched."""
        self._texts += [(f"{where} ({self.now})", text) for text in texts if text]
        if len(self._texts) > _MANY:
            self.search()

    def search(self) -> None:
        """Search all texts noted so far for all secrets remembered so far."""
        for kind, value, when in self._values:
            label = f"{kind} made in {when}"
            for piece in {_piece(value)} if kind == "a token" else forms(value):
                self._pieces.setdefault(piece, label)
            if not _piece(value) and value.isascii():
                self._whole[value] = label
        texts, self._values, self._texts = self._texts, [], []
        for where, text in texts:
            self._search(where, text)

    def _search(self, where: str, text: str | bytes) -> None:
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        pieces = self._pieces
        for whole, kind in self._whole.items():
            if whole in data:
                self.finds[f"{where}: {kind}"] = None
        for run in _RUN.findall(_MEANT.sub(b"", data)):
            for start in range(len(run) - WINDOW + 1):
                found = pieces.get(run[start : start + WINDOW])
                if found is not None:
                    self.finds[f"{where}: {found}"] = None

    def search_files(self, folder: Path) -> None:
        """Search all logs below a folder."""
        for path, _, names in os.walk(folder):
            for name in names:
                file = Path(path, name)
                if name.endswith(_WRITTEN) and file.is_file():
                    with file.open("rb") as opened:
                        self._search(str(file), opened.read(_LONGEST))


def _secret_part(key: object) -> bytes:
    match key:
        case ec.EllipticCurvePrivateKey():
            number = key.private_numbers().private_value
            return number.to_bytes((key.curve.key_size + 7) // 8, "big")
        case rsa.RSAPrivateKey():
            number = key.private_numbers().d
            return number.to_bytes((number.bit_length() + 7) // 8, "big")[:48]
        case ed25519.Ed25519PrivateKey():
            return key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return b""


class SecretWatch:
    """The plugin: feeds :class:`Written`, and fails the run when it finds something."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.written = Written()
        self._undo: list[Callable[[], None]] = []
        self._followed_servers = False
        self._follow()

    def _wrap(self, owner: Any, name: str, after: Callable[..., None]) -> None:
        """Have *after* called with result and arguments whenever *owner*'s function has run."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapped(*args: Any, **more: Any) -> Any:
            result = original(*args, **more)
            after(result, *args, **more)
            return result

        setattr(owner, name, wrapped)
        self._undo.append(lambda: setattr(owner, name, original))

    def _follow(self) -> None:
        written = self.written

        def secret(_: None, __: Secret, value: str) -> None:
            if recognisable(value):
                written.remember("a Secret", value)

        def fault(_: None, one: Fault, *__: Any, **___: Any) -> None:
            written.note(
                f"the fault {one.code}", one.why, one.expected, one.presented, one.hint, one.file
            )

        def error(_: None, one: SottovoceError, *__: Any, **___: Any) -> None:
            written.note(f"the error {type(one).__name__}", str(one))

        def drawn(value: bytes | str, *_: Any) -> None:
            if len(value) >= 22:
                written.remember("random octets that were drawn for a secret", value)

        self._wrap(Secret, "__init__", secret)
        self._wrap(Fault, "__init__", fault)
        self._wrap(SottovoceError, "__init__", error)
        self._wrap(
            PrivateKeyEntry, "__init__", lambda _, one, *__, **___: written.remember_key(one.key)
        )
        self._wrap(ec, "generate_private_key", lambda key, *_, **__: written.remember_key(key))
        self._wrap(rsa, "generate_private_key", lambda key, *_, **__: written.remember_key(key))
        self._wrap(TokenCodec, "seal", lambda token, *_, **__: written.remember("a token", token))
        self._wrap(secrets, "token_bytes", drawn)
        self._wrap(secrets, "token_urlsafe", drawn)
        self._wrap(
            pytest.CaptureFixture,
            "readouterr",
            lambda caught, *_: written.note("what a test captured", caught.out, caught.err),
        )

    def _follow_servers(self) -> None:
        """Read what our servers print, once some test has them."""
        module = sys.modules.get("sottovoce.cli.demo.installation")
        if module is None or self._followed_servers:
            return
        self._followed_servers = True

        def ended(_: int, server: Any) -> None:
            self.written.note(f"the console of {server.home}", "\n".join(server.output))

        self._wrap(module.RunningServer, "_ended", ended)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Say what made and wrote what follows."""
        self.written.now = nodeid
        self._follow_servers()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Search what was captured, and how a failure is shown."""
        for head, text in report.sections:
            self.written.note(head, text)
        if report.failed:
            self.written.note("the report of a failure", report.longreprtext)
        if report.when == "teardown":
            self.written.search()

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Search the files, and fail the run for what was found."""
        self.written.search()
        folder = getattr(self.config, "_tmp_path_factory", None)
        if folder is not None and folder._basetemp is not None:
            self.written.search_files(folder.getbasetemp())
        for undo in reversed(self._undo):
            undo()
        output = getattr(self.config, "workeroutput", None)
        if output is not None:
            output["secret_finds"] = list(self.written.finds)
        elif self.written.finds:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker of pytest-xdist has found."""
        found: Iterable[str] = getattr(node, "workeroutput", {}).get("secret_finds", ())
        self.written.finds |= dict.fromkeys(found)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what was found, and where; never the secret."""
        if self.written.finds:
            terminalreporter.section("secrets that were written", red=True)
            for find in self.written.finds:
                terminalreporter.write_line(f"LEAK in {find}")
