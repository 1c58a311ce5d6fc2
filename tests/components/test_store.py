"""The store between real processes: they write at once, are killed, and meet locked folders."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sottovoce.hub.home import MIGRATIONS
from sottovoce.store import migrate

WRITER = """
import asyncio, sys
from pathlib import Path
from sottovoce.store import Database

async def main() -> None:
    async with await Database.open(Path(sys.argv[1]), migrations=Path(sys.argv[2])) as store:
        for number in range(int(sys.argv[3])):
            async with store.write() as connection:
                query = "SELECT count(*) FROM grp"
                count = (await connection.exec_driver_sql(query)).scalar_one()
                values = f"('{count:03}', '')"
                await connection.exec_driver_sql(f"INSERT INTO grp (name, created) VALUES {values}")
            print(f"{count:03}", flush=True)

asyncio.run(main())
"""


@pytest.mark.slow
def test_two_processes_open_migrate_and_write_at_once(tmp_path: Path) -> None:
    """A command works beside the running server; neither loses a row nor sees half of one."""
    path = tmp_path / "a.db"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(MIGRATIONS), "15"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    endings = [writer.communicate(timeout=50)[1].decode() for writer in writers]

    connection = sqlite3.connect(path)
    words = [name for (name,) in connection.execute("SELECT name FROM grp ORDER BY name")]
    connection.close()

    assert endings == ["", ""]
    assert words == [f"{number:03}" for number in range(30)]


@pytest.mark.slow
def test_what_a_killed_process_had_answered_for_is_there(tmp_path: Path) -> None:
    """DESIGN §1, nothing lost: SIGKILL in the middle of writing loses no committed row."""
    path = tmp_path / "a.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(MIGRATIONS), "100000"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    answered = [writer.stdout.readline().strip() for _ in range(20)]
    writer.kill()
    answered += writer.stdout.read().split()
    writer.stdout.close()
    writer.wait(timeout=30)

    migrate(path, MIGRATIONS)
    connection = sqlite3.connect(path)
    stored = [name for (name,) in connection.execute("SELECT name FROM grp ORDER BY name")]
    sound = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()

    assert stored[: len(answered)] == answered
    assert len(stored) - len(answered) in {0, 1}, "at most the one that was under way"
    assert sound == ("ok",)


OPENER = """
import asyncio, ctypes, struct, sys
from pathlib import Path
from sottovoce.errors import StoreError
from sottovoce.store import Database

# Without capabilities root is held to permissions like everybody else (capset(2)).
header, nothing = struct.pack("=Ii", 0x20080522, 0), bytes(24)
if ctypes.CDLL(None, use_errno=True).capset(header, nothing) != 0:
    sys.exit("capabilities cannot be dropped")
for path in sys.argv[2:]:
    try:
        asyncio.run(Database.open(Path(path), migrations=Path(sys.argv[1])))
    except StoreError as error:
        print(error.code)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    existing, missing = folder / "a.db", folder / "b.db"
    migrate(existing, MIGRATIONS)
    existing.chmod(0o444)
    folder.chmod(0o555)
    try:
        result = subprocess.run(
            [sys.executable, "-c", OPENER, str(MIGRATIONS), str(existing), str(missing)],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
    finally:
        folder.chmod(0o755)

    assert (result.stdout.split(), result.stderr) == (["store-unwritable"] * 2, "")


CRASHER = """
# Writes the file again and again, dying before the 1st, 2nd, 3rd ... call to the system.
import json, os, sys
from pathlib import Path
from sottovoce.store import files

CALLS = ["open", "fchmod", "fsync", "link", "rename", "replace", "unlink", "fchown"]
folder, old, new = Path(sys.argv[1]), b"old\\n" * 1000, b"new\\n" * 2000
report = []
for step in range(100):
    home = folder / str(step)
    home.mkdir()
    (home / "file").write_bytes(old)
    child = os.fork()
    if child == 0:
        left = [step]
        def dying(real):
            def call(*args, **kwargs):
                if left[0] == 0:
                    os._exit(9)
                left[0] -= 1
                return real(*args, **kwargs)
            return call
        for name in CALLS:
            setattr(os, name, dying(getattr(os, name)))
        files.write_atomically(home / "file", new, backup=True)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    backup = home / "file.bak"
    kept = backup.read_bytes() == old if backup.exists() else None
    content = (home / "file").read_bytes()
    report.append([status, "old" if content == old else "new" if content == new else "half", kept])
    if status == 0:
        break
print(json.dumps(report))
"""


@pytest.mark.slow
def test_a_crash_before_any_call_to_the_system_leaves_old_or_new(tmp_path: Path) -> None:
    """DESIGN §1, nothing lost: a real process dies at each step; nobody cleans up after it."""
    result = subprocess.run(
        [sys.executable, "-c", CRASHER, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    steps = json.loads(result.stdout)
    crashes, (ending, content, kept) = steps[:-1], steps[-1]

    assert (ending, content, kept) == (0, "new", True)
    assert len(crashes) >= 6, "the calls are intercepted"
    assert {status for status, _, _ in crashes} == {9}
    contents = [content for _, content, _ in crashes]
    assert set(contents) == {"old", "new"}
    assert contents == sorted(contents, reverse=True), "first old, then new, never back"
    assert {kept for _, _, kept in crashes} <= {None, True}, "a backup is whole or absent"
