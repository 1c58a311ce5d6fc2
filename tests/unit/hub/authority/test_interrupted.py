"""What an act leaves behind that was killed, ran out of disk, or met another one."""

import fcntl
import json
import multiprocessing
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from tests.unit.hub.authority.conftest import NAMES, NOW, Estate, Request

from sottovoce.errors import StoreError
from sottovoce.hub.authority import AuthorityFolder, Issuer, create_issuing, read_bounded
from sottovoce.pki import KeyAlgorithm, generate_key, make_request, parse_name

COMPROMISE = x509.ReasonFlags.key_compromise


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock as another process would; a second descriptor is as good as a second one."""
    descriptor = os.open(folder / ".lock", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


def test_an_act_waits_for_another_and_gives_up(
    estate: Estate, request_for: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sottovoce.hub.authority.folder.LOCK_PATIENCE", 0.1)

    with held(estate.issuer.folder.folder), pytest.raises(StoreError, match="in use by") as caught:
        estate.issuer.sign(request_for("hub.test"), names=["hub.test"], roles=[], now=NOW)

    assert caught.value.code == "ca-busy"
    assert estate.issuer.certificates() == []


@contextmanager
def disk_with_room_for(size: int) -> Iterator[None]:
    """Let no file grow beyond *size*: the system answers as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_line_that_did_not_fit_leaves_no_half_of_it(estate: Estate, request_for: Request) -> None:
    """The next act's line would else be glued to it, and the log be unreadable."""
    audit = estate.issuer.folder.folder / "audit.log"
    before = audit.read_bytes()
    request = request_for("hub.test")

    with disk_with_room_for(len(before) + 20), pytest.raises(StoreError, match=r"audit\.log"):
        estate.issuer.sign(request, names=["hub.test"], roles=[], now=NOW)

    assert audit.read_bytes() == before
    assert estate.issuer.certificates() == []


def test_a_full_disk_makes_no_half_of_an_authority(estate: Estate, tmp_path: Path) -> None:
    home = tmp_path / "other"
    (home / "hub").mkdir(parents=True)
    room = (estate.root.folder.folder / "index.json").stat().st_size + 2000

    with disk_with_room_for(300), pytest.raises(StoreError):
        create_issuing(estate.root, home, NAMES, now=NOW)
    (home / "hub" / "ca").write_text("in the way")
    with disk_with_room_for(10 * room), pytest.raises(StoreError, match="cannot be made"):
        create_issuing(estate.root, home, NAMES, now=NOW)

    assert [path.name for path in (home / "hub").iterdir()] == ["ca"]
    assert AuthorityFolder(estate.root.folder.folder).index().live == ["root"]


def test_a_file_that_is_absurdly_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sottovoce.hub.authority.files.FILE_LIMIT", 2**20)
    (tmp_path / "file").write_bytes(bytes(2**20 + 1))

    with pytest.raises(StoreError, match="larger than 1 MiB"):
        read_bounded(tmp_path / "file")


def test_lists_that_cannot_be_published_are_told(estate: Estate, tmp_path: Path) -> None:
    (tmp_path / "revocation").write_text("no folder")

    with pytest.raises(StoreError, match="revocation cannot be written"):
        estate.issuer.publish(tmp_path / "revocation", NOW)


def _work(home: Path) -> None:
    issuer = Issuer.open(home)
    assert issuer is not None
    key = generate_key(KeyAlgorithm.EC_P256)
    request = make_request(key, subject=parse_name("CN=hub.test"), names=["hub.test"])
    while True:
        leaf = issuer.sign(request, names=["hub.test"], roles=[], now=NOW)[0]
        issuer.revoke(leaf.serial_number, x509.ReasonFlags.superseded, NOW)


# Only this thread goes on in the child; it starts no other and ends in the work.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_killed_at_any_moment_it_goes_on_where_it_was(estate: Estate, request_for: Request) -> None:
    """Nothing that could have left is unknown, every file is whole, and the next act works."""
    context = multiprocessing.get_context("fork")
    folder = estate.issuer.folder.folder
    for pause in (0.05, 0.08, 0.11, 0.14, 0.17):
        process = context.Process(target=_work, args=(estate.home,))
        process.start()
        time.sleep(pause)
        process.kill()
        process.join()

        issuer = Issuer.open(estate.home)
        assert issuer is not None
        own = issuer.revocation_lists(NOW)[0]
        index = issuer.certificates()
        lines = [json.loads(line) for line in (folder / "audit.log").read_text().splitlines()]
        signed = {line["serial"] for line in lines if line["action"] == "sign"}
        assert {item.serial for item in index} <= signed
        assert {entry.serial_number for entry in own} >= {
            int(item.serial, 16) for item in index if item.revoked is not None
        }
        issuer.sign(request_for("lui.test"), names=["lui.test"], roles=[], now=NOW)

    assert len(estate.issuer.certificates()) > 5
