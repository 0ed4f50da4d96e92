"""What was there at each time, and whether that is what a backup has in it: every volume is read back by the library,
past the line, and compared file by file."""

import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.local import looking
from deploy.local.samples import tree_digest
from schemas.records import BackupRecord, VolumeRecord
from tests.chaos.workload import APPS
from tests.support.volumes import never, quiet
from workers.repository import VolumeRepository

Contents = Mapping[str, str]
"""Volume, as `looking` names it, to what stands for all that is in it."""


def contents(picture: looking.Picture) -> Contents:
    """What is in the claims of the sample applications. What is in an emptyDir goes with its pod, whose name changes;
    the console's holds what its hooks put there."""
    return {key: _essence(tree) for key, tree in picture.volumes.items() if key.split("/")[0] in APPS and _claim(key)}


def _claim(key: str) -> bool:
    return key.count("/") == 1


def _essence(tree: Mapping[str, Any]) -> str:
    return hashlib.sha256(repr(sorted(tree.items())).encode()).hexdigest()


class Truth:
    """What each application's volumes held, generation after generation; and which of them each one may hold in a
    round, None if nobody can know."""

    def __init__(self) -> None:
        self.known: dict[str, set[str]] = defaultdict(set)
        self.torn: set[tuple[str, int]] = set()

    def note(self, picture: looking.Picture) -> None:
        """All this was there."""
        for key, essence in contents(picture).items():
            self.known[key].add(essence)

    def is_known(self, app: str, picture: looking.Picture) -> bool:
        """Whether the application's volumes hold what they have held before, none missing."""
        there = {key: essence for key, essence in contents(picture).items() if key.startswith(f"{app}/")}
        wanted = {key for key in self.known if key.startswith(f"{app}/")}
        return set(there) == wanted and all(essence in self.known[key] for key, essence in there.items())


def differences(truth: Truth, repository: VolumeRepository, record: BackupRecord, root: Path) -> Iterator[str]:
    """What of a backup's volumes was never there, or does not come back."""
    for volume in record.volumes:
        if volume.claim is None or volume.namespace not in APPS:
            continue
        if (essence := _restored(repository, volume, root)) not in truth.known[volume.key]:
            yield essence if essence.startswith("lost") else f"{volume.key} was never like that"
    if record.app is None or record.app in APPS:
        apps = {record.app} if record.app else set(APPS)
        have = {volume.key for volume in record.volumes}
        yield from (f"{key} is not in it" for key in truth.known if key.split("/")[0] in apps and key not in have)


def _restored(repository: VolumeRepository, volume: VolumeRecord, root: Path) -> str:
    with tempfile.TemporaryDirectory(dir=root) as folder:
        target = Path(folder) / "volume"
        target.mkdir()
        done = repository.restore(volume.volume_id, target, checkpoint=None, stop=never, progress=quiet)
        if done.lost:
            return f"lost of {volume.key}: {list(done.lost)[:3]}"
        return _essence(tree_digest(target))
