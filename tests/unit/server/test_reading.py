"""Files read once: one moment of them, and whether they have changed since."""

from pathlib import Path

import pytest

from sottovoce.server.reading import list_files, read_bytes, reading_once


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.crl"
    path.write_bytes(b"one")
    return path


def test_within_the_block_a_file_is_read_once(file: Path) -> None:
    with reading_once() as reading:
        assert read_bytes(file) == b"one"
        file.write_bytes(b"another")
        assert read_bytes(file) == b"one"
        assert reading.marks_now() != reading.marks
    assert read_bytes(file) == b"another"


def test_a_file_that_is_missing_stays_missing_within_the_block(tmp_path: Path) -> None:
    path = tmp_path / "later"
    with reading_once() as reading:
        for _ in range(2):
            with pytest.raises(FileNotFoundError):
                read_bytes(path)
            path.write_bytes(b"")
    assert reading.marks_now() != reading.marks


def test_the_bytes_are_let_go_afterwards(file: Path) -> None:
    with reading_once() as reading:
        read_bytes(file)
    assert reading._held == {}
    assert reading.marks_now() == reading.marks


@pytest.mark.parametrize("change", ["content", "mode", "replaced", "gone", "listed", "nothing"])
def test_what_changes_is_seen(file: Path, change: str) -> None:
    folder = file.parent
    with reading_once() as reading:
        read_bytes(file)
        assert list_files(folder, "*.crl") == (file,)
    match change:
        case "content":
            file.write_bytes(b"longer")
        case "mode":
            file.chmod(0o644 if file.stat().st_mode & 0o777 != 0o644 else 0o600)
        case "replaced":
            (folder / "new").write_bytes(b"one")
            (folder / "new").replace(file)
        case "gone":
            file.unlink()
        case "listed":
            (folder / "b.crl").write_bytes(b"")
        case _:
            (folder / "b.txt").write_bytes(b"")
    assert (reading.marks_now() == reading.marks) is (change == "nothing")


def test_a_link_counts_as_what_it_points_to(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to(file)
    with reading_once() as reading:
        read_bytes(link)
    file.write_bytes(b"behind the link")
    assert reading.marks_now() != reading.marks


def test_without_a_block_every_look_is_a_new_one(file: Path) -> None:
    assert list_files(file.parent, "*.crl") == (file,)
    file.unlink()
    assert list_files(file.parent, "*.crl") == ()
    assert list_files(file.parent / "nowhere", "*.crl") == ()
