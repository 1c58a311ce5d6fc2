"""``sottovoce explain --home``: causes of one text told apart by looking, on prepared servers.

Each home was healthy a moment before; only the cause that is meant is in it.
"""

import datetime as dt
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography import x509

from sottovoce.cli import main
from sottovoce.keystore import Keystore, PrivateKeyEntry, TrustedCertificateEntry
from sottovoce.pki import KeyAlgorithm, generate_key
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.homes import Premises

NAME = "whole.sottovoce.test"
UNKNOWN_ISSUER = "curl: (60) SSL certificate problem: unable to get local issuer certificate"


@dataclass(frozen=True)
class Case:
    """A healthy home that is about to be damaged, and the authorities at hand."""

    home: Premises
    authority: ThrowAwayAuthority
    stranger: ThrowAwayAuthority
    at: dt.datetime

    def under_an_intermediate(self) -> tuple[PrivateKeyEntry, x509.Certificate]:
        between = self.authority.authority.issue_intermediate(
            "Intermediate One",
            key=generate_key(KeyAlgorithm.EC_P256),
            serial=secrets.randbits(120) + 1,
            not_before=self.at - dt.timedelta(days=1),
            not_after=self.at + dt.timedelta(days=900),
        )
        lower = ThrowAwayAuthority("unused", at=self.at)
        lower.authority = between
        return lower.issue(NAME), between.certificate

    def log(self, **fields: object) -> None:
        line = {"at": self.at.isoformat(), "outcome": "refused", "side": "accepting"} | fields
        with (self.home.path / "logs" / "security.log").open("a", encoding="utf-8") as log:
            log.write(f"{json.dumps(line)}\n")


@pytest.fixture
def case(
    home: Premises, authority: ThrowAwayAuthority, stranger: ThrowAwayAuthority, moment: dt.datetime
) -> Case:
    return Case(home, authority, stranger, moment)


Explained = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def explained(case: Case, capsys: pytest.CaptureFixture[str]) -> Explained:
    def run(text: str, *words: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        main(["explain", "--home", str(case.home.path), "--json", *words, text])
        caught = capsys.readouterr()
        assert case.home.password not in caught.out + caught.err
        found: list[dict[str, Any]] = json.loads(caught.out)
        return found

    return run


def _unknown_ca(case: Case) -> None:
    case.home.write_identity(case.stranger.issue(NAME))


def _no_intermediate(case: Case) -> None:
    entry, _ = case.under_an_intermediate()
    case.home.write_identity(PrivateKeyEntry(entry.key, entry.chain[:1]))


def _hidden_intermediate(case: Case) -> None:
    entry, between = case.under_an_intermediate()
    case.home.write_identity(PrivateKeyEntry(entry.key, entry.chain[:1]))
    case.home.write_roots(case.authority.root, between)


def _same_name(case: Case) -> None:
    again = ThrowAwayAuthority("Throw-away root", at=case.at)
    entry = again.issue(NAME)
    case.home.write_identity(PrivateKeyEntry(entry.key, entry.chain[:1]))


def _only_the_intermediate(case: Case) -> None:
    entry, between = case.under_an_intermediate()
    case.home.write_identity(PrivateKeyEntry(entry.key, entry.chain[:1]))
    case.home.write_roots(between)


SEVERAL = {
    "T2": (_unknown_ca, "root-untrusted"),
    "T5": (_no_intermediate, "intermediate-missing"),
    "T5, the trap": (_hidden_intermediate, "intermediate-missing"),
    "T8": (_same_name, "signature-mismatch"),
    "T11": (_only_the_intermediate, "partial-chain"),
}


@pytest.mark.parametrize(("damage", "code"), SEVERAL.values(), ids=SEVERAL)
def test_one_text_is_told_apart_by_looking(
    case: Case, explained: Explained, damage: Callable[[Case], None], code: str
) -> None:
    """The text is the same each time; the home is not."""
    damage(case)
    [first, *rest] = explained(UNKNOWN_ISSUER)
    assert first["code"] == code
    assert first["likelihood"] >= 0.9
    assert first["evidence"][0].startswith("Found here just now by the check certificate-chain")
    assert first["next_step"]
    assert all(one["likelihood"] < first["likelihood"] for one in rest)


def test_a_healthy_home_changes_nothing(explained: Explained) -> None:
    """Nothing to be seen here: the order is that of the text alone."""
    codes = [one["code"] for one in explained(UNKNOWN_ISSUER)]
    assert codes[:2] == ["issuer-unknown", "intermediate-missing"]


def test_a_sound_certificate_rules_its_faults_out(explained: Explained) -> None:
    """B.0: a partner's alert, and nothing wrong with what it was shown: it lacks our root."""
    alert = "javax.net.ssl.SSLHandshakeException: Received fatal alert: certificate_unknown"
    likely = {one["code"]: one["likelihood"] for one in explained(alert)}
    assert next(iter(likely)) == "issuer-unknown"
    assert not {"self-signed", "certificate-expired", "intermediate-missing"} & set(likely)


def test_the_newest_refusal_of_the_log_decides(case: Case, explained: Explained) -> None:
    """What the partner was refused for stands in the log, with its names."""
    hour = dt.timedelta(hours=1)
    case.log(code="name-mismatch", names=["trk.test"], at=(case.at - hour).isoformat())
    case.log(code="not-yet-valid", names=["lui.test"], why="It is valid from tomorrow.")
    first, second, *_ = explained("sslv3 alert bad certificate")
    assert (first["code"], second["code"]) == ("not-yet-valid", "name-mismatch")
    assert first["message"] == "It is valid from tomorrow."
    assert "In logs/security.log" in first["evidence"][0]
    assert "lui.test" in first["evidence"][0]


def test_circumstances_of_the_home_are_weighed(case: Case, explained: Explained) -> None:
    case.home.ssl_ini.unlink()
    [first, *_] = explained("peer spoke: 15 03 03 00 02 02 0a, connection reset by peer")
    assert first["code"] == "mode-mismatch"


def test_what_is_given_goes_before_what_is_seen(explained: Explained) -> None:
    [first, *_] = explained("no shared cipher", "--context", "key-count=0")
    assert first["code"] == "keystore-no-key"


def test_a_keystore_without_a_key_is_why_there_is_no_cipher(
    case: Case, explained: Explained
) -> None:
    root = TrustedCertificateEntry(case.authority.root)
    case.home.write_keystore(Keystore(entries={"root": root}))
    [first, *_] = explained("no shared cipher")
    assert first["code"] == "keystore-no-key"
    assert str(case.home.keystore) in first["message"]


def test_of_another_topic_nothing_is_put_first(case: Case, explained: Explained) -> None:
    """A fault of this home is no answer to a text that speaks of something else."""
    _no_intermediate(case)
    [first, *_] = explained("database is locked")
    assert first["code"] == "store-busy"


def test_a_folder_that_is_no_home_is_wrong_usage(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "--home", str(case.home.path / "logs"), "no shared cipher"]) == 64
    assert "is no server's home" in capsys.readouterr().err
