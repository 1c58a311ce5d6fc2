"""The operating system's list of roots becomes entries that a person can read (W16)."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.errors import WrongUsage
from sottovoce.policy import AllowedClients
from sottovoce.server import read_public_roots
from sottovoce.server.public_roots import SYSTEM_LISTS
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.tls import TrustGeneration, own_faults


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    return tmp_path / "roots.pem"


def test_each_root_has_a_readable_alias_of_its_own(listing: Path, moment: datetime) -> None:
    names = ("Főtanúsítvány (Class Gold) 2", "Plain Root", "Plain Root", "根")
    roots = [ThrowAwayAuthority(name, at=moment).root for name in names]
    listing.write_bytes(b"# Mozilla's list\n" + pem(*roots, roots[1]))
    found = read_public_roots(at=moment, places=(listing,))
    first, second, third, fourth = found.entries
    assert first == "fotanusitvany-class-gold-2"
    assert second == "plain-root"
    assert third.startswith("plain-root-")
    assert fourth.startswith("root-")
    assert list(found.entries.values()) == roots, "each once, in the order of the list"
    assert found.left_out == ()


def test_what_is_no_root_today_is_left_out_and_said(
    listing: Path,
    authority: ThrowAwayAuthority,
    independent_ca: trustme.CA,
    moment: datetime,
) -> None:
    old = ThrowAwayAuthority("Old root", at=moment - timedelta(days=5000))
    early = ThrowAwayAuthority("Early root", at=moment + timedelta(days=100))
    leaf = authority.issue("hub.test").certificate
    good = x509.load_pem_x509_certificate(independent_ca.cert_pem.bytes())
    broken = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    listing.write_bytes(pem(old.root, early.root, leaf) + broken + pem(good))
    found = read_public_roots(at=moment, places=(listing,))
    assert list(found.entries.values()) == [good]
    assert [line.partition(": ")[0] for line in found.left_out] == [
        "Old root",
        "Early root",
        "hub.test",
        "certificate 4",
    ]
    assert "it ended on" in found.left_out[0]
    assert "it begins on" in found.left_out[1]
    assert "not marked as a CA" in found.left_out[2]


def test_the_first_list_that_there_is_counts(tmp_path: Path, moment: datetime) -> None:
    for number in (1, 2):
        root = ThrowAwayAuthority(f"Root {number}", at=moment).root
        (tmp_path / f"{number}.pem").write_bytes(pem(root))
    places = [tmp_path / "0.pem", tmp_path / "1.pem", tmp_path / "2.pem"]
    found = read_public_roots(at=moment, places=places)
    assert (found.source, list(found.entries)) == (places[1], ["root-1"])


def test_without_a_list_it_is_said_where_it_was_looked_for(listing: Path, moment: datetime) -> None:
    with pytest.raises(WrongUsage, match="ca-certificates") as caught:
        read_public_roots(at=moment, places=(listing,))
    assert str(listing) in caught.value.message


@pytest.mark.parametrize("data", [b"", b"no certificates at all\n"])
def test_a_list_without_a_root_is_refused(listing: Path, data: bytes, moment: datetime) -> None:
    listing.write_bytes(data)
    with pytest.raises(WrongUsage, match="no public root"):
        read_public_roots(at=moment, places=(listing,))


@pytest.mark.skipif(
    not any(path.is_file() for path in SYSTEM_LISTS), reason="this system has no list of roots"
)
def test_this_systems_own_list_is_read(moment: datetime) -> None:
    found = read_public_roots(at=moment)
    assert len(found.entries) > 50
    assert all(alias.isascii() and alias == alias.lower() for alias in found.entries)


@pytest.mark.skipif(
    not any(path.is_file() for path in SYSTEM_LISTS), reason="this system has no list of roots"
)
def test_a_server_that_trusts_them_judges_as_before(
    authority: ThrowAwayAuthority, moment: datetime
) -> None:
    """Some have the serial number 0, of which the library warns; a warning is no verdict."""
    public = read_public_roots(at=moment).entries.values()
    generation = TrustGeneration.make(
        number=1,
        own_name="hub.test",
        identity=authority.issue("hub.test"),
        roots=(*public, authority.root),
        allowed=AllowedClients(("hub.test",)),
    )
    assert own_faults(generation, at=moment) == ()
