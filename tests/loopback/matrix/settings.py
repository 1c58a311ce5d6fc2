"""Rows C, and those of the allowed list that lie in ``ssl.ini``."""

from tests.cli.test_check import Case
from tests.loopback.matrix.homes import damaged, prepared
from tests.loopback.matrix.rows import Row

__all__ = ["ROWS"]


def _password_with_a_backslash(case: Case) -> None:
    """The password ends in ``p\\w``, which readers of this format make ``pw``."""
    text = case.home.ssl_ini.read_text("utf-8")
    case.home.ssl_ini.write_text(
        "".join(
            line.rstrip("\n") + "p\\w\n" if line.startswith("SSLKeystorePassword") else line
            for line in text.splitlines(keepends=True)
        ),
        "utf-8",
    )


def _password_with_a_blank(case: Case) -> None:
    text = case.home.ssl_ini.read_text("utf-8")
    case.home.ssl_ini.write_text(text.replace(case.home.password, case.home.password + " "))


def _windows_path(case: Case) -> None:
    text = case.home.ssl_ini.read_text("utf-8")
    old = str(case.home.keystore)
    assert old in text
    case.home.ssl_ini.write_text(text.replace(old, "C:\\users\\keystore.p12"), "utf-8")


ROWS = (
    Row(
        id="A2",
        cause="the own name is missing",
        made=prepared("the own name is missing"),
        found=("own-name-missing", "own-name-missing"),
    ),
    Row(
        id="A3",
        cause="blanks in the list",
        made=prepared("blanks in the list"),
        found=("ini-list-blanks", "ini-list-blanks"),
    ),
    Row(
        id="A4",
        cause="a name that was refused, and nearly that one in the list",
        made=prepared("nearly the name that was refused"),
        found=("not-in-allowed-list", ""),
    ),
    Row(
        id="A5",
        cause="an empty list",
        made=prepared("an empty list"),
        found=("allowed-list-empty", "allowed-list-empty"),
    ),
    Row(
        id="N2",
        cause="the server was renamed",
        made=prepared("renamed"),
        found=("server-renamed", "server-renamed"),
    ),
    Row(
        id="N3",
        cause="a partner under two names",
        made=prepared("a partner under two names"),
        found=("name-mismatch", ""),
    ),
    Row(
        id="C1",
        cause="a relative path",
        made=prepared("a relative path"),
        found=("ini-relative-path", "ini-relative-path"),
    ),
    Row(
        id="C2",
        cause="single backslashes",
        made=prepared("single backslashes"),
        found=("ini-single-backslash", "ini-single-backslash"),
    ),
    Row(
        id="C2",
        cause="a Windows path with a \\u in it",
        made=damaged(_windows_path),
        found=("ini-malformed-escape", "ini-malformed-escape"),
    ),
    Row(
        id="C3",
        cause="blanks in the list",
        made=prepared("blanks in the list"),
        found=("ini-list-blanks", "ini-list-blanks"),
    ),
    Row(
        id="C4",
        cause="a backslash in the password",
        made=damaged(_password_with_a_backslash),
        found=("ini-single-backslash", "ini-single-backslash"),
    ),
    Row(
        id="C4",
        cause="a blank at the end of the password",
        made=damaged(_password_with_a_blank),
        found=("keystore-wrong-password", "keystore-wrong-password"),
    ),
    Row(
        id="C5",
        cause="a byte-order mark",
        made=prepared("a byte order mark"),
        found=("ini-byte-order-mark", "ini-byte-order-mark"),
    ),
    Row(
        id="C6",
        cause="a misspelt key",
        made=prepared("a misspelt key"),
        found=("ini-unknown-key", "ini-unknown-key"),
    ),
    Row(
        id="C6",
        cause="a missing key",
        made=prepared("no password"),
        found=("ini-missing-key", "ini-missing-key"),
    ),
)
