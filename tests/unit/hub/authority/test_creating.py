"""The two authorities: what they may do, how they are renewed, replaced and revoked."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.unit.hub.authority.conftest import NAMES, NOW, Estate, Request

from sottovoce.errors import IssuanceError, StoreError
from sottovoce.hub.authority import (
    AuthorityFolder,
    Issuer,
    OpenRoot,
    create_issuing,
    create_root,
    renew_issuing,
    replace_issuing,
    revoke_issuing,
)
from sottovoce.pki import (
    INTERMEDIATE_LIFETIME,
    ChainVerdict,
    KeyAlgorithm,
    Purpose,
    common_name,
    generate_key,
    key_fingerprint,
    permitted_names,
    verify,
)

COMPROMISE = x509.ReasonFlags.key_compromise


def extension(certificate: x509.Certificate, kind: Any) -> x509.Extension[Any]:
    found: x509.Extension[Any] = certificate.extensions.get_extension_for_class(kind)
    return found


def judged(issuer: Issuer, chain: tuple[x509.Certificate, ...], at: datetime = NOW) -> ChainVerdict:
    return verify(
        chain[:2],
        roots=issuer.roots,
        purpose=Purpose.SERVER,
        name=None,
        at=at,
        crls=issuer.revocation_lists(at),
    )


def test_the_issuing_certificate_is_limited_three_times(issuer: Issuer) -> None:
    """Issue 5 (1): by path length, by name constraints, by extended key usage."""
    own = issuer.certificate
    constraints = extension(own, x509.NameConstraints)
    basic = extension(own, x509.BasicConstraints)

    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert set(extension(own, x509.ExtendedKeyUsage).value) == {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    assert constraints.critical
    assert [str(name.value) for name in constraints.value.permitted_subtrees] == list(NAMES)
    assert {str(name.value) for name in constraints.value.excluded_subtrees} == {
        "0.0.0.0/0",
        "::/0",
    }
    usage = extension(own, x509.KeyUsage).value
    assert (usage.key_cert_sign, usage.crl_sign, usage.digital_signature) == (True, True, False)
    assert own.not_valid_after_utc == NOW + INTERMEDIATE_LIFETIME


def test_the_root_has_recorded_what_it_certified(estate: Estate) -> None:
    (entry,) = estate.root.folder.index().certificates

    assert entry.authority
    assert entry.names == list(NAMES)
    assert entry.key_fingerprint == key_fingerprint(estate.issuer.certificate.public_key())


@pytest.mark.parametrize(
    "names", [("hub.test", "127.0.0.2"), ("127.0.0.2", "hub.test", "10.1.0.1")]
)
def test_addresses_are_permitted_one_by_one(
    tmp_path: Path, names: tuple[str, ...], request_for: Request
) -> None:
    (tmp_path / "home" / "hub").mkdir(parents=True)
    folder = AuthorityFolder(tmp_path / "root")
    create_root(folder, "R", now=NOW)
    issuer = create_issuing(OpenRoot(folder, folder.password()), tmp_path / "home", names, now=NOW)

    assert issuer.names == names
    assert extension(issuer.certificate, x509.NameConstraints).value.excluded_subtrees is None
    issuer.sign(request_for("127.0.0.2"), names=["127.0.0.2"], roles=[], now=NOW)
    for foreign in ("127.0.0.3", "::1"):
        with pytest.raises(IssuanceError, match="may not certify"):
            issuer.sign(request_for("hub.test"), names=["hub.test", foreign], roles=[], now=NOW)


@pytest.mark.parametrize(
    ("names", "word"),
    [
        ([], "At least one host name"),
        (["127.0.0.1"], "At least one host name"),
        (["*.test"], "name constraints"),
        (["a b"], "cannot stand in a certificate"),
    ],
)
def test_names_that_limit_nothing_are_declined(
    estate: Estate, tmp_path: Path, names: list[str], word: str
) -> None:
    (tmp_path / "home" / "hub").mkdir(parents=True)

    with pytest.raises(IssuanceError, match=word) as caught:
        create_issuing(estate.root, tmp_path / "home", names, now=NOW)

    assert caught.value.code == "issuance-declined"
    assert list((tmp_path / "home" / "hub").iterdir()) == []


def test_a_home_has_one_issuing_authority(estate: Estate) -> None:
    with pytest.raises(StoreError, match="already") as caught:
        create_issuing(estate.root, estate.home, NAMES, now=NOW)

    assert caught.value.code == "ca-exists"


def test_renewing_extends_the_names_and_keeps_key_and_index(
    estate: Estate, request_for: Request
) -> None:
    issuer, later = estate.issuer, NOW + timedelta(days=10)
    old, before = issuer.certificate, issuer.roots
    leaf = issuer.sign(request_for("hub.test"), names=["hub.test"], roles=[], now=NOW)

    new = renew_issuing(estate.root, issuer, [*NAMES, "new.test"], now=later)

    assert new.public_key() == old.public_key()
    assert new.subject == old.subject
    assert new.not_valid_after_utc == later + INTERMEDIATE_LIFETIME
    assert issuer.names == (*NAMES, "new.test")
    assert issuer.roots == before
    assert len(issuer.certificates()) == 1
    added = issuer.sign(request_for("new.test"), names=["new.test"], roles=[], now=later)
    for chain in (leaf, added):
        assert judged(issuer, chain, later).faults == ()
    assert issuer.revocation_lists(later)[1].next_update_utc == later + INTERMEDIATE_LIFETIME


def test_renewing_keeps_the_names_unless_told(estate: Estate) -> None:
    renew_issuing(estate.root, estate.issuer, now=NOW)

    assert estate.issuer.names == NAMES


def test_another_root_does_not_renew_it(estate: Estate, tmp_path: Path) -> None:
    folder = AuthorityFolder(tmp_path / "other")
    create_root(folder, "Other Root", now=NOW)
    other = OpenRoot(folder, folder.password())

    for act in (renew_issuing, replace_issuing):
        with pytest.raises(IssuanceError, match="another one") as caught:
            act(other, estate.issuer, now=NOW)
        assert caught.value.code == "ca-other-root"
    assert folder.index().certificates == []


def test_a_stolen_issuing_key_is_cut_off_and_replaced(estate: Estate, request_for: Request) -> None:
    """R1, R2: everything below it is refused; the new key signs at once."""
    issuer = estate.issuer
    before = issuer.sign(request_for("hub.test"), names=["hub.test"], roles=[], now=NOW)
    with pytest.raises(IssuanceError, match="is good"):
        replace_issuing(estate.root, issuer, now=NOW)

    (entry,) = revoke_issuing(estate.root, issuer, "", COMPROMISE, NOW)
    verdict = judged(issuer, before)
    with pytest.raises(IssuanceError, match="was revoked"):
        issuer.sign(request_for("lui.test"), names=["lui.test"], roles=[], now=NOW)
    with pytest.raises(IssuanceError, match="was revoked"):
        renew_issuing(estate.root, issuer, now=NOW)
    new = replace_issuing(estate.root, issuer, now=NOW)
    after = issuer.sign(request_for("hub.test"), names=["hub.test"], roles=[], now=NOW)

    assert entry.reason == "keyCompromise"
    assert verdict.codes == ("revoked",)
    assert after[1] == new
    assert common_name(new) != common_name(before[1])
    assert judged(issuer, after).faults == ()
    assert "revoked" in judged(issuer, before).codes
    assert len(issuer.certificates()) == 2


def test_an_issuing_key_is_revoked_with_all_its_certificates(estate: Estate) -> None:
    renew_issuing(estate.root, estate.issuer, now=NOW)
    entries = estate.root.folder.index().certificates

    revoked = revoke_issuing(estate.root, estate.issuer, entries[0].serial, COMPROMISE, NOW)

    assert {item.serial for item in revoked} == {item.serial for item in entries}
    with pytest.raises(IssuanceError, match="is revoked"):
        revoke_issuing(estate.root, estate.issuer, entries[0].serial, COMPROMISE, NOW)
    with pytest.raises(IssuanceError, match="none"):
        revoke_issuing(estate.root, estate.issuer, "", COMPROMISE, NOW)


def test_an_older_key_goes_when_its_last_certificate_has_ended(
    estate: Estate, request_for: Request
) -> None:
    """A key that nobody needs any more is a key that nobody can steal."""
    issuer = estate.issuer
    issuer.sign(request_for("hub.test"), names=["hub.test"], roles=[], now=NOW)
    with issuer.folder.locked():
        index = issuer.folder.index()
        password = issuer.folder.password()
        issuer.folder.store("issuing-2", issuer.folder.authority("issuing", password), password)
        index.live, index.current = ["issuing", "issuing-2"], "issuing-2"
        issuer.folder.write_index(index)

    assert len(issuer.revocation_lists(NOW)) == 3
    assert len(issuer.revocation_lists(NOW + timedelta(days=31))) == 2
    assert not issuer.folder.files("issuing").key.exists()
    assert '"retire"' in (issuer.folder.folder / "audit.log").read_text()


def test_a_torn_audit_line_is_never_left(estate: Estate, request_for: Request) -> None:
    """Every line is whole JSON, also after many acts."""
    for _ in range(3):
        key = generate_key(KeyAlgorithm.EC_P256)
        estate.issuer.sign(request_for("hub.test", key), names=["hub.test"], roles=[], now=NOW)

    lines = (estate.issuer.folder.folder / "audit.log").read_text().splitlines()

    assert [json.loads(line)["action"] for line in lines] == ["create", "crl", *["sign"] * 3]


def test_names_are_read_from_the_certificate_itself(issuer: Issuer) -> None:
    assert permitted_names(issuer.certificate) == NAMES
    assert permitted_names(issuer.roots[0]) == ()
