"""W20: canaries in every place for a secret of a real installation, and a search of all it writes.

Two servers as real processes, at log level debug. They do their normal work and then fail in every
way in which a secret is at hand: wrong passwords, malformed lines that have one, cut keystores,
refused log-ins here and at the mail relay, a crash within a call, bad requests, a kill. What was
printed, logged, answered and shown in the process list is searched for every canary in every form.
"""

import asyncio
import contextlib
import email.policy
import http.client
import io
import os
import re
import secrets
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from email.parser import BytesParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from sottovoce.cli import main
from sottovoce.cli.demo.campaign import define
from sottovoce.cli.demo.installation import Installation
from sottovoce.cli.demo.layout import Ports, choose_layout
from sottovoce.contracts import HubCalls, Login, Ticket, TicketHolder
from sottovoce.errors import SottovoceError
from sottovoce.net import LIMITS, Peer, monotonic, utc_now
from sottovoce.policy import Component
from sottovoce.server.checking import Notebook, check_home
from sottovoce.server.checking.partners import _endpoint

if TYPE_CHECKING:
    from tests.secret_watch import Written

pytestmark = [pytest.mark.slow, pytest.mark.interpreter, pytest.mark.timeout(240)]

_CODE = re.compile(r"shown only now\): (\S+)")


class Watched(Installation):
    """An installation of which everything that its commands print is kept."""

    def __init__(self, folder: Path, written: "Written", **more: Any) -> None:
        super().__init__(folder, **more)
        self.written = written
        self.canaries: dict[str, str] = {}

    def run(self, *words: str | Path, good: Any = (0,)) -> str:
        """Run one command; keep what it printed, and the set-up code that is meant to be."""
        line = [str(word) for word in words]
        out, problems = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(problems):
            try:
                status: object = main(line)
            except SystemExit as end:
                status = end.code
        texts = []
        for stream in (out, problems):
            stream.flush()
            texts.append(stream.buffer.getvalue().decode())
        self.written.note(f"sottovoce {line[0]}", *texts)
        if found := _CODE.search(texts[0]):
            self.plant("the set-up code", found[1])
        assert status in good, (line, status, texts)
        return texts[0]

    def plant(self, what: str, value: str | bytes) -> None:
        """Have *value* searched for."""
        self.canaries[what] = value if isinstance(value, str) else value.hex()
        self.written.remember(what, value)

    def drawn(self, what: str) -> str:
        """Draw a canary."""
        value = f"canary-{secrets.token_urlsafe(15)}"
        self.plant(what, value)
        return value

    def file(self, what: str) -> Path:
        """Draw a canary and write it into a file of its own, as the commands want passwords."""
        path = self.folder / f"{what.replace(' ', '-')}.secret"
        path.write_text(f"{self.drawn(what)}\n")
        path.chmod(0o600)
        return path


class ProcessList(threading.Thread):
    """What ``ps`` would have shown of our processes, looked at again and again."""

    def __init__(self, written: "Written") -> None:
        super().__init__(daemon=True)
        self.seen: set[bytes] = set()
        self._written = written
        self._over = threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        while not self._over.wait(0.05):
            for process in _children(os.getpid()):
                with contextlib.suppress(OSError):
                    folder = Path("/proc", process)
                    self.seen.add((folder / "cmdline").read_bytes())
                    self.seen.add((folder / "environ").read_bytes())

    def close(self) -> None:
        """Stop, and hand over what was seen."""
        self._over.set()
        self.join()
        self._written.note("the process list", *self.seen)


def _children(process: int) -> list[str]:
    """Return the processes that any thread of a process has started."""
    found: list[str] = []
    for listed in Path("/proc", str(process), "task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += listed.read_text().split()
    return found


class Relay:
    """A mail relay that wants a log-in under TLS, and refuses it until *open* is set."""

    def __init__(self, port: int, folder: Path, password: str) -> None:
        authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self.roots = folder / "relay-roots.pem"
        authority.cert_pem.write_to_path(str(self.roots))
        self.open = False
        self.mails: list[bytes] = []

        def check(*words: Any) -> AuthResult:
            data = words[-1]
            assert isinstance(data, LoginPassword)
            right = self.open and data.password == password.encode()
            return AuthResult(success=right, handled=False)

        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=port,
            tls_context=context,
            authenticator=check,
            auth_required=True,
        )

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.mails.append(envelope.content)
        return "250 OK"

    def __enter__(self) -> "Relay":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # aiosmtpd's own advice about its options
            self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


def set_ini(path: Path, **values: str) -> None:
    """Set entries of an INI file in place of those that it has."""
    lines = path.read_text("utf-8").splitlines()
    kept = [line for line in lines if line.partition("=")[0] not in values]
    path.write_text("\n".join([*kept, *(f"{k}={v}" for k, v in values.items())]) + "\n", "utf-8")


def entry(path: Path, key: str) -> str:
    """Return the value of an entry."""
    lines = path.read_text("utf-8").splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith(f"{key}="))


@pytest.fixture
def written() -> "Written":
    made: Written = sys.modules["secret_watch"].Written()
    made.now = "the installation"
    return made


@pytest.fixture
def place(tmp_path: Path, written: "Written") -> Iterator[Watched]:
    """Two servers with a canary in each place for a secret; not started."""
    with Ports() as ports:
        layout = choose_layout(2, ports)
        made = Watched(
            tmp_path, written, layout=layout, secured=True, smtp_port=ports.take("127.0.0.1")
        )
        made.make()
        made.plant("the CA's password", (tmp_path / "ca.password").read_text().strip())
        for seat in layout.seats:
            home = made.home(seat)
            where = f"of {seat.label}"
            ini = home / "commands" / "ssl.ini"
            made.plant(f"the keystore password {where}", entry(ini, "SSLKeystorePassword"))
            roots = (home / "conf" / "cacerts.password").read_text().strip()
            made.plant(f"the cacerts password {where}", roots)
            set_ini(home / "server.ini", LogLevel="debug")
        web = made.file("the web keystore password")
        host = layout.seat_of(Component.TRK).host
        made._certify(host, tmp_path / "web.p12", web, ("trk",))
        set_ini(
            made.home_of(Component.TRK) / "trk" / "tracker.ini",
            WebKeystorePath=str(tmp_path / "web.p12"),
            WebKeystorePassword=web.read_text().strip(),
        )
        set_ini(
            made.home_of(Component.LUI) / "lui" / "lui.ini",
            SmtpSecurity="starttls",
            SmtpUser="lui",
            SmtpPassword=made.drawn("SmtpPassword"),
            SmtpTrustedRoots=str(tmp_path / "relay-roots.pem"),
            SmtpRetryDelay="0.2",
        )
        yield made
        for server in made.running.values():
            server.kill()


# The normal work, and what is refused on the way.


def as_process(made: Watched, *words: str | Path, stdin: str = "", good: int = 0) -> None:
    """Run a command as a process of its own, so that it is in the process list."""
    command = [sys.executable, "-m", "sottovoce", *map(str, words)]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    made.written.note(f"the process {words[0]}", done.stdout, done.stderr)
    assert done.returncode == good, done.stdout + done.stderr


def set_up_accounts(made: Watched) -> str:
    """Make the first account with a wrong code, then with the right one; return its password."""
    home = made.home_of(Component.HUB)
    password = made.file("an account's password")
    words = ("account", "set-up", "--home", home, "--name", "ann", "--password-file", password)
    wrong = "0123-4567-89AB-CDEF-GHJK"
    made.plant("a wrong set-up code", wrong)
    as_process(made, *words, "--code-file", "-", stdin=f"{wrong}\n", good=2)
    code = made.canaries["the set-up code"]
    as_process(made, *words, "--code-file", "-", stdin=f"{code}\n")
    made.run("account", "list", "--home", home, "--json")
    return password.read_text().strip()


async def log_in(made: Watched, password: str) -> None:
    """Log in as LUI's server passes it on: wrongly, rightly, with a ticket that is over."""
    home = made.home_of(Component.LUI)
    notebook = Notebook(monotonic=monotonic)
    known = await asyncio.to_thread(check_home, home, notebook, at=utc_now())
    endpoint = _endpoint(known, notebook, LIMITS)
    assert endpoint is not None
    to_hub = known.destinations[Component.LUI, Component.HUB]
    peer = Peer(endpoint, component=Component.LUI, destination=to_hub)
    hub = peer.stub(HubCalls)

    async def refused(call: Any) -> None:
        with pytest.raises(SottovoceError) as caught:
            await call
        made.written.note("a refused call", str(caught.value), repr(caught.value))

    try:
        for account in ("ann", made.drawn("a password typed as the name")):
            wrong = made.drawn(f"a wrong password of {account[:3]}")
            await refused(hub.login(Login(account=account, password=wrong)))
        ticket: Ticket = await hub.login(Login(account="ann", password=password))
        made.plant("a ticket", ticket.ticket)
        made.written.note("repr of a ticket", repr(ticket))
        await hub.check(TicketHolder(ticket=ticket.ticket))
        await hub.logout(TicketHolder(ticket=ticket.ticket))
        await refused(hub.check(TicketHolder(ticket=ticket.ticket)))
        await crash(made, lambda: hub.login(Login(account="ann", password=password)))
    finally:
        await peer.aclose()


async def crash(made: Watched, call: Callable[[], Any]) -> None:
    """Take a table away while HUB runs: the call breaks off within HUB, with a traceback."""
    database = made.home_of(Component.HUB) / "hub" / "hub.db"

    def rename(old: str, new: str) -> None:
        with contextlib.closing(sqlite3.connect(database, timeout=10)) as opened, opened:
            opened.execute(f"ALTER TABLE {old} RENAME TO {new}")

    await asyncio.to_thread(rename, "ticket", "gone")
    with pytest.raises(SottovoceError) as caught:
        await call()
    made.written.note("a call that broke", str(caught.value))
    await asyncio.to_thread(rename, "gone", "ticket")


def campaign(made: Watched, relay: Relay) -> None:
    """Deliver: the relay refuses the log-in at first. Then take keys and tokens for canaries."""
    home = made.home_of(Component.LUI)
    define(made, made.folder, 4)
    job = "winter letter"
    made.run("job", "deliver", job, "--home", home)
    status = ("job", "status", job, "--home", home)
    eventually(lambda: "smtp-login-refused" in made.run(*status, good=(0, 1)))
    relay.open = True
    made.run("job", "deliver", job, "--home", home, good=(0, 1, 2))
    eventually(lambda: len(relay.mails) == 4)
    with contextlib.closing(sqlite3.connect(home / "lui" / "lui.db")) as opened:
        keys = [row[0] for row in opened.execute("SELECT key FROM job")]
    assert [len(key) for key in keys] == [32]
    made.plant("a job's key", keys[0])
    texts = [
        str(part.get_content())
        for mail in relay.mails
        for part in BytesParser(policy=email.policy.default).parsebytes(mail).walk()
        if part.get_content_maintype() == "text"
    ]
    tokens = dict.fromkeys(re.findall(r"/[ocup]/[\w-]{6}([\w-]{38})", "".join(texts)))
    assert len(tokens) >= 4
    for number, token in enumerate(tokens):
        made.plant(f"token {number}", token)


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


# Bad requests to TRK's web port, over HTTPS and without.


def bad_requests(made: Watched) -> None:
    """Ask for what does not exist and in ways that are not HTTP, with a good token at hand."""
    trk = made.layout.seat_of(Component.TRK)
    token, port = made.canaries["token 0"], made.layout.public_port
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    asks = [
        ("GET", f"/c/AAAAAA{token}", {}),
        ("GET", f"/nowhere?token={token}", {"Authorization": f"Bearer {token}"}),
        ("POST", f"/u/AAAAAA{token}", {"Content-Length": "5"}),
        ("DELETE", f"/o/AAAAAA{token}.png", {}),
        ("GET", f"/{token * 300}", {}),
    ]
    for method, path, headers in asks:
        connection = http.client.HTTPSConnection(trk.address, port, timeout=5, context=context)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            made.written.note(f"the answer to {method}", str(answer.headers), answer.read())
        except (OSError, http.client.HTTPException) as error:
            made.written.note(f"no answer to {method}", repr(error))
        finally:
            connection.close()
    for line in (f"GARBAGE {token}\r\n\r\n", f"GET /c/{token} HTTP/9.9\r\nX:\0{token}\r\n\r\n"):
        with (
            contextlib.suppress(OSError),
            socket.create_connection((trk.address, port), timeout=5) as plain,
            context.wrap_socket(plain) as secured,
        ):
            secured.sendall(line.encode())
            written = secured.recv(4096)
            made.written.note("the answer to no HTTP", written)
    with socket.create_connection((trk.address, port), timeout=5) as plain:
        plain.sendall(f"GET /c/{token} HTTP/1.1\r\n\r\n".encode())
        made.written.note("the answer to plain HTTP", plain.recv(4096))


# What goes wrong in the files of a home.


def damaged_homes(made: Watched) -> None:
    """Copy a home, break it where secrets are, and have it checked, started and explained."""
    home = made.folder / "broken"
    shutil.copytree(made.home_of(Component.LUI), home)
    ini, password = home / "commands" / "ssl.ini", made.drawn("a password in a broken ssl.ini")
    right = ini.read_text("utf-8")
    entries = {
        key: entry(ini, key)
        for key in ("SSLAllowedClients", "SSLKeystorePath", "SSLKeystorePassword")
    }
    others = "".join(f"{key}={value}\n" for key, value in entries.items() if "Pass" not in key)
    texts = {
        "another password": f"{others}SSLKeystorePassword={password}\n",
        "a malformed escape in it": f"{others}SSLKeystorePassword={password}\\u12\n",
        "a malformed escape before it": f"{others}SSLKeystorePassword=\\uXY{password}\n",
        "a line of its own": f"{others}SSLKeystorePassword\n{password}\n",
        "as a key, with a value": f"{others}{password}=yes\n",
        "a misspelt key": f"{others}SSLKeystorePasword={password}\n",
        "a blank after it": f"{others}SSLKeystorePassword={password} \n",
        "a backslash after it": f"SSLKeystorePassword={password}\\\n{others}",
        "twice": f"{others}SSLKeystorePassword={password}\nSSLKeystorePassword={password}x\n",
        "single backslashes": f"{others}SSLKeystorePassword=C:\\new\\{password}\n",
        "half a pair": f"{others}SSLKeystorePassword={password}\\uD800\n",
    }
    for what, text in texts.items():
        ini.write_text(text, "utf-8")
        judge(made, home, what)
    ini.write_bytes(f"{others}SSLKeystorePassword={password}".encode() + b"\xff\xfe\x00\n")
    judge(made, home, "not UTF-8")
    ini.write_text(right, "utf-8")
    ini.chmod(0o644)
    judge(made, home, "open to all")
    ini.chmod(0o600)
    store = home / "conf" / "server.p12"
    set_ini(ini, SSLKeystorePath=str(store))
    store.write_bytes(store.read_bytes()[:-40])
    judge(made, home, "a cut keystore")
    (home / "conf" / "cacerts.password").write_text(f"{made.drawn('a wrong cacerts password')}\n")
    set_ini(home / "lui" / "lui.ini", SmtpPassword=f"{made.drawn('a broken SmtpPassword')}\\u0")
    judge(made, home, "everything else")


def judge(made: Watched, home: Path, what: str) -> None:
    """Run what an administrator would run now."""
    before = made.written.now
    made.written.now = f"a home with {what}"
    made.run("check", "--home", home, *(["--json"] if len(what) % 2 else []), good=range(256))
    made.run("start", "--home", home, good=(2, 64))
    text = (home / "commands" / "ssl.ini").read_text("utf-8", "replace")
    made.run("explain", "--", f"{text}\nbad decrypt", good=(0, 3))
    made.written.now = before


def explanations(made: Watched) -> None:
    """Paste what people paste: the error, and beside it the command or the line with the secret."""
    for what in ("SmtpPassword", "the set-up code", "a ticket", "token 0"):
        secret = made.canaries[what]
        for text in (
            f"SSLKeystorePassword={secret}\nkeystore password was incorrect",
            f"SSLKeystorePassword {secret}",
            f"SmtpPassword = {secret}\n535 5.7.8",
            f"$ keytool -list -keystore a.p12 -storepass {secret}\nkeystore password was incorrect",
            f"openssl pkcs12 -in a.p12 -passin pass:{secret}\nMac verify error: invalid password?",
            f"smtp://lui:{secret}@relay.test refused: 535 5.7.8 authentication failed",
            f'{{"ticket": "{secret}", "error": "certificate has expired"}}',
            f"GET /c/AAAAAA{secret} HTTP/1.1\nConnection refused",
            f"what does {secret} mean",
            secret,
        ):
            made.run("explain", "--", text, good=(0, 3))
        made.run("explain", "--json", "--", text, good=(0, 3))


def key_passwords(made: Watched) -> None:
    """Keep a key under a password of its own, and give the wrong ones."""
    store, key = made.file("a store password"), made.file("a key password")
    wrong = made.file("another password")
    jks = made.folder / "keys.jks"
    tool = ("keytool", "--home", made.home_of(Component.HUB))
    made_by = ("-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=a", "-storetype", "JKS")
    made.run(*tool, "-genkeypair", "-alias", "a", *made_by, "-keystore", jks,
             "-storepass:file", store, "-keypass:file", key)  # fmt: skip
    for words in (
        ("-list", "-keystore", jks, "-storepass:file", wrong),
        ("-certreq", "-alias", "a", "-keystore", jks, "-storepass:file", store,
         "-keypass:file", wrong),
        ("-keypasswd", "-alias", "a", "-keystore", jks, "-storepass:file", store,
         "-keypass:file", wrong, "-new:file", key),
    ):  # fmt: skip
        made.run(*tool, *words, good=(1, 2))
    as_process(made, *tool, "-list", "-v", "-keystore", jks, "-storepass:file", store)
    made.run("ca", "sign", "--dir", made.authority, "--request", made.folder / "web.csr", "--out",
             made.folder / "x.pem", "--password-file", wrong, good=(1, 2))  # fmt: skip


# The test.


def test_no_secret_is_anywhere_where_it_does_not_belong(place: Watched, written: "Written") -> None:
    processes = ProcessList(written)
    processes.start()
    lui = place.home_of(Component.LUI) / "lui" / "lui.ini"
    password = entry(lui, "SmtpPassword")
    try:
        with Relay(place.smtp_port, place.folder, password) as relay:
            place.start()
            account = set_up_accounts(place)
            campaign(place, relay)
            asyncio.run(log_in(place, account))
            bad_requests(place)
            place.run("edges", "--home", place.home_of(Component.HUB), "--json", good=(0, 1, 2))
            place.run("check", "--home", place.home_of(Component.LUI), "--partners", good=(0, 1, 2))
            hub = place.layout.seat_of(Component.HUB).label
            place.running[hub].kill()
            written.note("a console", *place.running[hub].output)
            place.restart(hub)
            key_passwords(place)
            damaged_homes(place)
            explanations(place)
            place.stop()
    finally:
        processes.close()
    for server in place.running.values():
        written.note("a console", *server.output)
    written.search()
    written.search_files(place.folder)
    assert not list(written.finds)

    hub_log = (place.home_of(Component.HUB) / "logs" / "hub.log").read_text("utf-8")
    assert "Traceback" in hub_log
    assert sum(b"\0start\0" in line for line in processes.seen) >= 2
    assert len(place.canaries) >= 20
    for what, secret in place.canaries.items():
        written.finds.clear()
        written.note("a leak that is meant", f"opened with {secret}.")
        written.search()
        assert written.finds, what
