"""The port `Repository` as a dict of directories. The real one has a model of its own (`tests/repository/`)."""

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from schemas.errors import Damaged, NotFound
from schemas.messages import Message
from tests.support.hooks import Sealing
from tests.unit.model.emulated import Content, read
from workers.ports import EVERYTHING, CopySlice, Part, Progress, Pruned, ReceivedSlice, Repository, RestoreSlice, Say


class Trees(Sealing):
    """Volumes by id. A slice ends between two files; `effect` is called before each write."""

    def __init__(self, effect: Callable[[], None] = lambda: None) -> None:
        self.volumes: dict[str, Content] = {}
        self._effect = effect
        self._numbers = itertools.count(1)

    def copy(
        self,
        root: Path,
        *,
        parent: str | None,
        checkpoint: bytes | None,
        binding: str = "",
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> CopySlice:
        """See the port."""
        taken: dict[str, str] = opened(checkpoint, binding) or {}
        for name, body in sorted(read(root).items()):
            if name not in taken:
                if stop():
                    return CopySlice(None, json.dumps([binding, taken]).encode(), 0, 0, 0, len(taken))
                taken[name] = body.hex()
        volume = f"volume-{next(self._numbers)}"
        self._effect()
        self.volumes[volume] = {name: bytes.fromhex(body) for name, body in taken.items()}
        return CopySlice(volume, None, len(taken), 0, 0, len(taken))

    def restore(
        self,
        volume: str,
        target: Path,
        *,
        checkpoint: bytes | None,
        binding: str = "",
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> RestoreSlice:
        """See the port."""
        if volume not in self.volumes:
            raise NotFound(f"there is no volume {volume}")
        wanted = self.volumes[volume]
        done: list[str] = opened(checkpoint, volume + binding) or []
        for name in sorted(read(target).keys() - wanted.keys()):
            if not name.startswith(".snapline"):
                (target / name).unlink()
        for name in sorted(wanted.keys() - set(done)):
            if stop():
                return RestoreSlice(json.dumps([volume + binding, done]).encode(), 0, len(done))
            self._effect()
            (target / name).write_bytes(wanted[name])
            done.append(name)
        return RestoreSlice(None, sum(map(len, wanted.values())), len(wanted))

    def verify(self, volume: str, say: Say, part: Part = EVERYTHING) -> list[Message]:
        """See the port."""
        return []

    def check(self, volumes: Mapping[str, str], say: Say) -> list[Message]:
        """See the port."""
        return []

    def receive(
        self,
        volume: str,
        source: Repository,
        *,
        like: tuple[str, str] | None,
        checkpoint: bytes | None,
        binding: str = "",
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> ReceivedSlice:
        """See the port. Always whole."""
        assert isinstance(source, Trees)
        if volume not in source.volumes:
            raise NotFound(f"there is no volume {volume}")
        received = f"volume-{next(self._numbers)}-received"
        self._effect()
        self.volumes[received] = source.volumes[volume]
        return ReceivedSlice(received, None, 1, 1)

    def forget(self, volumes: Iterable[str]) -> None:
        """See the port."""
        for volume in volumes:
            self.volumes.pop(volume, None)

    def make_room(self) -> None:
        """See the port."""

    def prune(self, keep: Callable[[], set[str]], say: Say) -> Pruned:
        """See the port."""
        return Pruned(0)


def opened(checkpoint: bytes | None, binding: str) -> Any:
    """What a checkpoint holds. Raises Damaged for another's."""
    bound, held = json.loads(checkpoint) if checkpoint else (binding, None)
    if bound != binding:
        raise Damaged("a checkpoint cannot be read")
    return held
