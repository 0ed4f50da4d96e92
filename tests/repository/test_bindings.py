"""What is kept between two slices opens for nobody but whose it is."""

from pathlib import Path

import pytest

from schemas.errors import Damaged
from tests.support.repositories import digests
from tests.support.repository_model import SMALL
from tests.support.volumes import copy, every, never, new_repository, quiet, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository


@pytest.fixture
def repository() -> VolumeRepository:
    return new_repository(MemoryObjectStore(), limits=SMALL)


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Path, Path]:
    """Of two tenants."""
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        for number in range(20):
            (tmp_path / name / f"{name}-{number:02}").write_bytes(name.encode() * (number + 1))
    return tmp_path / "ours", tmp_path / "theirs"


def test_the_slices_of_two_copies_cannot_be_swapped(repository: VolumeRepository, sources: tuple[Path, Path]) -> None:
    ours, theirs = sources
    begun = repository.copy(
        theirs, parent=None, checkpoint=None, binding="theirs", stop=every(6), progress=quiet
    ).checkpoint
    assert begun
    with pytest.raises(Damaged):
        repository.copy(ours, parent=None, checkpoint=begun, binding="ours", stop=never, progress=quiet)
    assert repository.copy(theirs, parent=None, checkpoint=begun, binding="theirs", stop=never, progress=quiet).volume


def test_the_slices_of_two_restores_cannot_be_swapped(
    repository: VolumeRepository, sources: tuple[Path, Path], tmp_path: Path
) -> None:
    ours, theirs = (volume_of(copy(repository, source)) for source in sources)
    target = tmp_path / "target"
    target.mkdir()
    begun = repository.restore(theirs, target, checkpoint=None, binding="a", stop=every(2), progress=quiet).checkpoint
    assert begun
    for volume, binding in ((ours, "a"), (theirs, "b")):
        with pytest.raises(Damaged):
            repository.restore(volume, target, checkpoint=begun, binding=binding, stop=never, progress=quiet)
    repository.restore(theirs, target, checkpoint=begun, binding="a", stop=never, progress=quiet)
    assert digests(target) == digests(sources[1])
