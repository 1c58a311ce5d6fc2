"""A forge of certificates, good and bad: its own DER, so that no builder refuses what a case needs.

Independent of ``sottovoce.pki``: the issuer under test is never its own judge.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sottovoce.pki import ChainVerdict, Purpose, verify

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
#: Distinguishes «leave the usual one» from «leave it out».
USUAL: Any = object()


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + body


def integer(value: int) -> bytes:
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    body = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        body += bytes(reversed(groups))
    return tlv(6, bytes(body))


def moment(value: datetime) -> bytes:
    if value.year < 2050:
        return tlv(0x17, value.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, value.strftime("%Y%m%d%H%M%SZ").encode())


def named(common_name: str, **more: str) -> x509.Name:
    items = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    kinds = {"o": NameOID.ORGANIZATION_NAME, "email": NameOID.EMAIL_ADDRESS}
    return x509.Name([x509.NameAttribute(kinds[key], value) for key, value in more.items()] + items)


def dns(value: str) -> x509.DNSName:
    return x509.DNSName._init_without_validation(value)


def mail(value: str) -> x509.RFC822Name:
    return x509.RFC822Name._init_without_validation(value)


def usage(*names: str) -> x509.KeyUsage:
    every = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: name in names for name in every})


@dataclass
class Made:
    cert: x509.Certificate
    key: Any
    name: x509.Name


@dataclass
class Spec:
    """What a certificate contains; a case overrides the fields that it is about."""

    subject: x509.Name = field(default_factory=lambda: named("nobody"))
    issuer: x509.Name | None = None
    key: Any = None
    signer: Any = None
    serial: int | bytes = 4711
    begin: datetime = AT - DAY
    end: datetime = AT + 90 * DAY
    version: int | None = 2
    basic: x509.BasicConstraints | None = None
    basic_critical: bool = True
    usage: x509.KeyUsage | None = None
    purposes: Sequence[x509.ObjectIdentifier] | None = None
    san: Sequence[x509.GeneralName] | None = None
    san_critical: bool = False
    constraints: x509.NameConstraints | None = None
    constraints_critical: bool = True
    aki: Any = USUAL
    ski: Any = USUAL
    aki_critical: bool = False
    ski_critical: bool = False
    extra: Sequence[tuple[x509.ExtensionType, bool]] = ()
    digest: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    pss: bool = False
    inner_algorithm: bytes | None = None


_ALGORITHMS = {
    ("ec", "sha1"): "1.2.840.10045.4.1",
    ("ec", "sha256"): "1.2.840.10045.4.3.2",
    ("ec", "sha384"): "1.2.840.10045.4.3.3",
    ("rsa", "md5"): "1.2.840.113549.1.1.4",
    ("rsa", "sha1"): "1.2.840.113549.1.1.5",
    ("rsa", "sha256"): "1.2.840.113549.1.1.11",
    ("dsa", "sha256"): "2.16.840.1.101.3.4.3.2",
}
_SHA256 = tlv(0x30, oid("2.16.840.1.101.3.4.2.1"), b"\x05\x00")
_PSS = tlv(
    0x30,
    oid("1.2.840.113549.1.1.10"),
    tlv(
        0x30,
        tlv(0xA0, _SHA256),
        tlv(0xA1, tlv(0x30, oid("1.2.840.113549.1.1.8"), _SHA256)),
        tlv(0xA2, integer(32)),
    ),
)


def algorithm(key: Any, digest: hashes.HashAlgorithm, pss: bool = False) -> bytes:
    if pss:
        return _PSS
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return tlv(0x30, oid("1.3.101.112"))
    if isinstance(key, rsa.RSAPrivateKey):
        return tlv(0x30, oid(_ALGORITHMS["rsa", digest.name]), b"\x05\x00")
    kind = "ec" if isinstance(key, ec.EllipticCurvePrivateKey) else "dsa"
    return tlv(0x30, oid(_ALGORITHMS[kind, digest.name]))


def sign(key: Any, body: bytes, digest: hashes.HashAlgorithm, pss: bool = False) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(body)
    if isinstance(key, rsa.RSAPrivateKey):
        if pss:
            return key.sign(body, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        return key.sign(body, padding.PKCS1v15(), digest)
    if isinstance(key, dsa.DSAPrivateKey):
        return key.sign(body, digest)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.sign(body, ec.ECDSA(digest))


def extension(value: x509.ExtensionType, critical: bool) -> bytes:
    mark = tlv(1, b"\xff") if critical else b""
    return tlv(0x30, oid(value.oid.dotted_string), mark, tlv(4, value.public_bytes()))


def spki(key: Any) -> bytes:
    found: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found


def encode(spec: Spec) -> bytes:
    """Return the certificate's DER."""
    signer = spec.signer or spec.key
    issuer = spec.issuer if spec.issuer is not None else spec.subject
    outer = algorithm(signer, spec.digest, spec.pss)
    extensions: list[bytes] = []
    for value, critical in _extensions(spec, signer):
        extensions.append(extension(value, critical))
    serial = tlv(2, spec.serial) if isinstance(spec.serial, bytes) else integer(spec.serial)
    body = tlv(
        0x30,
        tlv(0xA0, integer(spec.version)) if spec.version else b"",
        serial,
        spec.inner_algorithm or outer,
        issuer.public_bytes(),
        tlv(0x30, moment(spec.begin), moment(spec.end)),
        spec.subject.public_bytes(),
        spki(spec.key),
        tlv(0xA3, tlv(0x30, *extensions)) if extensions else b"",
    )
    signature = sign(signer, body, spec.digest, spec.pss)
    return tlv(0x30, body, outer, tlv(3, b"\0" + signature))


def _extensions(spec: Spec, signer: Any) -> Iterable[tuple[x509.ExtensionType, bool]]:
    if spec.basic is not None:
        yield spec.basic, spec.basic_critical
    if spec.usage is not None:
        yield spec.usage, True
    if spec.purposes is not None:
        yield x509.ExtendedKeyUsage(spec.purposes), False
    if spec.san is not None:
        yield x509.SubjectAlternativeName(spec.san), spec.san_critical
    if spec.constraints is not None:
        yield spec.constraints, spec.constraints_critical
    if spec.ski is not None:
        usual = x509.SubjectKeyIdentifier.from_public_key(spec.key.public_key())
        yield usual if spec.ski is USUAL else spec.ski, spec.ski_critical
    if spec.aki is not None:
        issued = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        yield issued if spec.aki is USUAL else spec.aki, spec.aki_critical
    yield from spec.extra


def constraints(
    permitted: Sequence[x509.GeneralName] | None = None,
    excluded: Sequence[x509.GeneralName] | None = None,
) -> x509.NameConstraints:
    """Return name constraints without the checks of their constructor."""
    found = x509.NameConstraints([x509.DNSName("placeholder.test")], None)
    found._permitted_subtrees = list(permitted) if permitted else None
    found._excluded_subtrees = list(excluded) if excluded else None
    return found


@dataclass
class Asked:
    """One question to `verify`, and how to put it."""

    chain: list[x509.Certificate]
    roots: list[x509.Certificate]
    name: str | IPv4Address | IPv6Address | None = "hub.test"
    purpose: Purpose = Purpose.SERVER
    at: datetime = AT
    crls: list[x509.CertificateRevocationList] = field(default_factory=list)

    def verdict(self) -> ChainVerdict:
        return verify(
            self.chain,
            roots=self.roots,
            purpose=self.purpose,
            name=self.name,
            at=self.at,
            crls=self.crls,
        )


class Forge:
    """Makes what the cases need; keys of the slow kinds once a session."""

    at = AT
    day = DAY

    def __init__(self) -> None:
        self._slow: dict[str, Any] = {}
        self._serial = 1000

    def key(self, kind: str = "p256") -> Any:
        """Return a new key of a fast kind, or the session's key of a slow one."""
        curves: dict[str, ec.EllipticCurve] = {
            "p256": ec.SECP256R1(),
            "p384": ec.SECP384R1(),
            "p521": ec.SECP521R1(),
            "p192": ec.SECP192R1(),
            "p224": ec.SECP224R1(),
            "k256": ec.SECP256K1(),
        }
        if kind in curves:
            return ec.generate_private_key(curves[kind])
        if kind == "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        if kind not in self._slow:
            self._slow[kind] = _slow_key(kind)
        return self._slow[kind]

    def make(self, spec: Spec) -> Made:
        spec.key = spec.key or self.key()
        if spec.serial == 4711:
            self._serial += 1
            spec.serial = self._serial
        return Made(x509.load_der_x509_certificate(encode(spec)), spec.key, spec.subject)

    def root(self, name: str = "Root One", **more: Any) -> Made:
        usual: dict[str, Any] = {
            "subject": named(name),
            "basic": x509.BasicConstraints(True, None),
            "usage": usage("key_cert_sign", "crl_sign"),
            "end": AT + 3000 * DAY,
        }
        return self.make(Spec(**{**usual, **more}))

    def ca(self, by: Made, /, name: str = "Issuing One", **more: Any) -> Made:
        return self.root(name, **{"issuer": by.name, "signer": by.key, **more})

    def leaf(self, by: Made, /, *names: str, **more: Any) -> Made:
        listed = names or ("hub.test",)
        usual: dict[str, Any] = {
            "subject": named(listed[0]),
            "issuer": by.name,
            "signer": by.key,
            "basic": x509.BasicConstraints(False, None),
            "usage": usage("digital_signature"),
            "purposes": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
            "san": [_entry(name) for name in listed],
        }
        return self.make(Spec(**{**usual, **more}))

    def ask(self, *chain: Made, roots: Sequence[Made], **more: Any) -> Asked:
        return Asked([item.cert for item in chain], [item.cert for item in roots], **more)

    def crl(self, issuer: Made, *revoked: Made, **more: Any) -> x509.CertificateRevocationList:
        """Sign a revocation list; ``days`` is (begin, end) from now."""
        begin, end = more.get("days", (-1, 7))
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(more.get("issuer_name", issuer.name))
            .last_update(AT + begin * DAY)
            .next_update(AT + end * DAY)
        )
        for value, critical in more.get("extra", ((x509.CRLNumber(1), False),)):
            builder = builder.add_extension(value, critical)
        for item in revoked:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(item.cert.serial_number)
                .revocation_date(more.get("date", AT - 2 * DAY))
            )
            for value, critical in more.get("entry", ()):
                entry = entry.add_extension(value, critical)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(more.get("signer", issuer.key), more.get("digest", hashes.SHA256()))


def _entry(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return dns(name)


def _slow_key(kind: str) -> Any:
    if kind == "dsa":
        return dsa.generate_private_key(2048)
    if kind == "rsa-e3":
        return rsa.generate_private_key(3, 2048)
    return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))
