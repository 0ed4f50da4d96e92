"""Files with several names: each name comes back with its own content, and names of one file as names of one file."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.repositories import digests
from tests.support.volumes import copy, damaged, new_repository, objects, quiet, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import CopySlice, RestoreSlice
from workers.repository import VolumeRepository
from workers.repository.format.ambient import Limits
from workers.repository.restore import single_files


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "dir").mkdir(parents=True)
    for name in ("a", "b", "dir/c"):
        (root / name).write_bytes(name.encode() * 100)
    return root


def restored(repository: VolumeRepository, copied: CopySlice, tmp_path: Path) -> Path:
    assert restore(repository, volume_of(copied), tmp_path / "target").lost == ()
    return tmp_path / "target"


def used_again(monkeypatch: pytest.MonkeyPatch, inode: int, path: Path) -> None:
    """The file at `path` has this inode from now on, as on file systems that use inodes again."""
    instead_of = path.stat().st_ino

    def told(call: Callable[..., os.stat_result]) -> Callable[..., Any]:
        def telling(*given: Any, **more: Any) -> Any:
            found = call(*given, **more)
            if found.st_ino != instead_of:
                return found
            fields = {name: getattr(found, name) for name in dir(found) if name.startswith("st_")}
            return SimpleNamespace(**{**fields, "st_ino": inode})

        return telling

    for name in ("stat", "fstat"):
        monkeypatch.setattr(os, name, told(getattr(os, name)))


@pytest.mark.parametrize("slices", ["one slice", "two slices"])
def test_a_file_that_has_the_inode_of_one_that_went_keeps_its_own_content(
    slices: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.link(source / "a", source / "dir" / "old")
    checkpoints: list[bytes | None] = []

    def replace() -> bool:
        if checkpoints:
            return False
        checkpoints.append(None)
        inode = (source / "a").stat().st_ino
        (source / "a").unlink()
        (source / "dir" / "old").unlink()
        (source / "dir" / "new").write_bytes(b"private, and as long as the one that was there before" * 2)
        os.link(source / "dir" / "new", source / "dir" / "newer")
        used_again(monkeypatch, inode, source / "dir" / "new")
        return slices == "two slices"

    repository = new_repository(MemoryObjectStore(), limits=Limits(look_every=1))
    copied = copy(repository, source, stop=replace)
    monkeypatch.undo()
    target = restored(repository, copied, tmp_path)
    assert (target / "a").read_bytes() == b"a" * 100
    assert (target / "dir" / "new").read_bytes() == (source / "dir" / "new").read_bytes()
    assert (target / "dir" / "newer").samefile(target / "dir" / "new")
    assert [each.partition(" had the inode")[0] for each in copied.warnings] == ["dir/new:"]


@pytest.mark.parametrize("change", ["another link", "another content"])
def test_another_name_of_a_file_that_changes_meanwhile_stays_its_name(
    change: str, source: Path, tmp_path: Path
) -> None:
    os.link(source / "a", source / "dir" / "another")

    def act() -> bool:
        if change == "another link":
            os.link(source / "a", source / "dir" / "yet-another")
        else:
            (source / "a").write_bytes(b"changed")
        acted.append(None)
        return False

    acted: list[None] = []
    repository = new_repository(MemoryObjectStore(), limits=Limits(look_every=1))
    copied = copy(repository, source, stop=lambda: not acted and act())
    target = restored(repository, copied, tmp_path)
    assert (target / "dir" / "another").samefile(target / "a")
    assert (target / "a").read_bytes() == b"a" * 100
    told = [each.partition(" another name of it")[0] for each in copied.warnings]
    assert told == ([] if change == "another link" else ["dir/another: changed after"])


def some(repository: VolumeRepository, copied: CopySlice, target: Path, *paths: bytes) -> RestoreSlice:
    target.mkdir(exist_ok=True)
    with repository.new_view() as view:
        return single_files.restore(view, volume_of(copied), list(paths), target, quiet)


@pytest.mark.parametrize("size", [100, 300_000])
def test_another_name_of_a_file_is_restored_alone_with_its_content(size: int, source: Path, tmp_path: Path) -> None:
    (source / "a").write_bytes(os.urandom(size))
    (source / "a").chmod(0o640)
    os.link(source / "a", source / "dir" / "other")
    repository, target = new_repository(MemoryObjectStore()), tmp_path / "target"
    copied = copy(repository, source)
    reached = some(repository, copied, target, b"dir/other")
    assert (reached.files, reached.lost) == (1, ())
    assert sorted(digests(target)) == ["dir", "dir/other"]
    first, second = (source / "a").stat(), (target / "dir" / "other").stat()
    assert (target / "dir" / "other").read_bytes() == (source / "a").read_bytes()
    assert (first.st_mode, first.st_uid, first.st_mtime_ns) == (second.st_mode, second.st_uid, second.st_mtime_ns)


def test_what_has_the_first_name_today_stays_and_becomes_nobodys_content(source: Path, tmp_path: Path) -> None:
    os.link(source / "a", source / "dir" / "other")
    os.link(source / "a", source / "dir" / "yet-another")
    repository, target = new_repository(MemoryObjectStore()), tmp_path / "target"
    copied = copy(repository, source)
    target.mkdir()
    (target / "a").write_bytes(b"of today")
    (target / "dir").mkdir()
    (target / "dir" / "other").symlink_to("../a")
    reached = some(repository, copied, target, b"dir")
    assert (reached.files, reached.lost) == (3, ())
    assert (target / "a").read_bytes() == b"of today"
    assert (target / "a").stat().st_nlink == 1
    assert (target / "dir" / "other").read_bytes() == b"a" * 100
    assert (target / "dir" / "yet-another").samefile(target / "dir" / "other")


def test_another_name_of_a_symlink_is_restored_alone(source: Path, tmp_path: Path) -> None:
    (source / "link").symlink_to("a")
    os.link(source / "link", source / "dir" / "z", follow_symlinks=False)
    source_link = source / "dir" / "a-link"
    os.link(source / "link", source_link, follow_symlinks=False)
    repository, target = new_repository(MemoryObjectStore()), tmp_path / "target"
    assert some(repository, copy(repository, source), target, b"dir/z").lost == ()
    assert (target / "dir" / "z").readlink() == Path("a")


def test_another_name_of_a_file_that_cannot_be_read_is_lost(source: Path, tmp_path: Path) -> None:
    (source / "a").write_bytes(os.urandom(300_000))
    os.link(source / "a", source / "dir" / "other")
    os.link(source / "a", source / "dir" / "yet-another")
    store = MemoryObjectStore()
    repository = new_repository(store)
    copied = copy(repository, source)
    biggest = max(objects(store, "repository/packs/").items(), key=lambda each: each[1])
    damaged(store, biggest[0])
    reached = some(repository, copied, tmp_path / "target", b"dir/other", b"dir/yet-another")
    assert [each.partition(":")[0] for each in reached.lost] == ["dir/other", "dir/yet-another"]
    assert not list((tmp_path / "target" / "dir").iterdir())
