"""Files with several names: each name comes back with its own content, and names of one file as names of one file."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.volumes import copy, new_repository, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import CopySlice
from workers.repository import VolumeRepository
from workers.repository.format.ambient import Limits


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
