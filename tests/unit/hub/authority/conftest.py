"""One root and one issuing authority, made once and copied for each test."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from sottovoce.hub.authority import (
    AuthorityFolder,
    Issuer,
    OpenRoot,
    create_issuing,
    create_root,
)
from sottovoce.pki import KeyAlgorithm, PrivateKey, generate_key, make_request, parse_name

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = ("hub.test", "lui.test", "trk.test")

Request = Callable[..., x509.CertificateSigningRequest]


@dataclass(frozen=True)
class Estate:
    """A root's folder and the home of HUB's server."""

    root: OpenRoot
    home: Path
    issuer: Issuer


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def _pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("authorities")
    (place / "home" / "hub").mkdir(parents=True)
    folder = AuthorityFolder(place / "root")
    create_root(folder, "Example Root", now=NOW)
    create_issuing(OpenRoot(folder, folder.password()), place / "home", NAMES, now=NOW)
    return place


@pytest.fixture
def estate(_pattern: Path, tmp_path: Path) -> Estate:
    place = tmp_path / "estate"
    shutil.copytree(_pattern, place)
    folder = AuthorityFolder(place / "root")
    issuer = Issuer.open(place / "home")
    assert issuer is not None
    return Estate(OpenRoot(folder, folder.password()), place / "home", issuer)


@pytest.fixture
def issuer(estate: Estate) -> Issuer:
    return estate.issuer


@pytest.fixture
def request_for() -> Request:
    def made(name: str, key: PrivateKey | None = None) -> x509.CertificateSigningRequest:
        own = key or generate_key(KeyAlgorithm.EC_P256)
        return make_request(own, subject=parse_name(f"CN={name}"), names=[name])

    return made
