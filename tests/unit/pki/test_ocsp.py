"""OCSP answers: which of them may be believed, and what follows for a chain (RFC 6960)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sottovoce.pki import (
    Authority,
    Purpose,
    Revocation,
    RevocationEvidence,
    answers_about,
    load_answer,
    verify,
)

HOUR = timedelta(hours=1)
GOOD, REVOKED, UNKNOWN = (
    ocsp.OCSPCertStatus.GOOD,
    ocsp.OCSPCertStatus.REVOKED,
    ocsp.OCSPCertStatus.UNKNOWN,
)
SIGNING = (ExtendedKeyUsageOID.OCSP_SIGNING,)


def answer(
    cert: x509.Certificate,
    issuer: Authority,
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
    return builder.sign(key, hashes.SHA256())


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
) -> tuple[x509.Certificate, Any]:
    """Return a responder's certificate and key, issued by *issuer*."""
    key = ec.generate_private_key(ec.SECP256R1())
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
    assert said == (f"the OCSP responder's certificate {why}" if why else "")


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
    assert answers_about(later, leaf, issuing.certificate, at)[0] is None


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
