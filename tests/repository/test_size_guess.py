"""How much there is to copy is known before it is copied, where that is quick to find out."""

import os
from pathlib import Path

import pytest

from tests.support.volumes import never, new_repository
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import Progress
from workers.repository.copy.size_guess import guess
from workers.repository.files.rooted import Rooted


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "deep" / "er" / "large").write_bytes(os.urandom(3_000_000))
    for number in range(20):
        (root / f"small-{number}").write_bytes(b"x" * 1000)
    (root / "link").symlink_to("/")
    return root


def test_a_small_volume_is_counted_and_a_large_one_is_not(source: Path) -> None:
    with Rooted(source) as rooted:
        assert guess(rooted, 0, 100) == 3_020_000
        assert guess(rooted, 0, 23) == 0
        assert guess(rooted, 5_000_000, 100) == 5_000_000


def test_a_first_copy_tells_of_the_total_while_it_goes_on(source: Path) -> None:
    told: list[Progress] = []
    repository = new_repository(MemoryObjectStore())
    repository.copy(source, parent=None, checkpoint=None, binding="b", stop=never, progress=told.append)
    assert {each.bytes_total for each in told} == {3_020_000}
    assert told[0].bytes_done < told[0].bytes_total
