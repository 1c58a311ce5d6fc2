"""Issuing: what our authority puts into a certificate, and what it declines."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from sottovoce.errors import IssuanceError
from sottovoce.pki import (
    BACKDATE,
    CLIENT,
    ISSUING,
    LEAF_LIFETIME,
    LONGEST_LEAF_LIFETIME,
    SERVER,
    Authority,
    KeyAlgorithm,
    PrivateKey,
    Profile,
    Purpose,
    Revocation,
    dns_names,
    generate_key,
    ip_addresses,
    make_request,
    parse_name,
    self_signed,
    uri_names,
    verify,
)

DAY = timedelta(days=1)
Issue = Callable[..., x509.Certificate]


@pytest.fixture
def issue(root: Authority, key: PrivateKey, at: datetime) -> Issue:
    def issued(**changes: Any) -> x509.Certificate:
        usual: dict[str, Any] = {
            "names": ["hub.test"],
            "serial": 77,
            "not_before": at - BACKDATE,
            "not_after": at + 90 * DAY,
        }
        public = changes.pop("public_key", key.public_key())
        return root.issue(public, **{**usual, **changes})

    return issued


def extension(cert: x509.Certificate, kind: Any) -> x509.Extension[Any]:
    found: x509.Extension[Any] = cert.extensions.get_extension_for_class(kind)
    return found


def test_a_servers_certificate_has_the_extensions_of_its_profile(
    issue: Issue, root: Authority, key: PrivateKey
) -> None:
    """X7, X8, T10: both purposes, digital signature, no authority, both key identifiers."""
    cert = issue(roles=["urn:sottovoce:role:hub"])

    assert extension(cert, x509.BasicConstraints).critical
    assert not extension(cert, x509.BasicConstraints).value.ca
    usage = extension(cert, x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert list(extension(cert, x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    ]
    own = extension(root.certificate, x509.SubjectKeyIdentifier).value.digest
    assert extension(cert, x509.AuthorityKeyIdentifier).value.key_identifier == own
    assert extension(
        cert, x509.SubjectKeyIdentifier
    ).value == x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    assert uri_names(cert) == ("urn:sottovoce:role:hub",)
    assert cert.serial_number == 77
    assert cert.issuer == root.certificate.subject


def test_a_root_may_sign_and_nothing_else(root: Authority) -> None:
    basic, usage = (
        extension(root.certificate, kind) for kind in (x509.BasicConstraints, x509.KeyUsage)
    )

    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, None)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert usage.value.crl_sign
    assert not usage.value.digital_signature


def test_an_intermediate_may_have_no_authority_below_it(issuing: Authority) -> None:
    basic = extension(issuing.certificate, x509.BasicConstraints)

    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)


def test_names_become_entries_of_the_right_kind(issue: Issue) -> None:
    """N5: an address is never written as a DNS name."""
    cert = issue(names=["Hub.Test.", "10.0.0.5", "[::1]", "*.example.test", "hub.test"])

    assert dns_names(cert) == ("hub.test", "*.example.test")
    assert ip_addresses(cert) == (ip_address("10.0.0.5"), ip_address("::1"))


@pytest.mark.parametrize(
    "name", ["", "a b", "a..b", ".a", "*", "a*.test", "x.*.test", "bücher.test", "a" * 64, "-a"]
)
def test_a_name_that_could_never_match_is_declined(issue: Issue, name: str) -> None:
    with pytest.raises(IssuanceError, match="cannot stand in a certificate"):
        issue(names=[name])


@pytest.mark.parametrize("uri", ["hub", "urn:a b", "urn:ü"])
def test_a_role_that_is_no_uri_is_declined(issue: Issue, uri: str) -> None:
    with pytest.raises(IssuanceError, match="is not a URI"):
        issue(roles=[uri])


def test_without_a_name_nothing_is_issued(issue: Issue) -> None:
    """N6."""
    with pytest.raises(IssuanceError, match=r"'server'.*at least one DNS name") as caught:
        issue(names=[])
    assert caught.value.hint


def test_a_subject_that_is_too_long_is_left_out_and_the_names_are_critical(issue: Issue) -> None:
    """RFC 5280 4.1.2.6."""
    cert = issue(names=[".".join(["abcdefgh"] * 9)])

    assert not cert.subject.rdns
    assert extension(cert, x509.SubjectAlternativeName).critical


def test_a_weak_key_is_declined(issue: Issue) -> None:
    """X4."""
    weak = ec.generate_private_key(ec.SECP192R1()).public_key()

    with pytest.raises(IssuanceError, match=r"'server'.*secp192r1"):
        issue(public_key=weak)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"serial": 0}, "serial"),
        ({"serial": -1}, "serial"),
        ({"serial": 2**159}, "serial"),
    ],
)
def test_impossible_numbers_are_declined(issue: Issue, changes: dict[str, Any], word: str) -> None:
    with pytest.raises(IssuanceError, match=word):
        issue(**changes)


def test_impossible_dates_are_declined(issue: Issue, at: datetime) -> None:
    with pytest.raises(IssuanceError, match="before it begins"):
        issue(not_before=at, not_after=at)
    with pytest.raises(IssuanceError, match="at most 398"):
        issue(not_before=at, not_after=at + LONGEST_LEAF_LIFETIME + DAY)
    with pytest.raises(TypeError, match="time zone"):
        issue(not_after=at.replace(tzinfo=None))


def test_the_usual_life_fits_with_backdating(issue: Issue, at: datetime) -> None:
    cert = issue(not_before=at - BACKDATE, not_after=at + LEAF_LIFETIME)

    assert cert.not_valid_after_utc == at + LEAF_LIFETIME


def test_nothing_outlives_its_authority(key: PrivateKey, at: datetime) -> None:
    """V2."""
    short = Authority.create_root(
        "Short", key=key, serial=1, not_before=at, not_after=at + 10 * DAY
    )

    with pytest.raises(IssuanceError, match="its authority ends 2026-12-03"):
        short.issue(
            key.public_key(), names=["hub.test"], serial=2, not_before=at, not_after=at + 11 * DAY
        )


def test_the_authoritys_own_name_is_not_given_away(issue: Issue) -> None:
    with pytest.raises(IssuanceError, match="authority's own"):
        issue(subject=parse_name("CN=Root One"))


def test_a_key_of_another_certificate_makes_no_authority(
    root: Authority, rsa_key: PrivateKey
) -> None:
    with pytest.raises(IssuanceError, match="does not belong"):
        Authority(root.certificate, rsa_key)


def test_a_servers_certificate_makes_no_authority(issue: Issue, key: PrivateKey) -> None:
    leaf = issue()

    with pytest.raises(IssuanceError, match="no certificate authority"):
        Authority(leaf, key).issue(
            key.public_key(),
            names=["x.test"],
            serial=3,
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
        )


@pytest.mark.parametrize("length", [None, 0, 1])
def test_path_lengths_are_kept(
    issuing: Authority, key: PrivateKey, at: datetime, length: int | None
) -> None:
    """T9."""
    with pytest.raises(IssuanceError, match="pathLenConstraint"):
        issuing.issue_intermediate(
            "Below",
            key=key,
            serial=9,
            not_before=at,
            not_after=at + DAY,
            profile=replace(ISSUING, path_length=length),
        )


@pytest.mark.parametrize("name", ["", "x" * 65])
def test_an_authority_needs_a_name(key: PrivateKey, at: datetime, name: str) -> None:
    with pytest.raises(IssuanceError, match="1 to 64 characters"):
        Authority.create_root(name, key=key, serial=1, not_before=at, not_after=at + DAY)


def test_a_self_signed_certificate_is_no_authority(key: PrivateKey, at: datetime) -> None:
    cert = self_signed(
        key,
        parse_name("CN=hub.test"),
        names=["hub.test"],
        serial=5,
        not_before=at,
        not_after=at + DAY,
    )

    assert cert.issuer == cert.subject
    assert not extension(cert, x509.BasicConstraints).value.ca
    cert.verify_directly_issued_by(cert)
    with pytest.raises(IssuanceError, match="needs a subject"):
        self_signed(key, x509.Name([]), serial=5, not_before=at, not_after=at + DAY)


def test_a_request_carries_its_names_and_proves_its_key(key: PrivateKey) -> None:
    csr = make_request(
        key,
        subject=parse_name("CN=hub.test"),
        names=["hub.test", "10.0.0.5"],
        uris=["urn:sottovoce:role:hub"],
    )
    names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName)

    assert csr.is_signature_valid
    assert names.value.get_values_for_type(x509.DNSName) == ["hub.test"]
    assert not names.critical


def test_a_request_without_subject_has_critical_names(key: PrivateKey) -> None:
    csr = make_request(key, subject=x509.Name([]), names=["hub.test"])

    assert csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.EC_P384, KeyAlgorithm.ED25519])
def test_a_request_of_any_kind_of_key_is_signed(
    root: Authority, at: datetime, algorithm: KeyAlgorithm
) -> None:
    key = generate_key(algorithm)
    csr = make_request(key, subject=parse_name("CN=hub.test"), names=["hub.test"])

    cert = root.sign_request(csr, serial=8, not_before=at - BACKDATE, not_after=at + 90 * DAY)

    assert cert.public_key() == key.public_key()
    assert verify(
        root.issued_chain(cert),
        roots=[root.certificate],
        purpose=Purpose.CLIENT,
        name="hub.test",
        at=at,
    ).valid


def test_roles_are_never_taken_from_a_request(
    root: Authority, key: PrivateKey, at: datetime
) -> None:
    csr = make_request(
        key,
        subject=parse_name("CN=hub.test"),
        names=["hub.test", "10.0.0.5"],
        uris=["urn:sottovoce:role:hub"],
    )

    plain = root.sign_request(csr, serial=8, not_before=at, not_after=at + DAY)
    named = root.sign_request(
        csr,
        names=["trk.test"],
        roles=["urn:sottovoce:role:trk"],
        serial=9,
        not_before=at,
        not_after=at + DAY,
    )

    assert (dns_names(plain), uri_names(plain)) == (("hub.test",), ())
    assert ip_addresses(plain) == (ip_address("10.0.0.5"),)
    assert (dns_names(named), uri_names(named)) == (("trk.test",), ("urn:sottovoce:role:trk",))


def test_a_request_that_does_not_prove_its_key_is_declined(
    root: Authority, key: PrivateKey, at: datetime
) -> None:
    csr = make_request(key, subject=parse_name("CN=hub.test"), names=["hub.test"])
    der = csr.public_bytes(Encoding.DER).replace(b"hub.test", b"lui.test")
    altered = x509.load_der_x509_csr(der)

    with pytest.raises(IssuanceError, match="no proof of possession"):
        root.sign_request(altered, serial=8, not_before=at, not_after=at + DAY)


def test_a_request_without_names_is_declined_unless_they_are_given(
    root: Authority, key: PrivateKey, at: datetime
) -> None:
    csr = make_request(key, subject=parse_name("CN=hub.test"), names=[])

    with pytest.raises(IssuanceError, match="at least one DNS name"):
        root.sign_request(csr, serial=8, not_before=at, not_after=at + DAY)
    cert = root.sign_request(csr, names=["hub.test"], serial=8, not_before=at, not_after=at + DAY)
    assert dns_names(cert) == ("hub.test",)


def test_a_clients_certificate_does_not_serve(issue: Issue, root: Authority, at: datetime) -> None:
    cert = issue(profile=CLIENT)

    verdict = verify(
        [cert], roots=[root.certificate], purpose=Purpose.SERVER, name="hub.test", at=at
    )

    assert verdict.codes == ("purpose-server-missing",)


def test_a_revocation_list_names_dates_and_reasons(root: Authority, at: datetime) -> None:
    crl = root.revocation_list(
        [
            Revocation(serial=7, date=at - DAY, reason=x509.ReasonFlags.superseded),
            Revocation(serial=8, date=at - 2 * DAY),
        ],
        this_update=at,
        next_update=at + 7 * DAY,
        number=12,
    )
    entries = {entry.serial_number: entry for entry in crl}

    assert crl.is_signature_valid(root.key.public_key())
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 12
    assert entries[7].revocation_date_utc == at - DAY
    assert (
        entries[7].extensions.get_extension_for_class(x509.CRLReason).value.reason
        is x509.ReasonFlags.superseded
    )
    assert not list(entries[8].extensions)


def test_an_impossible_revocation_list_is_declined(root: Authority, at: datetime) -> None:
    twice = [Revocation(serial=7, date=at), Revocation(serial=7, date=at)]

    with pytest.raises(IssuanceError, match="twice"):
        root.revocation_list(twice, this_update=at, next_update=at + DAY, number=1)
    with pytest.raises(IssuanceError, match="before it begins"):
        root.revocation_list([], this_update=at, next_update=at, number=1)


def test_an_authority_shows_its_name_and_not_its_key(root: Authority) -> None:
    assert repr(root) == "Authority(CN=Root One)"


def test_a_profile_is_adapted_by_replacing() -> None:
    short = replace(SERVER, name="short", longest=DAY)

    assert isinstance(short, Profile)
    assert short.purposes == SERVER.purposes


def test_hashes_fit_the_strength_of_the_key(root: Authority, at: datetime) -> None:
    """RFC 5480 section 4."""
    strong = Authority.create_root(
        "Strong",
        key=generate_key(KeyAlgorithm.EC_P384),
        serial=1,
        not_before=at,
        not_after=at + DAY,
    )

    assert isinstance(root.certificate.signature_hash_algorithm, hashes.SHA256)
    assert isinstance(strong.certificate.signature_hash_algorithm, hashes.SHA384)
