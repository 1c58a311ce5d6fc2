"""``ssl.ini`` to the letter: exactly three entries, every violation named, all at once (W17)."""

from pathlib import Path

import pytest

from sottovoce import ini
from sottovoce.errors import Fault, SettingsError
from sottovoce.policy import SSL_KEYS, AllowedClients, SslSettings, read_ssl_settings

LIST = "SSLAllowedClients=hub.test,lui.test,trk.test"
PATH = "SSLKeystorePath=/srv/hub/conf/server.p12"
PASSWORD = "SSLKeystorePassword=geheim"
FILE = "/srv/hub/commands/ssl.ini"


def _read(text: str | bytes, own_name: str = "hub.test") -> SslSettings:
    data = text.encode() if isinstance(text, str) else text
    return read_ssl_settings(ini.survey(data), file=FILE, own_name=own_name)


def _faults(*lines: str, own_name: str = "hub.test") -> tuple[Fault, ...]:
    with pytest.raises(SettingsError) as caught:
        _read("\n".join(lines), own_name)
    assert "geh" not in f"{caught.value}{caught.value.faults!r}"
    assert str(caught.value).startswith("The server does not start: a half-written ssl.ini never")
    assert all(fault.file == FILE for fault in caught.value.faults)
    return caught.value.faults


def _codes(*lines: str, own_name: str = "hub.test") -> list[tuple[str, int | None]]:
    return [(fault.code, fault.line) for fault in _faults(*lines, own_name=own_name)]


@pytest.mark.parametrize("separator", ["=", " = ", ":", " ", "\t:\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_three_entries_are_read(separator: str, end: str) -> None:
    """W17: every separator and line end of the INI-file rules."""
    lines = ["# comment", "", *(line.replace("=", separator) for line in (LIST, PATH, PASSWORD))]

    settings = _read(end.join(lines))

    assert settings.allowed_clients == AllowedClients(("hub.test", "lui.test", "trk.test"))
    assert settings.keystore_path == Path("/srv/hub/conf/server.p12")
    assert settings.keystore_password == ini.Secret("geheim")
    assert (settings.file, settings.warnings) == (FILE, ())
    assert "geheim" not in repr(settings)


def test_exactly_three_keys_exist_and_all_are_required() -> None:
    assert [key.name for key in SSL_KEYS] == [
        "SSLAllowedClients",
        "SSLKeystorePath",
        "SSLKeystorePassword",
    ]
    assert all(key.required and key.help for key in SSL_KEYS)


def test_the_own_name_may_be_spelt_otherwise() -> None:
    assert (
        _read("\n".join([LIST, PATH, PASSWORD]), "HUB.test.").allowed_clients.names[0] == "hub.test"
    )


def test_an_own_name_that_is_no_host_name_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="IP address"):
        _read("", "127.0.0.1")


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        ([], [("ini-missing-key", None)] * 3),
        ([LIST, PATH], [("ini-missing-key", None)]),
        (
            [LIST.replace("All", "Al"), PATH, PASSWORD],
            [("ini-unknown-key", 1), ("ini-missing-key", None)],
        ),
        ([LIST.lower(), PATH, PASSWORD], [("ini-unknown-key", 1), ("ini-missing-key", None)]),
        ([LIST, PATH, PASSWORD, "Port=1"], [("ini-unknown-key", 4)]),
        ([LIST, PATH, PASSWORD, PATH], [("ini-repeated-key", 4)]),
        (["SSLAllowedClients=", PATH, PASSWORD], [("allowed-list-empty", 1)]),
        (
            ["SSLAllowedClients=,", PATH, PASSWORD],
            [("ini-bad-value", 1)] * 2 + [("own-name-missing", 1)],
        ),
        (["SSLAllowedClients=hub.test, lui.test", PATH, PASSWORD], [("ini-list-blanks", 1)]),
        (["SSLAllowedClients=hub.test ", PATH, PASSWORD], [("ini-list-blanks", 1)]),
        (["SSLAllowedClients=hub.test,,lui.test", PATH, PASSWORD], [("ini-bad-value", 1)]),
        (["SSLAllowedClients=hub.test,", PATH, PASSWORD], [("ini-bad-value", 1)]),
        (["SSLAllowedClients=hub.test,HUB.test.", PATH, PASSWORD], [("ini-bad-value", 1)]),
        (["SSLAllowedClients=hub.test,10.0.0.1", PATH, PASSWORD], [("ini-bad-value", 1)]),
        (["SSLAllowedClients=hub.test,*.test", PATH, PASSWORD], [("ini-bad-value", 1)]),
        (
            ["SSLAllowedClients=hub.test;lui.test", PATH, PASSWORD],
            [("ini-bad-value", 1), ("own-name-missing", 1)],
        ),
        (["SSLAllowedClients=lui.test", PATH, PASSWORD], [("own-name-missing", 1)]),
        ([LIST, "SSLKeystorePath=", PASSWORD], [("ini-empty-value", 2)]),
        ([LIST, "SSLKeystorePath=conf/server.p12", PASSWORD], [("ini-relative-path", 2)]),
        ([LIST, "SSLKeystorePath=C:/s/server.p12", PASSWORD], [("ini-relative-path", 2)]),
        ([LIST, r"SSLKeystorePath=C:\\s\\server.p12", PASSWORD], [("ini-relative-path", 2)]),
        (
            [LIST, r"SSLKeystorePath=C:\s\new\x", PASSWORD],
            [("ini-single-backslash", 2), ("ini-relative-path", 2)],
        ),
        ([LIST, r"SSLKeystorePath=/srv\server.p12", PASSWORD], [("ini-single-backslash", 2)]),
        ([LIST, "SSLKeystorePath=/srv/server.p12 ", PASSWORD], [("ini-trailing-blank", 2)]),
        ([LIST, PATH, "SSLKeystorePassword="], [("ini-empty-value", 3)]),
        ([LIST, PATH, r"SSLKeystorePassword=geh\weim"], [("ini-single-backslash", 3)]),
        ([LIST, PATH, r"SSLKeystorePassword=geh\teim"], [("ini-single-backslash", 3)]),
        (
            [LIST, PATH, r"SSLKeystorePassword=geh\u12"],
            [("ini-malformed-escape", 3), ("ini-single-backslash", 3)],
        ),
        (["\ufeff" + LIST, PATH, PASSWORD], [("ini-byte-order-mark", 1)]),
        ([LIST, "SSLKeystorePath=/srv/x\\", PASSWORD], [("ini-missing-key", None)]),
    ],
)
def test_every_violation_is_a_named_fault_with_its_line(
    lines: list[str], codes: list[tuple[str, int | None]]
) -> None:
    """W17; catalogue A2, A3, A5, C1, C2, C4, C6; none of them shows the password (W20)."""
    assert _codes(*lines) == codes


def test_all_faults_are_reported_at_once() -> None:
    """W17: one look at the message is enough to correct the whole file."""
    faults = _faults(
        "SSLAllowedClients=lui.test, trk.test",
        "SSLKeystorePath=conf\\server.p12",
        "SSLKeystorePassword=geheim",
        "SSLKeystorePassword=geh\\eim",
        "SSLKeystoreType=PKCS12",
    )

    assert [(fault.code, fault.line) for fault in faults] == [
        ("ini-list-blanks", 1),
        ("own-name-missing", 1),
        ("ini-single-backslash", 2),
        ("ini-relative-path", 2),
        ("ini-repeated-key", 4),
        ("ini-single-backslash", 4),
        ("ini-unknown-key", 5),
    ]


def test_a_misspelt_key_is_named_with_the_right_one() -> None:
    """Catalogue C6."""
    unknown, missing = _faults("SSLAlowedClients=hub.test", PATH, PASSWORD)

    assert str(unknown) == (
        f"{FILE}:1: “SSLAlowedClients” is no key of this file. Did you mean SSLAllowedClients?"
    )
    assert missing.key == "SSLAllowedClients"


def test_the_own_name_that_is_missing_is_named() -> None:
    """Catalogue A2."""
    (fault,) = _faults("SSLAllowedClients=lui.test", PATH, PASSWORD)

    assert fault.why.startswith("hub.test does not allow itself")
    assert fault.hint == "Add hub.test to SSLAllowedClients."
    assert fault.key == "SSLAllowedClients"


def test_a_blank_at_the_passwords_end_is_told_and_kept() -> None:
    """Catalogue C4, K1: Java keeps it, so it is kept here."""
    settings = _read(f"{LIST}\n{PATH}\n{PASSWORD} \n")

    assert settings.keystore_password == ini.Secret("geheim ")
    assert [(fault.code, fault.line) for fault in settings.warnings] == [("ini-trailing-blank", 3)]
    assert "geheim" not in repr(settings.warnings)


def test_a_doubled_backslash_in_the_password_is_one() -> None:
    assert _read(f"{LIST}\n{PATH}\nSSLKeystorePassword=p\\\\w%\n").keystore_password == ini.Secret(
        "p\\w%"
    )


def test_another_encoding_is_a_warning() -> None:
    settings = _read(f"{LIST}\n{PATH}\nSSLKeystorePassword=caf".encode() + b"\xe9\n")

    assert settings.keystore_password == ini.Secret("café")
    assert [fault.code for fault in settings.warnings] == ["ini-encoding"]


def test_a_password_glued_to_the_path_is_not_shown() -> None:
    """W20: a trailing backslash joins the two lines; the hint says so."""
    faults = _faults(LIST, "SSLKeystorePath=conf\\", PASSWORD)

    assert [fault.code for fault in faults] == ["ini-relative-path", "ini-missing-key"]
    assert "which a backslash at its end joins with the next" in faults[-1].hint


# The password in another place.

ELSEWHERE = "KeystorePasswordFile in /srv/hub/server.ini"


def _elsewhere(*lines: str) -> SslSettings:
    document = ini.survey("\n".join(lines).encode())
    return read_ssl_settings(document, file=FILE, own_name="hub.test", elsewhere=ELSEWHERE)


@pytest.mark.parametrize("lines", [(LIST, PATH), (LIST, PATH, "SSLKeystorePassword=")])
def test_with_another_place_the_entry_is_left_out_or_empty(lines: tuple[str, ...]) -> None:
    """W20: a file reference outside ``ssl.ini``."""
    settings = _elsewhere(*lines)
    assert settings.keystore_password is None
    assert settings.keystore_path == Path("/srv/hub/conf/server.p12")


def test_a_password_in_two_places_is_a_fault_that_says_which_line_to_remove() -> None:
    """W17, W20."""
    with pytest.raises(SettingsError) as refused:
        _elsewhere(LIST, PASSWORD, PATH)
    (fault,) = refused.value.faults
    assert (fault.code, fault.line, fault.key) == (
        "keystore-password-twice",
        2,
        "SSLKeystorePassword",
    )
    assert fault.presented == f"SSLKeystorePassword in {FILE}, and {ELSEWHERE}"
    assert fault.hint.startswith(f"Remove the line SSLKeystorePassword from {FILE}")
    assert "geheim" not in f"{refused.value}{fault!r}"


@pytest.mark.parametrize("last", [[], ["SSLKeystorePassword="]])
def test_a_password_in_no_place_is_a_fault_that_names_all_three(last: list[str]) -> None:
    """W20."""
    (fault,) = _faults(LIST, PATH, *last)
    assert "SSLKeystorePassword=" in fault.hint
    assert "KeystorePasswordFile, or KeystorePasswordCredential" in fault.hint


def test_with_another_place_every_other_rule_holds_as_before() -> None:
    """W17: a key that is nearly right stays unknown, and what follows it is not shown."""
    with pytest.raises(SettingsError) as refused:
        _elsewhere("SSLAllowedClients=lui.test", "SSLKeystorePasword=geheim")
    assert [(fault.code, fault.line) for fault in refused.value.faults] == [
        ("own-name-missing", 1),
        ("ini-unknown-key", 2),
        ("ini-missing-key", None),
    ]
    assert "geheim" not in str(refused.value)
