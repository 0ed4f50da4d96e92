"""A copy counts how it differs from its parent, however many slices it takes."""

import os
from pathlib import Path
from random import Random

import pytest

from schemas.records import Changes
from tests.support.volumes import copy, new_repository, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository
from workers.repository.format.ambient import Limits

SIZE = 3_000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    for directory in ("a", "b/c", "b/d", "e"):
        (root / directory).mkdir(parents=True)
        for number in range(40):
            (root / directory / f"file {number}").write_bytes(f"{directory} {number} ".encode() * 300)
    os.link(root / "a/file 1", root / "e/another name")
    (root / "e/link").symlink_to("file 1")
    return root


@pytest.fixture
def repository() -> VolumeRepository:
    return new_repository(MemoryObjectStore())


def counted(changes: Changes) -> tuple[int, int, int]:
    return changes.files_added, changes.files_changed, changes.files_deleted


def test_a_first_copy_has_nothing_before_it(source: Path, repository: VolumeRepository) -> None:
    first = copy(repository, source)
    assert (first.changes.files_before, first.changes.bytes_before) == (None, None)
    assert counted(first.changes) == (161, 0, 0)
    assert first.changes.new_bytes == first.scanned_bytes
    assert 0 < first.changes.new_stored_bytes < first.changes.new_bytes / 5  # it is text


def test_an_unchanged_tree_differs_in_nothing(source: Path, repository: VolumeRepository) -> None:
    first = copy(repository, source)
    again = copy(repository, source, parent=volume_of(first))
    assert again.changes == Changes(bytes_before=first.scanned_bytes, files_before=161)


@pytest.mark.parametrize("in_slices", [False, True])
def test_what_came_changed_and_went_is_counted(source: Path, in_slices: bool) -> None:
    repository = new_repository(MemoryObjectStore(), limits=Limits(look_every=16))
    first = copy(repository, source)
    random = Random(5)
    (source / "b/c/file 7").write_bytes(random.randbytes(SIZE))
    (source / "b/c/file 9").chmod(0o600)
    (source / "b/c/file 8").unlink()
    (source / "e/file 20").rename(source / "e/renamed")
    (source / "new").mkdir()
    (source / "new/file").write_bytes(random.randbytes(SIZE))
    again = copy(repository, source, parent=volume_of(first), stop=lambda: in_slices)
    assert counted(again.changes) == (2, 2, 2)  # a file of another name has come and gone
    assert again.changes.files_before == 161
    assert again.changes.new_bytes >= 2 * SIZE
    assert again.changes.new_stored_bytes > 2 * SIZE - 100  # what is random takes its size


def test_all_that_is_gone_is_counted(source: Path, repository: VolumeRepository) -> None:
    first = copy(repository, source)
    for path in sorted(source.rglob("*")):
        if path.is_file() or path.is_symlink():
            path.unlink()
    again = copy(repository, source, parent=volume_of(first))
    assert counted(again.changes) == (0, 0, 161)
    assert again.scanned_bytes == 0
