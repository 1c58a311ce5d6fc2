"""A reply is taken over when it is the one that was shown, for this name and this key; else not."""

import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sottovoce.errors import SettingsError
from sottovoce.net import utc_now
from sottovoce.pki import BACKDATE
from sottovoce.policy import Component
from sottovoce.server import Home
from sottovoce.server.preparing import Reply, accept_reply, ask_for, reply_print
from sottovoce.server.switching import Stage, examine, move_back, move_switch, stage_of
from sottovoce.testing import ThrowAwayAuthority
from sottovoce.testing.homes import Premises

NAME = "lui.example"
NOW = utc_now()


def _reply(
    authority: ThrowAwayAuthority, request: x509.CertificateSigningRequest, name: str = NAME
) -> bytes:
    leaf = authority.authority.issue(
        request.public_key(),
        names=[name],
        roles=[Component.LUI.role_uri],
        serial=secrets.randbits(120) + 1,
        not_before=NOW - BACKDATE,
        not_after=NOW + timedelta(days=1),
    )
    crl = authority.authority.revocation_list(
        [], this_update=NOW - BACKDATE, next_update=NOW + timedelta(days=1), number=1
    )
    der = Encoding.DER
    return Reply(
        server=name,
        chain=(leaf.public_bytes(der), authority.root.public_bytes(der)),
        roots=(authority.root.public_bytes(der),),
        crls=(crl.public_bytes(der),),
        allowed=(name, "hub.example"),
    ).data()


def test_a_reply_is_for_one_name_and_one_key(tmp_path: Path) -> None:
    authority = ThrowAwayAuthority(at=NOW)
    made = Premises.make(
        tmp_path / "home", name=NAME, components=[Component.LUI], authority=authority
    )
    home, settings = Home(made.path), Home(made.path).settings()

    def refused(data: bytes, code: str = "reply-refused") -> str:
        before = {path: path.read_bytes() for path in made.path.rglob("*") if path.is_file()}
        with pytest.raises(SettingsError) as error:
            accept_reply(home, settings, data, expected=reply_print(data), now=NOW)
        after = {path: path.read_bytes() for path in made.path.rglob("*") if path.is_file()}
        assert before == after
        assert error.value.faults[0].code == code
        return error.value.faults[0].why

    assert "cannot be read" in refused(b"{}")
    first = ask_for(home, settings, NOW)
    earlier = _reply(authority, first)
    second = ask_for(home, settings, NOW)
    assert "another key" in refused(earlier)
    assert "another server" in refused(_reply(authority, second, "trk.example"))
    # Only the key waits so far: that is no prepared switch.
    with pytest.raises(SettingsError):
        examine(home, at=NOW)

    data = _reply(authority, second)
    accept_reply(home, settings, data, expected=reply_print(data), now=NOW)
    plan = examine(home, at=NOW)
    assert plan is not None
    assert plan.generation is not None
    assert plan.generation.allowed.names == (NAME, "hub.example")
    assert [path.name for path in home.conf.glob("*.p12")] == ["server.p12"]

    move_switch(home)
    assert stage_of(home) is Stage.SWITCHED
    for step in (lambda: move_switch(home), lambda: ask_for(home, settings, NOW)):
        with pytest.raises(SettingsError) as error:
            step()
        assert error.value.faults[0].code == "switch-refused"
    # What was prepared meanwhile is not lost on the way back.
    made.ssl_ini.with_suffix(".ini.prepared").write_bytes(b"")
    with pytest.raises(SettingsError):
        move_back(home)
    assert stage_of(home) is Stage.SWITCHED
