"""A copy that is held up longer than its graces allow fails its commit cleanly, and begins anew."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.volumes import copy, never, new_repository, problems_of, quiet, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository.format.ambient import Graces
from workers.repository.format.layout import INDEX, PARTIAL, VOLUMES

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Clock:
    """Stands still but for who moves it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 2, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class HoldingStore(MemoryObjectStore):
    """When armed it calls `hold`, once, after a write or a delete below `where`."""

    def __init__(self, clock: Clock, where: str, hold: Callable[[], None]) -> None:
        super().__init__(clock.now)
        self.armed = False
        self._where, self._hold = where, [hold]

    def put(self, key: str, body: bytes | bytearray) -> None:
        super().put(key, body)
        self._held(key)

    def delete(self, key: str) -> None:
        super().delete(key)
        self._held(key)

    def _held(self, key: str) -> None:
        if self.armed and key.startswith(self._where) and self._hold:
            self._hold.pop()()


@pytest.mark.parametrize(
    ("where", "time", "commits"),
    [
        (VOLUMES, HOUR, True),
        (VOLUMES, 30 * HOUR, False),
        (PARTIAL, 30 * HOUR, False),
        (INDEX, 80 * DAY, False),  # the prunes' marks have come and gone
    ],
)
def test_who_is_held_up_for_too_long_does_not_commit(
    where: str, time: timedelta, commits: bool, tmp_path: Path
) -> None:
    clock = Clock()
    kept: set[str] = set()

    def hold() -> None:
        for _ in range(2):
            clock.time += time / 2
            new_repository(store, graces=Graces(), now=clock.now).prune(lambda: kept)

    store = HoldingStore(clock, where, hold)
    repository = new_repository(store, now=clock.now)
    (tmp_path / "file").write_bytes(b"content" * 100)
    if where != INDEX:  # another volume has all that it needs: only its record goes
        kept.add(volume_of(copy(repository, tmp_path)))
    store.armed = True
    reached = repository.copy(tmp_path, parent=None, checkpoint=None, stop=never, progress=quiet)
    assert (reached.volume is not None) == commits
    assert len(list(store.list(VOLUMES))) == len(kept) + commits
    volume = reached.volume or volume_of(copy(repository, tmp_path))
    assert problems_of(repository, {volume: "it"}) == []
