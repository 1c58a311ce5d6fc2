"""Other programs read what we write, and the choice that we foretell is the one Java makes (K7)."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from sottovoce.keystore import Keystore, PrivateKeyEntry, dumps
from sottovoce.keystore.readers import java_default_choice

CHOOSER = """
import java.io.FileInputStream;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.X509KeyManager;

public class Chooser {
    public static void main(String[] files) throws Exception {
        for (String file : files) {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(new FileInputStream(file), "changeit".toCharArray());
            KeyManagerFactory factory = KeyManagerFactory.getInstance("SunX509");
            factory.init(store, "changeit".toCharArray());
            X509KeyManager manager = (X509KeyManager) factory.getKeyManagers()[0];
            System.out.println(manager.chooseServerAlias("EC", null, null));
        }
    }
}
"""
SETS = (
    ["trk", "hub", "lui", "old"],
    ["a", "b"],
    ["b", "a"],
    ["Zebra", "ant", "gnu", "yak"],
    ["srv2", "srv1", "srv10"],
    [f"key{number}" for number in range(13)],
    [f"server-{number}.example" for number in range(25)],
    ["ключ", "schlüssel", "🔑"],
)


@pytest.fixture(scope="module")
def identity() -> PrivateKeyEntry:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hub.test")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=start,
        not_valid_after=start + timedelta(days=9000),
    )
    return PrivateKeyEntry(key, (builder.sign(key, hashes.SHA256()),))


@pytest.mark.jdk
@pytest.mark.skipif(shutil.which("javac") is None, reason="no JDK: Java is the judge of this test")
def test_javas_key_manager_chooses_the_key_that_we_say(
    tmp_path: Path, identity: PrivateKeyEntry
) -> None:
    (tmp_path / "Chooser.java").write_text(CHOOSER)
    for number, aliases in enumerate(SETS):
        store = Keystore()
        for alias in aliases:
            store = store.with_entry(alias, identity)
        (tmp_path / f"{number}.p12").write_bytes(dumps(store, "changeit"))

    files = [f"{number}.p12" for number in range(len(SETS))]
    done = subprocess.run(
        [
            "java",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Dstdout.encoding=UTF-8",
            "-Dfile.encoding=UTF-8",
            "Chooser.java",
            *files,
        ],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )

    chosen = done.stdout.decode().splitlines()
    assert chosen == [java_default_choice(aliases) for aliases in SETS]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl: it judges this test")
@pytest.mark.parametrize("password", ["changeit", "käse und brot", 'a "b" \\c'])
def test_openssl_and_cryptography_read_what_we_write(
    tmp_path: Path, identity: PrivateKeyEntry, password: str
) -> None:
    path = tmp_path / "s.p12"
    path.write_bytes(dumps(Keystore().with_entry("hub", identity), password))

    done = subprocess.run(
        ["openssl", "pkcs12", "-in", str(path), "-nodes", "-passin", f"pass:{password}"],
        capture_output=True,
        text=True,
        check=True,
    )
    read = pkcs12.load_pkcs12(path.read_bytes(), password.encode())

    assert "friendlyName: hub" in done.stdout
    assert "BEGIN PRIVATE KEY" in done.stdout
    assert "BEGIN CERTIFICATE" in done.stdout
    assert read.cert is not None
    assert read.cert.certificate == identity.certificate
    assert read.cert.friendly_name == b"hub"
