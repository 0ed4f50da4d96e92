"""Repositories of every format version that was ever released stay readable.

`python -m tests.repository.test_frozen` makes the sample of this version, where there is none yet.
"""

import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from schemas import keys
from schemas.errors import Damaged
from schemas.job import backup
from tests.support.sealed import sealed
from tests.support.volumes import copy, objects, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository, open_repository
from workers.repository.format import keyring
from workers.repository.format.layout import BALLAST, CLOCK, FORMAT
from workers.repository.upkeep import check, verify

SAMPLES = Path(__file__).parent.parent / "samples"
PASSPHRASE = "frozen in 2026"
VERSIONS = sorted(SAMPLES.glob("repository-v*"))


def listing(root: Path) -> dict[str, list[object]]:
    """What every path is: kind and mode, owner, time, size and digest or target."""
    found: dict[str, list[object]] = {}
    for directory, names, files in os.walk(os.fsencode(root)):
        for name in [*names, *files]:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            fact: object = None
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:
                    fact = hashlib.sha256(file.read()).hexdigest()
            elif stat.S_ISLNK(status.st_mode):
                fact = os.readlink(path).decode("latin-1")
            size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
            facts = [status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, size, status.st_nlink, fact]
            if stat.S_ISDIR(status.st_mode):
                facts[5] = 0
            found[os.path.relpath(path, os.fsencode(root)).decode("latin-1")] = facts
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")
@pytest.mark.parametrize("version", VERSIONS, ids=[version.name for version in VERSIONS])
def test_a_repository_of_an_earlier_version_is_whole_and_comes_back(version: Path, tmp_path: Path) -> None:
    store = MemoryObjectStore()
    for path in (version / "objects").rglob("*"):
        if path.is_file():
            store.put(str(path.relative_to(version / "objects")), path.read_bytes())
    found = keyring.find(store, PASSPHRASE)
    assert found is not None
    repository = VolumeRepository(store, found.keys)
    expected = json.loads((version / "expected.json").read_text())
    with repository.new_view() as view:
        names = {volume: name for name, volume in expected["volumes"].items()}
        assert check.check(view, names) == []
        assert verify.verify(view, names, 100).problems == []
    for name, volume in expected["volumes"].items():
        assert restore(repository, volume, tmp_path / name).lost == ()
        assert listing(tmp_path / name) == expected["listings"][name]


@pytest.mark.parametrize("version", VERSIONS, ids=[version.name for version in VERSIONS])
def test_records_of_an_earlier_version_are_read_and_plain_ones_only_where_there_was_nothing_else(version: Path) -> None:
    objects = MemoryObjectStore()
    for path in (version / "objects").rglob("*"):
        if path.is_file():
            objects.put(str(path.relative_to(version / "objects")), path.read_bytes())
    records = sealed(objects, open_repository(objects, PASSPHRASE))
    expected = json.loads((version / "expected.json").read_text()).get("records", {})
    assert {key: records.get(key).decode() for key in expected} == expected
    plain = keys.final(backup("plain"))
    objects.put(plain, b'{"format": 1}')
    if version.name == "repository-v1":
        assert records.get(plain) == b'{"format": 1}'
    else:
        assert expected
        with pytest.raises(Damaged, match="not sealed"):
            records.get(plain)


def test_there_is_a_sample_of_this_version() -> None:
    assert f"repository-v{FORMAT}" in [version.name for version in VERSIONS]


def _make_tree(root: Path) -> None:
    (root / "dir" / "empty").mkdir(parents=True)
    (root / "dir" / "small").write_bytes(b"small\n")
    (root / "empty").touch()
    (root / "large").write_bytes(
        b"".join(b"%d of many lines that compress well\n" % number for number in range(90_000))
    )
    os.link(root / "dir" / "small", root / "linked")
    (root / "symlink").symlink_to("dir/small")
    os.mkfifo(root / "fifo")
    with (root / "sparse").open("wb") as file:
        file.truncate(1_000_000)
        file.seek(500_000)
        file.write(b"in the middle")
    with open(os.fsencode(root) + b"/not \xff utf-8", "wb") as file:
        file.write(b"x")
    os.chown(root / "dir" / "small", 1000, 2000)
    os.chmod(root / "empty", 0o4711)
    for directory, names, files in os.walk(os.fsencode(root), topdown=False):
        for name in [*names, *files]:
            os.utime(os.path.join(directory, name), ns=(1, 1_790_000_000_123_456_789), follow_symlinks=False)


def main() -> int:
    """Makes the sample of this version."""
    place = SAMPLES / f"repository-v{FORMAT}"
    if place.exists():
        print(f"{place} is there already, and never changes", file=sys.stderr)
        return 1
    store = MemoryObjectStore()
    repository = open_repository(store, PASSPHRASE, level=19)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "root"
        _make_tree(root)
        first = copy(repository, root)
        listings = {"first": listing(root)}
        shutil.rmtree(root / "dir" / "empty")
        (root / "later").write_bytes(b"added later")
        os.utime(root / "later", ns=(1, 1_790_000_001_000_000_000))
        os.utime(root / "dir", ns=(1, 1_790_000_001_000_000_000))
        second = copy(repository, root, parent=volume_of(first))
        listings["second"] = listing(root)
    records = sealed(store, repository)
    frozen = {keys.final(backup("frozen")): '{"format": 1, "name": "frozen"}', keys.plan(backup("frozen")): "{}"}
    for key, record in frozen.items():
        records.put(key, record.encode())
    for key in set(objects(store)) - {BALLAST, CLOCK}:
        (place / "objects" / key).parent.mkdir(parents=True, exist_ok=True)
        (place / "objects" / key).write_bytes(store.get(key))
    volumes = {"first": volume_of(first), "second": volume_of(second)}
    expected = {"volumes": volumes, "listings": listings, "records": frozen}
    (place / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
