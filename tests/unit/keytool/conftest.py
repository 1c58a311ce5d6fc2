"""A world of values for keytool: files in a dictionary, answers in a list, a clock that stands."""

import itertools
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from sottovoce.ini import Secret
from sottovoce.keystore import Keystore, loads
from sottovoce.keytool import Kept, Outcome, parse_command, run


@dataclass
class ValueWorld:
    """What a verb sees, all of it values."""

    files: dict[str, bytes] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)
    default_keystore: str = "home.p12"
    cacerts: str | None = None
    server_name: str | None = None
    kept: dict[str, Kept] = field(default_factory=dict)
    standard_input: bytes = b""
    asked: list[str] = field(default_factory=list)
    serials: Iterator[int] = field(default_factory=lambda: itertools.count(1000))

    def cacerts_password(self) -> Secret | None:
        data = self.files.get("cacerts.password")
        return Secret(data.decode().strip()) if data is not None else None

    def cacerts_password_file(self) -> str | None:
        return "cacerts.password" if self.cacerts else None

    def server_password(self, store: str) -> Kept | None:
        return self.kept.get(store)

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def read_input(self) -> bytes:
        return self.standard_input

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def serial(self) -> int:
        return next(self.serials)

    def ask_password(self, prompt: str) -> Secret | None:
        answer = self.ask(prompt)
        return None if answer is None else Secret(answer)

    def ask(self, prompt: str) -> str | None:
        self.asked.append(prompt)
        return self.answers.pop(0) if self.answers else None

    def keytool(self, line: str) -> Outcome:
        """Carry out a command line and write what it wants written."""
        outcome = run(parse_command(shlex.split(line)), self)
        for write in outcome.writes:
            self.files[write.path] = write.data
        return outcome

    def store(self, path: str = "s.p12", password: str = "changeit") -> Keystore:
        return loads(self.files[path], password)


@pytest.fixture
def world() -> ValueWorld:
    return ValueWorld()


#: Store and password of most lines.
S = "-keystore s.p12 -storepass changeit"
CA = "-keystore ca.p12 -storepass changeit"


@pytest.fixture
def signed() -> Callable[..., ValueWorld]:
    """Give a function that makes a world with a key, a CA of another store, and a signed reply."""

    def make(options: str = "-ext honored=all", *, ca: str = "Root One") -> ValueWorld:
        world = ValueWorld()
        world.keytool(f"-genkeypair -alias ca -keyalg EC -dname 'CN={ca}' -ext bc:c=ca:true {CA}")
        world.keytool(f"-exportcert -alias ca -rfc -file ca.crt {CA}")
        world.keytool(
            f"-genkeypair -alias srv -keyalg EC -dname CN=hub.test -ext san=dns:hub.test {S}"
        )
        world.keytool(f"-certreq -alias srv -file srv.csr -ext eku=sA,cA {S}")
        world.keytool(f"-gencert -alias ca -infile srv.csr -outfile srv.crt -rfc {options} {CA}")
        return world

    return make
