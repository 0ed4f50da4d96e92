"""Whatever is damaged or gone is found, named with all that it hurts, and mended when its content is seen again."""

import math
import os
import random
import shutil
from pathlib import Path

import pytest

from schemas.errors import Code, Damaged
from tests.support.repositories import bodies, digests, fill, small_repository
from tests.support.volumes import copy, damaged, objects, problems_of, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import ALL_PARTS, Part
from workers.repository import VolumeRepository
from workers.repository.chunks import tree_reader
from workers.repository.chunks.view import View
from workers.repository.format import marks, packs, volume_record
from workers.repository.format.layout import DAMAGE, INDEX, MARKS, PACKS, VOLUMES, name_of, pack_key
from workers.repository.upkeep import check, repair_index, verify
from workers.repository.upkeep.check import Problem


@pytest.fixture
def source(tmp_path: Path) -> Path:
    fill(tmp_path / "source", files=12)
    return tmp_path / "source"


@pytest.fixture
def repository() -> VolumeRepository:
    return small_repository(MemoryObjectStore())


@pytest.fixture
def names(repository: VolumeRepository, source: Path) -> dict[str, str]:
    """Two snapshots, by volume; the second has some files more."""
    first = volume_of(copy(repository, source))
    fill(source, files=6, seed=2)
    second = volume_of(copy(repository, source, parent=first))
    return {first: "monday", second: "tuesday"}


def problems_in(repository: VolumeRepository, names: dict[str, str]) -> list[Problem]:
    with repository.new_view() as view:
        return check.check(view, names)


def verified(repository: VolumeRepository, names: dict[str, str], percent: float = 100) -> verify.Report:
    with repository.new_view() as view:
        return verify.verify(view, names, percent)


def repair(repository: VolumeRepository) -> repair_index.Repaired:
    with repository.new_view() as view:
        return repair_index.repair_index(view)


def chunks_of(view: View) -> dict[str, set[bytes]]:
    """The chunks of all files of all volumes."""
    found: dict[str, set[bytes]] = {}
    for each in list(view.store.list(VOLUMES)):
        for _, block in tree_reader.blocks(view, volume_record.read(view.sealed, each.key).tree):
            for index, record in enumerate(block.entries):
                if record.stored:
                    ids = {id_ for id_, _ in block.chunks(record)}
                    found.setdefault(block.child(index).decode(), set()).update(ids)
    return found


def files_in(repository: VolumeRepository, key: str) -> set[str]:
    """The paths of the files that have content in a pack."""
    with repository.new_view() as view:
        view.look()
        return {
            path
            for path, ids in chunks_of(view).items()
            if any(pack_key(place.pack) == key for id_ in ids for place in view.index.places(id_))
        }


def data_packs(repository: VolumeRepository, seed: int = 1) -> list[str]:
    """Those of the first snapshot's files, which the second has, too; with `seed` 2 of what only the second has."""
    with repository.new_view() as view:
        view.look()
        keys = [pack_key(pack.id) for pack in view.index.packs() if pack.kind == "d"]
    return [key for key in keys if all(f"/{seed}-" in path for path in files_in(repository, key))]


def hurt_by(problems: list[Problem]) -> set[str]:
    return {each for problem in problems for each in problem.hurts}


# --- finding


def test_a_healthy_repository_has_no_problems(repository: VolumeRepository, names: dict[str, str]) -> None:
    before = bodies(repository.store)
    report = verified(repository, names)
    assert (report.problems, report.packs) == ([], report.packs_total)
    assert report.bytes == sum(objects(repository.store, PACKS).values())
    assert bodies(repository.store) == before


def test_a_missing_pack_names_every_backup_and_file_that_it_hurts(
    repository: VolumeRepository, names: dict[str, str]
) -> None:
    key = data_packs(repository)[0]
    hurt = files_in(repository, key)
    repository.store.delete(key)
    problems = problems_in(repository, names)
    assert any(name_of(key) in str(problem) for problem in problems)
    assert hurt_by(problems) == {f"{name}: {path}" for name in ("monday", "tuesday") for path in hurt}
    assert 0 < len(hurt) < 12


def test_a_truncated_pack_is_found_without_reading_it(repository: VolumeRepository, names: dict[str, str]) -> None:
    key = data_packs(repository)[1]
    hurt = files_in(repository, key)
    repository.store.put(key, repository.store.get(key)[:-1])
    problems = problems_in(repository, names)
    assert hurt_by(problems) == {f"{name}: {path}" for name in ("monday", "tuesday") for path in hurt}


@pytest.mark.parametrize("how", ["a bit", "swapped", "zeros", "empty"])
def test_a_damaged_pack_is_found_by_reading_and_names_all_that_it_hurts(
    how: str, repository: VolumeRepository, names: dict[str, str]
) -> None:
    store = repository.store
    key, other = data_packs(repository)[:2]
    hurt = files_in(repository, key)
    body = bytearray(store.get(key))
    if how == "a bit":
        body[len(body) // 2] ^= 1
    elif how == "swapped":
        body = bytearray(store.get(other))
    elif how == "zeros":
        body = bytearray(len(body))
    else:
        body = bytearray()
    store.put(key, body)
    reported = hurt_by(verified(repository, names).problems)
    expected = {f"{name}: {path}" for name in ("monday", "tuesday") for path in hurt}
    assert reported == expected if how != "a bit" else (reported and reported <= expected)
    assert {each.partition(":")[0] for each in reported} == {"monday", "tuesday"}
    for volume in names:
        assert repository.verify(volume) != []


def test_a_file_of_one_snapshot_alone_hurts_that_alone(repository: VolumeRepository, names: dict[str, str]) -> None:
    repository.store.delete(data_packs(repository, seed=2)[0])
    assert {each.partition(":")[0] for each in hurt_by(problems_in(repository, names))} == {"tuesday"}


def test_a_volume_record_that_is_gone_or_unreadable_is_told(
    repository: VolumeRepository, names: dict[str, str]
) -> None:
    first, second = names
    repository.store.delete(f"repository/volumes/{first}")
    repository.store.put(f"repository/volumes/{second}", b"nonsense")
    assert hurt_by(problems_in(repository, names)) == {"monday: all files", "tuesday: all files"}


def test_a_lost_tree_is_told(repository: VolumeRepository, names: dict[str, str]) -> None:
    for key in set(objects(repository.store, PACKS)) - {*data_packs(repository, 1), *data_packs(repository, 2)}:
        repository.store.delete(key)
    assert hurt_by(problems_in(repository, names)) == {
        f"{name}: all files listed in it" for name in ("monday", "tuesday")
    }


@pytest.mark.parametrize("percent", [0.5, 10, 20, 25, 50, 100])
def test_samples_that_add_up_to_a_whole_cover_every_pack_once(
    percent: float, repository: VolumeRepository, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    real = verify.damaged_in

    def noting(view: View, pack: packs.Pack) -> set[marks.ChunkInPack]:
        read.append(pack.id)
        return real(view, pack)

    monkeypatch.setattr(verify, "damaged_in", noting)
    total = len(objects(repository.store, PACKS))
    size = math.ceil(total * percent / 100)
    rounds = total // size
    for _ in range(rounds):
        report = verified(small_repository(repository.store), names, percent)
        assert (report.packs, report.packs_total, report.problems) == (size, total, [])
    assert len(set(read)) == len(read) == rounds * size
    for _ in range(rounds + 1):
        verified(repository, names, percent)
    assert len(set(read)) == total


def test_samples_find_the_one_damaged_pack_within_a_round(repository: VolumeRepository, names: dict[str, str]) -> None:
    damaged(repository.store, random.Random(7).choice(data_packs(repository)))
    found = [bool(verified(repository, names, 20).problems) for _ in range(5)]
    assert any(found)


def test_a_sample_whose_place_is_lost_begins_again(repository: VolumeRepository, names: dict[str, str]) -> None:
    verified(repository, names, 20)
    repository.store.put(verify.CURSOR, b"nonsense")
    assert verified(repository, names, 20).problems == []


# --- what is left


def test_one_damaged_pack_costs_its_own_files_and_no_other(
    repository: VolumeRepository, names: dict[str, str], source: Path, tmp_path: Path
) -> None:
    key = data_packs(repository)[0]
    hurt, whole = files_in(repository, key), digests(source)
    repository.store.put(key, b"damaged beyond repair")
    restored = restore(repository, [*names][1], tmp_path / "target")
    assert {each.partition(":")[0] for each in restored.lost} == hurt
    assert digests(tmp_path / "target") == {path: what for path, what in whole.items() if path not in hurt}


def test_a_chunk_that_is_in_two_packs_survives_the_loss_of_either(
    repository: VolumeRepository, source: Path, tmp_path: Path
) -> None:
    """Two copies at once store everything twice."""
    twins = MemoryObjectStore()
    other = small_repository(twins)
    volume = volume_of(copy(repository, source))
    copy(other, source)
    for key, body in bodies(twins).items():
        repository.store.create(key, body)
    for gone in set(data_packs(repository)) - set(data_packs(other)):
        damaged(repository.store, gone)
        assert repository.verify(volume) == []
        assert restore(repository, volume, tmp_path / "target").lost == ()
        assert digests(tmp_path / "target") == digests(source)
        shutil.rmtree(tmp_path / "target")


# --- mending


def test_the_index_is_rebuilt_from_packs_alone(
    repository: VolumeRepository, names: dict[str, str], source: Path, tmp_path: Path
) -> None:
    count = len(objects(repository.store, PACKS))
    for key in objects(repository.store, INDEX):
        repository.store.delete(key)
    assert problems_in(repository, names) != []
    assert repair(repository) == repair_index.Repaired(count, 0, [], 0)
    assert verified(repository, names).problems == []
    assert restore(repository, [*names][1], tmp_path / "target").lost == ()
    assert digests(tmp_path / "target") == digests(source)
    assert repair(repository) == repair_index.Repaired(0, 0, [], 0)


@pytest.mark.parametrize("how", ["gone", "damaged", "moved"])
def test_an_index_object_that_is_lost_is_rebuilt(how: str, repository: VolumeRepository, names: dict[str, str]) -> None:
    first, *more = objects(repository.store, INDEX)
    assert more
    if how == "damaged":
        damaged(repository.store, first)
    else:
        body = repository.store.get(first)
        repository.store.delete(first)
        if how == "moved":
            repository.store.put(INDEX + "0" * 32, body)
    if how == "moved":
        with pytest.raises(Damaged) as told:
            problems_in(repository, names)
        assert told.value.code == Code.INDEX_DAMAGED
    else:
        assert Code.INDEX_DAMAGED in [problem.code for problem in problems_in(repository, names)]
    done = repair(repository)
    assert done.listed > 0
    assert done.unreadable == []
    assert verified(repository, names).problems == []


@pytest.mark.parametrize("prefix", [MARKS, DAMAGE])
def test_a_mark_or_note_that_cannot_be_read_says_what_to_do_and_that_helps(
    prefix: str, repository: VolumeRepository, names: dict[str, str]
) -> None:
    marks.write(repository.sealed, [bytes(16)])
    marks.note_damage(repository.sealed, [(bytes(16), bytes(32))])
    [key] = objects(repository.store, prefix)
    damaged(repository.store, key)
    with pytest.raises(Damaged) as told:
        problems_in(repository, names)
    assert told.value.code == Code.MARK_UNREADABLE
    repair(repository)
    assert objects(repository.store, prefix) == {}
    assert verified(repository, names).problems == []


def test_a_pack_without_a_footer_is_named_by_the_repair(repository: VolumeRepository, names: dict[str, str]) -> None:
    key = data_packs(repository)[0]
    damaged(repository.store, key, -1)
    for each in objects(repository.store, INDEX):
        repository.store.delete(each)
    [told] = repair(repository).unreadable
    assert name_of(key) in told


def see_again(repository: VolumeRepository, source: Path, parent: str | None) -> str:
    return volume_of(copy(repository, source, parent=parent))


@pytest.mark.parametrize("with_parent", [True, False])
@pytest.mark.parametrize("how", ["damaged", "gone", "all index objects and a pack gone", "gone and repaired"])
def test_a_later_copy_mends_what_it_sees_again(
    how: str, with_parent: bool, repository: VolumeRepository, names: dict[str, str], source: Path, tmp_path: Path
) -> None:
    store, (first, second) = repository.store, names
    key = data_packs(repository)[0]
    if how == "damaged":
        damaged(store, key)
    else:
        store.delete(key)
    if how.startswith("all"):
        for each in objects(store, INDEX):
            store.delete(each)
    if how in ("gone and repaired", "all index objects and a pack gone"):
        repair(repository)
    if how != "gone and repaired":
        assert verified(repository, names).problems != []
    third = see_again(repository, source, second if with_parent else None)
    for volume in (first, second, third):
        assert repository.verify(volume) == []
    restored = restore(repository, second, tmp_path / "target")
    assert (restored.lost, digests(tmp_path / "target")) == ((), digests(source))
    repair(repository)
    named = names | {third: "wednesday"}
    repository.prune(lambda: set(named))
    assert problems_of(repository, named) == []
    repository.prune(lambda: set(named))
    assert objects(store, DAMAGE) == {}


def test_damage_is_noted_once_however_often_it_is_found(repository: VolumeRepository, names: dict[str, str]) -> None:
    damaged(repository.store, data_packs(repository)[0])
    for _ in range(3):
        assert verified(repository, names).problems
        assert all(repository.verify(volume) for volume in names)
    assert len(objects(repository.store, DAMAGE)) == 1


def test_what_is_lost_is_remembered_by_prunes_until_it_is_seen_again(
    repository: VolumeRepository, names: dict[str, str], source: Path
) -> None:
    repository.store.delete(data_packs(repository)[0])
    verified(repository, names)
    repair(repository)
    for _ in range(3):
        repository.prune(lambda: set(names))
    assert objects(repository.store, DAMAGE)
    see_again(repository, source, [*names][1])
    assert verified(repository, names).problems == []


# --- what an operator of the store may try


def test_an_index_object_put_back_is_noticed_and_nothing_relies_on_it_unnoticed(
    repository: VolumeRepository, names: dict[str, str], source: Path, tmp_path: Path
) -> None:
    first, second = names
    old = bodies(repository.store, INDEX)
    os.unlink(source / "a" / "1-0")
    third = volume_of(copy(repository, source, parent=second))
    repository.forget([first, second])
    shutil.rmtree(source / "b")
    fourth = volume_of(copy(repository, source, parent=third))
    repository.forget([third])
    repository.prune(lambda: {fourth})
    for key in objects(repository.store, MARKS):
        repository.store.delete(key)
    back = set(old) - set(objects(repository.store, INDEX))
    assert back
    for key in back:
        repository.store.put(key, old[key])
    problems = problems_in(repository, {fourth: "now"})
    assert any("not there" in str(problem) for problem in problems)
    assert hurt_by(problems) == set()
    assert restore(repository, fourth, tmp_path / "target").lost == ()
    assert digests(tmp_path / "target") == digests(source)
    assert repair(repository).dropped > 0
    assert problems_of(repository, {fourth: "now"}) == []


def test_every_object_opens_only_in_its_own_place(repository: VolumeRepository, names: dict[str, str]) -> None:
    """F8: two objects of a kind, each put where the other one was."""
    first, second = data_packs(repository)[:2]
    with repository.new_view() as view:
        view.look()
        pack = next(pack for pack in view.index.packs() if pack_key(pack.id) == first)
        other = bytes.fromhex(name_of(second))
        body = repository.store.get(first)
        for entry in pack.entries:
            sealed = body[entry.offset : entry.offset + entry.stored]
            assert packs.open_chunk(view.keys, "d", pack.id, entry, sealed)
            with pytest.raises(Damaged):
                packs.open_chunk(view.keys, "d", other, entry, sealed)
            with pytest.raises(Damaged):
                packs.open_chunk(view.keys, "d", pack.id, entry._replace(offset=entry.offset + 1), sealed)
            with pytest.raises(Damaged):
                packs.open_chunk(view.keys, "d", pack.id, entry._replace(id=bytes(32)), sealed)
        repository.store.put(second, body)
        with pytest.raises(Damaged):
            packs.read_pack(repository.store, view.keys, other, len(body))
    first, second = names
    bodies_ = [repository.store.get(f"repository/volumes/{each}") for each in (first, second)]
    repository.store.put(f"repository/volumes/{first}", bodies_[1])
    assert {"monday: all files"} <= hurt_by(problems_in(repository, names))


def test_reading_a_volume_back_tells_of_its_bytes(source: Path) -> None:
    repository, told = small_repository(MemoryObjectStore()), list[tuple[str, int, int]]()
    volume = volume_of(copy(repository, source))
    assert repository.verify(volume, lambda *said: told.append(said)) == []
    assert {what for what, _, _ in told} == {"reading bytes back"}
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1] == told[-1][2] == sum(path.stat().st_size for path in source.rglob("*") if path.is_file())


def test_parts_that_follow_each_other_find_all_that_a_full_verification_finds(
    repository: VolumeRepository, names: dict[str, str]
) -> None:
    key = data_packs(repository)[0]
    body = bytearray(repository.store.get(key))
    repository.store.put(key, bytearray(len(body)))
    volume, quarter = next(iter(names)), ALL_PARTS // 4
    wholly = {str(each) for each in repository.verify(volume)}
    parts = [Part((ALL_PARTS // 8 + number * quarter) % ALL_PARTS, quarter) for number in range(4)]
    found = [{str(each) for each in repository.verify(volume, part=part)} for part in parts]
    assert set().union(*found) == wholly
    assert sum(map(len, found)) == len(wholly) > 1


def test_of_some_volumes_what_they_alone_lack_is_told(repository: VolumeRepository, names: dict[str, str]) -> None:
    first, second = names
    assert repository.check(names) == []
    repository.store.delete(data_packs(repository, seed=2)[0])
    assert repository.check({first: "monday"}) == []
    assert all("tuesday: " in str(problem) for problem in repository.check({second: "tuesday"}))
    assert repository.check(names) != []
