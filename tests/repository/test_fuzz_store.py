"""A store of which any objects were changed, swapped, cut or lost: what comes back is right, or reported as lost.

`SNAPLINE_SEEDS=1000` runs so many, `SNAPLINE_SEED=17` that one again.
"""

import os
import random
import shutil
from pathlib import Path

import pytest

from schemas.errors import SnaplineError
from tests.support.mutations import changed
from tests.support.repositories import MANY_PACKS, bodies, digests, fill, small_repository, twin
from tests.support.volumes import AT_ONCE, copy, damaged, key_record, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository
from workers.repository.format import marks
from workers.repository.format.ambient import Ambient
from workers.repository.format.layout import KEYS
from workers.repository.upkeep import check, repair_index, verify

SEEDS = (
    [int(os.environ["SNAPLINE_SEED"])]
    if "SNAPLINE_SEED" in os.environ
    else range(int(os.environ.get("SNAPLINE_SEEDS", "50")))
)
Content = dict[str, str]
Snapshots = dict[str, Content]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> tuple[MemoryObjectStore, Snapshots]:
    """Two snapshots of a tree of several kinds, a mark and a damage note. By volume, what is in each."""
    store, root = MemoryObjectStore(), tmp_path_factory.mktemp("source")
    repository = small_repository(store)
    fill(root, files=9, size=12 * 1024)
    (root / "link").symlink_to("a/1-0")
    os.link(root / "a" / "1-0", root / "b" / "other name")
    (root / "empty").mkdir()
    first = volume_of(copy(repository, root))
    snapshots = {first: digests(root)}
    fill(root, files=3, seed=2, size=30 * 1024)
    snapshots[volume_of(copy(repository, root, parent=first))] = digests(root)
    marks.write(repository.sealed, [bytes(16)])
    marks.note_damage(repository.sealed, [(bytes(16), bytes(32))])
    return store, snapshots


def harm(store: MemoryObjectStore, chance: random.Random) -> list[str]:
    """What was done to it."""
    done = []
    for _ in range(chance.randint(1, 3)):
        keys = [key for key in bodies(store) if not key.startswith(KEYS)]
        first, second = chance.sample(keys, 2)
        kind = chance.choice(("change", "change", "bit", "delete", "swap", "replay", "append", "empty"))
        body = store.get(first)
        if kind == "change":
            store.put(first, changed(body, chance))
        elif kind == "bit" and body:
            damaged(store, first, chance.randrange(len(body)))
        elif kind == "delete":
            store.delete(first)
        elif kind == "swap":
            store.put(first, store.get(second))
            store.put(second, body)
        elif kind == "replay":
            store.put(first.rpartition("/")[0] + "/" + chance.randbytes(16).hex(), body)
        elif kind == "append":
            store.put(first, body + chance.randbytes(50))
        else:
            store.put(first, b"")
        done.append(f"{kind} {first}")
    return done


def read_back(store: MemoryObjectStore, snapshots: Snapshots, at: Path) -> dict[str, Content]:
    """What comes back of each snapshot, all of it right; what does not is reported."""
    found = {}
    for volume, content in snapshots.items():
        target = at / "target"
        target.mkdir()
        try:
            lost = {each.partition(": ")[0] for each in restore(opened(store), volume, target).lost}
        except SnaplineError:
            lost = set(content)
        if any(each.startswith("(what follows ") for each in lost):
            lost = set(content)  # nobody knows what that is
        back = digests(target)
        assert {path: what for path, what in back.items() if content.get(path) != what} == {}
        assert set(content) - set(back) <= lost
        assert sorted(path.name for path in at.iterdir()) == ["canary", "target"]
        shutil.rmtree(target)
        found[volume] = back
    return found


def opened(store: MemoryObjectStore) -> VolumeRepository:
    return VolumeRepository(store, key_record()[1], ambient=Ambient(MANY_PACKS, AT_ONCE))


def healthy_says(store: MemoryObjectStore, snapshots: Snapshots) -> bool:
    """Whether checking and verifying find nothing."""
    names = {volume: volume for volume in snapshots}
    with opened(store).new_view() as view:
        try:
            quick = check.check(view, names)
            full = verify.verify(view, names, 100).problems
        except SnaplineError:
            return False
    assert full or not quick
    return not full


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_done_to_the_store_nothing_wrong_comes_back(
    seed: int, healthy: tuple[MemoryObjectStore, Snapshots], tmp_path: Path
) -> None:
    print(f"seed {seed}; SNAPLINE_SEED={seed} runs this again")
    store, snapshots = twin(healthy[0]), healthy[1]
    (tmp_path / "canary").write_bytes(b"sings")
    print(harm(store, random.Random(seed)))
    before = read_back(store, snapshots, tmp_path)
    if healthy_says(store, snapshots):
        assert before == snapshots
    for mend in (prune, repair, prune):
        mend(store, snapshots)
        after = read_back(store, snapshots, tmp_path)
        for volume in snapshots:
            assert set(before[volume]) <= set(after[volume])
        before = after
    assert (tmp_path / "canary").read_bytes() == b"sings"


def prune(store: MemoryObjectStore, snapshots: Snapshots) -> None:
    try:
        opened(store).prune(lambda: set(snapshots))
    except SnaplineError:
        return


def repair(store: MemoryObjectStore, _: Snapshots) -> None:
    with opened(store).new_view() as view:
        repair_index.repair_index(view)
