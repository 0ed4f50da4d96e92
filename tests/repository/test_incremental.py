"""Copies after the first read only what has changed, store only what is new, and say how much that was."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.volumes import copy, differences, every, new_repository, objects, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository

MIB = 1024 * 1024


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    for directory in ("a", "b/c", "b/d", "e"):
        (root / directory).mkdir(parents=True)
        for number in range(40):
            (root / directory / f"file {number}").write_bytes(os.urandom(30_000))
    (root / "large").write_bytes(os.urandom(12 * MIB))
    return root


@pytest.fixture
def repository() -> VolumeRepository:
    return new_repository(MemoryObjectStore())


TOTAL = 160 * 30_000 + 12 * MIB


def test_the_first_copy_reads_and_uploads_everything(source: Path, repository: VolumeRepository) -> None:
    first = copy(repository, source)
    assert (first.scanned_bytes, first.changed_bytes, first.files) == (TOTAL, TOTAL, 161)
    assert TOTAL < first.uploaded_bytes < TOTAL * 1.01
    stored = sum(objects(repository.store, "repository/packs/").values())
    assert first.uploaded_bytes == stored


def test_an_unchanged_tree_is_not_opened_and_uploads_next_to_nothing(
    source: Path, repository: VolumeRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = copy(repository, source)

    really, opened = os.open, list[Any]()

    def watched(path: Any, *rest: Any, **more: Any) -> int:
        opened.append(path)
        return really(path, *rest, **more)

    monkeypatch.setattr(os, "open", watched)
    again = copy(repository, source, parent=volume_of(first))
    assert opened == [source, b"a", b"b", b"c", b"d", b"e"]  # directories only
    assert (again.scanned_bytes, again.changed_bytes, again.files) == (TOTAL, 0, 161)
    assert again.uploaded_bytes == 0


def test_only_files_that_changed_are_read(source: Path, repository: VolumeRepository, tmp_path: Path) -> None:
    first = copy(repository, source)
    (source / "b/c/file 7").write_bytes(b"new")
    (source / "b/c/file 8").unlink()
    os.utime(source / "a/file 3")
    again = copy(repository, source, parent=volume_of(first))
    assert (again.changed_bytes, again.files) == (3 + 30_000, 160)
    assert again.uploaded_bytes < 150_000
    restore(repository, volume_of(again), tmp_path / "target")
    assert differences(source, tmp_path / "target") == ""


def test_a_page_in_a_large_file_costs_a_chunk_or_two(source: Path, repository: VolumeRepository) -> None:
    first = copy(repository, source)
    with (source / "large").open("r+b") as file:
        file.seek(5 * MIB)
        file.write(b"page")
    again = copy(repository, source, parent=volume_of(first))
    assert again.changed_bytes == 12 * MIB
    assert again.uploaded_bytes < 8.5 * MIB


def test_a_renamed_directory_and_a_moved_file_are_stored_once(
    source: Path, repository: VolumeRepository, tmp_path: Path
) -> None:
    first = copy(repository, source)
    (source / "b").rename(source / "renamed")
    (source / "large").rename(source / "e" / "moved")
    again = copy(repository, source, parent=volume_of(first))
    assert again.changed_bytes == 12 * MIB + 80 * 30_000
    assert again.uploaded_bytes < 6 * MIB
    restore(repository, volume_of(again), tmp_path / "target")
    assert differences(source, tmp_path / "target") == ""


def test_the_same_data_from_another_node_is_stored_once(
    source: Path, repository: VolumeRepository, tmp_path: Path
) -> None:
    copy(repository, source)
    there = new_repository(repository.store, cache=tmp_path / "cache")
    again = copy(there, source)
    assert (again.changed_bytes, again.uploaded_bytes) == (TOTAL, 0)


def test_a_parent_that_is_gone_is_as_none(source: Path, repository: VolumeRepository) -> None:
    assert copy(repository, source, parent="0" * 32).changed_bytes == TOTAL


def test_the_numbers_do_not_depend_on_slices(source: Path, repository: VolumeRepository) -> None:
    first = copy(repository, source, stop=every(2))
    assert (first.scanned_bytes, first.changed_bytes, first.files) == (TOTAL, TOTAL, 161)
    again = copy(repository, source, parent=volume_of(first), stop=every(1))
    assert (again.scanned_bytes, again.changed_bytes, again.files) == (TOTAL, 0, 161)
