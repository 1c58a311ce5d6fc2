"""``sottovoce start`` on a home with something wrong in it: every reason at once, and no port.

The home's ports are occupied by the test. Had the server tried to open one, it would complain of
that; so a refusal without ``port-in-use`` is one before any port was opened.
"""

import re
import shlex
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.keystore import Keystore, TrustedCertificateEntry
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.homes import Premises

if TYPE_CHECKING:
    from tests.cli.conftest import Printed, Run

Break = Callable[[Premises], None]

SSL = "commands/ssl.ini"
STORE = "conf/server.p12"
ANY = -1  # some line


def entries(**changed: str | None) -> Break:
    return lambda home: home.write_ssl(**changed)


def text(added: str) -> Break:
    def change(home: Premises) -> None:
        home.write_ssl(home.ssl_ini.read_bytes() + added.encode())

    return change


def mark(home: Premises) -> None:
    home.write_ssl(b"\xef\xbb\xbf" + home.ssl_ini.read_bytes())


def backslashes(home: Premises) -> None:
    right = home.ssl_ini.read_text("utf-8").replace(str(home.keystore), r"C:\new\tls\server.p12")
    home.write_ssl(right)


def mode(name: str, wanted: int) -> Break:
    return lambda home: (home.path / name).chmod(wanted)


def gone(name: str) -> Break:
    return lambda home: (home.path / name).unlink()


def cut(name: str, octets: int) -> Break:
    def change(home: Premises) -> None:
        path = home.path / name
        path.write_bytes(path.read_bytes()[:octets])

    return change


def flipped(home: Premises) -> None:
    data = bytearray(home.keystore.read_bytes())
    data[len(data) // 2] ^= 0x10
    home.keystore.write_bytes(data)


def no_key(home: Premises) -> None:
    home.write_keystore(Keystore(entries={"root": TrustedCertificateEntry(home.authority.root)}))


def two_keys(home: Premises) -> None:
    issue = home.authority.issue
    home.write_identity(issue("one.sottovoce.test"), issue("other.sottovoce.test"))


def expired(home: Premises) -> None:
    at = home.authority.at
    home.write_identity(
        home.authority.issue(
            home.name, not_before=at - timedelta(days=9), not_after=at - timedelta(days=2)
        )
    )


def too_early(home: Premises) -> None:
    at = home.authority.at
    home.write_identity(home.authority.issue(home.name, not_before=at + timedelta(days=2)))


def another_name(home: Premises) -> None:
    home.write_identity(home.authority.issue("other.sottovoce.test"))


def self_signed(home: Premises) -> None:
    """Make what ``keytool -genkeypair`` leaves: the reply was never imported."""
    from sottovoce.cli import main

    home.keystore.unlink()
    password = home.path / "conf" / "p"
    password.write_text(home.password)
    words = ["keytool", "-genkeypair", "-alias", "server", "-keyalg", "EC", "-groupname"]
    words += ["secp256r1", "-dname", f"CN={home.name}", "-ext", f"SAN=dns:{home.name}"]
    words += ["-keystore", str(home.keystore), "-storepass:file", str(password)]
    assert main(words) == 0
    password.unlink()


def strangers_root(home: Premises) -> None:
    other = ThrowAwayAuthority("Another CA", at=home.authority.at)
    home.write_roots(other.root)


def garbage(name: str) -> Break:
    def change(home: Premises) -> None:
        (home.path / name).write_bytes(b"This is no database. " * 60)

    return change


def newer(name: str) -> Break:
    def change(home: Premises) -> None:
        with sqlite3.connect(home.path / name) as database:
            database.execute("UPDATE alembic_version SET version_num = '9999_tomorrow'")
        database.close()

    return change


def setting(file: str, key: str, value: str) -> Break:
    return lambda home: home.set(file, key, value)


def https(keystore: str) -> Break:
    def change(home: Premises) -> None:
        home.set("trk/tracker.ini", "WebKeystorePath", str(home.path / keystore))
        home.set("trk/tracker.ini", "WebKeystorePassword", "canary-web")

    return change


def readable_password(home: Premises) -> None:
    home.set("lui/lui.ini", "SmtpPassword", "canary-relay")
    mode("lui/lui.ini", 0o644)(home)


def one_port(home: Premises) -> None:
    lines = (home.path / "server.ini").read_text("utf-8").splitlines()
    port = next(line for line in lines if line.startswith("InternalPort=")).partition("=")[2]
    home.set("server.ini", "TrackerPort", port)


#: What is wrong → how it comes about, the codes, the file named, its line.
CASES: dict[str, tuple[Break, list[str], str, int | None]] = {
    "half-written": (
        entries(SSLKeystorePath=None, SSLKeystorePassword=None),
        ["ini-missing-key", "ini-missing-key"],
        SSL,
        None,
    ),
    "empty": (lambda home: home.write_ssl("#\n"), ["ini-missing-key"] * 3, SSL, None),
    "unknown key": (text("SSLProtocol=TLSv1.2\n"), ["ini-unknown-key"], SSL, 4),
    "repeated key": (
        text("SSLKeystorePath=/a/b.p12\n"),
        ["ini-repeated-key", "keystore-missing"],
        "",
        None,
    ),
    "blanks in the list": (
        entries(SSLAllowedClients="whole.sottovoce.test, other.test"),
        ["ini-list-blanks"],
        SSL,
        1,
    ),
    "own name missing": (
        entries(SSLAllowedClients="other.sottovoce.test"),
        ["own-name-missing"],
        SSL,
        1,
    ),
    "relative path": (entries(SSLKeystorePath="conf/server.p12"), ["ini-relative-path"], SSL, 2),
    "single backslashes": (backslashes, ["ini-single-backslash", "ini-relative-path"], SSL, 2),
    "byte order mark": (mark, ["ini-byte-order-mark"], SSL, 1),
    "wrong password": (
        entries(SSLKeystorePassword="canary-wrong"),
        ["keystore-wrong-password"],
        STORE,
        None,
    ),
    "world-readable ssl.ini": (mode(SSL, 0o644), ["file-not-owner-only"], SSL, None),
    "world-readable keystore": (mode(STORE, 0o604), ["file-not-owner-only"], STORE, None),
    "world-readable password of the roots": (
        mode("conf/cacerts.password", 0o604),
        ["file-not-owner-only"],
        "conf/cacerts.password",
        None,
    ),
    "password of the roots missing": (
        gone("conf/cacerts.password"),
        ["file-missing"],
        "conf/cacerts.password",
        None,
    ),
    "missing keystore": (gone(STORE), ["keystore-missing"], STORE, None),
    "missing roots": (gone("conf/cacerts"), ["keystore-missing"], "conf/cacerts", None),
    "cut-off keystore": (cut(STORE, 300), ["keystore-truncated"], STORE, None),
    "empty keystore file": (cut(STORE, 0), ["keystore-empty"], STORE, None),
    "altered keystore": (flipped, ["keystore-wrong-password"], STORE, None),
    "keystore without a key": (no_key, ["keystore-no-key"], STORE, None),
    "several keys": (two_keys, ["keystore-several-keys"], STORE, None),
    "expired": (expired, ["certificate-expired"], STORE, None),
    "not yet valid": (too_early, ["not-yet-valid"], STORE, None),
    "certificate for another name": (another_name, ["name-mismatch"], STORE, None),
    "self-signed still": (self_signed, ["self-signed"], STORE, None),
    "no roots": (lambda home: home.write_roots(), ["issuer-unknown"], "conf/cacerts", None),
    "root missing": (strangers_root, ["root-untrusted"], STORE, None),
    "component's file missing": (gone("lui/lui.ini"), ["file-missing"], "lui/lui.ini", None),
    "component's key unknown": (
        setting("trk/tracker.ini", "PublikPort", "80"),
        ["ini-unknown-key"],
        "trk/tracker.ini",
        ANY,
    ),
    "no mail relay": (
        setting("lui/lui.ini", "SmtpHost", ""),
        ["ini-empty-value"],
        "lui/lui.ini",
        ANY,
    ),
    "a password in a readable file": (
        readable_password,
        ["file-not-owner-only"],
        "lui/lui.ini",
        None,
    ),
    "HTTPS without a keystore": (https("conf/web.p12"), ["keystore-missing"], "conf/web.p12", None),
    "HTTPS with a wrong password": (https(STORE), ["keystore-wrong-password"], STORE, None),
    "one port for both": (one_port, ["ini-bad-value"], "server.ini", ANY),
    "database is garbage": (garbage("lui/lui.db"), ["store-damaged"], "", None),
    "database from a newer version": (newer("trk/trk.db"), ["schema-mismatch"], "", None),
}


def assert_fit_for_people(printed: "Printed", home: Premises) -> None:
    """No traceback, no secret, neither here nor in a log; each fault with its next step."""
    logs = "".join(path.read_text("utf-8") for path in (home.path / "logs").iterdir())
    secrets = [home.password, "canary"]
    password = home.path / "conf" / "cacerts.password"
    if password.exists():
        secrets.append(password.read_text("utf-8").strip())
    for where in (printed.text, logs):
        assert "Traceback" not in where
        assert "Error(" not in where
        assert [secret for secret in secrets if secret in where] == []
    heads = [line for line in printed.err.splitlines() if line.startswith("fault ")]
    steps = [line for line in printed.err.splitlines() if line.startswith("    next: ")]
    assert len(heads) == len(steps) > 0


@pytest.mark.parametrize("what", CASES)
def test_start_refuses_names_the_fault_and_opens_no_port(
    what: str, home: Premises, sottovoce: "Run"
) -> None:
    """W17, W9, W14, W20: code, file and line; exit status 2; before any port is opened."""
    break_it, codes, file, line = CASES[what]
    break_it(home)
    printed = sottovoce("start", "--home", home.path)
    assert printed.status == 2
    assert printed.codes() == codes
    if file:
        place = str(home.path / file)
        for _, named in printed.faults():
            if line is ANY:
                assert re.fullmatch(rf"{re.escape(place)}:\d+", named)
            else:
                assert named == (f"{place}:{line}" if line else place)
    assert_fit_for_people(printed, home)
    assert printed.out == ""


def test_a_right_home_is_refused_for_its_ports_only(home: Premises, sottovoce: "Run") -> None:
    """All of them at once, those of the web included; the proof that the cases above prove."""
    printed = sottovoce("start", "--home", home.path)
    assert printed.status == 2
    assert printed.codes() == ["port-in-use"] * 3
    assert_fit_for_people(printed, home)


def test_every_fault_of_every_file_is_told_in_one_run(home: Premises, sottovoce: "Run") -> None:
    """W17: nothing hides anything: mode, entries, keystores, components, certificate."""
    home.write_ssl(SSLAllowedClients=f"{home.name}, x.test", SSLKeystorePassword="canary-wrong")
    home.ssl_ini.chmod(0o644)
    home.keystore.chmod(0o604)
    (home.path / "conf" / "cacerts.password").chmod(0o604)
    gone("conf/cacerts")(home)
    home.set("lui/lui.ini", "SmtpHots", "mail.test")
    home.set("hub/hub.ini", "HeartbeatInterval", "soon")
    gone("trk/tracker.ini")(home)
    printed = sottovoce("start", "--home", home.path)
    assert printed.status == 2
    assert sorted(printed.codes()) == sorted(
        [
            "file-missing",
            "file-not-owner-only",
            "file-not-owner-only",
            "file-not-owner-only",
            "ini-bad-value",
            "ini-list-blanks",
            "ini-unknown-key",
            "keystore-missing",
            "keystore-wrong-password",
        ]
    )
    assert_fit_for_people(printed, home)


def test_a_faulty_server_ini_hides_no_fault_of_the_others(home: Premises, sottovoce: "Run") -> None:
    """W17."""
    home.set("server.ini", "Components", "hub,lui,tracker")
    home.set("lui/lui.ini", "SmtpPort", "mail")
    home.write_ssl(SSLKeystorePath="conf/server.p12")
    printed = sottovoce("start", "--home", home.path)
    assert printed.status == 2
    assert printed.codes() == ["ini-bad-value", "ini-bad-value", "ini-relative-path"]
    assert_fit_for_people(printed, home)


def test_all_databases_that_cannot_be_used_are_told(home: Premises, sottovoce: "Run") -> None:
    garbage("hub/hub.db")(home)
    newer("lui/lui.db")(home)
    garbage("trk/trk.db")(home)
    printed = sottovoce("start", "--home", home.path)
    assert printed.status == 2
    assert printed.codes() == ["store-damaged", "store-damaged", "schema-mismatch"]
    assert_fit_for_people(printed, home)


def test_an_own_certificate_that_is_wrong_in_several_ways_is_told_whole(
    home: Premises, sottovoce: "Run"
) -> None:
    """W9."""
    at = home.authority.at
    stranger = ThrowAwayAuthority("Nobody's CA", at=at)
    home.write_identity(
        stranger.issue(
            "other.test", not_before=at - timedelta(days=9), not_after=at - timedelta(days=1)
        )
    )
    printed = sottovoce("start", "--home", home.path)
    assert printed.status == 2
    assert {"certificate-expired", "root-untrusted", "name-mismatch"} <= set(printed.codes())
    assert_fit_for_people(printed, home)


@pytest.mark.parametrize("break_it", [strangers_root, lambda home: home.write_roots()])
def test_the_next_step_that_is_told_mends_a_missing_root(
    break_it: Break, home: Premises, sottovoce: "Run", tmp_path: Path
) -> None:
    """W14, W16: the command is copied from the message; only the file's name is filled in."""
    break_it(home)
    printed = sottovoce("start", "--home", home.path)
    (command,) = re.findall(r"sottovoce (keytool .*)", printed.err)
    root = tmp_path / "ROOT.pem"
    root.write_bytes(home.authority.root.public_bytes(Encoding.PEM))
    words = shlex.split(command.replace("ROOT.pem", str(root)))
    assert sottovoce(*words, "-noprompt").status == 0
    assert sottovoce("start", "--home", home.path).codes() == ["port-in-use"] * 3


def test_without_a_home_the_next_step_is_told(
    tmp_path: Path, sottovoce: "Run", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOTTOVOCE_HOME", raising=False)
    printed = sottovoce("start")
    assert printed.status == 64
    assert "--home" in printed.err


@pytest.mark.parametrize("kind", ["missing", "empty folder", "file"])
def test_what_is_no_home_is_said_to_be_none(tmp_path: Path, sottovoce: "Run", kind: str) -> None:
    path = tmp_path / "elsewhere"
    if kind == "empty folder":
        path.mkdir()
    elif kind == "file":
        path.write_text("no folder")
    printed = sottovoce("start", "--home", path)
    assert printed.status == 2
    assert printed.codes() == ["file-missing"]
    assert "sottovoce init" in printed.err
    assert "Traceback" not in printed.text


def test_logs_that_cannot_be_written_are_told(home: Premises, sottovoce: "Run") -> None:
    (home.path / "logs").rmdir()
    (home.path / "logs").write_text("a file stands in the way")
    printed = sottovoce("start", "--home", home.path)
    assert printed.status == 2
    assert printed.codes() == ["file-unwritable"]
    assert "Traceback" not in printed.text
