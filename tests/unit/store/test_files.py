"""Files written atomically: whole or not at all, whatever happens in between."""

import errno
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sottovoce.store import files, write_atomically, write_together

OLD, NEW = b"old\n" * 1000, b"new\n" * 2000


def _fault(error: OSError) -> Callable[..., None]:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise error

    return fail


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_file_has_its_bytes_and_its_mode_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "file", NEW, mode=mode)
    finally:
        os.umask(before)

    assert (tmp_path / "file").read_bytes() == NEW
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode
    assert _names(tmp_path) == {"file"}


def test_a_wider_mode_of_the_old_version_is_not_inherited(tmp_path: Path) -> None:
    """W20: a password file that was readable by everyone is not so again after a rewrite."""
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "file").chmod(0o666)

    write_atomically(tmp_path / "file", NEW)

    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_the_previous_version_is_kept_beside_it(tmp_path: Path) -> None:
    for content in (b"1", b"2", b"3"):
        write_atomically(tmp_path / "file", content, backup=True)

    assert (tmp_path / "file").read_bytes() == b"3"
    assert (tmp_path / "file.bak").read_bytes() == b"2"
    assert _names(tmp_path) == {"file", "file.bak"}


def test_the_backup_is_a_copy_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "file").chmod(0o640)
    monkeypatch.setattr(os, "link", _fault(PermissionError(errno.EPERM, "no hard links")))

    write_atomically(tmp_path / "file", NEW, backup=True)

    assert (tmp_path / "file").read_bytes() == NEW
    assert (tmp_path / "file.bak").read_bytes() == OLD
    assert stat.S_IMODE((tmp_path / "file.bak").stat().st_mode) == 0o640
    assert _names(tmp_path) == {"file", "file.bak"}


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(OLD)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")

    write_atomically(tmp_path / "link", NEW)

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").read_bytes() == NEW


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_leaves_a_user_s_file_with_the_user(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    os.chown(tmp_path / "file", 12345, 23456)

    write_atomically(tmp_path / "file", NEW, backup=True)

    owner = (tmp_path / "file").stat()
    assert (owner.st_uid, owner.st_gid) == (12345, 23456)


@pytest.mark.parametrize("call", ["open", "fchmod", "fsync", "link"])
def test_an_error_of_the_system_leaves_the_old_version_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    (tmp_path / "file").write_bytes(OLD)
    full = OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, _fault(full))
        with pytest.raises(OSError, match="No space left") as caught:
            write_atomically(tmp_path / "file", NEW, backup=True)

    assert caught.value is full
    assert (tmp_path / "file").read_bytes() == OLD
    assert _names(tmp_path) == {"file"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_a_disk_that_is_really_full_leaves_the_old_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(OLD)
    real_open = os.open

    def open_full(path: object, flags: int, mode: int = 0o777) -> int:
        real_open_for_litter = real_open(str(path), flags, mode)
        os.close(real_open_for_litter)
        return real_open("/dev/full", os.O_WRONLY)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", open_full)
        patch.setattr(os, "fchmod", lambda *_: None)
        patch.setattr(files, "_keep_owner", lambda *_: None)
        with pytest.raises(OSError, match="No space left"):
            write_atomically(tmp_path / "file", NEW)

    assert (tmp_path / "file").read_bytes() == OLD
    assert _names(tmp_path) == {"file"}


def test_of_two_writers_at_once_one_wins_whole(tmp_path: Path) -> None:
    start = threading.Barrier(4)
    contents = [bytes([65 + number]) * 50_000 for number in range(4)]

    def write(content: bytes) -> None:
        start.wait()
        for _ in range(10):
            write_atomically(tmp_path / "file", content, backup=True)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (tmp_path / "file").read_bytes() in contents
    assert (tmp_path / "file.bak").read_bytes() in contents
    assert _names(tmp_path) == {"file", "file.bak"}


def test_a_missing_folder_is_the_caller_s_to_explain(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere" / "file", NEW)


# Several files, all or none.


def _several(folder: Path) -> dict[Path, bytes]:
    (folder / "a").write_bytes(OLD)
    (folder / "c").write_bytes(OLD)
    (folder / "c").chmod(0o640)
    return {folder / name: name.encode() for name in ("a", "b", "c")}


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_several_files_are_written_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    write_together(_several(tmp_path))
    assert _content(tmp_path) == {"a": b"a", "b": b"b", "c": b"c"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_several_files_may_keep_their_permissions(tmp_path: Path) -> None:
    """What an administrator has left open to the service's group stays so."""
    wanted = _several(tmp_path)
    (tmp_path / "b").write_bytes(OLD)
    modes = {"a": 0o600, "b": 0o644, "c": 0o640}
    for name, mode in modes.items():
        (tmp_path / name).chmod(mode)
    write_together(wanted, mode=None)
    assert _content(tmp_path) == {"a": b"a", "b": b"b", "c": b"c"}
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == modes


@pytest.mark.parametrize("links", [True, False], ids=["with links", "without links"])
@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("step", ["_write_new", "replace"])
def test_when_one_cannot_be_written_all_are_what_they_were(
    step: str, at: int, links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, before = _several(tmp_path), _content(tmp_path)
    if not links:
        monkeypatch.setattr(os, "link", _fault(PermissionError(errno.EPERM, "no hard links")))
    owner = files if step == "_write_new" else Path
    real, made = getattr(owner, step), 0

    def failing(path: Path, *rest: Any, **more: Any) -> Any:
        nonlocal made
        if path.name.endswith(".tmp"):
            made += 1
            if made == at + 1:
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return real(path, *rest, **more)

    monkeypatch.setattr(owner, step, failing)
    with pytest.raises(OSError, match="No space left"):
        write_together(wanted)
    assert made == at + 1
    assert _content(tmp_path) == before


def test_they_take_their_places_in_the_order_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one is the switch: each of the others is there before it."""
    order, real = list[str](), Path.replace

    def noted(path: Path, target: Path) -> Path:
        order.append(target.name)
        return real(path, target)

    monkeypatch.setattr(Path, "replace", noted)
    write_together({tmp_path / name: b"" for name in ("z", "a", "m")})
    assert order == ["z", "a", "m"]
