"""A kill between any two steps of a store's writing leaves the old store or the new one, whole."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: Forks a child for each number: it runs the command and dies before that call of ``files.py``.
DRIVER = """
import json, os, sys
from pathlib import Path
import sottovoce.store.files, sottovoce.keytool, sottovoce.server.home, sottovoce.net.clock
from sottovoce.cli import main
from sottovoce.keystore import loads

def child(last):
    count = 0
    def hook(frame, event, called):
        nonlocal count
        if event == "c_call" and frame.f_code.co_filename.endswith("store/files.py"):
            count += 1
            if count == last:
                os._exit(9)
    sys.setprofile(hook)
    os._exit(main(sys.argv[1:]))

old, found, last = Path("s.p12").read_bytes(), [], 0
while True:
    last += 1
    pid = os.fork()
    if pid == 0:
        child(last)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    store = loads(Path("s.p12").read_bytes(), "changeit")
    kept = Path("s.p12.bak")
    if kept.exists():
        loads(kept.read_bytes(), "changeit")
    found.append([status, sorted(store)])
    Path("s.p12").write_bytes(old)
    if status != 9:
        break
print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_kill_between_any_two_steps_leaves_the_old_store_or_the_new_one(tmp_path: Path) -> None:
    words = ["keytool", "-genkeypair", "-keyalg", "EC", "-dname", "CN=a", "-keystore", "s.p12"]
    words += ["-storepass", "changeit", "-alias"]
    subprocess.run(
        [sys.executable, "-m", "sottovoce", *words, "old"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )

    done = subprocess.run(
        [sys.executable, "-c", DRIVER, *words, "new"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )

    found = json.loads(done.stdout.splitlines()[-1])
    assert found[-1] == [0, ["new", "old"]]
    assert [status for status, _ in found[:-1]] == [9] * (len(found) - 1)
    assert len(found) > 10
    outcomes = [entries for _, entries in found]
    turn = outcomes.index(["new", "old"])
    assert outcomes[:turn] == [["old"]] * turn
    assert outcomes[turn:] == [["new", "old"]] * (len(outcomes) - turn)
