"""What a killed process left is told from what is in use and from what is somebody else's."""

import fcntl
import os
from datetime import timedelta
from pathlib import Path

import pytest

from sottovoce.net import utc_now
from sottovoce.server.staging import (
    STRAY_AFTER,
    clear_abandoned,
    clear_stray,
    find_abandoned,
    find_stray,
    staged,
)

LATER = STRAY_AFTER + timedelta(minutes=1)


def built(place: Path, name: str) -> Path:
    """Return a folder beside *place*, with a file in it."""
    folder = place.parent / name
    folder.mkdir(parents=True)
    (folder / "server.p12").write_bytes(b"a key")
    return folder


def test_only_what_was_built_for_this_home_and_is_left_is_removed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    left = [built(home, ".home.0123abcd.tmp"), built(home, ".home.ffffffff.tmp")]
    others = [
        built(home, name)
        for name in (
            ".home2.0123abcd.tmp",
            ".home.0123abc.tmp",
            ".home.0123ABCD.tmp",
            ".home.0123abcd.old",
            "home.0123abcd.tmp",
            ".home.x.0123abcd.tmp",
        )
    ]
    file, link = tmp_path / ".home.00000000.tmp", tmp_path / ".home.11111111.tmp"
    file.write_bytes(b"")
    link.symlink_to(others[0])
    with staged(home) as busy:
        (busy / "server.ini").write_bytes(b"")
        assert find_abandoned(home) == tuple(left)
        assert clear_abandoned(home) == tuple(left)
        assert clear_abandoned(home) == ()
        assert (busy / "server.ini").exists()
    assert (home / "server.ini").exists()
    assert not any(folder.exists() for folder in left)
    assert all((folder / "server.p12").exists() for folder in others)
    assert file.exists()
    assert link.is_symlink()


def test_what_is_somebody_else_s_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    folder = built(home, ".home.0123abcd.tmp")
    home.mkdir()
    (home / ".server.ini.0123abcd.tmp").write_bytes(b"")
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert clear_abandoned(home) == clear_stray(home, now=utc_now() + LATER) == ()
    assert folder.exists()


def test_a_folder_that_was_cleared_before_it_was_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who clears up comes in between the making and the locking."""
    home, flock, cleared = tmp_path / "home", fcntl.flock, list[Path]()

    def late(descriptor: int, how: int) -> None:
        if how == fcntl.LOCK_EX and not cleared:
            cleared.extend(clear_abandoned(home))
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with staged(home) as folder:
        assert len(cleared) == 1
        assert folder not in cleared
        assert folder.is_dir()
    assert home.is_dir()
    assert list(tmp_path.iterdir()) == [home]


def test_files_beside_others_are_left_over_when_they_are_old(tmp_path: Path) -> None:
    now = utc_now()
    (tmp_path / "conf" / "revocation").mkdir(parents=True)
    left = [
        tmp_path / ".server.ini.0123abcd.tmp",
        tmp_path / "conf" / ".server.p12.0123abcd.old",
        tmp_path / "conf" / ".cacerts.0123abcd.bak",
        tmp_path / "conf" / "revocation" / ".own-issuing.crl.0123abcd.tmp",
    ]
    kept = [
        tmp_path / "conf" / ".cacerts.bak",
        tmp_path / "conf" / "server.p12.0123abcd.tmp",
        tmp_path / ".hidden",
        tmp_path / "elsewhere" / ".server.ini.0123abcd.tmp",
    ]
    for path in (*left, *kept):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    left.append(built(tmp_path / "hub" / "ca", ".ca.0123abcd.tmp"))
    kept += [built(tmp_path / "hub" / "ca", ".cb.0123abcd.tmp") / "server.p12"]
    kept += [built(tmp_path / "conf" / "ca", ".ca.0123abcd.tmp") / "server.p12"]
    assert find_stray(tmp_path, now=now) == clear_stray(tmp_path, now=now) == ()
    assert set(find_stray(tmp_path, now=now + LATER)) == set(left)
    assert set(clear_stray(tmp_path, now=now + LATER)) == set(left)
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)
