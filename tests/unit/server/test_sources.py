"""``server.ini`` and certificates → what is fetched: only where it is wanted, only plain http."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import AuthorityInformationAccessOID as Access

from sottovoce import ini
from sottovoce.errors import SettingsError
from sottovoce.server import ServerSettings
from sottovoce.server.sources import AnswerSource, ListSource, sources
from sottovoce.testing import ThrowAwayAuthority

BASE = "ServerName=hub.test\nComponents=hub\nRevocationLists=/srv/revocation\n"


def settings(text: str) -> ServerSettings:
    return ServerSettings.read(ini.survey(text.encode()), file="server.ini")


def point(*urls: str, **more: Any) -> x509.DistributionPoint:
    names = [x509.UniformResourceIdentifier(url) for url in urls]
    return x509.DistributionPoint(names, None, more.get("reasons"), more.get("crl_issuer"))


@pytest.fixture(scope="module")
def path(authority: ThrowAwayAuthority, moment: datetime) -> tuple[x509.Certificate, ...]:
    """A leaf with addresses of many kinds, and its root without any."""
    key = authority.authority.key
    root = authority.root
    described = [
        x509.AccessDescription(Access.CA_ISSUERS, x509.UniformResourceIdentifier("http://i.test/")),
        x509.AccessDescription(Access.OCSP, x509.UniformResourceIdentifier("https://o.test/")),
        x509.AccessDescription(Access.OCSP, x509.UniformResourceIdentifier("http://o.test/1")),
        x509.AccessDescription(Access.OCSP, x509.UniformResourceIdentifier("http://o.test/2")),
    ]
    points = [
        point("ldap://l.test/x", "http://c.test/a.crl", "http://c.test/b.crl"),
        point("https://c.test/c.crl"),
        point("http://c.test/d.crl", reasons=frozenset({x509.ReasonFlags.key_compromise})),
        point("http://c.test/e.crl", crl_issuer=[x509.DirectoryName(root.subject)]),
        point("http://c.test/f.crl"),
    ]
    leaf = (
        x509.CertificateBuilder()
        .subject_name(root.subject)
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(moment)
        .not_valid_after(moment + timedelta(days=1))
        .add_extension(x509.CRLDistributionPoints(points), critical=False)
        .add_extension(x509.AuthorityInformationAccess(described), critical=False)
        .sign(key, hashes.SHA256())
    )
    return leaf, root


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("", []),
        (
            "RevocationListUrls=http://x.test/1,http://x.test/2\n",
            ["http://x.test/1", "http://x.test/2"],
        ),
        ("RevocationFetch=crl\n", ["http://c.test/a.crl", "http://c.test/f.crl"]),
        ("RevocationFetch=ocsp\n", ["http://o.test/1"]),
        (
            "RevocationFetch=crl,ocsp\nRevocationListUrls=http://c.test/f.crl\n",
            ["http://c.test/f.crl", "http://c.test/a.crl", "http://o.test/1"],
        ),
    ],
)
def test_only_what_is_wanted_is_fetched_and_each_once(
    path: tuple[x509.Certificate, ...], keys: str, expected: list[str]
) -> None:
    found = sources(settings(BASE + keys), [path, path])
    assert [each.url for each in found] == expected
    kinds = {ListSource: ".crl", AnswerSource: ".ocsp"}
    assert all(each.file.endswith(kinds[type(each)]) for each in found)
    assert len({each.file for each in found}) == len(found)


@pytest.mark.parametrize(
    "line", ["RevocationFetch=crl", "RevocationListUrls=http://x.test/", "RevocationFetch=ocsp,crl"]
)
def test_a_folder_is_needed_for_what_is_fetched(line: str) -> None:
    """A key without which another is in vain is named, with the line of that other."""
    with pytest.raises(SettingsError) as refused:
        settings(f"ServerName=hub.test\nComponents=hub\n{line}\n")
    (fault,) = refused.value.faults
    assert (fault.code, fault.line, fault.key) == ("ini-missing-key", 3, "RevocationLists")
    assert line.partition("=")[0] in fault.why


@pytest.mark.parametrize("line", ["RevocationFetch=crl", "RevocationListUrls=http://x.test/"])
def test_a_server_that_takes_its_lists_from_hub_fetches_none(line: str) -> None:
    """HUB's own fetches and gives out; on the others what is not HUB's would be removed."""
    text = f"{BASE}TrustFromHub=yes\n{line}\n"
    assert settings(text).trust_from_hub
    with pytest.raises(SettingsError) as refused:
        settings(text.replace("Components=hub", "Components=lui"))
    (fault,) = refused.value.faults
    assert (fault.code, fault.line, fault.key) == ("ini-bad-value", 5, line.partition("=")[0])
    assert "HUB's server, which gives out" in fault.hint


@pytest.mark.parametrize(
    "value",
    ["https://x.test/", "http://", "ftp://x.test/", "http://a@x.test/", "http://x.test:0x/", "x"],
)
def test_an_address_that_would_not_be_fetched_is_a_fault_at_once(value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(f"{BASE}RevocationListUrls={value}\n")
    assert [fault.code for fault in refused.value.faults] == ["ini-bad-value"]


@pytest.mark.parametrize("line", ["RevocationFetch=no", "RevocationFailure=medium"])
def test_words_that_are_none_are_faults(line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(f"{BASE}{line}\n")
    assert [fault.code for fault in refused.value.faults] == ["ini-bad-value"]
