"""``sottovoce check``: a healthy server is silent, and each fault is named exactly, and first.

Every fault is prepared in a home that was healthy a moment before, so that nothing else can be
what is found. What needs partners is in ``tests/components/test_check_partners.py``.
"""

import datetime as dt
import json
import os
import secrets
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sottovoce.cli import main
from sottovoce.keystore import Entry, Keystore, PrivateKeyEntry, TrustedCertificateEntry
from sottovoce.keystore import dumps as keystore_bytes
from sottovoce.pki import (
    KeyAlgorithm,
    Revocation,
    dump_certificates,
    dump_crl,
    generate_key,
    load_crls,
)
from sottovoce.policy import Component
from sottovoce.server import Home
from sottovoce.server.trust import load_generation
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.homes import Premises

NAME = "whole.sottovoce.test"
OTHER = "other.sottovoce.test"


@dataclass(frozen=True)
class Case:
    """A healthy home that is about to be damaged, and the authorities at hand."""

    home: Premises
    authority: ThrowAwayAuthority
    stranger: ThrowAwayAuthority
    at: dt.datetime

    def write(self, file: str, text: str | bytes) -> Path:
        path = self.home.path / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def log(self, **fields: object) -> None:
        line = {"at": self.at.isoformat(), "outcome": "refused", "side": "accepting"} | fields
        path = self.home.path / "logs" / "security.log"
        with path.open("a", encoding="utf-8") as log:
            log.write(f"{json.dumps(line)}\n")


# Certificates as no good authority issues them.


def forged(
    case: Case,
    *,
    name: str | None = NAME,
    key: Any = None,
    purposes: Iterable[x509.ObjectIdentifier] = (
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    ),
    signs: bool = True,
    ca: bool = False,
    identified: bool = True,
    own_issuer: bool = False,
) -> PrivateKeyEntry:
    """Return a key with a certificate by the case's authority, with what is to be odd about it."""
    bearer = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    root = case.authority.authority
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if own_issuer else root.certificate.subject)
        .public_key(bearer.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(case.at - dt.timedelta(hours=1))
        .not_valid_after(case.at + dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(_usage(signs=signs, certifies=ca), critical=True)
        .add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=False)
    )
    if name is not None:
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = builder.add_extension(names, critical=False)
    if identified:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(
            (bearer if own_issuer else root.key).public_key()
        )
        builder = builder.add_extension(identifier, critical=False)
    certificate = builder.sign(bearer if own_issuer else root.key, hashes.SHA256())
    above = () if own_issuer else (case.authority.root,)
    return PrivateKeyEntry(bearer, (certificate, *above))


def _usage(*, signs: bool, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=not signs,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def issued(case: Case, *names: str, days: tuple[float, float]) -> PrivateKeyEntry:
    begin, end = (case.at + dt.timedelta(days=each) for each in days)
    return case.authority.issue(*(names or (NAME,)), not_before=begin, not_after=end)


def intermediate(case: Case) -> tuple[PrivateKeyEntry, x509.Certificate]:
    """Return a server's entry under an intermediate of the case's authority, and that one."""
    between = case.authority.authority.issue_intermediate(
        "Intermediate One",
        key=generate_key(KeyAlgorithm.EC_P256),
        serial=secrets.randbits(120) + 1,
        not_before=case.at - dt.timedelta(days=1),
        not_after=case.at + dt.timedelta(days=900),
    )
    lower = ThrowAwayAuthority("unused", at=case.at)
    lower.authority = between
    return lower.issue(NAME), between.certificate


def revocation_list(
    case: Case, *, days: tuple[float, float] = (-1, 6), revoked: Iterable[Revocation] = ()
) -> bytes:
    begin, end = (case.at + dt.timedelta(days=each) for each in days)
    made = case.authority.authority.revocation_list(
        revoked, number=1, this_update=begin, next_update=end
    )
    return dump_crl(made)


# The healthy home.


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, authority: ThrowAwayAuthority) -> Premises:
    """One server with all components, on an address of this process's own."""
    # 127/8 is wide: no other process of the tests meets these ports on this address.
    address = f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}.2"
    return Premises.make(
        tmp_path_factory.mktemp("check") / "home",
        name=NAME,
        authority=authority,
        values={
            "server.ini": {"BindAddress": address},
            "lui/lui.ini": {"HubAddress": address, "TrackerAddress": address},
            "trk/tracker.ini": {
                "HubAddress": address,
                "PublicAddress": address,
                "PublicPort": "8087",
            },
        },
    )


@pytest.fixture
def case(
    template: Premises,
    tmp_path: Path,
    authority: ThrowAwayAuthority,
    stranger: ThrowAwayAuthority,
    moment: dt.datetime,
) -> Case:
    path = tmp_path / "home"
    shutil.copytree(template.path, path)
    return Case(replace(template, path=path).secure(), authority, stranger, moment)


Check = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def check(case: Case, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run the command; return exit status and object. No secret may be in what it prints."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        status = main(["check", "--home", str(case.home.path), "--json", *words])
        caught = capsys.readouterr()
        assert case.home.password not in caught.out + caught.err
        assert "Traceback" not in caught.out + caught.err
        return status, json.loads(caught.out)

    return run


def first_of(report: dict[str, Any]) -> dict[str, Any]:
    """Return the first finding that is not fine."""
    found: dict[str, Any] = next(
        each for each in report["checks"] if each["status"] not in {"fine", "skipped"}
    )
    return found


def test_a_healthy_server_has_no_warning_and_nothing_left_out(check: Check) -> None:
    status, report = check()
    assert [each for each in report["checks"] if each["status"] != "fine"] == []
    assert (status, report["summary"]["status"], report["summary"]["first"]) == (0, "fine", "")
    groups = list(dict.fromkeys(each["group"] for each in report["checks"]))
    assert groups == [
        "Files",
        "Security switch",
        "Keystore",
        "Trusted roots",
        "Revocation lists",
        "Certificate",
        "Allowed list",
        "Clock",
        "Ports",
    ]


@pytest.mark.parametrize("age", [None, 20], ids=["no list", "an old list"])
def test_a_soft_failure_is_a_warning_every_time(
    case: Case, check: Check, age: float | None
) -> None:
    """Catalogue R3, R4: the server would start, and both sides of the choice are said loudly."""
    lists = {} if age is None else {"one": revocation_list(case, days=(-age, -2))}
    _lists(case, **lists)
    assert check()[0] == 2
    case.home.set("server.ini", "RevocationFailure", "soft")
    status, report = check()
    told = {each["code"] for each in report["checks"] if each["status"] == "warning"}
    assert (status, told >= {"revocation-soft"}) == (1, True)
    _, warnings = load_generation(
        Home(case.home.path), Home(case.home.path).settings(), hosts={}, at=case.at
    )
    assert "revocation-soft" in {fault.code for fault in warnings}


def test_nothing_is_written_into_the_home(case: Case, check: Check) -> None:
    def state() -> dict[str, tuple[int, int]]:
        every = [case.home.path, *sorted(case.home.path.rglob("*"))]
        return {str(each): (each.stat().st_mtime_ns, each.stat().st_size) for each in every}

    before = state()
    check()
    assert state() == before


# The faults.

Damage = Callable[[Case], object]


def _swap(case: Case, file: str, old: str, new: str) -> None:
    path = case.home.path / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def _two_names(case: Case) -> None:
    case.home.set("server.ini", "Components", "hub,lui")
    case.home.set("hub/hub.ini", "TrackerHost", OTHER)
    case.home.set("lui/lui.ini", "TrackerHost", "other")
    case.home.write_ssl(SSLAllowedClients=f"{NAME},{OTHER},other")


def _directory(case: Case) -> None:
    path = case.home.path / "trk/tracker.ini"
    path.unlink()
    path.mkdir()


def _smtp_password(case: Case) -> None:
    case.home.set("lui/lui.ini", "SmtpPassword", "hunter2 hunter2")
    (case.home.path / "lui/lui.ini").chmod(0o644)


def _rename(case: Case) -> None:
    case.home.set("server.ini", "ServerName", "new.sottovoce.test")


def _cut(case: Case) -> None:
    data = case.home.keystore.read_bytes()
    case.home.keystore.write_bytes(data[: len(data) // 2])


def _roots_as_keystore(case: Case) -> None:
    entries = {"root": TrustedCertificateEntry(case.authority.root)}
    case.home.write_keystore(Keystore(entries=entries))


def _key_of_another(case: Case) -> None:
    one, two = case.authority.issue(NAME), case.authority.issue(NAME)
    case.home.write_identity(PrivateKeyEntry(one.key, two.chain))


def _reply_astray(case: Case) -> None:
    temporary = forged(case, own_issuer=True)
    reply = forged(case, key=temporary.key).certificate
    entries: dict[str, Entry] = {"server": temporary, "mykey": TrustedCertificateEntry(reply)}
    case.home.write_keystore(Keystore(entries=entries))


def _empty_roots(case: Case) -> None:
    case.home.write_roots()


def _wrong_roots_password(case: Case) -> None:
    case.write("conf/cacerts.password", "another-password\n")


def _under_an_intermediate(case: Case, *, sent: bool, trusted: str) -> None:
    entry, between = intermediate(case)
    case.home.write_identity(entry if sent else PrivateKeyEntry(entry.key, entry.chain[:1]))
    roots = {
        "root": [case.authority.root],
        "intermediate": [between],
        "both": [case.authority.root, between],
    }
    case.home.write_roots(*roots[trusted])


def _expired_root(case: Case) -> None:
    old = ThrowAwayAuthority("Old root", at=case.at - dt.timedelta(days=3700))
    case.home.write_identity(forged(replace(case, authority=old)))
    case.home.write_roots(old.root)


def _lists(case: Case, **files: bytes) -> None:
    folder = case.home.path / "lists"
    folder.mkdir()
    for name, data in files.items():
        (folder / f"{name}.crl").write_bytes(data)
    case.home.set("server.ini", "RevocationLists", str(folder))


def _revoked(case: Case) -> None:
    entry = case.authority.issue(NAME)
    case.home.write_identity(entry)
    gone = Revocation(serial=entry.certificate.serial_number, date=case.at - dt.timedelta(hours=2))
    _lists(case, one=revocation_list(case, revoked=[gone]))


def _list_of_another(case: Case) -> None:
    other = case.stranger.authority.revocation_list(
        (),
        number=1,
        this_update=case.at - dt.timedelta(days=1),
        next_update=case.at + dt.timedelta(days=6),
    )
    assert load_crls(dump_crl(other))
    _lists(case, other=dump_crl(other))


def _partner_not_listed(case: Case) -> None:
    case.home.set("server.ini", "Components", "hub")
    case.home.set("hub/hub.ini", "TrackerHost", OTHER)


def _near_miss(case: Case) -> None:
    case.home.set("server.ini", "Components", "hub")
    case.home.set("hub/hub.ini", "TrackerHost", "ohter.sottovoce.test")
    case.home.write_ssl(SSLAllowedClients=f"{NAME},ohter.sottovoce.test")
    case.log(code="not-in-allowed-list", names=[OTHER], address="127.0.0.9:4000")


def _clock(seconds: float) -> Damage:
    def said(case: Case) -> None:
        case.log(outcome="accepted", side="calling", announced=OTHER, clock_difference=seconds)

    return said


def _set_back(case: Case) -> None:
    case.log(outcome="accepted", at=(case.at + dt.timedelta(days=2)).isoformat())


PREPARED: dict[str, tuple[Damage, str, int]] = {
    # Files
    "no server.ini": (lambda c: (c.home.path / "server.ini").unlink(), "file-missing", 2),
    "no ServerName": (lambda c: _swap(c, "server.ini", "ServerName=", "#"), "ini-missing-key", 2),
    "an unknown key": (lambda c: c.home.set("server.ini", "Sever", "x"), "ini-unknown-key", 2),
    "one port twice": (
        lambda c: c.home.set("server.ini", "TrackerPort", "1099"),
        "ini-bad-value",
        2,
    ),
    "no hub.ini": (lambda c: (c.home.path / "hub/hub.ini").unlink(), "file-missing", 2),
    "a key twice": (
        lambda c: _swap(c, "hub/hub.ini", f"LuiHost={NAME}", f"LuiHost={NAME}\nLuiHost={NAME}"),
        "ini-repeated-key",
        2,
    ),
    "tracker.ini is a folder": (_directory, "file-unreadable", 2),
    "a malformed escape": (
        lambda c: _swap(c, "lui/lui.ini", "SmtpHost=", "SmtpHost=\\u12x"),
        "ini-malformed-escape",
        2,
    ),
    "a component here under another name": (
        lambda c: c.home.set("hub/hub.ini", "TrackerHost", OTHER),
        "name-mismatch",
        2,
    ),
    "a partner under two names": (_two_names, "name-mismatch", 1),
    "LUI in two places": (
        lambda c: c.home.set("trk/tracker.ini", "LuiHost", OTHER),
        "component-unexpected",
        2,
    ),
    "lui.ini with a password, open": (_smtp_password, "file-not-owner-only", 2),
    # ssl.ini
    "not secured": (lambda c: c.home.ssl_ini.unlink(), "not-secured", 1),
    "ssl.ini open to all": (lambda c: c.home.ssl_ini.chmod(0o644), "file-not-owner-only", 2),
    "a misspelt key": (
        lambda c: _swap(c, "commands/ssl.ini", "SSLAllowedClients", "SSLAlowedClients"),
        "ini-unknown-key",
        2,
    ),
    "no password": (
        lambda c: c.home.write_ssl(SSLKeystorePassword=None),
        "ini-missing-key",
        2,
    ),
    "a relative path": (
        lambda c: c.home.write_ssl(SSLKeystorePath="conf/server.p12"),
        "ini-relative-path",
        2,
    ),
    "blanks in the list": (
        lambda c: _swap(c, "commands/ssl.ini", f"={NAME}", f"={NAME}, {OTHER}"),
        "ini-list-blanks",
        2,
    ),
    "an empty list": (lambda c: c.home.write_ssl(SSLAllowedClients=""), "allowed-list-empty", 2),
    "the own name is missing": (
        lambda c: c.home.write_ssl(SSLAllowedClients=OTHER),
        "own-name-missing",
        2,
    ),
    "single backslashes": (
        lambda c: _swap(c, "commands/ssl.ini", f"={c.home.keystore}", "=C:\\new\\keystore.p12"),
        "ini-single-backslash",
        2,
    ),
    "a byte order mark": (
        lambda c: c.write("commands/ssl.ini", b"\xef\xbb\xbf" + c.home.ssl_ini.read_bytes()),
        "ini-byte-order-mark",
        1,
    ),
    "renamed": (_rename, "server-renamed", 2),
    # Keystore
    "no keystore": (lambda c: c.home.keystore.unlink(), "keystore-missing", 2),
    "another password": (
        lambda c: c.home.write_ssl(SSLKeystorePassword="not-this-one"),
        "keystore-wrong-password",
        2,
    ),
    "cut off": (_cut, "keystore-truncated", 2),
    "an empty keystore": (lambda c: c.home.keystore.write_bytes(b""), "keystore-empty", 2),
    "PEM instead": (
        lambda c: c.home.keystore.write_bytes(dump_certificates([c.authority.root])),
        "keystore-format",
        2,
    ),
    "keystore open to all": (lambda c: c.home.keystore.chmod(0o644), "file-not-owner-only", 2),
    "several keys": (
        lambda c: c.home.write_identity(c.authority.issue(NAME), c.authority.issue(NAME)),
        "keystore-several-keys",
        2,
    ),
    "roots as keystore": (_roots_as_keystore, "keystore-no-key", 2),
    "the key of another": (_key_of_another, "keystore-key-mismatch", 2),
    "the reply astray": (_reply_astray, "reply-wrong-alias", 2),
    # Trusted roots
    "no trusted roots": (lambda c: c.home.cacerts.unlink(), "keystore-missing", 2),
    "nobody trusted": (_empty_roots, "issuer-unknown", 2),
    "roots' password wrong": (_wrong_roots_password, "keystore-wrong-password", 2),
    # Certificate
    "another name": (
        lambda c: c.home.write_identity(c.authority.issue(OTHER)),
        "name-mismatch",
        2,
    ),
    "no alternative name": (
        lambda c: c.home.write_identity(forged(c, name=None)),
        "no-subject-alternative-name",
        2,
    ),
    "a wildcard of one label more": (
        lambda c: c.home.write_identity(forged(c, name="*.test")),
        "wildcard-mismatch",
        2,
    ),
    "still self-signed": (
        lambda c: c.home.write_identity(forged(c, own_issuer=True)),
        "self-signed",
        2,
    ),
    "by a CA not trusted": (
        lambda c: c.home.write_identity(c.stranger.issue(NAME)),
        "root-untrusted",
        2,
    ),
    "no intermediate": (
        lambda c: _under_an_intermediate(c, sent=False, trusted="root"),
        "intermediate-missing",
        2,
    ),
    "the intermediate only in the roots": (
        lambda c: _under_an_intermediate(c, sent=False, trusted="both"),
        "intermediate-missing",
        1,
    ),
    "only the intermediate trusted": (
        lambda c: _under_an_intermediate(c, sent=False, trusted="intermediate"),
        "partial-chain",
        1,
    ),
    "expired": (
        lambda c: c.home.write_identity(issued(c, days=(-30, -1))),
        "certificate-expired",
        2,
    ),
    "the root expired": (_expired_root, "issuer-expired", 2),
    "not valid yet": (
        lambda c: c.home.write_identity(issued(c, days=(1, 30))),
        "not-yet-valid",
        2,
    ),
    "soon expired": (
        lambda c: c.home.write_identity(issued(c, days=(-29, 10))),
        "certificate-expiring",
        1,
    ),
    "a server only": (
        lambda c: c.home.write_identity(forged(c, purposes=[ExtendedKeyUsageOID.SERVER_AUTH])),
        "purpose-client-missing",
        2,
    ),
    "a client only": (
        lambda c: c.home.write_identity(forged(c, purposes=[ExtendedKeyUsageOID.CLIENT_AUTH])),
        "purpose-server-missing",
        2,
    ),
    "may not sign": (
        lambda c: c.home.write_identity(forged(c, signs=False)),
        "key-usage",
        2,
    ),
    "a CA as a server": (lambda c: c.home.write_identity(forged(c, ca=True)), "leaf-is-ca", 2),
    "1024 bits": (
        lambda c: c.home.write_identity(
            forged(c, key=rsa.generate_private_key(public_exponent=65537, key_size=1024))
        ),
        "weak-key",
        2,
    ),
    "no key identifier": (
        lambda c: c.home.write_identity(forged(c, identified=False)),
        "strict-profile",
        1,
    ),
    "an address as a DNS name": (
        lambda c: c.home.write_identity(with_address(c)),
        "address-as-dns-name",
        1,
    ),
    # Revocation
    "no lists": (_lists, "revocation-unknown", 2),
    "a list of another CA": (_list_of_another, "revocation-unknown", 2),
    "a list too old": (
        lambda c: _lists(c, one=revocation_list(c, days=(-20, -2))),
        "revocation-list-expired",
        2,
    ),
    "a list soon too old": (
        lambda c: _lists(c, one=revocation_list(c, days=(-6, 1))),
        "revocation-list-expiring",
        1,
    ),
    "revoked": (_revoked, "revoked", 2),
    # Allowed list
    "a partner not listed": (_partner_not_listed, "not-in-allowed-list", 2),
    "nearly the name that was refused": (_near_miss, "not-in-allowed-list", 1),
    "a name that is nobody's": (
        lambda c: c.home.write_ssl(SSLAllowedClients=f"{NAME},gone.sottovoce.test"),
        "allowed-name-unused",
        1,
    ),
    # Clock
    "set back two days": (_set_back, "clock-skew", 2),
    "seven minutes from a partner": (_clock(420), "clock-skew", 2),
    "a minute from a partner": (_clock(-60), "clock-skew", 1),
    # Ports
    "an address of another machine": (
        lambda c: c.home.set("server.ini", "BindAddress", "192.0.2.1"),
        "address-not-here",
        2,
    ),
}


def with_address(case: Case) -> PrivateKeyEntry:
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = forged(case, key=key).certificate
    names = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.DNSName("10.0.0.5")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(leaf.subject)
        .issuer_name(leaf.issuer)
        .public_key(key.public_key())
        .serial_number(leaf.serial_number)
        .not_valid_before(leaf.not_valid_before_utc)
        .not_valid_after(leaf.not_valid_after_utc)
        .add_extension(names, critical=False)
    )
    for extension in leaf.extensions:
        if not isinstance(extension.value, x509.SubjectAlternativeName):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    signed = builder.sign(case.authority.authority.key, hashes.SHA256())
    return PrivateKeyEntry(key, (signed, case.authority.root))


@pytest.mark.parametrize(("damage", "code", "status"), PREPARED.values(), ids=PREPARED)
def test_a_prepared_fault_is_named_first(
    case: Case, check: Check, damage: Damage, code: str, status: int
) -> None:
    damage(case)
    found, report = check()
    first = first_of(report)
    assert (first["code"], found) == (code, status), first
    assert report["summary"]["first"] == code
    assert first["message"]
    assert first["next"]
    # Sentences of our own hold no secret: nothing of them is to be hidden.
    assert "•••" not in f"{first['message']} {first['expected']} {first['next']}"


@pytest.fixture
def intruder(template: Premises) -> Iterator[int]:
    """Somebody who listens on the internal port."""
    ini = (template.path / "server.ini").read_text("utf-8").splitlines()
    address = next(line for line in ini if line.startswith("BindAddress=")).partition("=")[2]
    with socket.create_server((address, 1099)) as held:
        yield held.getsockname()[1]


@pytest.mark.usefixtures("intruder")
def test_a_port_held_by_another_program_is_told_with_its_process(check: Check) -> None:
    status, report = check()
    first = first_of(report)
    assert (status, first["code"], first["id"]) == (2, "port-in-use", "port-internal")
    assert f"process {os.getpid()} (" in first["presented"]


def test_every_fault_of_a_file_is_told_and_what_depends_on_it_is_left_out(
    case: Case, check: Check
) -> None:
    """No fault hides another (W17)."""
    case.home.write_ssl(SSLKeystorePassword=None, SSLAllowedClients=OTHER)
    case.home.set("server.ini", "Sever", "x")
    status, report = check()
    codes = [each["code"] for each in report["checks"] if each["status"] == "fault"]
    assert (status, codes) == (2, ["ini-unknown-key"])
    assert report["summary"]["skipped"] > 0
    case.home.set("server.ini", "Sever", "x")
    path = case.home.path / "server.ini"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if not line.startswith("Sever=")) + "\n")
    codes = [each["code"] for each in check()[1]["checks"] if each["status"] == "fault"]
    assert codes == ["own-name-missing", "ini-missing-key"]


def test_a_server_that_is_alone_and_does_not_run_is_told_so_once(check: Check) -> None:
    status, report = check("--partners")
    off = [each["code"] for each in report["checks"] if each["status"] != "fine"]
    assert (status, off) == (1, ["server-not-running"])


def test_a_home_that_is_none_is_a_fault_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--home", str(tmp_path / "nowhere")]) == 2
    assert "[file-missing]" in capsys.readouterr().out


def test_a_log_that_cannot_be_read_is_said_and_counts_as_not_told(case: Case, check: Check) -> None:
    (case.home.path / "logs" / "security.log").mkdir(parents=True)
    status, report = check()
    assert (status, report["summary"]["status"], report["summary"]["untold"]) == (3, "untold", 1)


def test_rubbish_in_the_log_is_passed_over(case: Case, check: Check) -> None:
    rubbish = b'\xff\xfe\n[]\nnull\n{"at": 5}\n{"at": "never"}\n' + b"[" * 100_000 + b"\n"
    case.write("logs/security.log", rubbish)
    assert check()[0] == 0


def test_the_keystores_backup_is_not_looked_at(case: Case, check: Check) -> None:
    backup = case.home.keystore.with_suffix(".p12.bak")
    backup.write_bytes(keystore_bytes(Keystore(), "whatever", format=Keystore().format))
    backup.chmod(0o644)
    assert check()[0] == 0


def test_a_file_with_nearly_the_name_of_the_switch_is_pointed_at(case: Case, check: Check) -> None:
    case.home.ssl_ini.rename(case.home.ssl_ini.with_name("ssl.ini.txt"))
    status, report = check()
    assert (status, first_of(report)["code"]) == (1, "not-secured")
    assert "commands/ssl.ini.txt" in first_of(report)["next"]


def test_a_server_with_fewer_components_is_checked_for_those(case: Case, check: Check) -> None:
    case.home.set("server.ini", "Components", Component.LUI.value)
    status, report = check()
    assert status == 0
    assert not [each for each in report["checks"] if each["id"] in {"hub-ini", "port-internal"}]


FILES = (
    "server.ini",
    "hub/hub.ini",
    "lui/lui.ini",
    "trk/tracker.ini",
    "commands/ssl.ini",
    "conf/server.p12",
    "conf/cacerts",
    "conf/cacerts.password",
    "server.lock",
    "logs/security.log",
)


def _bytes_of(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def _half(path: Path) -> None:
    data = path.read_bytes() if path.exists() else b"123"
    path.write_bytes(data[: len(data) // 2])


def _folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def _loop(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.name)


RUIN: dict[str, Callable[[Path], object]] = {
    "nothing in it": _bytes_of(b""),
    "zeroes": _bytes_of(bytes(4000)),
    "rubbish": _bytes_of(bytes(range(256)) * 20),
    "one long line": _bytes_of(b"a" * 100_000),
    "half": _half,
    "a folder": _folder,
    "a loop": _loop,
}


@pytest.mark.parametrize("ruin", RUIN.values(), ids=RUIN)
@pytest.mark.parametrize("file", FILES)
def test_whatever_is_broken_something_is_said_and_nothing_breaks(
    case: Case, check: Check, file: str, ruin: Callable[[Path], object]
) -> None:
    (case.home.path / file).parent.mkdir(exist_ok=True)
    ruin(case.home.path / file)
    status, report = check("--partners")
    assert status in {0, 1, 2, 3}
    assert report["checks"]
    assert "internal-error" not in {each["code"] for each in report["checks"]}
