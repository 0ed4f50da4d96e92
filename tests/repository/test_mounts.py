"""A volume is one file system: what is mounted inside it is neither copied nor, by a restore, removed."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repositories import digests
from tests.support.volumes import copy, every, new_repository, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository.files.rooted import Rooted
from workers.repository.format.ambient import Limits


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """With another file system at `dir/mounted`."""
    mounted = tmp_path / "root" / "dir" / "mounted"
    mounted.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "none", mounted], check=False, capture_output=True).returncode:
        pytest.skip("only who may mount can try it")
    try:
        (mounted / "below").mkdir()
        for name in ("a", "dir/mounted/theirs", "dir/mounted/below/theirs", "dir/z"):
            (tmp_path / "root" / name).write_bytes(name.encode())
        yield tmp_path / "root"
    finally:
        subprocess.run(["umount", mounted], check=True)


@pytest.mark.parametrize("slices", ["one slice", "many slices"])
def test_what_is_mounted_in_a_volume_is_left_out_with_a_warning(slices: str, root: Path, tmp_path: Path) -> None:
    repository = new_repository(MemoryObjectStore(), limits=Limits(look_every=1))
    copied = copy(repository, root, stop=every(1 if slices == "many slices" else 1000))
    assert copied.unreadable == ()
    assert copied.warnings == ("dir/mounted: is another file system, mounted there; what is in it is not copied",)
    assert restore(repository, volume_of(copied), tmp_path / "target").lost == ()
    assert sorted(digests(tmp_path / "target")) == ["a", "dir", "dir/mounted", "dir/z"]


def test_a_restore_removes_nothing_that_is_mounted_in_the_target(root: Path, tmp_path: Path) -> None:
    repository = new_repository(MemoryObjectStore())
    volume = volume_of(copy(repository, root))
    (root / "dir" / "newer").write_bytes(b"goes")
    assert restore(repository, volume, root).lost == ()
    assert sorted(digests(root / "dir")) == ["mounted", "mounted/below", "mounted/below/theirs", "mounted/theirs", "z"]


def test_what_is_mounted_where_the_volume_has_nothing_stays_and_is_told(root: Path, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_bytes(b"other")
    repository = new_repository(MemoryObjectStore())
    volume = volume_of(copy(repository, tmp_path / "source"))
    restored = restore(repository, volume, root)
    assert restored.lost == ("dir: could not be written: another file system is mounted in it",)
    assert (root / "a").read_bytes() == b"other"
    assert (root / "dir" / "mounted" / "below" / "theirs").exists()


def test_a_subvolume_has_a_device_of_its_own_and_is_the_volumes(root: Path) -> None:
    with Rooted(root) as volume:
        ours, theirs = volume.directory(b"dir"), os.stat(root / "dir" / "mounted")
        assert volume.is_other_mount(theirs)
        assert not volume.is_mounted_apart(ours, theirs)
        assert volume.is_mounted_apart(volume.directory(b"dir/mounted"), theirs)


def test_the_files_of_a_subvolume_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "root" / "subvolume").mkdir(parents=True)
    (tmp_path / "root" / "subvolume" / "a").write_bytes(b"a")
    monkeypatch.setattr(Rooted, "is_other_mount", lambda _volume, status: status.st_ino != _inode(tmp_path / "root"))
    copied = copy(new_repository(repository := MemoryObjectStore()), tmp_path / "root")
    monkeypatch.undo()
    assert (copied.warnings, copied.unreadable) == ((), ())
    assert restore(new_repository(repository), volume_of(copied), tmp_path / "target").lost == ()
    assert digests(tmp_path / "target") == digests(tmp_path / "root")


def _inode(path: Path) -> int:
    return path.stat().st_ino
