"""A backup that is copied to another destination is whole there, or not there at all, and lives there by itself."""

import random
from collections import deque
from pathlib import Path

import pytest

from schemas import events as e
from schemas import keys, news
from schemas.errors import Code
from schemas.job import backup
from schemas.messages import Message
from schemas.records import (
    BackupRecord,
    BackupRequest,
    Copied,
    CopyFailed,
    Incoming,
    Running,
    Tombstone,
    WantedCopy,
)
from tests.support.copies import NOW, Places, Process, lives_until_it_ends
from tests.support.repositories import fill
from tests.support.volumes import damaged, differences, objects, problems_of, restore
from tests.support.world import World
from workers.copies import wanted
from workers.jobs import endings, ledger
from workers.repository.format.layout import PACKS, VOLUMES

JOB = backup("shop-bcdfg")


@pytest.fixture
def places() -> Places:
    return Places()


@pytest.fixture
def roots(tmp_path: Path) -> tuple[Path, Path]:
    """Two volumes."""
    first, second = tmp_path / "data", tmp_path / "logs"
    fill(first, seed=1)
    fill(second, seed=2, files=3)
    return first, second


def there(places: Places, name: str = JOB.name) -> BackupRecord:
    """The backup in `nas`."""
    record = ledger.finished_backup(places.store("nas"), name)
    assert record is not None
    return record


def comes_back(places: Places, record: BackupRecord, roots: tuple[Path, ...], target: Path) -> None:
    """The volumes come back from `nas`, and nothing is wrong there."""
    repository = places.repository("nas")
    target = target / "back" / record.name
    target.mkdir(parents=True)
    for volume, root in zip(record.volumes, roots, strict=True):
        assert restore(repository, volume.volume_id, target / root.name).lost == ()
        assert differences(root, target / root.name) == ""
    problems = problems_of(repository, {volume.volume_id: volume.key for volume in record.volumes})
    assert [problem for problem in problems if not problem.harmless] == []


def test_a_copy_is_the_same_backup_and_outlives_the_first(
    places: Places, roots: tuple[Path, Path], tmp_path: Path
) -> None:
    made = places.back_up(JOB.name, *roots, status="PartiallyFailed", app="shop")
    told = Process(places).copy(JOB.name)
    assert isinstance(told, e.BackupCopied)
    assert told.app == "shop"
    assert told.scanned_bytes == sum(volume.scanned_bytes for volume in made.volumes)
    assert told.uploaded_bytes > 0
    record = there(places)
    assert record.copied_from == "default"
    assert record.destination == "nas"
    originals = {"volumes": made.volumes, "destination": "default", "copied_from": None, "copied_at": None}
    assert record.model_copy(update=originals) == made
    assert [volume.original for volume in record.volumes] == [volume.volume_id for volume in made.volumes]
    for key in [found.key for found in places.objects["default"].list("")]:
        places.objects["default"].delete(key)
    comes_back(places, record, roots, tmp_path)
    repository, store = places.repository("nas"), places.store("nas")
    assert record.manifest
    assert repository.unseal(store.get(record.manifest), record.manifest) == b"objects of shop-bcdfg"
    output = keys.hook_output(JOB, "shop/db", "pre-0")
    assert b"shop-bcdfg" in repository.unseal(store.get(output), output)
    assert list(store.list("upkeep/")) == []


def test_the_next_copy_moves_what_is_new(places: Places, roots: tuple[Path, Path]) -> None:
    places.back_up(JOB.name, *roots)
    first = Process(places).copy(JOB.name)
    (roots[0] / "a" / "new").write_bytes(random.Random(9).randbytes(20_000))
    places.back_up("shop-next", *roots)
    second = Process(places).copy("shop-next")
    assert isinstance(first, e.BackupCopied)
    assert isinstance(second, e.BackupCopied)
    assert first.read_bytes > 350_000
    assert 20_000 <= second.read_bytes < first.read_bytes // 2  # where chunks are cut is another matter each time
    assert 20_000 <= second.uploaded_bytes < 60_000


@pytest.mark.parametrize("done", [False, True], ids=["before a write", "after it"])
def test_killed_at_every_write_it_goes_on_and_ends_once(
    done: bool, places: Places, roots: tuple[Path, Path], tmp_path: Path
) -> None:
    places.back_up(JOB.name, *roots)
    told, deaths = lives_until_it_ends(places, lambda process: process.copy(JOB.name), done=done)
    assert isinstance(told, e.BackupCopied)
    assert deaths >= 10
    record = there(places)
    comes_back(places, record, roots, tmp_path)
    again = Process(places).copy(JOB.name)
    assert again == told
    places.repository("nas").prune(lambda: ledger.volumes_in_use(places.store("nas")))
    assert {key.removeprefix(VOLUMES) for key in objects(places.objects["nas"], VOLUMES)} == {
        volume.volume_id for volume in record.volumes
    }
    assert ledger.find(places.store("default"), keys.copied(JOB, "nas"), Copied) is not None
    assert [found.key for found in places.store("default").list("upkeep/")] == []


def test_content_that_is_lost_is_told_and_the_copy_is_not_there(places: Places, roots: tuple[Path, Path]) -> None:
    places.back_up(JOB.name, *roots)
    packs = objects(places.objects["default"], PACKS)
    damaged(places.objects["default"], max(packs, key=lambda pack: packs[pack]))
    told = Process(places).copy(JOB.name)
    assert isinstance(told, e.BackupCopyFailed)
    assert told.reason.code == Code.DAMAGED
    assert "volume shop/" in told.reason.text
    assert "it hurts this volume: " in told.reason.text
    assert ledger.finished_backup(places.store("nas"), JOB.name) is None
    failed = ledger.find(places.store("default"), keys.copy_failed(JOB, "nas"), CopyFailed)
    assert failed is not None
    assert failed.reason == told.reason
    assert list(places.store("default").list(keys.WANTED_COPIES)) == []


def test_captured_objects_that_are_lost_are_told_too(places: Places, roots: tuple[Path, Path]) -> None:
    made = places.back_up(JOB.name, *roots)
    damaged(places.objects["default"], made.manifest or "")
    told = Process(places).copy(JOB.name)
    assert isinstance(told, e.BackupCopyFailed)
    assert ledger.finished_backup(places.store("nas"), JOB.name) is None


def test_after_a_failure_it_can_be_asked_for_again(places: Places, roots: tuple[Path, Path]) -> None:
    made = places.back_up(JOB.name, *roots)
    whole = places.objects["default"].get(made.manifest or "")
    damaged(places.objects["default"], made.manifest or "")
    Process(places).copy(JOB.name)
    places.objects["default"].put(made.manifest or "", whole)
    assert isinstance(Process(places).copy(JOB.name), e.BackupCopied)
    assert ledger.find(places.store("default"), keys.copy_failed(JOB, "nas"), CopyFailed) is None


def test_a_name_that_another_backup_has_there_is_refused(places: Places, roots: tuple[Path, Path]) -> None:
    made = places.back_up(JOB.name, *roots)
    store = places.store("nas")
    other = made.model_copy(update={"request": "another", "volumes": []})
    ledger.create(store, keys.final(JOB), other)
    told = Process(places).copy(JOB.name)
    assert isinstance(told, e.BackupCopyFailed)
    assert told.reason.code == Code.ALREADY_EXISTS
    assert ledger.finished_backup(store, JOB.name) == other


def test_a_name_that_another_backup_is_about_to_have_there_is_refused(places: Places) -> None:
    places.back_up(JOB.name)
    store = places.store("nas")
    ledger.create(store, keys.running(JOB), Running())
    ledger.create(store, keys.request(JOB), BackupRequest(name="x", request="r", event_id="e", requested_at=NOW))
    told = Process(places).copy(JOB.name)
    assert isinstance(told, e.BackupCopyFailed)
    assert told.reason.code == Code.ALREADY_EXISTS


@pytest.mark.parametrize(
    ("name", "destination", "to", "code"),
    [
        ("shop-none", "default", "nas", Code.NO_SUCH_BACKUP),
        ("../shop", "default", "nas", Code.NO_SUCH_BACKUP),
        (JOB.name, "default", "default", Code.DESTINATION_INVALID),
        (JOB.name, "default", "far", Code.NO_DESTINATION),
        (JOB.name, "far", "nas", Code.NO_DESTINATION),
    ],
)
def test_what_cannot_be_copied_is_told(places: Places, name: str, destination: str, to: str, code: Code) -> None:
    places.back_up(JOB.name)
    told = Process(places).copy(name, to, destination=destination)
    assert isinstance(told, e.BackupCopyFailed)
    assert told.reason.code == code
    assert (told.to, told.request) == (to, f"copy {name}")


def test_two_names_of_the_same_place_are_noticed(places: Places, roots: tuple[Path, Path]) -> None:
    places.back_up(JOB.name, *roots)
    process = Process(places)
    process.known["alias"] = process.known["default"]
    told = process.copy(JOB.name, "alias")
    assert isinstance(told, e.BackupCopyFailed)
    assert "same place" in told.reason.text


def test_the_way_back_is_no_way_as_it_is_there(places: Places, roots: tuple[Path, Path]) -> None:
    places.back_up(JOB.name, *roots)
    Process(places).copy(JOB.name)
    before = len(objects(places.objects["default"], PACKS))
    told = Process(places).copy(JOB.name, "default", destination="nas")
    assert isinstance(told, e.BackupCopied)
    assert len(objects(places.objects["default"], PACKS)) == before


def test_back_from_a_copy_after_the_first_is_wiped(places: Places, roots: tuple[Path, Path]) -> None:
    made = places.back_up(JOB.name, *roots)
    Process(places).copy(JOB.name)
    for found in list(places.objects["default"].list("")):
        if not found.key.startswith("repository/keys"):
            places.objects["default"].delete(found.key)
    assert isinstance(Process(places).copy(JOB.name, "default", destination="nas"), e.BackupCopied)
    record = ledger.finished_backup(places.store("default"), JOB.name)
    assert record is not None
    assert (record.destination, record.copied_from, record.request) == ("default", "nas", made.request)
    names = {volume.volume_id: volume.key for volume in record.volumes}
    assert problems_of(places.repository("default"), names) == []


def test_deleted_where_it_was_copied_from_the_copy_stays_and_the_other_way_round(
    places: Places, roots: tuple[Path, Path], tmp_path: Path
) -> None:
    places.back_up(JOB.name, *roots)
    places.back_up("shop-other", *roots)
    for name in (JOB.name, "shop-other"):
        Process(places).copy(name)
    assert isinstance(Process(places).ends(e.BackupDeleteRequested(backup=JOB.name)), e.BackupDeleted)
    assert list(places.store("default").list(keys.copies_of(JOB))) == []
    comes_back(places, there(places), roots, tmp_path / "first")
    other = backup("shop-other")
    deleted = Process(places).ends(e.BackupDeleteRequested(backup=other.name, destination="nas"))
    assert isinstance(deleted, e.BackupDeleted)
    assert ledger.finished_backup(places.store("default"), other.name) is not None
    assert wanted.known(places.store("default"), other, "nas") is None
    comes_back(places, there(places), roots, tmp_path / "again")


def test_what_was_deleted_there_does_not_come_again(places: Places, roots: tuple[Path, Path]) -> None:
    places.back_up(JOB.name, *roots)
    Process(places).copy(JOB.name)
    Process(places).ends(e.BackupDeleteRequested(backup=JOB.name, destination="nas"))
    told = Process(places).ends(e.BackupCopyRequested(backup=JOB.name, to="nas"), "another request")
    assert isinstance(told, e.BackupCopyFailed)
    assert told.reason.code == Code.BACKUP_DELETED
    assert ledger.finished_backup(places.store("nas"), JOB.name) is None


def test_a_request_that_comes_again_is_told_the_same_whatever_was_deleted(
    places: Places, roots: tuple[Path, Path]
) -> None:
    places.back_up(JOB.name, *roots)
    told = Process(places).copy(JOB.name)
    for where in ("nas", "default"):
        Process(places).ends(e.BackupDeleteRequested(backup=JOB.name, destination=where))
        assert Process(places).copy(JOB.name) == told
    another = Process(places).ends(e.BackupCopyRequested(backup=JOB.name, to="nas"), "another request")
    assert isinstance(another, e.BackupCopyFailed)


def test_what_is_wanted_anew_is_not_taken_for_done_by_an_earlier_answer(
    places: Places, roots: tuple[Path, Path]
) -> None:
    places.back_up(JOB.name, *roots)
    Process(places).copy(JOB.name)
    wanted.want(places.opened()["default"][0], JOB, "nas", NOW)
    assert isinstance(Process(places).copy(JOB.name), e.BackupCopied)
    assert not list(places.opened()["default"][0].list(keys.WANTED_COPIES))


def test_deleted_meanwhile_it_is_told_so(places: Places, roots: tuple[Path, Path]) -> None:
    made = places.back_up(JOB.name, *roots)
    process = Process(places)
    objects_there = process.known["default"][1].store
    really = objects_there.get

    def vanishing(key: str, start: int = 0, length: int | None = None) -> bytes:
        if key.startswith(PACKS) and not ledger.deleted(places.store("default"), JOB):
            ledger.put(places.store("default"), keys.deleted(JOB), Tombstone())
            places.repository("default").forget([volume.volume_id for volume in made.volumes])
            for pack in objects(places.objects["default"], PACKS):
                places.objects["default"].delete(pack)
        return really(key, start, length)

    objects_there.get = vanishing  # type: ignore[method-assign]
    told = process.copy(JOB.name)
    assert isinstance(told, e.BackupCopyFailed)
    assert told.reason.code == Code.BACKUP_DELETED
    assert ledger.finished_backup(places.store("nas"), JOB.name) is None


def test_volumes_on_their_way_are_in_use(places: Places, roots: tuple[Path, Path]) -> None:
    made = places.back_up(JOB.name, *roots)
    ledger.put(
        places.store("nas"),
        keys.incoming(JOB),
        Incoming(run="r", request=made.request, source="default", volumes=[made.volumes[0]]),
    )
    assert ledger.volumes_in_use(places.store("nas")) == {made.volumes[0].volume_id}


def test_a_copy_whose_message_is_lost_is_asked_for_again_and_others_are_not(places: Places) -> None:
    store = places.store("default")
    places.back_up(JOB.name)
    running = backup("shop-running")
    wanted.want(store, JOB, "nas", NOW)
    wanted.want(store, running, "nas", NOW)
    ledger.create(store, keys.running(running), Running())
    places.now += wanted.LOST_AFTER
    assert list(wanted.lost(store, "default")) == []
    places.now += wanted.RENEWED_EVERY
    [asked] = list(wanted.lost(store, "default"))
    assert asked == e.BackupCopyRequested(backup=JOB.name, to="nas", destination="default")
    assert list(wanted.lost(store, "default")) == []
    assert isinstance(Process(places).ends(asked), e.BackupCopied)
    places.now += 2 * wanted.LOST_AFTER
    assert list(wanted.lost(store, "default")) == []


def test_a_message_that_comes_again_and_again_says_that_it_is_not_lost(places: Places) -> None:
    store = places.store("default")
    for _ in range(30):
        wanted.want(store, JOB, "nas", places.now)
        places.now += wanted.RENEWED_EVERY
    assert list(wanted.lost(store, "default")) == []
    noted = ledger.read(store, keys.wanted_copy(JOB, "nas"), WantedCopy)
    assert noted.since == NOW


def ended(world: World, asked: e.BackupRequested) -> list[e.Event]:
    """All that is told of a backup; nobody hears the requests for its copies."""
    waiting, told = deque(world.request(asked)), list[e.Event]()
    while waiting:
        event = waiting.popleft()
        told.append(event)
        if not isinstance(event, e.BackupCopyRequested):
            waiting.extend(world.hear(event))
    return told


def test_the_copies_that_are_wanted_are_asked_for_when_the_backup_has_ended_and_told_again_with_its_end() -> None:
    world = World()
    world.register("shop")
    told = ended(world, e.BackupRequested(app="shop", copy_to=["nas", "far"]))
    final, *asked = told[-3:]
    assert isinstance(final, e.BackupFinal)
    name = final.backup
    wanted_of = [e.BackupCopyRequested(backup=name, to=to, destination="default") for to in ("far", "nas")]
    assert sorted(asked, key=lambda each: each.event_id) == wanted_of
    [planned] = [event for event in told if isinstance(event, e.BackupPlanned)]
    again = list(world.hear(planned))
    assert again[0] == final
    assert sorted(again[1:], key=lambda each: each.event_id) == wanted_of
    wanted.copied(world.store, backup(name), "nas", Copied(at=NOW))
    wanted.copied(world.store, backup(name), "far", Copied(at=NOW))
    assert list(world.hear(planned)) == [final]


def test_a_backup_that_failed_is_not_copied() -> None:
    world = World()
    world.register("shop")
    [licensed] = world.request(e.BackupRequested(app="shop", copy_to=["nas"]))
    assert isinstance(licensed, e.BackupLicensed)
    endings.fail(world.store, licensed.job, NOW, Message(code="Damaged", text="it is"))
    assert list(world.hear(e.BackupPlanned(backup=licensed.backup, objects=0, pods=0)))[1:] == []
    assert list(world.store.list(keys.WANTED_COPIES)) == []


def test_people_are_told_where_a_copy_went_and_of_one_that_failed_as_of_an_error() -> None:
    made = e.BackupCopied(backup="b", to="nas", request="r")
    failed = e.BackupCopyFailed(backup="b", to="nas", request="r", reason=Message(code="Damaged", text="it is damaged"))
    assert {type(made), type(failed)} <= set(e.NEWS)
    assert (news.severity(made), news.describe(made)) == ("info", "backup b was copied from default to nas")
    said = "backup b could not be copied from default to nas: it is damaged"
    assert (news.severity(failed), news.describe(failed)) == ("error", said)
