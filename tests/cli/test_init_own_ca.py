"""``sottovoce init --own-ca``: a secured HUB and its root in one command, or neither."""

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sottovoce.hub.authority import AuthorityFolder, Issuer
from sottovoce.net import utc_now
from sottovoce.pki import dns_names, fingerprint, uri_names
from sottovoce.policy import Component
from sottovoce.server import read_plan
from sottovoce.server.creating import create

if TYPE_CHECKING:
    from tests.cli.conftest import Run

HUB = ("--name", "hub.test", "--components", "hub", "--lui", "lui.test", "--tracker", "trk.test")


def test_one_command_makes_a_secured_hub_and_its_root(tmp_path: Path, sottovoce: "Run") -> None:
    """Issue 5: nothing is left to be done on HUB's server; every file is its owner's."""
    home, root = tmp_path / "home", tmp_path / "root"

    own = ("--own-ca", root, "--ca-host", "new.test")
    life = ("--set", "hub/hub.ini:CertificateLifetime=40d")
    ports = ("--internal-port", "45099", "--bind", "127.0.0.1")
    printed = sottovoce("init", "--home", home, *HUB, *own, *life, *ports)
    checked = sottovoce("check", "--home", home)
    plan = read_plan(home, at=utc_now())
    issuer = Issuer.open(home)

    assert (printed.status, printed.err, plan.warnings) == (0, "", ())
    assert plan.generation is not None
    assert issuer is not None
    leaf = plan.generation.identity.chain[0]
    assert (dns_names(leaf), uri_names(leaf)) == (("hub.test",), (Component.HUB.role_uri,))
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=40, hours=1)
    assert (checked.status, "All is right" in checked.out) == (0, True), checked.text
    assert tuple(plan.generation.roots) == issuer.roots
    assert list(plan.generation.crls) == list(issuer.revocation_lists(utc_now()))
    assert plan.generation.allowed.names == ("hub.test", "lui.test", "trk.test")
    assert issuer.names == ("hub.test", "lui.test", "trk.test", "new.test")
    assert plan.settings.trust_from_hub
    assert fingerprint(issuer.roots[0]) in printed.out
    assert [each for each in (home, *home.rglob("*")) if each.stat().st_mode & 0o077] == [
        each for each in (home / "hub" / "ca").iterdir() if each.suffix in {".crl", ".pem"}
        and ".key" not in each.name
    ]  # fmt: skip
    assert (root / "password").read_text().strip() not in printed.text


def test_a_root_that_is_there_is_used(tmp_path: Path, sottovoce: "Run") -> None:
    root, secret = tmp_path / "root", tmp_path / "secret"
    secret.write_text("correct horse\n")
    secret.chmod(0o600)
    words = ("--dir", root, "--name", "Example Root", "--password-file", secret)
    assert sottovoce("ca", "create", *words).status == 0

    without = sottovoce("init", "--home", tmp_path / "home", *HUB, "--own-ca", root)
    printed = sottovoce(
        *("init", "--home", tmp_path / "home", *HUB, "--own-ca", root),
        *("--ca-password-file", secret, "--json"),
    )

    assert (without.status, printed.status) == (64, 0)
    made = json.loads(printed.out)["own_ca"]
    assert made["root"] == str(root / "root.pem")
    assert len(AuthorityFolder(root).index().certificates) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--own-ca", "{tmp}/home/root"), "ca-inside-home: The root's folder"),
        (("--own-ca", "{tmp}/other/conf/root"), "whoever steals that home"),
        (("--own-ca", "{tmp}/root", "--ca-host", "*.test"), "name constraints"),
        (("--own-ca", "{tmp}/root", "--set", "hub/hub.ini:CertificateLifetime=0"), "out of range"),
        (("--own-ca", "{tmp}/root", "--ca-name", "x" * 65), "1 to 64 characters"),
        (("--own-ca", "{tmp}/root", "--components", "trk"), "is for HUB's server"),
        (("--ca-name", "Root"), "goes with --own-ca"),
    ],
)
def test_what_cannot_be_made_leaves_nothing(
    tmp_path: Path, sottovoce: "Run", words: tuple[str, ...], told: str
) -> None:
    """Nothing or all: neither a home nor a root, and a reason."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "server.ini").touch()
    given = [word.replace("{tmp}", str(tmp_path)) for word in words]

    printed = sottovoce("init", "--home", tmp_path / "home", *HUB, *given)

    assert printed.status in {2, 64}
    assert told in printed.err
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_full_disk_at_the_end_leaves_nothing(
    tmp_path: Path, sottovoce: "Run", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place of the home is taken by a file while it is built: the last step fails."""
    home, root = tmp_path / "home", tmp_path / "root"
    root.mkdir()

    async def disturbed(*args: object, **named: object) -> object:
        home.write_text("somebody was quicker")
        return await create(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("sottovoce.server.create", disturbed)
    printed = sottovoce("init", "--home", home, *HUB, "--own-ca", root)

    assert printed.status == 64
    assert list(root.iterdir()) == []
    assert home.read_text() == "somebody was quicker"


def test_an_older_root_survives_a_failure(tmp_path: Path, sottovoce: "Run") -> None:
    root = tmp_path / "root"
    sottovoce("ca", "create", "--dir", root, "--name", "Example Root")

    printed = sottovoce(
        "init", "--home", tmp_path / "home", *HUB, "--own-ca", root, "--ca-host", "a b"
    )

    assert printed.status == 2
    assert (root / "root.key.pem").exists()
    assert not (tmp_path / "home").exists()
