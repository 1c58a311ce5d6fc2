"""Independent judges: OpenSSL, cryptography's verifier, service-identity, trustme and the JDK."""

import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import service_identity
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification

from sottovoce.pki import (
    BACKDATE,
    Authority,
    KeyAlgorithm,
    Purpose,
    Revocation,
    dump_certificates,
    dump_crl,
    dump_request,
    generate_key,
    load_certificates,
    load_request,
    make_request,
    matches_dns_name,
    parse_name,
    verify,
)

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the openssl command is not here to judge"
)
needs_jdk = pytest.mark.skipif(
    shutil.which("keytool") is None, reason="the JDK's keytool is not here to judge"
)


def run(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module", params=[KeyAlgorithm.EC_P256, KeyAlgorithm.ED25519])
def chain(request: pytest.FixtureRequest) -> tuple[Authority, Authority, x509.Certificate]:
    """A root, an intermediate and a server, all of our own profiles."""
    kind: KeyAlgorithm = request.param
    root = Authority.create_root(
        parse_name("CN=Root One, O=Example"),
        key=generate_key(kind),
        serial=x509.random_serial_number(),
        not_before=NOW - BACKDATE,
        not_after=NOW + 3000 * DAY,
    )
    issuing = root.issue_intermediate(
        parse_name("CN=Issuing One, O=Example"),
        key=generate_key(kind),
        serial=x509.random_serial_number(),
        not_before=NOW - BACKDATE,
        not_after=NOW + 1000 * DAY,
        constraints=x509.NameConstraints([x509.DNSName("test")], None),
    )
    leaf = issuing.issue(
        generate_key(kind).public_key(),
        names=["hub.test", "*.example.test", "127.0.0.2"],
        roles=["urn:sottovoce:role:hub"],
        serial=x509.random_serial_number(),
        not_before=NOW - BACKDATE,
        not_after=NOW + 90 * DAY,
    )
    return root, issuing, leaf


@needs_openssl
@pytest.mark.parametrize("purpose", ["sslserver", "sslclient"])
def test_our_certificates_pass_openssl_in_its_strict_mode(
    chain: tuple[Authority, Authority, x509.Certificate], tmp_path: Path, purpose: str
) -> None:
    """T10: X509_STRICT finds nothing to complain about, with revocation checked on every link."""
    root, issuing, leaf = chain
    (tmp_path / "root.pem").write_bytes(dump_certificates([root.certificate]))
    (tmp_path / "sent.pem").write_bytes(dump_certificates([issuing.certificate]))
    (tmp_path / "leaf.pem").write_bytes(dump_certificates([leaf]))
    lists = [
        authority.revocation_list(
            [Revocation(serial=1, date=NOW)],
            this_update=NOW - BACKDATE,
            next_update=NOW + DAY,
            number=1,
        )
        for authority in (root, issuing)
    ]
    (tmp_path / "crls.pem").write_bytes(b"".join(map(dump_crl, lists)))

    judged = run(
        *("openssl", "verify", "-x509_strict", "-check_ss_sig", "-purpose", purpose),
        *("-verify_hostname", "hub.test", "-crl_check_all", "-CRLfile", "crls.pem"),
        *("-CAfile", "root.pem", "-untrusted", "sent.pem", "leaf.pem"),
        cwd=tmp_path,
    )

    assert judged.returncode == 0, judged.stdout + judged.stderr


@needs_openssl
def test_a_list_of_ours_revokes_in_openssl(
    chain: tuple[Authority, Authority, x509.Certificate], tmp_path: Path
) -> None:
    """R1."""
    _, issuing, leaf = chain
    revoked = issuing.revocation_list(
        [Revocation(serial=leaf.serial_number, date=NOW, reason=x509.ReasonFlags.superseded)],
        this_update=NOW - BACKDATE,
        next_update=NOW + DAY,
        number=2,
    )
    (tmp_path / "ca.pem").write_bytes(dump_certificates([issuing.certificate]))
    (tmp_path / "leaf.pem").write_bytes(dump_certificates([leaf]))
    (tmp_path / "crl.pem").write_bytes(dump_crl(revoked))

    judged = run(
        *("openssl", "verify", "-partial_chain", "-crl_check", "-CRLfile", "crl.pem"),
        *("-CAfile", "ca.pem", "leaf.pem"),
        cwd=tmp_path,
    )
    ours = verify(
        [leaf],
        roots=[issuing.certificate],
        purpose=Purpose.SERVER,
        name="hub.test",
        at=NOW,
        crls=[revoked],
    )

    assert "certificate revoked" in judged.stdout + judged.stderr
    assert ours.codes == ("revoked",)


def test_our_certificates_pass_the_strict_verifier_of_cryptography() -> None:
    """The verifier knows no Ed25519 by default; P-256 is what we issue."""
    key = generate_key(KeyAlgorithm.EC_P256)
    root = Authority.create_root(
        "Root One", key=key, serial=1, not_before=NOW - BACKDATE, not_after=NOW + 3000 * DAY
    )
    issuing = root.issue_intermediate(
        "Issuing One",
        key=generate_key(KeyAlgorithm.EC_P256),
        serial=2,
        not_before=NOW - BACKDATE,
        not_after=NOW + 1000 * DAY,
    )
    leaf = issuing.issue(
        generate_key(KeyAlgorithm.EC_P256).public_key(),
        names=["hub.test"],
        roles=["urn:sottovoce:role:hub"],
        serial=3,
        not_before=NOW - BACKDATE,
        not_after=NOW + 90 * DAY,
    )
    builder = verification.PolicyBuilder().store(verification.Store([root.certificate])).time(NOW)

    server = builder.build_server_verifier(x509.DNSName("hub.test"))
    client = builder.build_client_verifier()

    assert server.verify(leaf, [issuing.certificate])[-1] == root.certificate
    assert client.verify(leaf, [issuing.certificate]).chain[0] == leaf


@pytest.mark.parametrize("purpose", list(Purpose))
def test_chains_made_by_trustme_pass(purpose: Purpose) -> None:
    """A stranger's issuer: its leaf under a root, and under an intermediate."""
    authority = trustme.CA()
    below = authority.create_child_ca()
    (root,) = load_certificates(authority.cert_pem.bytes())
    for issuer in (authority, below):
        sent = [
            cert
            for blob in issuer.issue_cert("hub.test", "127.0.0.2").cert_chain_pems
            for cert in load_certificates(blob.bytes())
        ]
        for name in ("hub.test", "127.0.0.2"):
            verdict = verify(sent, roots=[root], purpose=purpose, name=name, at=NOW)
            assert verdict.valid, verdict


def test_a_stranger_made_by_trustme_is_refused() -> None:
    (root,) = load_certificates(trustme.CA().cert_pem.bytes())
    leaf = trustme.CA().issue_cert("hub.test")
    (cert, *_) = load_certificates(leaf.cert_chain_pems[0].bytes())

    verdict = verify([cert], roots=[root], purpose=Purpose.SERVER, name="hub.test", at=NOW)

    # Every authority of trustme has a name of its own, so the issuer is simply unknown.
    assert verdict.codes[0] in ("issuer-unknown", "intermediate-missing", "signature-mismatch")


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("hub.test", "hub.test"),
        ("HUB.test", "hub.TEST"),
        ("hub.test", "trk.test"),
        ("*.example.test", "hub.example.test"),
        ("*.example.test", "example.test"),
        ("*.example.test", "a.b.example.test"),
        ("*.test", "hub.test"),
        ("xn--bcher-kva.test", "xn--bcher-kva.test"),
        ("hub.test", "hub.test.evil"),
    ],
)
def test_names_match_as_in_service_identity(pattern: str, name: str) -> None:
    """RFC 9525, by an independent reading of it."""
    from service_identity.hazmat import DNS_ID, DNSPattern, verify_service_identity

    try:
        presented = [DNSPattern.from_bytes(pattern.encode())]
        verify_service_identity(presented, [DNS_ID(name)], [])
        theirs = True
    except (service_identity.VerificationError, service_identity.CertificateError):
        theirs = False

    assert matches_dns_name(pattern, name) is theirs


@needs_openssl
def test_a_request_of_openssl_is_signed_and_one_of_ours_is_read(tmp_path: Path) -> None:
    made = run(
        *("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-keyout", "key.pem", "-out", "request.pem", "-subj", "/O=Example/CN=hub.test"),
        *("-addext", "subjectAltName=DNS:hub.test,IP:127.0.0.2"),
        cwd=tmp_path,
    )
    assert made.returncode == 0, made.stderr
    csr = load_request((tmp_path / "request.pem").read_bytes())
    root = Authority.create_root(
        "Root One",
        key=generate_key(KeyAlgorithm.EC_P256),
        serial=1,
        not_before=NOW - BACKDATE,
        not_after=NOW + 900 * DAY,
    )

    cert = root.sign_request(csr, serial=2, not_before=NOW - BACKDATE, not_after=NOW + 90 * DAY)
    own = make_request(
        generate_key(KeyAlgorithm.ED25519),
        subject=parse_name('CN=trk.test, O="Example, Inc."'),
        names=["trk.test"],
    )
    (tmp_path / "own.pem").write_bytes(dump_request(own))
    read = run("openssl", "req", "-in", "own.pem", "-verify", "-noout", "-text", cwd=tmp_path)

    for name in ("hub.test", "127.0.0.2"):
        verdict = verify(
            [cert], roots=[root.certificate], purpose=Purpose.CLIENT, name=name, at=NOW
        )
        assert verdict.valid
    assert 'O = "Example, Inc.", CN = trk.test' in read.stdout
    assert "DNS:trk.test" in read.stdout


#: A JVM that is gone in a moment compiles nothing twice, and needs one thread to clean up.
_SHORT_LIVED = ("-J-Xshare:auto", "-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC")


def _keytool(folder: Path, *words: str) -> bytes:
    done = subprocess.run(
        ["keytool", *_SHORT_LIVED, *words, "-keystore", "ks.p12", "-storepass", "changeit"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def keytool_chain(tmp_path_factory: pytest.TempPathFactory) -> Sequence[x509.Certificate]:
    """Leaf and root made by the JDK's keytool as its manual shows it (no key usage anywhere)."""
    folder = tmp_path_factory.mktemp("keytool")
    ec = ("-keyalg", "EC", "-groupname", "secp256r1")
    _keytool(
        folder, "-genkeypair", *ec, "-alias", "ca", "-dname", "CN=Root One", "-ext", "bc=ca:true"
    )
    _keytool(folder, "-genkeypair", *ec, "-alias", "srv", "-dname", "CN=hub.test")
    _keytool(folder, "-certreq", "-alias", "srv", "-file", "srv.csr")
    reply = ("-infile", "srv.csr", "-outfile", "srv.crt", "-rfc", "-ext", "san=dns:hub.test")
    _keytool(folder, "-gencert", "-alias", "ca", *reply)
    _keytool(folder, "-exportcert", "-alias", "ca", "-file", "ca.crt", "-rfc")
    _keytool(folder, "-exportcert", "-alias", "srv", "-file", "unsigned.crt")
    names = ("srv.crt", "ca.crt", "unsigned.crt")
    return [load_certificates((folder / name).read_bytes())[0] for name in names]


@pytest.mark.jdk
@needs_jdk
@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_chain_made_by_keytool_passes_with_warnings(
    keytool_chain: Sequence[x509.Certificate], purpose: Purpose
) -> None:
    """T10: what keytool leaves out is forgiven, and told."""
    leaf, root, _ = keytool_chain

    verdict = verify([leaf], roots=[root], purpose=purpose, name="hub.test", at=datetime.now(UTC))

    assert verdict.valid, verdict
    assert {fault.code for fault in verdict.warnings} == {"strict-profile"}


@pytest.mark.jdk
@needs_jdk
def test_the_temporary_certificate_of_keytool_is_named(
    keytool_chain: Sequence[x509.Certificate],
) -> None:
    """T6, W14: the reply was never imported."""
    _, root, unsigned = keytool_chain

    verdict = verify(
        [unsigned], roots=[root, unsigned], purpose=Purpose.SERVER, name=None, at=datetime.now(UTC)
    )

    assert verdict.codes == ("self-signed",)


@pytest.mark.jdk
@needs_jdk
def test_keytool_reads_what_we_issue(
    chain: tuple[Authority, Authority, x509.Certificate], tmp_path: Path
) -> None:
    _, _, leaf = chain
    (tmp_path / "leaf.der").write_bytes(leaf.public_bytes(Encoding.DER))

    shown = run("keytool", "-printcert", "-file", tmp_path / "leaf.der").stdout

    assert "DNSName: hub.test" in shown
    assert "URIName: urn:sottovoce:role:hub" in shown
    assert "serverAuth" in shown
    assert "clientAuth" in shown
