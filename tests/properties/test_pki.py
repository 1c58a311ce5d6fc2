"""Properties of `pki`: no mutation passes, order does not matter, garbage is refused in words."""

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sottovoce.errors import CertificateFormatError
from sottovoce.ini import Secret
from sottovoce.pki import (
    Authority,
    KeyAlgorithm,
    Purpose,
    Revocation,
    display_name,
    dns_name_problem,
    generate_key,
    load_certificates,
    load_crls,
    load_private_key,
    load_request,
    looks_like,
    matches_dns_name,
    parse_name,
    verify,
)

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
quick = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@cache
def chain() -> tuple[x509.Certificate, x509.Certificate, x509.Certificate]:
    """Leaf, intermediate and root."""
    root = Authority.create_root(
        "Root One",
        key=generate_key(KeyAlgorithm.EC_P256),
        serial=1,
        not_before=AT - DAY,
        not_after=AT + 900 * DAY,
    )
    issuing = root.issue_intermediate(
        "Issuing One",
        key=generate_key(KeyAlgorithm.ED25519),
        serial=2,
        not_before=AT - DAY,
        not_after=AT + 800 * DAY,
    )
    leaf = issuing.issue(
        generate_key(KeyAlgorithm.EC_P256).public_key(),
        names=["hub.test"],
        serial=3,
        not_before=AT - DAY,
        not_after=AT + 90 * DAY,
    )
    return leaf, issuing.certificate, root.certificate


@cache
def junk() -> tuple[x509.Certificate, ...]:
    """Certificates that have nothing to do with the chain, or look as if they had."""
    found = []
    for name in ("Root One", "Issuing One", "Elsewhere"):
        other = Authority.create_root(
            name,
            key=generate_key(KeyAlgorithm.EC_P256),
            serial=9,
            not_before=AT - DAY,
            not_after=AT + 900 * DAY,
        )
        found.append(other.certificate)
    return tuple(found)


def mutated(cert: x509.Certificate, position: int, flip: int) -> x509.Certificate | None:
    der = bytearray(cert.public_bytes(Encoding.DER))
    der[position % len(der)] ^= flip
    try:
        (found,) = load_certificates(bytes(der))
    except CertificateFormatError:
        return None
    return found


@quick
@given(st.integers(0, 2), st.integers(0, 2000), st.integers(1, 255))
def test_a_mutated_byte_in_any_certificate_never_passes(
    which: int, position: int, flip: int
) -> None:
    """Leaf, intermediate or trusted root: an altered one is refused or no certificate at all."""
    sent = list(chain())
    changed = mutated(sent[which], position, flip)
    if changed is None:
        return
    sent[which] = changed

    verdict = verify(sent[:2], roots=[sent[2]], purpose=Purpose.SERVER, name="hub.test", at=AT)

    assert not verdict.valid
    assert "internal-error" not in verdict.codes


@quick
@given(st.data())
def test_the_order_of_the_rest_does_not_matter(data: st.DataObject) -> None:
    """Also with junk and repetitions among them."""
    leaf, issuing, root = chain()
    extra = data.draw(st.lists(st.sampled_from([*junk(), root, leaf, issuing]), max_size=8))
    rest = data.draw(st.permutations([issuing, *extra]))

    verdict = verify([leaf, *rest], roots=[root], purpose=Purpose.SERVER, name="hub.test", at=AT)

    assert verdict.valid
    assert verdict.path == (leaf, issuing, root)


@quick
@given(st.data())
def test_a_refusal_does_not_depend_on_the_order_of_the_rest(data: st.DataObject) -> None:
    leaf, issuing, root = chain()
    pool = [issuing, root, *junk()]
    first, second = (data.draw(st.permutations(pool)) for _ in range(2))

    verdicts = [
        verify([leaf, *rest], roots=[junk()[2]], purpose=Purpose.CLIENT, name="x.test", at=AT)
        for rest in (first, second)
    ]

    assert verdicts[0].faults == verdicts[1].faults
    assert not verdicts[0].valid


@quick
@given(st.integers(-3000, 3000).map(lambda hours: AT + timedelta(days=hours / 2)))
def test_a_chain_is_valid_exactly_while_all_of_it_is(at: datetime) -> None:
    leaf, issuing, root = chain()
    inside = all(
        cert.not_valid_before_utc <= at.replace(microsecond=0) <= cert.not_valid_after_utc
        for cert in chain()
    )

    verdict = verify([leaf, issuing], roots=[root], purpose=Purpose.SERVER, name=None, at=at)

    assert verdict.valid is inside


@quick
@given(st.binary(max_size=300))
@example(b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")
@example(b"-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n")
@example(b"-----BEGIN PRIVATE KEY-----\n////\n-----END PRIVATE KEY-----\n")
@example(b"0\x80\x06\t*\x86H\x86\xf7\r\x01\x07\x02")
def test_garbage_is_refused_in_our_own_words(data: bytes) -> None:
    for load in (load_certificates, load_crls, load_request):
        try:
            load(data)
        except CertificateFormatError:
            continue
    for password in (None, Secret("x")):
        try:
            load_private_key(data, password)
        except CertificateFormatError:
            continue
    assert looks_like(data)


@quick
@given(st.integers(0, 2000), st.binary(min_size=0, max_size=3), st.integers(0, 3))
def test_damaged_certificates_are_refused_or_read_but_never_break_the_reader(
    position: int, inserted: bytes, dropped: int
) -> None:
    der = chain()[0].public_bytes(Encoding.DER)
    at = position % len(der)
    try:
        found = load_certificates(der[:at] + inserted + der[at + dropped :])
    except CertificateFormatError:
        return
    verdict = verify(found, roots=[chain()[2]], purpose=Purpose.SERVER, name="hub.test", at=AT)
    assert "internal-error" not in verdict.codes


labels = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
hosts = st.lists(labels, min_size=1, max_size=5).map(".".join)


@quick
@given(hosts, labels)
def test_a_wildcard_stands_for_exactly_one_label(host: str, label: str) -> None:
    pattern, deep = f"*.{host}", host.count(".") >= 1

    assert matches_dns_name(pattern, f"{label}.{host}") is deep
    assert not matches_dns_name(pattern, host)
    assert not matches_dns_name(pattern, f"{label}.x.{host}")
    assert matches_dns_name(host, host.upper() + ".")


@quick
@given(st.text(max_size=80), st.text(max_size=80))
def test_matching_takes_any_text(pattern: str, name: str) -> None:
    matched = matches_dns_name(pattern, name)

    assert not (matched and dns_name_problem(pattern, wildcard=True))


values = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20
)


@quick
@given(st.lists(st.tuples(st.sampled_from(["CN", "O", "OU", "L", "ST"]), values), max_size=5))
@example([("CN", " a ")])
@example([("CN", '#"\\+,;<>= \n')])
def test_every_name_reads_back_from_its_display(parts: list[tuple[str, str]]) -> None:
    oids = {
        "CN": x509.NameOID.COMMON_NAME,
        "O": x509.NameOID.ORGANIZATION_NAME,
        "OU": x509.NameOID.ORGANIZATIONAL_UNIT_NAME,
        "L": x509.NameOID.LOCALITY_NAME,
        "ST": x509.NameOID.STATE_OR_PROVINCE_NAME,
    }
    name = x509.Name([x509.NameAttribute(oids[key], value) for key, value in parts])
    shown = display_name(name)

    if "…" not in shown and parts:
        assert parse_name(shown) == name
    assert shown.isprintable()


@quick
@given(st.text(max_size=40))
def test_any_text_is_a_name_or_a_value_error(text: str) -> None:
    try:
        name = parse_name(text)
    except ValueError:
        return
    assert isinstance(name, x509.Name)


@quick
@given(st.sets(st.integers(1, 2**64), max_size=6), st.booleans())
def test_exactly_the_listed_serials_are_revoked(serials: set[int], include: bool) -> None:
    leaf, issuing, _ = chain()
    key = generate_key(KeyAlgorithm.EC_P256)
    authority = Authority.create_root(
        "Lists", key=key, serial=1, not_before=AT - DAY, not_after=AT + 90 * DAY
    )
    cert = authority.issue(
        leaf.public_key(), names=["hub.test"], serial=7, not_before=AT - DAY, not_after=AT + DAY
    )
    listed = (serials - {7}) | ({7} if include else set())
    crl = authority.revocation_list(
        [Revocation(serial=serial, date=AT) for serial in listed],
        this_update=AT - DAY,
        next_update=AT + DAY,
        number=1,
    )

    verdict = verify(
        [cert, issuing],
        roots=[authority.certificate],
        purpose=Purpose.SERVER,
        name="hub.test",
        at=AT,
        crls=[crl],
    )

    assert verdict.codes == (("revoked",) if include else ())
