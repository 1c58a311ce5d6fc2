"""Strict verifiers judge what the installation's own authority issues, and what its limits forbid.

Everything is made by the program's own acts, except for what the authority declines: that is signed
with its key by other means, as a thief would.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from sottovoce.hub.authority import (
    AuthorityFolder,
    Issuer,
    OpenRoot,
    create_issuing,
    create_root,
)
from sottovoce.pki import (
    Authority,
    KeyAlgorithm,
    PrivateKey,
    Purpose,
    dump_certificates,
    dump_crl,
    generate_key,
    make_request,
    parse_name,
    verify,
)
from sottovoce.policy import Component

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
#: What each judge is asked for as the name of the server.
NAME = "hub.test"


@dataclass(frozen=True)
class Case:
    """A chain to be judged: the leaf first, the root left out."""

    chain: tuple[x509.Certificate, ...]
    root: x509.Certificate
    lists: tuple[x509.CertificateRevocationList, ...]
    #: Whether partners are to accept it, as a server and as a client.
    good: bool = False


def forged(
    authority: Authority,
    key: PrivateKey,
    names: list[x509.GeneralName],
    *,
    purposes: tuple[ObjectIdentifier, ...] = BOTH,
    ca: bool = False,
) -> x509.Certificate:
    """Sign with the authority's key what its program declines, correct in every other respect."""
    other = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    usage = dict.fromkeys((*other, "encipher_only", "decipher_only"), False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(parse_name("CN=forged"))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY / 24)
        .not_valid_after(NOW + 30 * DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **usage),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
    )
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def issued(issuer: Issuer, name: str) -> tuple[x509.Certificate, ...]:
    key = generate_key(KeyAlgorithm.EC_P256)
    request = make_request(key, subject=parse_name(f"CN={name}"), names=[name])
    roles = [Component.HUB.role_uri, Component.TRK.role_uri]
    return issuer.sign(request, names=[name], roles=roles, now=NOW)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """Two installations: one whose servers have names only, one with an address among them."""
    place = tmp_path_factory.mktemp("authority")
    root = AuthorityFolder(place / "root")
    create_root(root, "Example Root", now=NOW)
    opened = OpenRoot(root, root.password())
    issuers = []
    for number, names in enumerate((["hub.test", "lui.test"], ["hub.test", "127.0.0.2"])):
        home = place / str(number)
        (home / "hub").mkdir(parents=True)
        issuers.append(create_issuing(opened, home, names, now=NOW))
    issuer, with_address = issuers
    key = generate_key(KeyAlgorithm.EC_P256)
    stolen = issuer.folder.authority("issuing", issuer.folder.password())
    hub = x509.DNSName("hub.test")

    def case(made: Issuer, *chain: x509.Certificate, good: bool = False) -> Case:
        return Case(chain, made.roots[0], made.revocation_lists(NOW), good)

    def leaf(*names: x509.GeneralName) -> Case:
        return case(issuer, forged(stolen, key, list(names)), stolen.certificate)

    below = Authority(forged(stolen, key, [], ca=True), key)
    address = issued(with_address, "127.0.0.2")
    good = issued(issuer, "hub.test")
    gone = issued(issuer, "hub.test")
    issuer.revoke(gone[0].serial_number, x509.ReasonFlags.key_compromise, NOW)
    found = {
        "good": case(issuer, *good[:2], good=True),
        "lower-name": case(issuer, *issued(issuer, "a.hub.test")[:2], good=True),
        "address": case(with_address, *address[:2], good=True),
        "honest-forgery": replace(leaf(hub), good=True),
        "foreign-name": leaf(x509.DNSName("evil.test")),
        "foreign-name-second": leaf(hub, x509.DNSName("evil.test")),
        "look-alike": leaf(x509.DNSName("nothub.test")),
        "foreign-address": leaf(hub, x509.IPAddress(ip_address("10.0.0.1"))),
        "foreign-address-6": leaf(hub, x509.IPAddress(ip_address("2001:db8::1"))),
        "authority-below": case(
            issuer, forged(below, key, [hub]), below.certificate, stolen.certificate
        ),
        "revoked": case(issuer, *gone[:2]),
    }
    return {name: replace(each, lists=issuer.revocation_lists(NOW))
            if name != "address" else each for name, each in found.items()}  # fmt: skip


#: What a verifier does not look at, and why that is no fault of ours.
UNSEEN = {
    # The library has no revocation (its documentation, "x509 verification").
    ("cryptography", "revoked"),
    # crypto/x509 looks at no revocation list by itself (its documentation, "Verify").
    ("go", "revoked"),
}


def dns_name(case: Case) -> str | None:
    """The first name of a leaf that is to be asked for; None where it has none."""
    names = case.chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return next(iter(names.get_values_for_type(x509.DNSName)), None)


def wanted(judge: str, cases: dict[str, Case]) -> dict[tuple[str, str], bool]:
    return {
        (name, purpose): case.good or (judge, name) in UNSEEN
        for name, case in cases.items()
        for purpose in ("server", "client")
    }


def test_our_own_verdict(cases: dict[str, Case]) -> None:
    verdicts = {
        (name, purpose.value): verify(
            case.chain, roots=[case.root], purpose=purpose, name=dns_name(case), at=NOW,
            crls=case.lists,
        )
        for name, case in cases.items()
        for purpose in Purpose
    }  # fmt: skip

    assert {key: verdict.valid for key, verdict in verdicts.items()} == wanted("ours", cases)
    assert all(verdict.warnings == () for verdict in verdicts.values() if verdict.valid)
    for name in ("foreign-name", "foreign-name-second", "look-alike", "foreign-address"):
        assert verdicts[name, "server"].codes == ("name-constraint",)


def written(folder: Path, case: Case) -> None:
    folder.mkdir(parents=True)
    (folder / "root.pem").write_bytes(dump_certificates([case.root]))
    (folder / "lists.pem").write_bytes(b"".join(map(dump_crl, case.lists)))
    (folder / "chain.pem").write_bytes(dump_certificates(list(case.chain)))
    (folder / "leaf.pem").write_bytes(dump_certificates(list(case.chain[:1])))
    (folder / "above.pem").write_bytes(dump_certificates(list(case.chain[1:])))


@pytest.fixture(scope="module")
def files(cases: dict[str, Case], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every case as files, for judges that are programs."""
    place = tmp_path_factory.mktemp("cases")
    for name, case in cases.items():
        written(place / name, case)
    return place


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command to judge")
def test_openssl_in_its_strict_mode(cases: dict[str, Case], files: Path) -> None:
    """T10: ``X509_STRICT``, purposes, names, and a list for every link."""

    def judged(name: str, case: Case, purpose: str) -> bool:
        folder = files / name
        host = dns_name(case)
        done = subprocess.run(
            [
                "openssl", "verify", "-x509_strict", "-check_ss_sig", "-purpose", f"ssl{purpose}",
                *(("-verify_hostname", host) if host else ()),
                "-crl_check_all", "-CRLfile", "lists.pem", "-CAfile", "root.pem",
                "-untrusted", "above.pem", "leaf.pem",
            ],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        said[name, purpose] = done.stdout + done.stderr
        return done.returncode == 0

    said: dict[tuple[str, str], str] = {}
    found = {
        (name, purpose): judged(name, case, purpose)
        for name, case in cases.items()
        for purpose in ("server", "client")
    }

    assert found == wanted("openssl", cases), said["address", "server"]


def test_the_strict_verifier_of_cryptography(cases: dict[str, Case]) -> None:
    """Its policy is the CA/Browser Forum's profile; our certificates keep to it."""

    def judges(case: Case) -> Iterator[tuple[str, Callable[[], object]]]:
        store = verification.Store([case.root])
        builder = verification.PolicyBuilder().store(store).time(NOW)
        name = dns_name(case)
        names = case.chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName)
        subject = (
            x509.DNSName(name)
            if name
            else x509.IPAddress(names.value.get_values_for_type(x509.IPAddress)[0])
        )
        server = builder.build_server_verifier(subject)
        client = builder.build_client_verifier()
        leaf, *above = case.chain
        yield "server", lambda: server.verify(leaf, above)
        yield "client", lambda: client.verify(leaf, above)

    found = {}
    for name, case in cases.items():
        for purpose, judge in judges(case):
            try:
                judge()
            except verification.VerificationError:
                found[name, purpose] = False
            else:
                found[name, purpose] = True

    assert found == wanted("cryptography", cases)


def answers(*words: str | Path, **environment: str) -> tuple[dict[tuple[str, str], bool], str]:
    """Run a judge: what it found for each case and purpose, and all that it said."""
    done = subprocess.run(
        [str(word) for word in words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
    found = {(name, purpose): answer == "good" for name, purpose, answer in lines}
    return found, done.stdout + done.stderr


@pytest.mark.jdk
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="no java on this machine to judge")
def test_the_jdk(cases: dict[str, Case], files: Path) -> None:
    """PKIX as the JDK's TLS uses it, with our revocation lists for every link; one JVM for all."""
    judge = Path(__file__).parent / "java" / "ChainJudge.java"

    found, said = answers(
        "java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", judge, files
    )

    assert found == wanted("jdk", cases), said


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("go") is None, reason="no go on this machine to judge")
def test_go(cases: dict[str, Case], files: Path) -> None:
    judge = Path(__file__).parent / "go" / "chain_judge.go"

    found, said = answers("go", "run", judge, files, GO111MODULE="off")

    assert found == wanted("go", cases), said
