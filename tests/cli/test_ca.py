"""``sottovoce ca``, driven through the command line's own grammar."""

import argparse
import io
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from sottovoce.cli import ca, ca_acts, ca_plan
from sottovoce.errors import CertificateFormatError, IssuanceError, StoreError, WrongUsage
from sottovoce.hub.authority import REASONS, STEPS
from sottovoce.ini import Secret
from sottovoce.pki import (
    LEAF_LIFETIME,
    ROOT_LIFETIME,
    KeyAlgorithm,
    PrivateKey,
    Purpose,
    dns_names,
    dump_certificates,
    dump_private_key,
    dump_request,
    generate_key,
    load_certificates,
    load_crls,
    load_private_key,
    make_request,
    parse_name,
    uri_names,
    verify,
)
from sottovoce.policy import Component

Command = Callable[..., int]


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="sottovoce")
    ca.register(made.add_subparsers(dest="command", required=True))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ca"


@pytest.fixture
def command(folder: Path) -> Command:
    def typed(verb: str, *words: str | Path) -> int:
        line = ["ca", verb, "--dir", str(folder), *map(str, words)]
        args = parser().parse_args(line)
        status: int = args.run(args)
        return status

    return typed


@pytest.fixture
def authority(command: Command, capsys: pytest.CaptureFixture[str]) -> Command:
    """An authority with a generated password."""
    assert command("create", "--name", "Example Mail CA") == 0
    capsys.readouterr()
    return command


def request_file(path: Path, *names: str, key: PrivateKey | None = None) -> Path:
    made = make_request(
        key or generate_key(KeyAlgorithm.EC_P256),
        subject=parse_name(f"CN={names[0] if names else 'hub.test'}"),
        names=names,
    )
    path.write_bytes(dump_request(made))
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_authority_keeps_its_secrets_to_its_owner(
    command: Command, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """W20: key encrypted, password generated into an owner-only file and never printed."""
    assert command("create", "--name", "Example Mail CA") == 0
    password = (folder / "password").read_text().strip()
    key = load_private_key((folder / "root.key.pem").read_bytes(), Secret(password))
    (root,) = load_certificates((folder / "root.pem").read_bytes())

    assert mode(folder) == 0o700
    for name in ("root.key.pem", "password", "index.json", "audit.log"):
        assert mode(folder / name) == 0o600
    assert mode(folder / "root.pem") == 0o644
    assert key.public_key() == root.public_key()
    printed = capsys.readouterr()
    assert password not in printed.out + printed.err
    assert "Example Mail CA" in printed.out
    assert password not in (folder / "audit.log").read_text()


def test_a_password_file_is_used_and_not_copied(
    command: Command, folder: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    secret.chmod(0o600)

    assert command("create", "--name", "CA", "--password-file", secret) == 0

    assert not (folder / "password").exists()
    assert load_private_key((folder / "root.key.pem").read_bytes(), Secret("correct horse"))
    request = request_file(tmp_path / "r.pem", "hub.test")
    out = tmp_path / "c.pem"
    assert command("sign", "--request", request, "--out", out, "--password-file", secret) == 0
    with pytest.raises(WrongUsage, match="no terminal"):
        command("sign", "--request", request, "--out", out)


def test_a_password_file_that_others_read_is_refused(command: Command, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    secret.chmod(0o644)

    with pytest.raises(StoreError, match="0644") as caught:
        command("create", "--name", "CA", "--password-file", secret)

    assert caught.value.code == "password-file-open"
    assert caught.value.hint.startswith("Run: chmod 600")
    assert "correct horse" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb\n", b"\xff\n"])
def test_a_file_without_a_password_in_one_line_is_refused(
    command: Command, tmp_path: Path, content: bytes
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(content)
    secret.chmod(0o600)

    with pytest.raises(StoreError) as caught:
        command("create", "--name", "CA", "--password-file", secret)

    assert caught.value.code == "malformed"


def test_a_wrong_password_is_told(authority: Command, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    request = request_file(tmp_path / "r.pem", "hub.test")

    with pytest.raises(CertificateFormatError, match="does not open the key"):
        authority("sign", "--request", request, "--out", tmp_path / "c", "--password-file", secret)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_password_is_asked_for_twice(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["one", "two", "same", "same"])
    monkeypatch.setattr("sys.stdin", _Terminal())
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))

    with pytest.raises(WrongUsage, match="differ"):
        command("create", "--name", "CA", "--prompt")
    assert command("create", "--name", "CA", "--prompt") == 0

    assert load_private_key((folder / "root.key.pem").read_bytes(), Secret("same"))


def test_no_option_takes_a_password(capsys: pytest.CaptureFixture[str]) -> None:
    """W20: a process list shows every word of a command line."""
    for verb in ("create", "sign", "crl"):
        with pytest.raises(SystemExit):
            parser().parse_args(["ca", verb, "--help"])
        text = capsys.readouterr().out
        assert "--password-file" in text
        assert "--password " not in text


def test_an_authority_is_not_overwritten(authority: Command, folder: Path) -> None:
    before = (folder / "root.pem").read_bytes()

    with pytest.raises(StoreError, match="already"):
        authority("create", "--name", "Another")

    assert (folder / "root.pem").read_bytes() == before


def test_a_signed_reply_is_a_chain_that_partners_accept(
    authority: Command, folder: Path, tmp_path: Path
) -> None:
    """W8, W10: several names in one certificate, roles as URI names."""
    request = request_file(tmp_path / "r.pem", "hub.test", "hub", "127.0.0.2")
    out = tmp_path / "reply.pem"

    status = authority(
        "sign", "--request", request, "--out", out, "--component", "hub", "--component", "trk"
    )
    leaf, root = load_certificates(out.read_bytes())

    assert status == 0
    assert dns_names(leaf) == ("hub.test", "hub")
    assert uri_names(leaf) == (Component.HUB.role_uri, Component.TRK.role_uri)
    assert dump_certificates([root]) == (folder / "root.pem").read_bytes()
    for purpose in Purpose:
        for name in ("hub", "127.0.0.2"):
            verdict = verify([leaf], roots=[root], purpose=purpose, name=name, at=datetime.now(UTC))
            assert (verdict.faults, verdict.warnings) == ((), ())


def test_given_names_replace_those_of_the_request(authority: Command, tmp_path: Path) -> None:
    request = request_file(tmp_path / "r.pem", "hub.test")
    out = tmp_path / "reply.pem"

    authority("sign", "--request", request, "--out", out, "--name", "trk.test", "--name", "trk")

    assert dns_names(load_certificates(out.read_bytes())[0]) == ("trk.test", "trk")


def test_a_request_without_names_needs_them(authority: Command, tmp_path: Path) -> None:
    """N6: keytool's -certreq asks for no alternative names unless told to."""
    request = request_file(tmp_path / "r.pem")
    out = tmp_path / "reply.pem"

    with pytest.raises(IssuanceError, match="at least one DNS name"):
        authority("sign", "--request", request, "--out", out)

    assert not out.exists()


def test_what_is_declined_is_not_in_the_index(
    authority: Command, tmp_path: Path, folder: Path
) -> None:
    request = request_file(tmp_path / "r.pem", "hub.test")

    with pytest.raises(IssuanceError, match="at most 398"):
        authority("sign", "--request", request, "--out", tmp_path / "c", "--days", "4000")

    assert json.loads((folder / "index.json").read_text())["certificates"] == []


@pytest.mark.parametrize("days", ["0", "-3"])
def test_days_are_counted_from_one(authority: Command, tmp_path: Path, days: str) -> None:
    request = request_file(tmp_path / "r.pem", "hub.test")

    with pytest.raises(WrongUsage, match="--days"):
        authority("sign", "--request", request, "--out", tmp_path / "c", "--days", days)


def test_a_certificate_in_the_place_of_a_request_is_named(
    authority: Command, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(CertificateFormatError, match="holds a CERTIFICATE"):
        authority("sign", "--request", folder / "root.pem", "--out", tmp_path / "c")


def test_a_missing_request_and_an_unwritable_reply_are_told(
    authority: Command, folder: Path, tmp_path: Path
) -> None:
    request = request_file(tmp_path / "r.pem", "hub.test")

    with pytest.raises(StoreError, match="cannot be read") as caught:
        authority("sign", "--request", tmp_path / "none", "--out", tmp_path / "c")
    assert caught.value.code == "file-unreadable"
    with pytest.raises(StoreError, match="cannot be written") as caught:
        authority("sign", "--request", request, "--out", tmp_path / "no" / "such" / "c")
    assert caught.value.code == "file-unwritable"

    recorded = json.loads((folder / "index.json").read_text())["certificates"]
    assert len(recorded) == 1  # what was signed is known, although nobody received it


def test_one_key_for_two_servers_is_warned_of(
    authority: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """N8: whoever holds the key is both."""
    key = generate_key(KeyAlgorithm.EC_P256)
    out = tmp_path / "c"
    hub = request_file(tmp_path / "hub", "hub.test", key=key)
    trk = request_file(tmp_path / "trk", "trk.test", key=key)

    assert authority("sign", "--request", hub, "--out", out) == 0
    assert authority("sign", "--request", hub, "--out", out) == 0
    assert authority("sign", "--request", trk, "--out", out) == 1

    assert "hub.test" in capsys.readouterr().err


def _listed(authority: Command, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert authority("list", "--json") == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_the_list_shows_what_was_issued(
    authority: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert authority("list") == 0
    assert "No certificate" in capsys.readouterr().out
    request = request_file(tmp_path / "r.pem", "hub.test")
    authority("sign", "--request", request, "--out", tmp_path / "c", "--component", "hub")

    (entry,) = _listed(authority, capsys)
    assert authority("list") == 0

    line = capsys.readouterr().out
    assert (entry["names"], entry["state"]) == (["hub.test"], "valid")
    assert entry["serial"] in line
    assert line.rstrip().endswith("hub.test  hub")


def test_a_revoked_certificate_is_on_the_next_list(
    authority: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """R1."""
    out, crl_file = tmp_path / "c", tmp_path / "crl.pem"
    authority("sign", "--request", request_file(tmp_path / "r", "hub.test"), "--out", out)
    leaf, root = load_certificates(out.read_bytes())
    (entry,) = _listed(authority, capsys)

    assert authority("revoke", entry["serial"][:10].upper(), "--reason", "superseded") == 0
    assert authority("crl", "--out", crl_file) == 0
    (crl,) = load_crls(crl_file.read_bytes())
    verdict = verify(
        [leaf], roots=[root], purpose=Purpose.SERVER, name=None, at=datetime.now(UTC), crls=[crl]
    )

    assert verdict.codes == ("revoked",)
    assert "superseded" in verdict.faults[0].why
    assert _listed(authority, capsys)[0]["state"] == "revoked"
    assert mode(crl_file) == 0o644


def test_lists_are_numbered(authority: Command, tmp_path: Path) -> None:
    numbers = []
    for _ in range(2):
        authority("crl", "--out", tmp_path / "crl", "--days", "7")
        (crl,) = load_crls((tmp_path / "crl").read_bytes())
        numbers.append(crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number)

    assert numbers == [1, 2]


def test_a_certificate_is_revoked_once(
    authority: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority("sign", "--request", request_file(tmp_path / "r", "a.test"), "--out", tmp_path / "c")
    (entry,) = _listed(authority, capsys)
    authority("revoke", entry["serial"])

    with pytest.raises(IssuanceError, match="already"):
        authority("revoke", entry["serial"])


@pytest.mark.parametrize("serial", ["1", "ffffffffff", "zz"])
def test_an_unknown_serial_is_told(authority: Command, tmp_path: Path, serial: str) -> None:
    authority("sign", "--request", request_file(tmp_path / "r", "a.test"), "--out", tmp_path / "c")

    with pytest.raises(IssuanceError, match="no certificate begins"):
        authority("revoke", serial)


def test_every_act_is_in_the_audit_log(
    authority: Command, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority("sign", "--request", request_file(tmp_path / "r", "a.test"), "--out", tmp_path / "c")
    (entry,) = _listed(authority, capsys)
    authority("revoke", entry["serial"])
    authority("crl", "--out", tmp_path / "crl")

    lines = [json.loads(line) for line in (folder / "audit.log").read_text().splitlines()]

    assert [line["action"] for line in lines] == ["create", "sign", "revoke", "crl"]
    assert lines[1]["serial"] == entry["serial"]
    assert all(datetime.fromisoformat(line["time"]).tzinfo for line in lines)


@pytest.mark.parametrize("words", [("list",), ("revoke", "abcd"), ("crl", "--out", "x")])
def test_without_an_authority_the_creating_command_is_told(
    command: Command, words: tuple[str, ...]
) -> None:
    with pytest.raises(StoreError, match="holds no certificate authority") as caught:
        command(*words)

    assert caught.value.code == "ca-missing"
    assert "sottovoce ca create" in caught.value.hint


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"certificates": [{}], "crl_number": 1}'])
def test_a_damaged_index_is_told_and_left_alone(
    authority: Command, folder: Path, content: str
) -> None:
    (folder / "index.json").write_text(content)

    with pytest.raises(StoreError, match="damaged") as caught:
        authority("list")

    assert caught.value.code == "ca-damaged"
    assert (folder / "index.json").read_text() == content


def test_a_key_of_another_authority_is_told(
    authority: Command, folder: Path, tmp_path: Path
) -> None:
    password = Secret((folder / "password").read_text().strip())
    other = generate_key(KeyAlgorithm.EC_P256)
    (folder / "root.key.pem").write_bytes(dump_private_key(other, password))

    with pytest.raises(IssuanceError, match="does not belong"):
        authority("crl", "--out", tmp_path / "crl")


@pytest.mark.parametrize("kind", ["ec-p384", "ed25519"])
def test_the_kind_of_key_is_chosen(command: Command, folder: Path, kind: str) -> None:
    assert command("create", "--name", "CA", "--key", kind, "--days", "100", "--json") == 0
    (root,) = load_certificates((folder / "root.pem").read_bytes())

    assert (root.not_valid_after_utc - root.not_valid_before_utc).days == 100


def test_the_words_of_the_options_are_those_of_the_types() -> None:
    assert list(ca.KEYS) == [item.value for item in KeyAlgorithm]
    assert list(ca.COMPONENTS) == [item.value for item in Component]
    assert sorted(ca.REASONS) == sorted(REASONS)
    assert list(ca.STEPS) == list(STEPS) == list(ca_plan.WORDS)


def test_the_days_in_the_help_are_those_that_are_given(capsys: pytest.CaptureFixture[str]) -> None:
    usual = {
        "create": ROOT_LIFETIME.days,
        "sign": LEAF_LIFETIME.days,
        "crl": ca_acts.CRL_DAYS,
    }
    for verb, days in usual.items():
        with pytest.raises(SystemExit):
            parser().parse_args(["ca", verb, "--help"])
        assert f"(default {days}" in capsys.readouterr().out
