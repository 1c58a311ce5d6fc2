"""The issuing authority in HUB's home: what it signs, what it revokes, what it hands to HUB."""

import json
import multiprocessing
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from tests.unit.hub.authority.conftest import NAMES, NOW, Estate, Request

from sottovoce.errors import CertificateFormatError, IssuanceError, StoreError
from sottovoce.hub.authority import LIST_LIFETIME, Issuer
from sottovoce.pki import (
    MANAGED_LIFETIME,
    KeyAlgorithm,
    Purpose,
    dns_names,
    fingerprint,
    generate_key,
    load_crls,
    parse_name,
    uri_names,
    verify,
)
from sottovoce.policy import Component

DAY = timedelta(days=1)
COMPROMISE = x509.ReasonFlags.key_compromise
ROLE = Component.LUI.role_uri


def signed(
    issuer: Issuer, request_for: Request, name: str = "lui.test", now: datetime = NOW
) -> x509.Certificate:
    return issuer.sign(request_for(name), names=[name], roles=[ROLE], now=now)[0]


def test_a_home_without_an_authority_has_none(tmp_path: Path) -> None:
    """An outside CA stays fully supported: then there is nothing to open."""
    assert Issuer.open(tmp_path) is None


def test_a_server_gets_a_chain_that_its_partners_accept(
    issuer: Issuer, request_for: Request
) -> None:
    chain = issuer.sign(request_for("lui.test"), names=["lui.test"], roles=[ROLE], now=NOW)
    leaf, issuing, root = chain

    assert (dns_names(leaf), uri_names(leaf)) == (("lui.test",), (ROLE,))
    assert leaf.not_valid_after_utc == NOW + MANAGED_LIFETIME
    assert (issuing, (root,)) == (issuer.certificate, issuer.roots)
    for purpose in Purpose:
        verdict = verify(
            [leaf, issuing],
            roots=issuer.roots,
            purpose=purpose,
            name="lui.test",
            at=NOW,
            crls=issuer.revocation_lists(NOW),
        )
        assert (verdict.faults, verdict.warnings) == ((), ())


def test_what_was_signed_is_known_before_it_is_handed_out(
    issuer: Issuer, request_for: Request
) -> None:
    leaf = signed(issuer, request_for)
    (entry,) = issuer.certificates()
    lines = [
        json.loads(line) for line in (issuer.folder.folder / "audit.log").read_text().splitlines()
    ]

    assert entry.fingerprint == fingerprint(leaf)
    assert (entry.serial, entry.state(NOW)) == (f"{leaf.serial_number:x}", "valid")
    assert lines[-1]["action"] == "sign"
    assert lines[-1]["serial"] == entry.serial


def test_without_an_audit_log_nothing_is_signed(issuer: Issuer, request_for: Request) -> None:
    audit = issuer.folder.folder / "audit.log"
    audit.unlink()
    audit.mkdir()

    with pytest.raises(StoreError, match=r"audit\.log cannot be written"):
        signed(issuer, request_for)

    assert issuer.certificates() == []


def test_its_secrets_are_its_owners(issuer: Issuer) -> None:
    """W20."""
    folder = issuer.folder.folder
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    private = {"issuing.key.pem", "password", "index.json", "audit.log", ".lock"}

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {name for name, mode in modes.items() if mode == 0o600} == private
    assert {mode for name, mode in modes.items() if name not in private} == {0o644}


def test_only_the_installations_names_are_certified(issuer: Issuer, request_for: Request) -> None:
    """RFC 5280 4.2.1.10; a permitted host name permits the names below it as well."""
    assert issuer.names == NAMES
    assert dns_names(signed(issuer, request_for, "a.hub.test")) == ("a.hub.test",)

    for name in ("evil.test", "xhub.test", "test", "127.0.0.1", "::1"):
        with pytest.raises(IssuanceError, match="may not certify") as caught:
            signed(issuer, request_for, name)
        assert caught.value.code == "name-not-permitted"
    assert len(issuer.certificates()) == 1


def test_a_key_is_one_servers(issuer: Issuer, request_for: Request) -> None:
    """N8."""
    key = generate_key(KeyAlgorithm.EC_P256)
    issuer.sign(request_for("lui.test", key), names=["lui.test"], roles=[], now=NOW)

    with pytest.raises(IssuanceError, match=r"certified for lui\.test") as caught:
        issuer.sign(request_for("trk.test", key), names=["trk.test"], roles=[], now=NOW)

    assert caught.value.code == "same-key"


def test_a_compromised_key_is_never_certified_again(issuer: Issuer, request_for: Request) -> None:
    key = generate_key(KeyAlgorithm.EC_P256)
    request = request_for("lui.test", key)
    leaf = issuer.sign(request, names=["lui.test"], roles=[], now=NOW)[0]
    issuer.revoke(leaf.serial_number, COMPROMISE, NOW)

    with pytest.raises(IssuanceError, match="compromised") as caught:
        issuer.sign(request, names=["lui.test"], roles=[], now=NOW)

    assert caught.value.code == "key-compromised"


def test_nothing_outlives_the_issuing_certificate(issuer: Issuer, request_for: Request) -> None:
    """V2: near the end of the issuing certificate lives become shorter, then there are none."""
    end = issuer.not_after

    leaf = signed(issuer, request_for, now=end - 3 * DAY)
    with pytest.raises(IssuanceError, match="its authority ends"):
        signed(issuer, request_for, now=end + DAY)

    assert leaf.not_valid_after_utc == end


def test_a_certificate_of_seconds_is_young_when_it_is_made(
    issuer: Issuer, request_for: Request
) -> None:
    chain = issuer.sign(
        request_for("lui.test"),
        names=["lui.test"],
        roles=[],
        lifetime=timedelta(seconds=90),
        now=NOW,
    )

    assert chain[0].not_valid_before_utc == NOW - timedelta(seconds=30)
    assert chain[0].not_valid_after_utc == NOW + timedelta(seconds=90)


def test_a_renewal_says_what_the_certificate_in_use_says(
    issuer: Issuer, request_for: Request
) -> None:
    """The request decides its key and nothing else."""
    old = signed(issuer, request_for)
    wrong = request_for("hub.test")

    new, *above = issuer.renew(wrong, fingerprint=fingerprint(old), now=NOW + 20 * DAY)

    assert (dns_names(new), uri_names(new)) == (("lui.test",), (ROLE,))
    assert new.subject == old.subject == parse_name("CN=lui.test")
    assert new.public_key() == wrong.public_key()
    assert new.not_valid_after_utc == NOW + 50 * DAY
    assert above == [issuer.certificate, *issuer.roots]


def test_a_renewal_is_for_the_bearer_of_a_good_certificate_with_a_new_key(
    issuer: Issuer, request_for: Request
) -> None:
    key = generate_key(KeyAlgorithm.EC_P256)
    request = request_for("lui.test", key)
    old = issuer.sign(request, names=["lui.test"], roles=[ROLE], now=NOW)[0]

    def declined(request: x509.CertificateSigningRequest, mark: str, now: datetime) -> str:
        with pytest.raises(IssuanceError) as caught:
            issuer.renew(request, fingerprint=mark, now=now)
        return caught.value.code

    own = fingerprint(old)
    assert declined(request, own, NOW) == "renewal-refused"
    assert declined(request_for("lui.test"), "AB:CD", NOW) == "renewal-refused"
    assert declined(request_for("lui.test"), own, NOW + 31 * DAY) == "renewal-refused"
    issuer.revoke(old.serial_number, x509.ReasonFlags.superseded, NOW)
    assert declined(request_for("lui.test"), own, NOW) == "renewal-refused"
    assert len(issuer.certificates()) == 1


def _numbers(lists: tuple[x509.CertificateRevocationList, ...]) -> list[int]:
    return [
        crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for crl in lists
    ]


def test_a_revocation_is_on_the_list_at_once(issuer: Issuer, request_for: Request) -> None:
    """R1: the list that is there afterwards names it, and its number has risen."""
    leaf = signed(issuer, request_for)
    before = issuer.revocation_lists(NOW)

    entry = issuer.revoke(leaf.serial_number, COMPROMISE, NOW)
    own, of_root = issuer.revocation_lists(NOW)
    verdict = verify(
        [leaf, issuer.certificate],
        roots=issuer.roots,
        purpose=Purpose.CLIENT,
        name=None,
        at=NOW,
        crls=[own, of_root],
    )

    assert entry.reason == "keyCompromise"
    assert verdict.codes == ("revoked",)
    assert _numbers((own,))[0] > _numbers(before)[0]
    with pytest.raises(IssuanceError, match="already"):
        issuer.revoke(leaf.serial_number, COMPROMISE, NOW)
    with pytest.raises(IssuanceError, match="no certificate begins"):
        issuer.revoke(5, COMPROMISE, NOW)


def test_a_server_is_cut_off_with_all_its_certificates(
    issuer: Issuer, request_for: Request
) -> None:
    """A thief who copied a home before its renewal has the older key; both must go."""
    serials = {signed(issuer, request_for).serial_number for _ in range(2)}
    other = signed(issuer, request_for, "trk.test")

    revoked = issuer.revoke_server("LUI.test.", COMPROMISE, NOW)
    own = issuer.revocation_lists(NOW)[0]

    assert {int(entry.serial, 16) for entry in revoked} == serials
    assert {entry.serial_number for entry in own} == serials
    assert other.serial_number not in serials
    with pytest.raises(IssuanceError, match=r"in force is for 'lui\.test'"):
        issuer.revoke_server("lui.test", COMPROMISE, NOW)


def test_a_list_is_signed_anew_long_before_it_ends(issuer: Issuer) -> None:
    first = issuer.revocation_lists(NOW)
    assert issuer.revocation_lists(NOW + timedelta(hours=10)) is first

    later = NOW + timedelta(hours=12)
    second = issuer.revocation_lists(later)

    assert first[0].next_update_utc == NOW + LIST_LIFETIME
    assert second[0].next_update_utc == later + LIST_LIFETIME
    assert _numbers(second)[0] == _numbers(first)[0] + 1
    assert second[1] == first[1]  # the root's, which HUB cannot sign
    assert second[1].next_update_utc == issuer.not_after


def test_a_list_from_a_clock_that_was_ahead_is_replaced(issuer: Issuer) -> None:
    """R4: partners refuse a list that begins in the future."""
    issuer.revocation_lists(NOW + 30 * DAY)

    own = issuer.revocation_lists(NOW)[0]

    assert own.last_update_utc <= NOW


def test_a_full_disk_leaves_the_older_list_in_force_and_says_so(issuer: Issuer) -> None:
    first = issuer.revocation_lists(NOW)
    audit = issuer.folder.folder / "audit.log"
    audit.unlink()
    audit.mkdir()

    bridged = issuer.revocation_lists(NOW + DAY)
    assert issuer.fault is not None
    assert "audit.log" in issuer.fault.message
    with pytest.raises(StoreError, match="audit"):
        issuer.revocation_lists(NOW + 3 * DAY)
    audit.rmdir()
    issuer.revocation_lists(NOW + 3 * DAY)

    assert bridged == first
    assert issuer.fault is None


def test_a_revocation_whose_list_was_not_written_is_made_up_for(
    estate: Estate, request_for: Request
) -> None:
    """Killed between the index and the list: the next reader signs the list."""
    issuer = estate.issuer
    leaf = signed(issuer, request_for)
    files = issuer.folder.files("issuing")
    older = files.revocation_list.read_bytes()
    issuer.revoke(leaf.serial_number, COMPROMISE, NOW)
    files.revocation_list.write_bytes(older)

    other = Issuer.open(estate.home)
    assert other is not None
    own = other.revocation_lists(NOW)[0]

    assert [entry.serial_number for entry in own] == [leaf.serial_number]


def test_another_process_revokes_and_the_running_hub_sees_it(
    estate: Estate, request_for: Request
) -> None:
    hub, command = estate.issuer, Issuer.open(estate.home)
    assert command is not None
    leaf = signed(hub, request_for)
    before = hub.revocation_lists(NOW)

    command.revoke(leaf.serial_number, COMPROMISE, NOW)
    after = hub.revocation_lists(NOW)

    assert len(before[0]) == 0
    assert len(after[0]) == 1


def test_the_lists_are_put_where_the_server_reads_them(
    estate: Estate, request_for: Request, tmp_path: Path
) -> None:
    folder = tmp_path / "revocation"
    leaf = signed(estate.issuer, request_for)

    assert estate.issuer.publish(folder, NOW)
    assert not estate.issuer.publish(folder, NOW)
    (folder / "own-issuing-7.crl").write_bytes(b"of a key that is gone")
    (folder / "public.crl").write_bytes(b"of another CA")
    estate.issuer.revoke(leaf.serial_number, COMPROMISE, NOW)
    assert estate.issuer.publish(folder, NOW)

    (stem,) = estate.issuer.folder.index().roots
    names = {path.name for path in folder.iterdir()}
    assert names == {"own-issuing.crl", f"own-{stem}.crl", "public.crl"}
    (own,) = load_crls((folder / "own-issuing.crl").read_bytes())
    assert [entry.serial_number for entry in own] == [leaf.serial_number]


def _sign_some(home: Path, name: str, count: int) -> None:
    from sottovoce.pki import make_request, parse_name

    issuer = Issuer.open(home)
    assert issuer is not None
    for _ in range(count):
        key = generate_key(KeyAlgorithm.EC_P256)
        request = make_request(key, subject=parse_name(f"CN={name}"), names=[name])
        leaf = issuer.sign(request, names=[name], roles=[], now=NOW)[0]
        issuer.revoke(leaf.serial_number, COMPROMISE, NOW)


# Only this thread goes on in the child; it starts no other and ends in the work.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_processes_and_threads_at_once_lose_nothing(estate: Estate) -> None:
    context = multiprocessing.get_context("fork")
    others = [
        context.Process(target=_sign_some, args=(estate.home, name, 5))
        for name in ("lui.test", "trk.test")
    ]
    for process in others:
        process.start()
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(_sign_some, estate.home, "hub.test", 5) for _ in range(2)]:
            done.result()
    for process in others:
        process.join()

    own = estate.issuer.revocation_lists(NOW)[0]
    issued = {int(item.serial, 16) for item in estate.issuer.certificates()}

    assert [process.exitcode for process in others] == [0, 0]
    assert len(issued) == 20
    assert {entry.serial_number for entry in own} == issued


def test_a_damaged_authority_is_told_when_it_is_opened(estate: Estate) -> None:
    folder = estate.issuer.folder.folder
    kept = folder.with_name("kept")
    shutil.copytree(folder, kept)

    def damaged(name: str, content: bytes | None, kind: type[Exception]) -> None:
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content)
        with pytest.raises(kind, match=str(folder)):
            Issuer.open(estate.home)
        shutil.copy2(kept / name, folder / name)

    damaged("index.json", b"{", StoreError)
    damaged("index.json", None, StoreError)
    damaged("password", None, StoreError)
    damaged("password", b"wrong\n", CertificateFormatError)
    damaged("issuing.pem", b"", CertificateFormatError)
    damaged("issuing.key.pem", b"", CertificateFormatError)
    (folder / "password").chmod(0o640)
    with pytest.raises(StoreError, match="0640"):
        Issuer.open(estate.home)


def test_a_missing_list_of_the_root_is_told_with_its_command(estate: Estate) -> None:
    (stem,) = estate.issuer.folder.index().roots
    estate.issuer.folder.files(stem).revocation_list.unlink()

    with pytest.raises(StoreError, match="missing") as caught:
        estate.issuer.revocation_lists(NOW)

    assert "sottovoce ca issuing" in caught.value.hint
