"""Makes the stores in this folder and their manifest, with the JDK's keytool, openssl, and by hand.

Run it in an empty folder: ``python make_stores.py FOLDER``. The stores that are committed were made
so with OpenJDK 17 and OpenSSL 3.0; making them again gives other keys and the same outcomes. The
password is ``changeit`` unless the manifest says otherwise. Each line of the manifest says what
``loads`` must make of a file: ``entries`` (alias → kind and length of the chain) or ``code``, and
the warnings' codes.
"""

import gzip
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sottovoce.keystore import (
    Keystore,
    PrivateKeyEntry,
    TrustedCertificateEntry,
    der,
    dumps,
    loads,
    pbe,
)
from sottovoce.keystore.limits import Budget

PASSWORD = "changeit"
P12 = bytes.fromhex("06092a864886f70d010701")


def tool(*words: str, stdin: bytes = b"") -> None:
    done = subprocess.run(words, input=stdin, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stdout!r} {done.stderr!r}")


def keytool(*words: str, password: str = PASSWORD, legacy: bool = False) -> None:
    more = ("-J-Dkeystore.pkcs12.legacy",) if legacy else ()
    tool("keytool", *more, *words, "-storepass", password)


def openssl(*words: str) -> None:
    tool("openssl", *words)


@dataclass
class Party:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def party(name: str, issuer: Party | None = None, *, ca: bool = False) -> Party:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start = datetime(2026, 11, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36500))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
    )
    signer = issuer.key if issuer else key
    return Party(key, builder.sign(signer, hashes.SHA256()))


class Maker:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        os.chdir(folder)
        self.manifest: dict[str, dict[str, Any]] = {}

    def expect(self, name: str, made_by: str, **outcome: Any) -> None:
        assert Path(name).exists(), name
        assert name not in self.manifest, name
        self.manifest[name] = {"made_by": made_by, **outcome}

    def put(self, name: str, data: bytes, made_by: str, **outcome: Any) -> None:
        Path(name).write_bytes(data)
        self.expect(name, made_by, **outcome)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


#: The JDK writes the identifier of DSA signatures with parameters, which ``cryptography`` refuses.
UNREADABLE, NO_CERTIFICATE = "keystore-certificate-unreadable", "keystore-no-certificate"
KEY1, TRUST = ["key", 1], ["trusted", 1]


def by_keytool(m: Maker) -> None:
    for name, words in {
        "ec": ("-keyalg", "EC"),
        "ec384": ("-keyalg", "EC", "-groupname", "secp384r1"),
        "rsa": ("-keyalg", "RSA", "-keysize", "2048"),
        "ed25519": ("-keyalg", "Ed25519"),
        "dsa": ("-keyalg", "DSA", "-keysize", "2048"),
    }.items():
        extra = {"warnings": [UNREADABLE, NO_CERTIFICATE]} if name == "dsa" else {}
        chain = ["key", 0] if name == "dsa" else KEY1
        for kind in ("pkcs12", "jks", "jceks"):
            file = f"keytool-{name}.{kind}"
            keytool(
                "-genkeypair",
                "-alias",
                "srv",
                *words,
                "-dname",
                "CN=trk.test",
                "-validity",
                "36500",
                "-keystore",
                file,
                "-storetype",
                kind,
            )
            m.expect(
                file,
                f"keytool -genkeypair {' '.join(words)}",
                entries={"srv": chain},
                format=kind.upper(),
                **extra,
            )
    for alias in ("trk", "hub", "lui", "old"):
        keytool(
            "-genkeypair",
            "-alias",
            alias,
            "-keyalg",
            "EC",
            "-dname",
            f"CN={alias}.test",
            "-keystore",
            "keytool-several.p12",
        )
    m.expect(
        "keytool-several.p12",
        "keytool -genkeypair, four times",
        entries=dict.fromkeys(("trk", "hub", "lui", "old"), KEY1),
        key_entry="keystore-several-keys",
    )
    keytool(
        "-genkeypair",
        "-alias",
        "srv",
        "-keyalg",
        "EC",
        "-dname",
        "CN=trk.test",
        "-keystore",
        "keytool-legacy.p12",
        legacy=True,
    )
    m.expect(
        "keytool-legacy.p12",
        "keytool -J-Dkeystore.pkcs12.legacy (RC2-40, 3DES, SHA-1)",
        entries={"srv": KEY1},
    )
    keytool(
        "-genkeypair",
        "-alias",
        "srv",
        "-keyalg",
        "EC",
        "-dname",
        "CN=a",
        "-keystore",
        "keytool-empty.p12",
    )
    keytool("-delete", "-alias", "srv", "-keystore", "keytool-empty.p12")
    m.expect(
        "keytool-empty.p12", "keytool -genkeypair, -delete", entries={}, key_entry="keystore-no-key"
    )
    for kind in ("jks", "jceks"):
        file = f"keytool-keypass.{kind}"
        keytool(
            "-genkeypair",
            "-alias",
            "srv",
            "-keyalg",
            "EC",
            "-dname",
            "CN=a",
            "-keystore",
            file,
            "-storetype",
            kind,
            "-keypass",
            "another",
        )
        m.expect(
            file,
            "keytool -genkeypair -keypass another",
            entries={"srv": ["locked", 1]},
            key_entry="keystore-entry-locked",
            key_password="another",
        )
        keytool(
            "-genkeypair",
            "-alias",
            "ключ 🔑",
            "-keyalg",
            "EC",
            "-dname",
            "CN=a",
            "-keystore",
            f"keytool-alias.{kind}",
            "-storetype",
            kind,
        )
        m.expect(
            f"keytool-alias.{kind}",
            "keytool -genkeypair -alias 'ключ 🔑'",
            entries={"ключ 🔑": KEY1},
        )
    keytool(
        "-genkeypair",
        "-alias",
        "ключ 🔑",
        "-keyalg",
        "EC",
        "-dname",
        "CN=a",
        "-keystore",
        "keytool-alias.p12",
    )
    m.expect("keytool-alias.p12", "keytool -genkeypair -alias 'ключ 🔑'", entries={"ключ 🔑": KEY1})
    keytool(
        "-genkeypair",
        "-alias",
        "srv",
        "-keyalg",
        "EC",
        "-dname",
        "CN=a",
        "-keystore",
        "keytool-secret.jceks",
        "-storetype",
        "jceks",
    )
    keytool(
        "-genseckey",
        "-alias",
        "hidden",
        "-keyalg",
        "AES",
        "-keysize",
        "256",
        "-keystore",
        "keytool-secret.jceks",
        "-storetype",
        "jceks",
    )
    m.expect(
        "keytool-secret.jceks",
        "keytool -genkeypair, -genseckey",
        entries={"srv": KEY1},
        warnings=["keystore-secret-kept"],
    )
    keytool(
        "-genkeypair",
        "-alias",
        "srv",
        "-keyalg",
        "EC",
        "-dname",
        "CN=a",
        "-keystore",
        "keytool-secret.p12",
    )
    keytool(
        "-genseckey",
        "-alias",
        "hidden",
        "-keyalg",
        "AES",
        "-keysize",
        "256",
        "-keystore",
        "keytool-secret.p12",
    )
    m.expect(
        "keytool-secret.p12",
        "keytool -genkeypair, -genseckey",
        entries={"srv": KEY1},
        warnings=["keystore-bag-kept"],
    )
    keytool(
        "-genkeypair",
        "-alias",
        "srv",
        "-keyalg",
        "EC",
        "-dname",
        "CN=a",
        "-keystore",
        "keytool-long-password.p12",
        password='a long pass phrase with blanks \\ and "signs"',
    )
    m.expect(
        "keytool-long-password.p12",
        "keytool -storepass with blanks and signs",
        password='a long pass phrase with blanks \\ and "signs"',
        entries={"srv": KEY1},
    )


def by_openssl(m: Maker) -> None:
    root, other = party("Root", ca=True), party("Other Root", ca=True)
    middle = party("Middle", root, ca=True)
    leaf = party("hub.test", middle)
    Path("key.pem").write_bytes(key_pem(leaf.key))
    Path("cert.pem").write_bytes(pem(leaf.certificate))
    Path("chain.pem").write_bytes(pem(middle.certificate) + pem(root.certificate))
    Path("roots.pem").write_bytes(pem(root.certificate) + pem(other.certificate))
    Path("other.pem").write_bytes(pem(other.certificate))
    base = ("pkcs12", "-export", "-inkey", "key.pem", "-in", "cert.pem", "-name", "hub")
    full = (*base, "-certfile", "chain.pem")
    secret = ("-passout", f"pass:{PASSWORD}")
    for name, words in {
        "aes256": (),
        "aes128-sha512": ("-keypbe", "AES-128-CBC", "-certpbe", "AES-128-CBC", "-macalg", "sha512"),
        "aes192-sha384": ("-keypbe", "AES-192-CBC", "-certpbe", "AES-192-CBC", "-macalg", "sha384"),
        "3des-sha1": ("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"),
        "2des": ("-keypbe", "PBE-SHA1-2DES", "-certpbe", "PBE-SHA1-2DES"),
        "rc2-40": ("-legacy", "-keypbe", "PBE-SHA1-RC2-40", "-certpbe", "PBE-SHA1-RC2-40"),
        "rc2-128": ("-legacy", "-keypbe", "PBE-SHA1-RC2-128", "-certpbe", "PBE-SHA1-RC2-128"),
        "rc4-128": ("-legacy", "-keypbe", "PBE-SHA1-RC4-128", "-certpbe", "PBE-SHA1-RC4-128"),
        "rc4-40": ("-legacy", "-keypbe", "PBE-SHA1-RC4-40", "-certpbe", "PBE-SHA1-RC4-40"),
        "iter1": ("-iter", "1", "-nomaciter"),
        "cert-plain": ("-certpbe", "NONE"),
        "key-plain": ("-keypbe", "NONE"),
        "all-plain": ("-keypbe", "NONE", "-certpbe", "NONE"),
    }.items():
        openssl(*full, *words, *secret, "-out", f"openssl-{name}.p12")
        m.expect(
            f"openssl-{name}.p12",
            f"openssl pkcs12 -export {' '.join(words)}",
            entries={"hub": ["key", 3]},
        )
    openssl(*full, "-nomac", *secret, "-out", "openssl-nomac.p12")
    m.expect(
        "openssl-nomac.p12",
        "openssl pkcs12 -export -nomac",
        entries={"hub": ["key", 3]},
        warnings=["keystore-no-mac"],
    )
    m.put(
        "openssl-nomac-wrong-password.p12",
        Path("openssl-nomac.p12").read_bytes(),
        "the same with another password: its certificates are not encrypted",
        password="changeit2",
        entries={"hub": ["locked", 3]},
        warnings=["keystore-no-mac"],
        key_entry="keystore-entry-locked",
        key_password="changeit",
    )
    openssl(*base, *secret, "-out", "openssl-leaf-only.p12")
    m.expect(
        "openssl-leaf-only.p12",
        "openssl pkcs12 -export, leaf only",
        entries={"hub": KEY1},
        warnings=["keystore-chain-incomplete"],
    )
    openssl(
        "pkcs12", "-export", "-nokeys", "-in", "roots.pem", *secret, "-out", "openssl-roots.p12"
    )
    m.expect(
        "openssl-roots.p12",
        "openssl pkcs12 -export -nokeys",
        entries={"1": TRUST, "2": TRUST},
        warnings=["keystore-trust-attribute-missing"],
        key_entry="keystore-no-key",
    )
    openssl(
        "pkcs12",
        "-export",
        "-nokeys",
        "-in",
        "roots.pem",
        "-caname",
        "one",
        "-caname",
        "two",
        *secret,
        "-out",
        "openssl-roots-named.p12",
    )
    m.expect(
        "openssl-roots-named.p12",
        "openssl pkcs12 -export -nokeys -caname",
        entries={"one": TRUST, "two": TRUST},
        warnings=["keystore-trust-attribute-missing"],
    )
    openssl(
        "pkcs12",
        "-export",
        "-nocerts",
        "-inkey",
        "key.pem",
        "-name",
        "hub",
        *secret,
        "-out",
        "openssl-nocerts.p12",
    )
    m.expect(
        "openssl-nocerts.p12",
        "openssl pkcs12 -export -nocerts",
        entries={"hub": ["key", 0]},
        warnings=["keystore-no-certificate"],
        key_entry="keystore-no-certificate",
    )
    openssl(
        "pkcs12",
        "-export",
        "-inkey",
        "key.pem",
        "-in",
        "cert.pem",
        "-certfile",
        "chain.pem",
        *secret,
        "-out",
        "openssl-noname.p12",
    )
    m.expect("openssl-noname.p12", "openssl pkcs12 -export, no name", entries={"1": ["key", 3]})
    openssl(*full, "-passout", "pass:", "-out", "openssl-no-password.p12")
    m.expect(
        "openssl-no-password.p12",
        "openssl pkcs12 -export -passout pass:",
        password="",
        entries={"hub": ["key", 3]},
    )
    m.put(
        "openssl-no-password-none.p12",
        Path("openssl-no-password.p12").read_bytes(),
        "the same, read without a password",
        password=None,
        entries={"hub": ["key", 3]},
    )
    openssl(*full, "-certfile", "other.pem", *secret, "-out", "openssl-loose.p12")
    m.expect(
        "openssl-loose.p12",
        "openssl pkcs12 -export with a certificate of another CA",
        entries={"hub": KEY1},
        warnings=["keystore-certificate-loose", "keystore-chain-incomplete"],
    )
    openssl(*full, "-passout", "pass:käsekuchen€", "-out", "openssl-unicode-password.p12")
    m.expect(
        "openssl-unicode-password.p12",
        "openssl pkcs12 -export -passout pass:käsekuchen€",
        password="käsekuchen€",
        entries={"hub": ["key", 3]},
    )
    m.put(
        "openssl-unicode-decomposed.p12",
        Path("openssl-unicode-password.p12").read_bytes(),
        "the same, with the password in decomposed letters",
        password="ka\u0308sekuchen€",
        code="keystore-wrong-password",
        hint="NFC",
    )
    m.put(
        "openssl-unread-without-password.p12",
        Path("openssl-aes256.p12").read_bytes(),
        "openssl pkcs12 -export, read without a password",
        password=None,
        code="keystore-wrong-password",
    )
    m.put(
        "openssl-plain-without-password.p12",
        Path("openssl-all-plain.p12").read_bytes(),
        "openssl pkcs12 -keypbe NONE -certpbe NONE, read without a password",
        password=None,
        entries={"hub": ["key", 3]},
        warnings=["keystore-not-verified"],
    )
    for name in ("key.pem", "cert.pem", "chain.pem", "roots.pem", "other.pem"):
        Path(name).unlink()


def ber(data: bytes) -> bytes:
    """Re-encode the two outer levels with indefinite lengths and the content in pieces."""
    budget = Budget()
    top = der.Cursor(data, budget, where="x").sequence("x")
    version = top.raw("x")
    info = top.sequence("x")
    oid, inner = info.raw("x"), info.enter(der.context(0), "x").octets("x")
    pieces = b"".join(der.encode_octets(inner[i : i + 100]) for i in range(0, len(inner), 100))
    octets = b"\x24\x80" + pieces + b"\0\0"
    wrapped = b"\x30\x80" + oid + b"\xa0\x80" + octets + b"\0\0" + b"\0\0"
    return b"\x30\x80" + version + wrapped + top.raw("x") + b"\0\0"


def remade(content: bytes, mac: bool = True) -> bytes:
    """Wrap an authenticated safe into a PKCS#12 file."""
    data = der.encode(der.context(0), der.encode_octets(content))
    info = der.encode_sequence(P12, data)
    parts = [der.encode_integer(3), info]
    if mac:
        parts.append(pbe.make_mac(content, PASSWORD, os.urandom))
    return der.encode_sequence(*parts)


def by_hand(m: Maker) -> None:
    root, middle = party("Root", ca=True), None
    middle = party("Middle", root, ca=True)
    twin = party("Middle", root, ca=True)
    hub, lui = party("hub.test", middle), party("lui.test", twin)
    hub_entry = PrivateKeyEntry(hub.key, (hub.certificate, middle.certificate, root.certificate))
    lui_entry = PrivateKeyEntry(lui.key, (lui.certificate, twin.certificate, root.certificate))
    trust = TrustedCertificateEntry(root.certificate)
    one = Keystore().with_entry("hub", hub_entry)
    p12, jks = dumps(one, PASSWORD, format="PKCS12"), dumps(one, PASSWORD, format="JKS")
    m.put("ours.p12", p12, "dumps", entries={"hub": ["key", 3]})
    m.put("ours.jks", jks, "dumps", entries={"hub": ["key", 3]})
    m.put(
        "ours-ber.p12",
        ber(p12),
        "the same in BER, indefinite lengths, content in pieces",
        entries={"hub": ["key", 3]},
    )
    both = one.with_entry("lui", lui_entry).with_entry("root", trust)
    m.put(
        "ours-two-chains.p12",
        dumps(both, PASSWORD),
        "two keys whose CAs share a name",
        entries={"hub": ["key", 3], "lui": ["key", 3], "root": TRUST},
        key_entry="keystore-several-keys",
    )
    cases = Keystore(entries={"Srv": hub_entry, "srv": lui_entry})
    m.put(
        "ours-case.p12",
        dumps(cases, PASSWORD),
        "two names that differ in case",
        entries={"Srv": ["key", 3], "srv": ["key", 3]},
        warnings=["keystore-alias-collapse"],
    )
    wrong = Keystore().with_entry("hub", replace(hub_entry, key=lui.key))
    m.put(
        "ours-mismatch.p12",
        dumps(wrong, PASSWORD),
        "a key with another key's certificate",
        entries={"hub": ["key", 3]},
        key_entry="keystore-key-mismatch",
    )
    m.put(
        "ours-mismatch.jks",
        dumps(wrong, PASSWORD, format="JKS"),
        "the same",
        entries={"hub": ["key", 3]},
        key_entry="keystore-key-mismatch",
    )
    mixed = (hub.certificate, root.certificate, middle.certificate)
    disordered = Keystore().with_entry("hub", replace(hub_entry, chain=mixed))
    m.put(
        "ours-disordered.jks",
        dumps(disordered, PASSWORD, format="JKS"),
        "chain out of order",
        entries={"hub": ["key", 3]},
        warnings=["keystore-chain-disordered"],
    )
    m.put(
        "ours-trailing.p12",
        p12 + b"\r\n",
        "two octets too many",
        entries={"hub": ["key", 3]},
        warnings=["keystore-trailing-octets"],
    )
    m.put(
        "ours-trailing.jks",
        jks + b"\0",
        "an octet too many",
        entries={"hub": ["key", 3]},
        warnings=["keystore-trailing-octets"],
    )
    m.put(
        "ours-trusted.p12",
        dumps(Keystore().with_entry("root", trust), PASSWORD),
        "a trusted root with Java's attribute",
        entries={"root": TRUST},
        key_entry="keystore-no-key",
    )
    m.put("ours-pbmac1.p12", pbmac1(p12), "MAC by PBMAC1 (RFC 9579)", entries={"hub": ["key", 3]})
    m.put(
        "ours-no-key-id.p12",
        without_key_ids(hub),
        "plain bags without a local key id",
        entries={"hub": ["key", 1]},
        warnings=["keystore-certificate-loose", "keystore-chain-incomplete"],
    )
    same = [plain_bag("cert", each, "root") for each in (root.certificate, middle.certificate)]
    m.put(
        "ours-alias-twice.p12",
        remade(plain_safe(*same)),
        "two certificates named alike",
        entries={"root": TRUST, "root (2)": TRUST},
        warnings=["keystore-alias-twice", "keystore-trust-attribute-missing"],
    )
    cut_off(m, p12, jks)
    damaged(m, p12, jks)
    damaged_jks(m, jks)
    damaged_inside(m)
    foreign(m, root, hub)


def pbmac1(data: bytes) -> bytes:
    import hashlib
    import hmac

    top = der.Cursor(data, Budget(), where="x").sequence("x")
    version, info = top.raw("x"), top.raw("x")
    inner = der.Cursor(info, Budget(), where="x").sequence("x")
    inner.raw("x")
    content = inner.enter(der.context(0), "x").octets("x")
    salt = os.urandom(16)
    key = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, 2048, 32)
    prf = der.encode_sequence(der.encode_oid("1.2.840.113549.2.9"), der.encode(der.NULL, b""))
    kdf = der.encode_sequence(
        der.encode_oid("1.2.840.113549.1.5.12"),
        der.encode_sequence(
            der.encode_octets(salt), der.encode_integer(2048), der.encode_integer(32), prf
        ),
    )
    algorithm = der.encode_sequence(
        der.encode_oid("1.2.840.113549.1.5.14"), der.encode_sequence(kdf, prf)
    )
    digest = hmac.digest(key, content, "sha256")
    mac = der.encode_sequence(
        der.encode_sequence(algorithm, der.encode_octets(digest)),
        der.encode_octets(b"NOT USED"),
        der.encode_integer(1),
    )
    return der.encode_sequence(version, info, mac)


def plain_bag(kind: str, what: Any, name: str | None) -> bytes:
    if kind == "cert":
        octets = der.encode_octets(what.public_bytes(serialization.Encoding.DER))
        oid = "1.2.840.113549.1.12.10.1.3"
        value = der.encode_sequence(
            der.encode_oid("1.2.840.113549.1.9.22.1"), der.encode(der.context(0), octets)
        )
    else:
        oid = "1.2.840.113549.1.12.10.1.1"
        value = what.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    parts = [der.encode_oid(oid), der.encode(der.context(0), value)]
    if name is not None:
        text = der.encode(der.BMP_STRING, name.encode("utf-16-be"))
        pair = der.encode_oid("1.2.840.113549.1.9.20"), der.encode(der.SET, text)
        parts.append(der.encode_set(der.encode_sequence(*pair)))
    return der.encode_sequence(*parts)


def plain_safe(*bags: bytes) -> bytes:
    octets = der.encode_octets(der.encode_sequence(*bags))
    safe = der.encode_sequence(P12, der.encode(der.context(0), octets))
    return der.encode_sequence(safe)


def without_key_ids(hub: Party) -> bytes:
    return remade(
        plain_safe(
            plain_bag("key", hub.key, "hub"),
            plain_bag("cert", party("x").certificate, None),
            plain_bag("cert", hub.certificate, None),
        )
    )


def patched(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) >= 1, old.hex()
    return data.replace(old, new, 1)


def cut_off(m: Maker, p12: bytes, jks: bytes) -> None:
    size = len(p12)
    for name, at in {"1": 1, "2": 2, "3": 3, "half": size // 2, "last": size - 1}.items():
        m.put(
            f"cut-{name}.p12",
            p12[:at],
            f"cut off after {at} octets",
            code="keystore-truncated",
            position=at,
        )
    for name, at in {"1": 1, "5": 5, "half": len(jks) // 2, "digest": len(jks) - 7}.items():
        m.put(
            f"cut-{name}.jks",
            jks[:at],
            f"cut off after {at} octets",
            code="keystore-truncated",
            position=at,
        )
    secret = Path("keytool-secret.jceks").read_bytes()
    m.put(
        "cut.jceks",
        secret[: len(secret) - 40],
        "cut off inside the last entry",
        code="keystore-truncated",
    )
    m.put("cut-ber.p12", ber(p12)[:-9], "BER without its end", code="keystore-truncated")


def damaged(m: Maker, p12: bytes, jks: bytes) -> None:
    flipped = bytearray(p12)
    flipped[len(p12) // 3] ^= 1
    m.put("flipped.p12", bytes(flipped), "one bit of the content", code="keystore-wrong-password")
    flipped = bytearray(jks)
    flipped[-3] ^= 1
    m.put(
        "flipped-digest.jks", bytes(flipped), "a bit of the digest", code="keystore-wrong-password"
    )
    m.put(
        "blank.p12",
        p12,
        "the password with a blank behind it",
        password="changeit ",
        code="keystore-wrong-password",
        hint="blank",
    )
    m.put(
        "blank.jks",
        jks,
        "the password with a blank behind it",
        password="changeit ",
        code="keystore-wrong-password",
        hint="blank",
    )
    m.put(
        "quoted.p12",
        p12,
        "the password in quotation marks",
        password='"changeit"',
        code="keystore-wrong-password",
        hint="quotation",
    )
    m.put(
        "wrong.p12",
        p12,
        "another password",
        password="other password",
        code="keystore-wrong-password",
    )
    m.put(
        "version4.p12",
        patched(p12, b"\x02\x01\x03", b"\x02\x01\x04"),
        "version 4",
        code="keystore-damaged",
        position=4,
    )
    m.put(
        "content-oid.p12",
        patched(p12, P12, P12[:-1] + b"\x09"),
        "an unknown kind of content",
        code="keystore-damaged",
    )
    m.put(
        "signed.p12",
        patched(p12, P12, P12[:-1] + b"\x02"),
        "integrity by signature",
        code="keystore-format",
    )
    huge = der.encode_integer(2_000_000_000)
    m.put(
        "costly-mac.p12",
        with_mac_rounds(p12, huge),
        "2,000,000,000 rounds",
        code="keystore-too-costly",
    )
    m.put(
        "zero-rounds.p12",
        with_mac_rounds(p12, der.encode_integer(0)),
        "no rounds at all",
        code="keystore-damaged",
    )
    m.put(
        "negative-rounds.p12",
        with_mac_rounds(p12, b"\x02\x01\xff"),
        "-1 rounds",
        code="keystore-damaged",
    )
    deep = b"\x30\x80" * 400
    m.put(
        "deep.p12",
        b"\x30\x82\x03\x25\x02\x01\x03" + deep + b"\0\0",
        "400 levels",
        code="keystore-damaged",
    )
    m.put(
        "overrun.p12",
        patched(p12, b"\xa0\x82", b"\xa0\x83"),
        "a length beyond the end",
        code="keystore-damaged",
    )
    m.put(
        "long-length.p12",
        b"\x30\x89" + b"\x01" * 9,
        "a length of nine octets",
        code="keystore-damaged",
        position=0,
    )
    m.put(
        "announced-huge.p12",
        b"\x30\x84\xff\xff\xff\xff\x02\x01\x03",
        "announces 4 GiB",
        code="keystore-truncated",
        position=9,
    )
    m.put(
        "mac-unknown.p12",
        patched(
            p12, bytes.fromhex("0609608648016503040201"), bytes.fromhex("0609608648016503040277")
        ),
        "an unknown hash in the MAC",
        code="keystore-cipher-unknown",
    )


def damaged_jks(m: Maker, jks: bytes) -> None:
    m.put(
        "entry-kind.jks",
        jks[:12] + b"\0\0\0\x09" + jks[16:],
        "an entry of kind 9",
        code="keystore-damaged",
        position=12,
    )
    m.put(
        "version7.jks",
        jks[:4] + b"\0\0\0\x07" + jks[8:],
        "version 7",
        code="keystore-damaged",
        position=4,
    )
    m.put(
        "count.jks",
        jks[:8] + b"\x7f\xff\xff\xff" + jks[12:],
        "2,147,483,647 entries",
        code="keystore-damaged",
    )
    m.put(
        "length.jks",
        patched(jks, b"\0\x05X.509\0\0", b"\0\x05X.509\x7f\xff"),
        "a certificate of 2 GiB",
        code="keystore-damaged",
    )
    m.put(
        "alias.jks",
        patched(jks, b"\0\x03hub", b"\0\x03\xff\xfe\xfd"),
        "an alias in no encoding",
        code="keystore-damaged",
        position=16,
    )
    m.put(
        "type.jks",
        patched(jks, b"X.509", b"X.400"),
        "certificates of another kind",
        code="keystore-damaged",
    )
    m.put(
        "certificate.jks",
        patched(jks, b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07"),
        "a certificate of version 8",
        code="keystore-damaged",
    )


def damaged_inside(m: Maker) -> None:
    bag = plain_bag("cert", party("x").certificate, None)
    odd = plain_safe(patched(bag, b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07"))
    m.put(
        "certificate-version8.p12",
        remade(odd),
        "a certificate of version 8, under a good MAC",
        entries={},
        warnings=[UNREADABLE],
    )
    m.put(
        "certificate-version8-nomac.p12",
        remade(odd, mac=False),
        "the same without a MAC",
        code="keystore-damaged",
    )
    m.put(
        "not-a-bag.p12",
        remade(der.encode_sequence(der.encode_sequence(der.encode_integer(1)))),
        "a number where a safe's kind should be",
        code="keystore-damaged",
    )
    m.put(
        "enveloped.p12",
        remade(
            der.encode_sequence(
                der.encode_sequence(
                    der.encode_oid("1.2.840.113549.1.7.3"), der.encode(der.context(0), b"")
                )
            )
        ),
        "a safe encrypted for a certificate",
        code="keystore-format",
    )


def with_mac_rounds(p12: bytes, rounds: bytes) -> bytes:
    top = der.Cursor(p12, Budget(), where="x").sequence("x")
    version, info, mac = top.raw("x"), top.raw("x"), top.sequence("x")
    return der.encode_sequence(
        version, info, der.encode_sequence(mac.raw("x"), mac.raw("x"), rounds)
    )


def foreign(m: Maker, root: Party, hub: Party) -> None:
    der_form = serialization.Encoding.DER
    pkcs8 = serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(hub.certificate.subject)
        .sign(hub.key, hashes.SHA256())
    )
    locked = serialization.BestAvailableEncryption(b"changeit")
    files = {
        "certificate.pem": (pem(root.certificate), "a certificate in PEM"),
        "certificate.der": (root.certificate.public_bytes(der_form), "a certificate in DER"),
        "key.pem": (key_pem(hub.key), "private key"),
        "key.der": (hub.key.private_bytes(der_form, pkcs8, plain), "PKCS#8"),
        "key-locked.der": (hub.key.private_bytes(der_form, pkcs8, locked), "encrypted private key"),
        "key-ec.der": (
            hub.key.private_bytes(der_form, serialization.PrivateFormat.TraditionalOpenSSL, plain),
            "an EC private key",
        ),
        "request.der": (request.public_bytes(der_form), "a certificate request"),
        "request.pem": (request.public_bytes(serialization.Encoding.PEM), "certificate request"),
        "file.gz": (gzip.compress(b"x", mtime=0), "gzip"),
        "page.html": (b"\r\n<!DOCTYPE html><html>404", "web page"),
        "zeros.p12": (bytes(2048), "zeros"),
        "base64.txt": (b"MIIKPAIBAzCCCfYGCSqGSIb3DQEHAaCC", "Base64"),
        "store.bks": (bytes.fromhex("0000000200000014") + bytes(40), "BKS"),
        "random.bin": (b"\x93\x12\x00\xfe sottovoce", "no known format"),
        "utf16.txt": ("\ufeff-----BEGIN".encode("utf-16-le"), "UTF-16"),
        "openssh.key": (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "OpenSSH"),
        "bag.txt": (b"Bag Attributes\n    friendlyName: x\n", "openssl pkcs12"),
    }
    for name, (data, named) in files.items():
        m.put(f"foreign-{name}", data, "another format", code="keystore-format", named=named)
    Path("x.pem").write_bytes(pem(root.certificate))
    openssl(
        "crl2pkcs7", "-nocrl", "-certfile", "x.pem", "-outform", "DER", "-out", "foreign-bundle.p7b"
    )
    m.expect("foreign-bundle.p7b", "another format", code="keystore-format", named="PKCS#7")
    with zipfile.ZipFile("foreign-archive.zip", "w") as archive:
        archive.write("x.pem")
    m.expect("foreign-archive.zip", "another format", code="keystore-format", named="zip")
    Path("x.pem").unlink()
    m.put("empty.p12", b"", "nothing", code="keystore-empty", position=0)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    maker = Maker(folder)
    by_keytool(maker)
    by_openssl(maker)
    by_hand(maker)
    text = json.dumps(maker.manifest, indent=1, ensure_ascii=False, sort_keys=True)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
    for name, wanted in maker.manifest.items():  # a first look; the test is the judge
        try:
            found: object = loads(Path(name).read_bytes(), wanted.get("password", PASSWORD)).entries
        except Exception as error:  # noqa: BLE001 - shown
            found = f"{getattr(error, 'code', error)}"
        print(name, found)


if __name__ == "__main__":
    main()
