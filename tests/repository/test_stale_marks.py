"""A pruner that has died between its mark and its second look leaves packs marked that volumes need."""

from pathlib import Path

import pytest

from tests.support.volumes import AT_ONCE, copy, new_repository, problems_of, slices_of_copy, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository
from workers.repository.format import marks
from workers.repository.format.layout import MARKS

MOST_SLICES = 5


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    (made / "below").mkdir(parents=True)
    (made / "kept").write_bytes(b"kept" * 1000)
    (made / "below" / "other").write_bytes(b"other" * 1000)
    return made


@pytest.fixture
def repository() -> VolumeRepository:
    return new_repository(MemoryObjectStore())


def mark_all(repository: VolumeRepository) -> None:
    with repository.new_view() as view:
        view.look()
        marks.write(view.sealed, view.index.pack_sizes())


def test_a_copy_whose_parent_is_in_marked_packs_comes_to_an_end(repository: VolumeRepository, source: Path) -> None:
    first = volume_of(copy(repository, source))
    mark_all(repository)
    (source / "new").write_bytes(b"new")
    slices = slices_of_copy(repository, source, parent=first)
    last = next(reached for _, reached in zip(range(MOST_SLICES), slices, strict=False) if reached.volume)
    assert problems_of(repository, {volume_of(last): "second"}) == []


def test_the_next_prune_frees_what_is_needed_of_stale_marks(repository: VolumeRepository, source: Path) -> None:
    first = volume_of(copy(repository, source))
    mark_all(repository)
    for _ in range(2):
        repository.prune(lambda: {first})
    assert AT_ONCE.mark.total_seconds() == 0
    assert list(repository.store.list(MARKS)) == []
    assert problems_of(repository, {first: "first"}) == []
