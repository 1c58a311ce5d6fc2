"""Throw-away authorities and the identities they issue, for tests and for trying things out.

Never for a real installation: keys live in memory, names are not checked, and nothing is logged.
"""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from cryptography import x509

from sottovoce.keystore import PrivateKeyEntry
from sottovoce.pki import BACKDATE, Authority, KeyAlgorithm, Profile, generate_key
from sottovoce.pki.profiles import SERVER
from sottovoce.policy import AllowedClients, Component
from sottovoce.tls import TrustGeneration

__all__ = ["ThrowAwayAuthority"]


class ThrowAwayAuthority:
    """A root in memory that issues whatever it is asked for.

    Args:
        name: common name of the root.
        at: the moment around which everything is valid, UTC.
    """

    def __init__(self, name: str = "Throw-away root", *, at: datetime) -> None:
        self.at = at
        self.authority = Authority.create_root(
            name,
            key=generate_key(KeyAlgorithm.EC_P256),
            serial=secrets.randbits(120) + 1,
            not_before=at - timedelta(days=30),
            not_after=at + timedelta(days=3650),
        )

    @property
    def root(self) -> x509.Certificate:
        """The root's certificate."""
        return self.authority.certificate

    def issue(
        self,
        *names: str,
        roles: Iterable[Component] = (),
        algorithm: KeyAlgorithm = KeyAlgorithm.EC_P256,
        profile: Profile = SERVER,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> PrivateKeyEntry:
        """Return a key with a certificate for *names* and the chain below the root."""
        key = generate_key(algorithm)
        certificate = self.authority.issue(
            key.public_key(),
            names=names,
            roles=[role.role_uri for role in roles],
            profile=profile,
            serial=secrets.randbits(120) + 1,
            not_before=not_before or self.at - BACKDATE,
            not_after=not_after or self.at + timedelta(days=30),
        )
        return PrivateKeyEntry(key, (certificate, *self.authority.issued_chain(certificate)[1:]))

    def generation(
        self,
        identity: PrivateKeyEntry,
        *,
        own_name: str,
        allowed: Iterable[str],
        hosts: Mapping[Component, str] = MappingProxyType({}),
        crls: tuple[x509.CertificateRevocationList, ...] = (),
    ) -> TrustGeneration:
        """Return a generation that trusts this root only."""
        return TrustGeneration.make(
            number=1,
            own_name=own_name,
            identity=identity,
            roots=(self.root,),
            allowed=AllowedClients(tuple(allowed)),
            hosts=hosts,
            crls=crls,
        )
