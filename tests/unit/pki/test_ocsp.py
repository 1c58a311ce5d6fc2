"""OCSP answers: which of them may be believed, and what follows for a chain (RFC 6960)."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.conformance.chains import forge

from sottovoce.pki import (
    Authority,
    KeyAlgorithm,
    Purpose,
    Revocation,
    RevocationEvidence,
    answers_about,
    generate_key,
    load_answer,
    verify,
)
from sottovoce.pki.examined import examine
from sottovoce.pki.ocsp import StatusAnswers
from sottovoce.pki.signatures import Budget

HOUR = timedelta(hours=1)
GOOD, REVOKED, UNKNOWN = (
    ocsp.OCSPCertStatus.GOOD,
    ocsp.OCSPCertStatus.REVOKED,
    ocsp.OCSPCertStatus.UNKNOWN,
)
USUAL = hashes.SHA256()
SIGNING = (ExtendedKeyUsageOID.OCSP_SIGNING,)


@dataclass
class Issuer:
    """Whoever an answer says has issued a certificate, and its key."""

    certificate: x509.Certificate
    key: Any


def answer(
    cert: x509.Certificate,
    issuer: Authority | Issuer,
    at: datetime,
    *,
    status: ocsp.OCSPCertStatus = GOOD,
    begin: timedelta = -HOUR,
    end: timedelta | None = HOUR,
    signer: tuple[x509.Certificate, Any] | None = None,
    brings: Sequence[x509.Certificate] = (),
    by_name: bool = False,
    digest: hashes.HashAlgorithm | None = None,
    critical: bool = False,
    nonce: bool = False,
    signed_by: hashes.HashAlgorithm | None = USUAL,
) -> ocsp.OCSPResponse:
    """Return an answer about *cert*, of *issuer* unless another signs."""
    who, key = signer or (issuer.certificate, issuer.key)
    revoked = status is REVOKED
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=cert,
            issuer=issuer.certificate,
            algorithm=digest or hashes.SHA1(),
            cert_status=status,
            this_update=at + begin,
            next_update=at + end if end is not None else None,
            revocation_time=at - HOUR if revoked else None,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
        )
        .responder_id(
            ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH, who
        )
    )
    if brings:
        builder = builder.certificates(list(brings))
    if critical:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    if nonce:
        builder = builder.add_extension(x509.OCSPNonce(b"once"), critical=True)
    return builder.sign(key, signed_by)


def framed(
    body: bytes, key: Any, digest: hashes.HashAlgorithm, *brings: x509.Certificate
) -> ocsp.OCSPResponse:
    """Sign and frame what no builder signs (RFC 6960 4.2.1)."""
    signature = forge.tlv(3, b"\0" + forge.sign(key, body, digest))
    certs = b"".join(cert.public_bytes(Encoding.DER) for cert in brings)
    rest = forge.tlv(0xA0, forge.tlv(0x30, certs)) if certs else b""
    basic = forge.tlv(0x30, body, forge.algorithm(key, digest), signature, rest)
    given = forge.tlv(0x30, forge.oid("1.3.6.1.5.5.7.48.1.1"), forge.tlv(4, basic))
    return ocsp.load_der_ocsp_response(
        forge.tlv(0x30, forge.tlv(0x0A, b"\0"), forge.tlv(0xA0, given))
    )


def altered(made: ocsp.OCSPResponse) -> ocsp.OCSPResponse:
    """Return the answer with the last bit of its signature turned over."""
    data = bytearray(made.public_bytes(Encoding.DER))
    data[-1] ^= 1
    return ocsp.load_der_ocsp_response(bytes(data))


def delegate(
    issuer: Authority,
    at: datetime,
    *,
    purposes: Sequence[x509.ObjectIdentifier] = SIGNING,
    end: timedelta = HOUR,
    digest: Any = None,
    key: Any = None,
) -> tuple[x509.Certificate, Any]:
    """Return a responder's certificate and key, issued by *issuer*."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Responder")]))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(77)
        .not_valid_before(at - 2 * HOUR)
        .not_valid_after(at + end)
    )
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=False)
    return builder.sign(issuer.key, digest or hashes.SHA256()), key


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA256()], ids=lambda each: each.name)
@pytest.mark.parametrize("delegated", [False, True])
def test_an_answer_of_the_issuer_or_of_its_responder_is_believed(
    leaf: x509.Certificate,
    issuing: Authority,
    at: datetime,
    by_name: bool,
    digest: hashes.HashAlgorithm,
    delegated: bool,
) -> None:
    """RFC 6960 4.2.2.2, 4.1.1, 4.2.1."""
    signer = delegate(issuing, at) if delegated else None
    brings = [signer[0]] if signer else []
    made = answer(leaf, issuing, at, signer=signer, brings=brings, by_name=by_name, digest=digest)
    found, why = answers_about(made, leaf, issuing.certificate, at)
    assert (found is not None, why) == (True, "")
    assert found is not None
    assert (found.revoked, found.until) == (False, at + HOUR)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"status": UNKNOWN}, "the OCSP responder does not know the certificate"),
        ({"begin": timedelta(minutes=6)}, "the OCSP answer begins 2026-11-23 12:06 UTC"),
        ({"end": timedelta(minutes=-1)}, "the OCSP answer ended 2026-11-23 11:59 UTC"),
        ({"end": None}, "the OCSP answer has no next update"),
        ({"critical": True}, "the answer has the critical extension 1.2.3.4"),
    ],
)
def test_an_answer_that_does_not_count_says_why(
    leaf: x509.Certificate, issuing: Authority, at: datetime, changed: dict[str, Any], why: str
) -> None:
    found, said = answers_about(answer(leaf, issuing, at, **changed), leaf, issuing.certificate, at)
    assert found is None
    assert said.startswith(why)


@pytest.mark.parametrize(
    ("algorithm", "signed_by"),
    [(KeyAlgorithm.RSA_2048, USUAL), (KeyAlgorithm.ED25519, None)],
)
def test_an_issuer_may_have_any_kind_of_key_that_counts_here(
    at: datetime, algorithm: KeyAlgorithm, signed_by: hashes.HashAlgorithm | None
) -> None:
    """By the hash of its key, whose bits are framed differently for each kind (4.1.1)."""
    begin, end = at - HOUR, at + HOUR
    key = generate_key(algorithm)
    root = Authority.create_root("Root", key=key, serial=5, not_before=begin, not_after=end)
    subject = generate_key(KeyAlgorithm.EC_P256).public_key()
    cert = root.issue(subject, names=["hub.test"], serial=6, not_before=begin, not_after=end)
    for by_name in (False, True):
        made = answer(cert, root, at, by_name=by_name, nonce=True, signed_by=signed_by)
        assert answers_about(made, cert, root.certificate, at)[1] == ""


def test_a_digest_or_a_key_that_counts_for_nothing_here_names_nobody(
    leaf: x509.Certificate, issuing: Authority, at: datetime
) -> None:
    """SHA-224 names no certificate here; an Ed448 key has no hash, and makes no responder."""
    made = answer(leaf, issuing, at, digest=hashes.SHA224())
    about_another = "it is about another certificate"
    assert answers_about(made, leaf, issuing.certificate, at)[1] == about_another
    key = ed448.Ed448PrivateKey.generate()
    bearer, _ = delegate(issuing, at, key=key)
    named = answer(leaf, Issuer(bearer, key), at, signed_by=None)
    about = framed(named.tbs_response_bytes, issuing.key, USUAL)
    assert answers_about(about, leaf, bearer, at)[1] == about_another
    for by_name, why in (
        (False, "by somebody who is not"),
        (True, "is weak (a key of type Ed448)"),
    ):
        named = answer(leaf, issuing, at, signer=(bearer, key), by_name=by_name, signed_by=None)
        given = framed(named.tbs_response_bytes, issuing.key, USUAL, bearer)
        assert why in answers_about(given, leaf, issuing.certificate, at)[1]


def test_a_responder_s_key_that_is_made_to_be_slow_is_not_tried(
    leaf: x509.Certificate, issuing: Authority, rsa_key: Any, at: datetime
) -> None:
    modulus = rsa_key.public_key().public_numbers().n
    slow = rsa.RSAPublicNumbers((1 << 300) + 1, modulus).public_key()
    bearer, _ = delegate(issuing, at, key=SimpleNamespace(public_key=lambda: slow))
    named = answer(leaf, issuing, at, signer=delegate(issuing, at), by_name=True)
    given = framed(named.tbs_response_bytes, rsa_key, USUAL, bearer)
    said = answers_about(given, leaf, issuing.certificate, at)[1]
    assert said == "the OCSP responder's certificate cannot be used"


def test_an_answer_signed_with_sha_1_is_none(
    leaf: x509.Certificate, issuing: Authority, at: datetime
) -> None:
    made = framed(answer(leaf, issuing, at).tbs_response_bytes, issuing.key, hashes.SHA1())
    said = answers_about(made, leaf, issuing.certificate, at)[1]
    assert said == "the answer is signed with SHA-1"


def test_an_answer_with_an_extension_twice_cannot_be_read(
    leaf: x509.Certificate, issuing: Authority, at: datetime
) -> None:
    good = answer(leaf, issuing, at).tbs_response_bytes
    nonce = forge.extension(x509.OCSPNonce(b"once"), False)
    start = 2 if good[1] < 0x80 else 2 + (good[1] & 0x7F)
    body = forge.tlv(0x30, good[start:], forge.tlv(0xA1, forge.tlv(0x30, nonce, nonce)))
    made = framed(body, issuing.key, USUAL)
    found, said = answers_about(made, leaf, issuing.certificate, at)
    assert found is None
    assert said.startswith("the answer cannot be read (")


def test_an_answer_about_several_certificates_is_none(
    leaf: x509.Certificate, issuing: Authority, root: Authority, at: datetime, tmp_path: Path
) -> None:
    """RFC 5019 2.2.1. ``openssl ocsp`` asks for two at once, and answers."""
    other = issuing.issue(
        issuing.key.public_key(), names=["b.test"], serial=4, not_before=at, not_after=at + HOUR
    )
    files = {"ca": issuing.certificate, "a": leaf, "b": other}
    for name, cert in files.items():
        (tmp_path / f"{name}.pem").write_bytes(cert.public_bytes(Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        issuing.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    lines = [f"V\t491231235959Z\t\t{serial:02X}\tunknown\t/CN={serial}\n" for serial in (3, 4)]
    (tmp_path / "index.txt").write_text("".join(lines))
    openssl = ("openssl", "ocsp", "-issuer", "ca.pem", "-cert", "a.pem")
    asked = (*openssl, "-cert", "b.pem", "-reqout", "both.req")
    subprocess.run(asked, cwd=tmp_path, check=True, capture_output=True)
    subprocess.run((*openssl, "-reqout", "one.req"), cwd=tmp_path, check=True, capture_output=True)
    answered = (
        *("openssl", "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem"),
        *("-rkey", "key.pem", "-ndays", "1"),
    )
    for name, why in (("both", "the answer is about several certificates"), ("one", "")):
        subprocess.run(
            (*answered, "-reqin", f"{name}.req", "-respout", f"{name}.der"),
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
        made = load_answer((tmp_path / f"{name}.der").read_bytes())
        assert made is not None
        assert answers_about(made, leaf, issuing.certificate, datetime.now(UTC))[1] == why


def test_where_no_signature_may_be_checked_any_more_nothing_is_believed(
    leaf: x509.Certificate, issuing: Authority, at: datetime
) -> None:
    answers = StatusAnswers((answer(leaf, issuing, at),), at, Budget(0))
    found, reasons = answers.of(examine(leaf), examine(issuing.certificate))
    assert (found, reasons) == (None, ["the answer's signature could not be checked"])


def test_a_responders_clock_may_be_a_little_ahead(
    leaf: x509.Certificate, issuing: Authority, at: datetime
) -> None:
    made = answer(leaf, issuing, at, begin=timedelta(minutes=4))
    assert answers_about(made, leaf, issuing.certificate, at)[0] is not None


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"purposes": ()}, "is not for signing OCSP answers"),
        ({"purposes": (ExtendedKeyUsageOID.SERVER_AUTH,)}, "is not for signing OCSP answers"),
        ({"end": timedelta(minutes=-1)}, "is not valid now"),
        ({"digest": hashes.SHA384()}, ""),
        ({"key": rsa.generate_private_key(65537, 1024)}, "is weak (only 1024 bits)"),
    ],
)
def test_a_responder_must_be_appointed_for_it(
    leaf: x509.Certificate, issuing: Authority, at: datetime, made: dict[str, Any], why: str
) -> None:
    """RFC 6960 4.2.2.2: else every certificate of the CA could excuse every other."""
    signer = delegate(issuing, at, **made)
    given = answer(leaf, issuing, at, signer=signer, brings=[signer[0]])
    found, said = answers_about(given, leaf, issuing.certificate, at)
    assert (found is None) == bool(why)
    assert said.startswith(f"the OCSP responder's certificate {why}" if why else "")


def test_nobody_else_answers_for_a_ca(
    leaf: x509.Certificate, issuing: Authority, root: Authority, at: datetime
) -> None:
    """Not its own issuer, not a responder of another CA, and not one that is not shown."""
    of_root = delegate(root, at)
    absent = delegate(issuing, at)
    cases = [
        (answer(leaf, issuing, at, signer=(root.certificate, root.key)), "by somebody who is not"),
        (answer(leaf, issuing, at, signer=of_root, brings=[of_root[0]]), "not issued by the CA"),
        (answer(leaf, issuing, at, signer=absent), "by somebody who is not"),
        (altered(answer(leaf, issuing, at)), "does not fit"),
    ]
    for made, why in cases:
        found, said = answers_about(made, leaf, issuing.certificate, at)
        assert found is None
        assert why in said


def test_an_answer_about_another_certificate_is_none_about_this(
    leaf: x509.Certificate, issuing: Authority, root: Authority, at: datetime
) -> None:
    same_serial = answer(leaf, root, at)
    other = answer(issuing.certificate, root, at)
    for made in (same_serial, other):
        found, said = answers_about(made, leaf, issuing.certificate, at)
        assert (found, said) == (None, "it is about another certificate")


def test_what_is_no_answer_is_none(
    leaf: x509.Certificate, issuing: Authority, at: datetime
) -> None:
    assert load_answer(b"<html>") is None
    later = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    said = "the responder says try_later"
    assert answers_about(later, leaf, issuing.certificate, at) == (None, said)


def test_no_altered_answer_is_believed(
    leaf: x509.Certificate, issuing: Authority, at: datetime
) -> None:
    """Whatever single bit is turned over: not believed, or it says the same; nothing is raised."""
    good = answer(leaf, issuing, at)
    data, body = good.public_bytes(Encoding.DER), good.tbs_response_bytes
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        item = load_answer(bytes(changed))
        if item is None:
            continue
        found, why = answers_about(item, leaf, issuing.certificate, at)
        assert (found is None) == bool(why)
        if found is not None:
            assert item.tbs_response_bytes == body


# What follows for a chain.


def codes(
    leaf: x509.Certificate, issuing: Authority, root: Authority, at: datetime, **known: Any
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the codes of faults and of warnings."""
    verdict = verify(
        [leaf, issuing.certificate],
        roots=[root.certificate],
        purpose=Purpose.SERVER,
        name="hub.test",
        at=at,
        crls=RevocationEvidence(**known),
    )
    return verdict.codes, tuple(fault.code for fault in verdict.warnings)


def test_answers_take_the_place_of_lists_and_lists_of_answers(
    leaf: x509.Certificate, issuing: Authority, root: Authority, at: datetime
) -> None:
    of_leaf = answer(leaf, issuing, at)
    of_issuing = answer(issuing.certificate, root, at)
    list_of_root = root.revocation_list([], number=1, this_update=at - HOUR, next_update=at + HOUR)
    chain = (leaf, issuing, root, at)
    assert codes(*chain, answers=(of_leaf, of_issuing)) == ((), ())
    assert codes(*chain, answers=(of_leaf,), lists=(list_of_root,)) == ((), ())
    assert codes(*chain, answers=(of_leaf,)) == (("revocation-unknown",), ())
    assert codes(*chain, lists=(list_of_root,)) == (("revocation-unknown",), ())


@pytest.mark.parametrize("soft", [False, True])
def test_whoever_says_revoked_is_believed(
    leaf: x509.Certificate, issuing: Authority, root: Authority, at: datetime, soft: bool
) -> None:
    """Catalogue R1: a list against an answer and the other way round; softness changes nothing."""
    entry = Revocation(serial=leaf.serial_number, date=at - HOUR)
    lists = tuple(
        issuing.revocation_list(found, number=1, this_update=at - HOUR, next_update=at + HOUR)
        for found in ([], [entry])
    )
    above = answer(issuing.certificate, root, at)
    good, bad = answer(leaf, issuing, at), answer(leaf, issuing, at, status=REVOKED)
    for known in (
        {"answers": (above, bad)},
        {"answers": (above, good, bad)},
        {"answers": (above, bad, good, answer(leaf, issuing, at, status=REVOKED, nonce=True))},
        {"answers": (above, bad), "lists": lists[:1]},
        {"answers": (above, good), "lists": lists[1:]},
    ):
        assert codes(leaf, issuing, root, at, soft=soft, **known)[0] == ("revoked",)


def test_softly_the_silent_are_a_warning(
    leaf: x509.Certificate, issuing: Authority, root: Authority, at: datetime
) -> None:
    """Catalogue R3, R4: nothing current is at hand about either of the two."""
    old = root.revocation_list([], number=1, this_update=at - 3 * HOUR, next_update=at - HOUR)
    known = {"lists": (old,), "answers": (answer(leaf, issuing, at, end=-HOUR / 2),)}
    faults = ("revocation-list-expired", "revocation-unknown")
    assert codes(leaf, issuing, root, at, **known) == (faults, ())
    assert codes(leaf, issuing, root, at, soft=True, **known) == ((), faults)
