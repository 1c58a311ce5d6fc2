"""Files with a password in them: owner only, or root's and its group's."""

import stat

import pytest

from sottovoce.policy import check_owner_only, explain_mode

SERVICE = 1000
ROOT = 0


@pytest.mark.parametrize(
    ("mode", "owner", "process_owner"),
    [
        (0o600, SERVICE, SERVICE),
        (0o400, SERVICE, SERVICE),
        (0o700, SERVICE, SERVICE),
        (stat.S_IFREG | 0o600, SERVICE, SERVICE),
        (0o600, ROOT, ROOT),
        (0o640, ROOT, SERVICE),
        (0o440, ROOT, SERVICE),
        (0o640, ROOT, ROOT),
    ],
)
def test_private_files_are_fine(mode: int, owner: int, process_owner: int) -> None:
    """W20, catalogue K12."""
    assert check_owner_only(file="x", mode=mode, owner=owner, process_owner=process_owner) is None


@pytest.mark.parametrize(
    ("mode", "owner", "why"),
    [
        (0o644, SERVICE, "everyone may read it (mode 0644)"),
        (0o640, SERVICE, "its group may read it (mode 0640)"),
        (0o660, SERVICE, "its group may read and change it (mode 0660)"),
        (0o602, SERVICE, "everyone may change it (mode 0602)"),
        (0o610, SERVICE, "its group may execute it (mode 0610)"),
        (0o666, SERVICE, "everyone may read and change it (mode 0666)"),
        (0o660, ROOT, "its group may change it (mode 0660)"),
        (0o644, ROOT, "everyone may read it (mode 0644)"),
        (stat.S_IFREG | 0o644, SERVICE, "everyone may read it (mode 0644)"),
    ],
)
def test_what_others_may_read_or_change_is_a_fault(mode: int, owner: int, why: str) -> None:
    fault = check_owner_only(file="/srv/ssl.ini", mode=mode, owner=owner, process_owner=SERVICE)

    assert fault is not None
    assert (fault.code, fault.file, fault.warning) == ("file-not-owner-only", "/srv/ssl.ini", False)
    assert fault.why == f"/srv/ssl.ini holds a secret and {why}."
    assert fault.hint == "Run: chmod 600 /srv/ssl.ini"


def test_roots_group_can_be_refused_too() -> None:
    fault = check_owner_only(
        file="x", mode=0o640, owner=ROOT, process_owner=SERVICE, group_ok_for_root=False
    )

    assert fault is not None
    assert (fault.expected, fault.presented) == ("mode 0600", "mode 0640")


@pytest.mark.parametrize("process_owner", [SERVICE, ROOT])
def test_a_file_of_somebody_else_is_a_fault(process_owner: int) -> None:
    fault = check_owner_only(file="a b", mode=0o600, owner=1001, process_owner=process_owner)

    assert fault is not None
    assert fault.code == "file-not-owner-only"
    assert fault.hint == f"Run: chown {process_owner} 'a b'"


@pytest.mark.parametrize(
    ("mode", "command"),
    [(0o644, "chmod 600"), (0o444, "chmod 400"), (0o755, "chmod 600"), (0o004, "chmod 600")],
)
def test_the_command_keeps_the_owners_rights(mode: int, command: str) -> None:
    assert explain_mode(file="it's", mode=mode) == f"Run: {command} 'it'\"'\"'s'"
