"""The white paper's procedure on three servers under three external CAs, played by ``openssl ca``.

Secure the root store, make the key, request, sign, fail on the missing root, import the root on
all servers (nine imports), import the reply (W11, W13, W14, W15, W16). That partners then accept
each other is for openssl to judge.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from sottovoce.cli import main
from sottovoce.keystore import Keystore, PrivateKeyEntry, dumps, loads
from sottovoce.pki import dump_certificates

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no openssl: it plays the external CA"
)

SERVERS = ("hub", "lui", "trk")
PASSWORD = ("-storepass:file", "password")

CONFIGURATION = """
[ca]
default_ca = our
[our]
dir = .
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.crt
private_key = ca.key
default_md = sha256
default_days = 365
policy = any
copy_extensions = copy
unique_subject = no
x509_extensions = server
[any]
commonName = supplied
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
"""


def openssl(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["openssl", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def external_ca(folder: Path, name: str) -> None:
    folder.mkdir()
    (folder / "ca.cnf").write_text(CONFIGURATION)
    (folder / "index.txt").touch()
    (folder / "serial").write_text("1000\n")
    openssl(
        folder,
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", "ca.key", "-out", "ca.crt", "-days", "3650", "-subj", f"/O={name}/CN={name}"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )


class Server:
    """One server home, worked on as its administrator does."""

    def __init__(self, home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.name, self.monkeypatch = home, name, monkeypatch
        (home / "conf").mkdir(parents=True)
        (home / "conf" / "cacerts.password").write_text("made at init\n")
        (home / "conf" / "cacerts").write_bytes(dumps(Keystore(), "made at init"))
        (home / "password").write_text("the keystore's password\n")

    def keytool(self, *words: str) -> int:
        self.monkeypatch.chdir(self.home)
        return main(["keytool", "--home", str(self.home), *words])

    @property
    def identity(self) -> PrivateKeyEntry:
        store = loads((self.home / "conf" / "server.p12").read_bytes(), "the keystore's password")
        return store.key_entry()


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Server]:
    return [Server(tmp_path / name, f"{name}.test", monkeypatch) for name in SERVERS]


def test_the_white_papers_procedure_on_three_servers_under_three_cas(
    tmp_path: Path, servers: list[Server], capfd: pytest.CaptureFixture[str]
) -> None:
    for server in servers:
        ca = tmp_path / f"ca-{server.name}"
        external_ca(ca, f"Root of {server.name}")
        # 1. Secure the trusted roots: another password than the one they came with.
        assert server.keytool("-storepasswd", "-cacerts", "-new", f"own of {server.name}") == 0
        # 2. The unsigned certificate; 3. the request.
        dname = ("-dname", f"CN={server.name}")
        assert (
            server.keytool("-genkeypair", "-alias", "srv", "-keyalg", "EC", *dname, *PASSWORD) == 0
        )
        assert server.keytool("-certreq", "-alias", "srv", "-file", "srv.csr", *PASSWORD) == 0
        # 4. The CA signs.
        (ca / "srv.csr").write_bytes((server.home / "srv.csr").read_bytes())
        openssl(ca, *["ca", "-batch", "-config", "ca.cnf", "-in", "srv.csr", "-out", "srv.crt"])
        (server.home / "srv.crt").write_bytes((ca / "srv.crt").read_bytes())
        # 5. The reply is refused for want of its root, which is named.
        capfd.readouterr()
        reply = ("-importcert", "-trustcacerts", "-alias", "srv", "-file", "srv.crt", *PASSWORD)
        assert server.keytool(*reply) == 2
        assert f"CN=Root of {server.name}" in capfd.readouterr().err
        assert server.identity.certificate.issuer == server.identity.certificate.subject

    # 6. Nine imports: each root on each server.
    for server in servers:
        for other in servers:
            root = str(tmp_path / f"ca-{other.name}" / "ca.crt")
            alias = ("-alias", f"root-{other.name}")
            assert (
                server.keytool("-importcert", "-cacerts", "-noprompt", *alias, "-file", root) == 0
            )

    # 7. The same import of the reply succeeds now.
    for server in servers:
        reply = ("-importcert", "-trustcacerts", "-alias", "srv", "-file", "srv.crt", *PASSWORD)
        capfd.readouterr()
        assert server.keytool(*reply) == 0
        assert "Warning" not in capfd.readouterr().err
        assert len(server.identity.chain) == 2

    # Every server accepts every other one, says openssl, by the name that is dialled.
    for server in servers:
        roots = loads((server.home / "conf" / "cacerts").read_bytes(), f"own of {server.name}")
        assert len(roots.trusted) == 3
        (tmp_path / "roots.pem").write_bytes(dump_certificates(roots.trusted))
        for other in servers:
            (tmp_path / "leaf.pem").write_bytes(dump_certificates(other.identity.chain[:1]))
            for purpose in ("sslserver", "sslclient"):
                how = ("-x509_strict", "-purpose", purpose, "-verify_hostname", other.name)
                roots_only = ("-no-CAfile", "-no-CApath", "-trusted", "roots.pem")
                assert "OK" in openssl(tmp_path, "verify", *how, *roots_only, "leaf.pem")
