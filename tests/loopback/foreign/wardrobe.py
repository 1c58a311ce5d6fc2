"""What the peers of the matrix show: certificates right and wrong in every way, by cause.

Made by the conformance tests' forge, not by our own issuer, and written as files for programs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from sottovoce.keystore import PrivateKeyEntry
from sottovoce.pki import Purpose, verify
from sottovoce.policy import AllowedClients, Component
from sottovoce.tls import TrustGeneration

if TYPE_CHECKING:
    from tests.conformance.chains.forge import Forge, Made

DAY = timedelta(days=1)
ALLOWED = ("hub.test", "lui.test", "trk.test")
HOSTS = {Component.LUI: "lui.test", Component.TRK: "trk.test"}
PASSWORD = "changeit"
_SERVER, _CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True)
class Outfit:
    """A key with the certificates that are shown with it, leaf first."""

    key: Any
    chain: tuple[x509.Certificate, ...]
    folder: Path
    stem: str

    @property
    def entry(self) -> PrivateKeyEntry:
        """The same for one of our own servers."""
        return PrivateKeyEntry(self.key, self.chain)

    @cached_property
    def pem(self) -> Path:
        """Key and certificates, as openssl and curl read them."""
        path = self.folder / f"{self.stem}.pem"
        path.write_bytes(self._key(NoEncryption()) + b"".join(map(_pem, self.chain)))
        return path

    @cached_property
    def p12(self) -> Path:
        """The same as a PKCS#12 keystore, as Java reads it."""
        path = self.folder / f"{self.stem}.p12"
        lock = (
            PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(1)
            .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
            .hmac_hash(hashes.SHA256())
            .build(PASSWORD.encode())
        )
        leaf, *rest = self.chain
        path.write_bytes(pkcs12.serialize_key_and_certificates(b"own", self.key, leaf, rest, lock))
        return path

    def _key(self, lock: KeySerializationEncryption) -> bytes:
        found: bytes = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
        return found


def _pem(value: x509.Certificate | x509.CertificateRevocationList) -> bytes:
    return value.public_bytes(Encoding.PEM)


class Wardrobe:
    """Everything that anybody shows or trusts in the matrix, made when it is first asked for."""

    def __init__(self, kit: Any, forge: "Forge", folder: Path, moment: datetime) -> None:
        self._kit, self._forge = kit, forge
        self.folder, self.moment = folder, moment
        self._year = {"begin": moment - 30 * DAY, "end": moment + 365 * DAY}
        self._month = {"begin": moment - DAY, "end": moment + 30 * DAY}
        self._past = {"begin": moment - 9 * DAY, "end": moment - DAY}
        self._future = {"begin": moment + DAY, "end": moment + 9 * DAY}
        self.root = forge.root("Root One", **self._year)
        self.stranger = forge.root("Root Two", **self._year)
        self.show = cache(self._show)
        self.generation = cache(self._generation)

    # What is shown.

    def _show(self, kind: str, name: str) -> Outfit:
        """Return what a peer called *name* shows in the case *kind*."""
        made = self._made(kind, name)
        stem = f"{kind}-{name}"
        return Outfit(made[0].key, tuple(one.cert for one in made), self.folder, stem)

    def _made(self, kind: str, name: str) -> tuple["Made", ...]:
        simple = self._simple(name).get(kind)
        if simple is not None:
            return (self._leaf(self.root, name, **simple),)
        return self._chains(name)[kind]()

    def _simple(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        kit, rsa = self._kit, self._forge.key("rsa2048")
        critical = x509.UnrecognizedExtension(
            x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\0"
        )
        return {
            "good": {},
            "revoked": {"serial": 66},
            "expired": self._past,
            "early": self._future,
            "server-only": {"purposes": [_SERVER]},
            "client-only": {"purposes": [_CLIENT]},
            "other-name": {"san": [kit.dns("evil.test")]},
            "no-names": {"san": None},
            "wildcard": {"san": [kit.dns("*.test")]},
            "address-as-name": {"san": [kit.dns("127.0.0.1")]},
            "weak-key": {"key": self._forge.key("rsa1024")},
            "weak-signature": {"digest": hashes.SHA1()},
            "key-usage": {"usage": kit.usage("key_encipherment"), "key": rsa},
            "ca-as-leaf": {"basic": x509.BasicConstraints(True, None)},
            "critical": {"extra": [(critical, True)]},
        }  # fmt: skip

    def _chains(self, name: str) -> Mapping[str, Callable[[], tuple["Made", ...]]]:
        return {
            "stranger": lambda: (self._leaf(self.stranger, name),),
            "stranger-root": lambda: (self._leaf(self.stranger, name), self.stranger),
            "self-signed": lambda: (self._self_signed(name),),
            "intermediate": lambda: (self._leaf(self.issuing, name), self.issuing),
            "leaf-alone": lambda: (self._leaf(self.issuing, name),),
            "namesake": lambda: (self._leaf(self._namesake, name),),
            "no-authority": lambda: self._under(self._leaf(self.root, "ca.test"), name),
            "expired-authority": lambda: self._under(self._ca(**self._past), name),
            "early-authority": lambda: self._under(self._ca(**self._future), name),
            "too-deep": lambda: self._too_deep(name),
            "constrained": lambda: self._under(self._ca(constraints=self._elsewhere), name),
        }

    def _leaf(self, by: "Made", name: str, **more: Any) -> "Made":
        return self._forge.leaf(by, name, **{**self._month, **more})

    def _ca(self, **more: Any) -> "Made":
        return self._forge.ca(self.root, "Issuing Two", **{**self._year, **more})

    def _under(self, issuer: "Made", name: str) -> tuple["Made", ...]:
        return self._leaf(issuer, name), issuer

    def _self_signed(self, name: str) -> "Made":
        own = self._forge.key()
        subject = self._kit.named(name)
        return self._leaf(self.root, name, key=own, signer=own, issuer=subject, subject=subject)

    def _too_deep(self, name: str) -> tuple["Made", ...]:
        upper = self._ca(basic=x509.BasicConstraints(True, 0))
        lower = self._forge.ca(upper, "Issuing Three", **self._year)
        return self._leaf(lower, name), lower, upper

    @property
    def _elsewhere(self) -> x509.NameConstraints:
        return x509.NameConstraints([x509.DNSName("elsewhere.test")], None)

    @cached_property
    def issuing(self) -> "Made":
        """A CA under the root."""
        return self._forge.ca(self.root, "Issuing One", **self._year)

    @cached_property
    def _namesake(self) -> "Made":
        """Another key under the root's name (catalogue T8)."""
        return self._forge.root("Root One", **self._year)

    # What is trusted.

    def pem(self, stem: str, *values: x509.Certificate | x509.CertificateRevocationList) -> Path:
        """Return a file of certificates and revocation lists."""
        path = self.folder / f"{stem}.pem"
        if not path.exists():
            path.write_bytes(b"".join(map(_pem, values)))
        return path

    @property
    def roots(self) -> Path:
        """The installation's root."""
        return self.pem("roots", self.root.cert)

    @property
    def others(self) -> Path:
        """A root that nobody of the installation is under."""
        return self.pem("others", self.stranger.cert)

    def crl(self, kind: str) -> x509.CertificateRevocationList:
        """Return a revocation list: ``fresh``, ``stale`` or of the ``stranger``."""
        issuer = self.stranger if kind == "stranger" else self.root
        end = self.moment + (-1 if kind == "stale" else 7) * DAY
        listed = x509.RevokedCertificateBuilder(66, self.moment - 2 * DAY).build()
        return (
            x509.CertificateRevocationListBuilder(issuer.name, self.moment - 9 * DAY, end)
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_revoked_certificate(listed)
            .sign(issuer.key, hashes.SHA256())
        )

    def crl_pem(self, kind: str, *, with_root: bool = True) -> Path:
        """Return the same as a file, for openssl together with the root (``-CAfile``)."""
        if not with_root:
            return self.pem(f"crl-{kind}", self.crl(kind))
        return self.pem(f"crl-{kind}-and-root", self.root.cert, self.crl(kind))

    def faults(self, kind: str, name: str, *, purpose: Purpose, asked: str = "") -> str:
        """Return what a look at a server's own files finds, as ``explain`` takes it."""
        if kind == "none":
            return "no-certificate"
        verdict = verify(
            list(self.show(kind, name).chain),
            roots=[self.root.cert],
            purpose=purpose,
            name=asked or name,
            at=self.moment,
            crls=[self.crl("fresh")] if kind == "revoked" else [],
        )
        return ",".join(verdict.codes) or "none"

    def _generation(
        self,
        kind: str,
        name: str,
        *,
        crls: tuple[str, ...] = (),
        allowed: tuple[str, ...] = ALLOWED,
    ) -> TrustGeneration:
        """Return one of our servers' trust: it shows *kind* and trusts the root."""
        return TrustGeneration.make(
            number=1,
            own_name=name,
            identity=self.show(kind, name).entry,
            roots=(self.root.cert,),
            allowed=AllowedClients(allowed),
            hosts=HOSTS,
            crls=tuple(self.crl(each) for each in crls),
        )
