"""Names: fingerprints, alternative names, the grammar of ``keytool -dname``."""

import hashlib
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from sottovoce.pki import (
    Authority,
    common_name,
    display_name,
    dns_names,
    fingerprint,
    ip_addresses,
    key_fingerprint,
    parse_name,
    short_name,
    uri_names,
)
from sottovoce.pki.names import printable


def _colons(data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, 64, 2))


def test_fingerprints_are_sha_256_in_upper_case_pairs(leaf: x509.Certificate) -> None:
    public = leaf.public_key()

    assert fingerprint(leaf) == _colons(leaf.public_bytes(Encoding.DER))
    assert key_fingerprint(public) == _colons(
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )


def test_alternative_names_are_given_by_kind_in_their_order(leaf: x509.Certificate) -> None:
    assert dns_names(leaf) == ("hub.test", "*.example.test")
    assert ip_addresses(leaf) == (ip_address("127.0.0.2"), ip_address("::1"))
    assert uri_names(leaf) == ("urn:sottovoce:role:hub",)


def test_the_common_name_is_no_alternative_name(root: Authority) -> None:
    assert common_name(root.certificate) == "Root One"
    assert dns_names(root.certificate) == ()
    assert ip_addresses(root.certificate) == ()
    assert uri_names(root.certificate) == ()


def attributes(name: x509.Name) -> list[tuple[x509.ObjectIdentifier, str | bytes]]:
    return [(item.oid, item.value) for item in name]


CN, ORG, OU = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CN=a", [(CN, "a")]),
        ("CN=a, O=b", [(ORG, "b"), (CN, "a")]),
        ("CN=a;O=b", [(ORG, "b"), (CN, "a")]),
        ("cn = a , o = b ", [(ORG, "b"), (CN, "a")]),
        ('CN=a, O="Example, Inc."', [(ORG, "Example, Inc."), (CN, "a")]),
        ('CN="a\\"b"', [(CN, 'a"b')]),
        ("CN=a, O=Example\\, Inc.", [(ORG, "Example, Inc."), (CN, "a")]),
        ("CN=a\\+b", [(CN, "a+b")]),
        ("CN=a=b", [(CN, "a=b")]),
        ("CN=\\C3\\BCber", [(CN, "über")]),
        ("CN=über", [(CN, "über")]),
        ("CN=a\\ ", [(CN, "a ")]),
        ("CN=\\ a", [(CN, " a")]),
        ("CN=a b", [(CN, "a b")]),
        ("2.5.4.3=a", [(CN, "a")]),
        ("OID.2.5.4.3=a", [(CN, "a")]),
        (
            "CN=a, OU=b, O=c, L=d, ST=e, C=DE",
            [
                (NameOID.COUNTRY_NAME, "DE"),
                (NameOID.STATE_OR_PROVINCE_NAME, "e"),
                (NameOID.LOCALITY_NAME, "d"),
                (ORG, "c"),
                (OU, "b"),
                (CN, "a"),
            ],
        ),
        (
            "UID=u, DC=x, EMAILADDRESS=a@b.test",
            [
                (NameOID.EMAIL_ADDRESS, "a@b.test"),
                (NameOID.DOMAIN_COMPONENT, "x"),
                (NameOID.USER_ID, "u"),
            ],
        ),
        ("", []),
        ("  ", []),
    ],
)
def test_a_name_is_read_as_keytool_reads_it(
    text: str, expected: list[tuple[x509.ObjectIdentifier, str]]
) -> None:
    assert attributes(parse_name(text)) == expected


def test_a_part_may_have_several_values() -> None:
    (rdn,) = parse_name("CN=a+OU=b").rdns

    assert {(item.oid, item.value) for item in rdn} == {(CN, "a"), (OU, "b")}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a", "KEYWORD=value"),
        ("CN=a, b", "KEYWORD=value"),
        ("=a", "KEYWORD=value"),
        ("CN=", "no value"),
        ("CN=a,", "KEYWORD=value"),
        ("XY=a", "no keyword"),
        ('CN="a', "closing"),
        ('CN="a"b', "closing quote"),
        ("CN=a\\", "backslash"),
        ("CN=a+", "KEYWORD=value"),
        ("C=Germany", "cannot stand"),
        ("CN=\\FF", "UTF-8"),
        ("9.9=a", "9.9"),
    ],
)
def test_a_name_that_cannot_be_read_is_told_why(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word.replace(".", r"\.")):
        parse_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "CN=a, OU=b, O=c, C=DE",
        "CN=a\\, b, O=c",
        "CN=\\ a\\ ",
        "CN=\\#a",
        'CN=\\"a\\"\\\\',
        "CN=a+OU=b",
        "2.5.4.99=x",
    ],
)
def test_a_displayed_name_reads_back(text: str) -> None:
    name = parse_name(text)

    assert parse_name(display_name(name)) == name


def test_a_long_name_is_cut_and_an_empty_one_says_so() -> None:
    long = x509.Name([x509.NameAttribute(ORG, "x" * 64) for _ in range(40)])

    assert len(display_name(long)) < 250
    assert display_name(x509.Name([])) == "(empty)"


def test_control_characters_are_shown_escaped() -> None:
    name = x509.Name([x509.NameAttribute(CN, "a\nb")])

    assert display_name(name) == "CN=a\\0Ab"
    assert short_name(name) == "a�b"


def test_a_person_is_told_the_common_name_or_what_there_is() -> None:
    assert short_name(parse_name("CN=a, O=b")) == "a"
    assert short_name(parse_name("OU=u, O=b")) == "u"
    assert short_name(parse_name("C=DE")) == "C=DE"


def test_text_of_strangers_is_bounded() -> None:
    assert printable("a\x1b[2Jb", 20) == "a�[2Jb"
    assert printable("x" * 99, 5) == "xxxxx…"
