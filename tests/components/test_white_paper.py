"""The white paper's procedure, step by step, on three servers with an external CA: ``openssl ca``.

Secure the keystore of trusted roots, create the key, request, sign; the reply is refused for want
of its root; import the root everywhere, import the reply, write ``ssl.ini``, restart, see the
start-up line; all three connections are secured (SPEC W1, W2, W5, W8, W13 to W20). Then the same
with the JDK's own ``keytool``.
"""

import json
import shutil
import stat
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sottovoce.cli import main
from sottovoce.policy import Component

if TYPE_CHECKING:
    from tests.components.conftest import Estate

Eventually = Callable[[Callable[[], Any]], Any]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl: it plays the CA"),
]

HERE = Path(__file__).parent
SEATS = (("hub", [Component.HUB]), ("lui", [Component.LUI]), ("trk", [Component.TRK]))
LABELS = tuple(label for label, _ in SEATS)
W19 = "{}: Initializing Secure Sockets Layer (SSL) for component communication"


@dataclass
class ExternalAuthority:
    """A CA that knows nothing of this project: files, and ``openssl ca``."""

    folder: Path
    name: str

    @classmethod
    def create(cls, folder: Path, name: str) -> "ExternalAuthority":
        folder.mkdir()
        shutil.copy(HERE / "external_ca.cnf", folder)
        (folder / "index.txt").touch()
        (folder / "serial").write_text("1000\n")
        made = cls(folder, name)
        made.openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", "ca.key", "-out", "ca.crt", "-days", "3650"),
            *("-subj", f"/O=External/CN={name}", "-addext", "keyUsage=critical,keyCertSign"),
        )
        return made

    def openssl(self, *words: str) -> str:
        done = subprocess.run(
            ["openssl", *words], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def root(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def fingerprint(self) -> str:
        said = self.openssl("x509", "-in", "ca.crt", "-noout", "-fingerprint", "-sha256")
        return said.strip().partition("=")[2]

    def sign(self, request: Path, reply: Path) -> None:
        """Sign a request; the reply is one certificate, below the text that the tool writes."""
        self.openssl(
            *("ca", "-batch", "-config", "external_ca.cnf"),
            *("-in", str(request), "-out", str(reply)),
        )


@dataclass
class Administrator:
    """Who types commands, and reads what they say."""

    capfd: pytest.CaptureFixture[str]

    def types(self, *words: str | Path, status: int = 0) -> str:
        self.capfd.readouterr()
        ended = main([str(word) for word in words])
        out, err = self.capfd.readouterr()
        assert ended == status, f"{words}: {ended}\n{out}{err}"
        return out + err


@pytest.fixture
def admin(capfd: pytest.CaptureFixture[str]) -> Administrator:
    return Administrator(capfd)


@pytest.fixture
def ca(tmp_path: Path) -> ExternalAuthority:
    return ExternalAuthority.create(tmp_path / "external", "External Root One")


def write_secret(path: Path, secret: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(f"{secret}\n")
    return path


def write_ssl_ini(home: Path, names: Sequence[str], password: str) -> None:
    """Write the three entries by hand, as with an editor."""
    path = home / "commands" / "ssl.ini"
    path.touch(mode=0o600)
    path.write_text(
        "# Encrypts the communication between the components.\n"
        f"SSLAllowedClients = {','.join(names)}\n"
        f"SSLKeystorePath = {home / 'conf' / 'server.p12'}\n"
        f"SSLKeystorePassword = {password}\n"
    )


def edges(admin: Administrator, estate: "Estate") -> dict[str, str]:
    """Return the state of each connection as ``sottovoce edges --json`` has it."""
    admin.capfd.readouterr()
    main(["edges", "--home", str(estate.homes["hub"].path), "--json"])
    found = json.loads(admin.capfd.readouterr().out)["edges"]
    return {f"{edge['from']}-{edge['to']}": edge["state"] for edge in found}


THREE = ("lui-hub", "lui-trk", "trk-hub")


def all_are(state: str, admin: Administrator, estate: "Estate", eventually: Eventually) -> None:
    eventually(lambda: edges(admin, estate) == dict.fromkeys(THREE, state))


def check_start_up_lines(estate: "Estate") -> None:
    """W19: this text, one line in each component's log."""
    for label, (component,) in SEATS:
        lines = estate.homes[label].log(f"{component}.log").splitlines()
        assert sum(line.endswith(W19.format(component.label)) for line in lines) == 1, label


def test_step_by_step_with_our_keytool(
    estate: "Estate", admin: Administrator, ca: ExternalAuthority, eventually: Eventually
) -> None:
    estate.build(*SEATS)
    homes = {label: estate.homes[label].path for label in LABELS}
    names = [estate.host(label) for label in LABELS]
    for label in LABELS:
        estate.start(label)
    all_are("plain", admin, estate, eventually)
    assert estate.stop_all() == [0, 0, 0]

    for label in LABELS:
        home, name = homes[label], estate.host(label)
        keytool = ("keytool", "--home", home)
        conf = home / "conf"
        # 1. Secure the keystore of trusted roots: another password, which the server follows.
        secret = write_secret(conf / "new", f"roots of {label}")
        assert "was changed with it" in admin.types(
            *keytool, "-storepasswd", "-cacerts", "-new:file", secret
        )
        secret.unlink()
        assert (conf / "cacerts.password").read_text() == f"roots of {label}\n"
        # 2. The unsigned certificate. 3. The request.
        password = write_secret(conf / "server.password", f"key of {label}")
        store = ("-alias", "server", "-storepass:file", password)
        admin.types(*keytool, "-genkeypair", "-keyalg", "EC", "-dname", f"CN={name}", *store)
        admin.types(*keytool, "-certreq", "-file", conf / "server.csr", *store)
        # 4. The CA signs.
        ca.sign(conf / "server.csr", conf / "server.crt")
        # 5. The reply is refused, with the name of what is missing and the command that imports it.
        before = (conf / "server.p12").read_bytes()
        reply = ("-importcert", "-trustcacerts", "-file", conf / "server.crt", *store)
        said = admin.types(*keytool, *reply, status=2)
        assert "CN=External Root One, O=External" in said
        assert "-importcert -alias external-root-one -file ROOT.pem -cacerts" in said
        assert (conf / "server.p12").read_bytes() == before, "nothing was written"
        # With the whole chain in the reply the missing root is named by its fingerprint.
        bundle = conf / "bundle.pem"
        bundle.write_bytes((conf / "server.crt").read_bytes() + ca.root.read_bytes())
        whole = ("-importcert", "-trustcacerts", "-file", bundle, *store)
        assert ca.fingerprint in admin.types(*keytool, *whole, status=2)
        assert (conf / "server.p12").read_bytes() == before, "nothing was written"
        # 6. Import the root; 7. the same import of the reply succeeds.
        root = ("-importcert", "-cacerts", "-noprompt", "-alias", "external-root-one")
        admin.types(*keytool, *root, "-file", ca.root)
        assert "Warning" not in admin.types(*keytool, *reply)
        # 8. Write ssl.ini.
        write_ssl_ini(home, names, f"key of {label}")
        password.unlink()
        assert stat.S_IMODE((conf / "server.p12").stat().st_mode) == 0o600

    # 9. Restart; the start-up line; everything is secured.
    for label in LABELS:
        estate.start(label)
    all_are("secured", admin, estate, eventually)
    check_start_up_lines(estate)
    assert estate.stop_all() == [0, 0, 0]


KEYTOOL = shutil.which("keytool")


def java_keytool(*words: str | Path, status: int = 0) -> str:
    """Run the JDK's program, as an administrator who has it does."""
    assert KEYTOOL is not None
    short_lived = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC")
    done = subprocess.run(
        [KEYTOOL, *short_lived, *map(str, words)], capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == status, said
    return said


@pytest.mark.jdk
@pytest.mark.skipif(KEYTOOL is None, reason="no JDK: its keytool is the other one here")
def test_step_by_step_with_the_jdks_keytool(
    estate: "Estate", admin: Administrator, ca: ExternalAuthority, eventually: Eventually
) -> None:
    """W13: the real program works on the same files; our servers take what it wrote."""
    estate.build(*SEATS)
    names = [estate.host(label) for label in LABELS]
    for label in LABELS:
        home, name = estate.homes[label].path, estate.host(label)
        conf = home / "conf"
        kept = conf / "cacerts.password"
        roots = ("-keystore", conf / "cacerts", "-storepass:file", kept)
        # 1. The JDK's program knows nothing of the kept password: it is written by hand.
        java_keytool("-storepasswd", *roots, "-new", f"roots of {label}")
        write_secret(kept, f"roots of {label}")
        # 2 to 4.
        place = ("-keystore", conf / "server.p12", "-storepass", f"key of {label}")
        store = ("-alias", "server", *place)
        san = ("-ext", f"SAN=dns:{name}")
        java_keytool("-genkeypair", "-keyalg", "EC", "-dname", f"CN={name}", *san, *store)
        java_keytool("-certreq", "-file", conf / "server.csr", *san, *store)
        ca.sign(conf / "server.csr", conf / "server.crt")
        # The tool wants the certificate alone, without the text that openssl writes above it.
        ca.openssl("x509", "-in", str(conf / "server.crt"), "-out", str(conf / "server.pem"))
        # 5 to 7: it wants the root in the same keystore; our server in its trusted roots.
        reply = ("-importcert", "-file", conf / "server.pem", *store)
        assert "Failed to establish chain" in java_keytool(*reply, status=1)
        root = ("-importcert", "-noprompt", "-alias", "root", "-file", ca.root)
        java_keytool(*root, *place)
        java_keytool(*root, *roots)
        java_keytool(*reply)
        # 8. It leaves the store readable by everyone, which the server refuses.
        write_ssl_ini(home, names, f"key of {label}")
        (conf / "server.p12").chmod(0o600)
        (conf / "cacerts").chmod(0o600)
    for label in LABELS:
        estate.start(label)
    all_are("secured", admin, estate, eventually)
    check_start_up_lines(estate)
    assert estate.stop_all() == [0, 0, 0]
