"""How deep a verification looks, of which backup, and what is known by it; it survives the death of its worker."""

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import NotYet, TransientError
from schemas.job import backup, request_uuid
from schemas.messages import Message
from schemas.records import BackupRecord, Check, SamplePosition, Tombstone, Verified, VolumeRecord
from tests.support.line import until
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.jobs.background import Background
from workers.ports import ALL_PARTS, EVERYTHING, Part, Say
from workers.steps import verify
from workers.steps.verify import VerifyNeeds

NOW = datetime(2026, 11, 26, tzinfo=UTC)
LOST = Message(code="Damaged", text="a chunk is lost")


@dataclass
class Readable:
    """A repository of which some volumes are `damaged`, and some lack what they need."""

    damaged: set[str] = field(default_factory=set)
    lacking: set[str] = field(default_factory=set)
    read: list[tuple[str, Part]] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)

    def verify(self, volume: str, say: Say, part: Part = EVERYTHING) -> list[Message]:
        self.read.append((volume, part))
        return [LOST] if volume in self.damaged else []

    def check(self, volumes: Mapping[str, str], say: Say) -> list[Message]:
        self.checked += volumes
        return [LOST for volume in volumes if volume in self.lacking]


class Killed(BaseException):
    """The process dies here."""


class Dying(MemoryObjectStore):
    """Dies once, at the write or deletion of that number."""

    def __init__(self, clock: Any, at: int) -> None:
        super().__init__(clock)
        self.left = at

    def _die(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed

    def put(self, key: str, body: bytes | bytearray) -> None:
        if not key.startswith("upkeep/leases"):  # which another thread renews
            self._die()
        super().put(key, body)

    def delete(self, key: str) -> None:
        self._die()
        super().delete(key)


class World:
    """A destination with backups, and a worker that verifies them."""

    def __init__(self, dies_at: int = 0) -> None:
        self.now = NOW
        self.store = Dying(lambda: self.now, dies_at)
        self.repository = Readable()

    def back_up(self, name: str, *volumes: str, **fields: Any) -> None:
        sizes = dict.fromkeys(("scanned_bytes", "changed_bytes", "uploaded_bytes", "files"), 1)
        held = [
            VolumeRecord(namespace="ns", pod="p", name=each, kind="claim", claim=each, volume_id=each, **sizes)
            for each in volumes
        ]
        given = {"name": name, "request": "q", "status": "Completed", "requested_at": NOW, "completed_at": NOW}
        record = BackupRecord.model_validate({**given, "volumes": held, **fields})
        ledger.create(self.store, keys.final(backup(name)), record)

    def verify(self, id_: str = "x", **asked: Any) -> e.Event:
        """What is told in the end, by workers of which some are killed."""
        destinations = MemoryDestinations({"default": (self.store, self.repository)})  # type: ignore[dict-item]
        event: Any = e.wrap(e.BackupVerifyRequested(**asked), id=id_, source="tests", time=NOW)
        background, told = Background(timedelta(seconds=0.05)), list[e.Event]()

        def ended() -> bool:
            nonlocal background
            try:
                for each in verify.verify(event, "somebody", VerifyNeeds(destinations, background)):
                    if not isinstance(each, e.UpkeepProgressed):
                        told.append(each)
            except NotYet:
                return False
            except Killed:
                background = Background(timedelta(seconds=0.05))
                self.now += timedelta(minutes=1)  # its lease ends
                return False
            return True

        until(ended, "it ends")
        assert len({each.event_id for each in told}) == 1
        return told[-1]

    def known(self, name: str) -> Verified:
        return ledger.read(self.store, keys.verified(backup(name)), Verified)


@pytest.fixture
def world() -> World:
    return World()


def test_the_structure_is_looked_at_without_reading_contents(world: World) -> None:
    world.back_up("b", "v0", "v1")
    assert isinstance(world.verify(backup="b", depth="structure"), e.BackupVerified)
    assert (world.repository.checked, world.repository.read) == (["v0", "v1"], [])
    world.repository.lacking.add("v1")
    failed = world.verify("y", backup="b", depth="structure")
    assert isinstance(failed, e.BackupVerificationFailed)
    assert (failed.depth, failed.problems) == ("structure", [LOST])


def test_a_full_verification_reads_all_volumes(world: World) -> None:
    world.back_up("b", "v0", "v1")
    assert isinstance(world.verify(backup="b"), e.BackupVerified)
    assert world.repository.read == [("v0", EVERYTHING), ("v1", EVERYTHING)]


@pytest.mark.parametrize("seed", range(5))
def test_samples_that_come_regularly_cover_everything_within_the_time_that_was_chosen(world: World, seed: int) -> None:
    chance, month = random.Random(seed), timedelta(days=30)
    chunks = {chance.randbytes(32): NOW for _ in range(300)}
    for number in range(80):
        world.now += timedelta(hours=chance.uniform(1, 48))
        world.back_up(name := f"b{number}", "v")
        world.verify(name, depth="sample", within_seconds=month.total_seconds())
        [(_, part)] = world.repository.read[-1:]
        chunks |= {id_: world.now for id_ in chunks if part.holds(id_)}
        if number > 50:
            late = max(world.now - read for read in chunks.values())
            assert late <= month + timedelta(days=4)


def test_a_sample_goes_on_behind_the_last_one_and_applications_have_their_own(world: World) -> None:
    world.back_up("b", "v")
    world.back_up("s", "v", app="shop")
    for id_, asked in (("1", "b"), ("2", "b"), ("3", "s")):
        world.verify(id_, backup=asked, depth="sample")
        world.now += timedelta(days=3)
    first, second, other = (part for _, part in world.repository.read)
    assert (first.begin, other.begin) == (0, 0)
    assert second.begin == first.length
    assert second.length == pytest.approx(ALL_PARTS / 10, rel=0.01)


def test_without_a_name_it_is_the_newest_good_one(world: World) -> None:
    for name, fields in (
        ("old", {}),
        ("partial", {"status": "PartiallyFailed"}),
        ("failed", {"status": "Failed"}),
        ("of-shop", {"app": "shop"}),
        ("r-bcdfg-before", {}),
        ("gone", {}),
    ):
        world.now += timedelta(minutes=1)
        world.back_up(name, "v", **fields)
    ledger.put(world.store, keys.deleted(backup("gone")), Tombstone())
    world.store.put(keys.final(backup("nonsense")), b"nonsense")

    def verified(id_: str, app: str | None) -> str:
        told = world.verify(id_, app=app, depth="structure")
        assert isinstance(told, e.BackupVerified)
        return told.backup

    assert verified("1", None) == "old"
    assert verified("2", "shop") == "of-shop"
    none = world.verify("3", app="other")
    assert isinstance(none, e.BackupVerificationFailed)
    assert (none.reason.code, none.backup) == ("NoSuchBackup", "")


def test_a_request_keeps_to_the_backup_that_it_began_with(world: World) -> None:
    world.back_up("b", "v")
    world.verify("x")
    world.now += timedelta(days=1)
    world.back_up("newer", "v")
    began, may_end, read = Background(timedelta(0)), threading.Event(), world.repository.verify

    def slowly(volume: str, say: Say, part: Part = EVERYTHING) -> list[Message]:
        may_end.wait(60)
        return read(volume, say, part)

    world.repository.verify = slowly  # type: ignore[method-assign]
    destinations = MemoryDestinations({"default": (world.store, world.repository)})  # type: ignore[dict-item]
    event: Any = e.wrap(e.BackupVerifyRequested(), id="y", source="tests", time=NOW)
    with pytest.raises(NotYet):
        list(
            verify.verify(
                event,
                "somebody",
                VerifyNeeds(
                    destinations,
                    began,
                ),
            )
        )
    may_end.set()
    world.now += timedelta(days=1)
    world.back_up("newest", "v")
    told = world.verify("y")
    assert isinstance(told, e.BackupVerified)
    assert told.backup == "newer"


@pytest.mark.parametrize("depth", ["structure", "sample", "full"])
@pytest.mark.parametrize("dies_at", range(1, 14))
def test_wherever_its_worker_dies_the_result_is_the_same_and_told_once(depth: e.Depth, dies_at: int) -> None:
    world = World()
    world.back_up("b", "v0", "v1")
    world.repository.damaged, world.repository.lacking = {"v1"}, {"v1"}
    world.store.left = dies_at
    told = world.verify(backup="b", depth=depth)
    assert isinstance(told, e.BackupVerificationFailed)
    assert len(told.problems) == 1
    assert list(world.known("b").checks) == [depth]
    assert world.known("b").checks[depth].request == request_uuid("somebody", "tests", "x")
    left = {found.key for found in world.store.list("upkeep/")}
    assert left <= {keys.samples("instance"), keys.upkeep_lease("verify")}
    if depth == "sample" and world.store.left > 0:
        assert ledger.read(world.store, keys.samples("instance"), SamplePosition).begin > 0


def _check(hours: float, *problems: Message) -> Check:
    return Check(at=NOW + timedelta(hours=hours), seconds=1, request="q", problems=list(problems))


def test_what_a_deeper_look_has_found_stands_until_one_as_deep_finds_nothing() -> None:
    assert Verified().standing() is None
    checks: dict[e.Depth, Check] = {"sample": _check(0, LOST)}
    checks["structure"] = _check(1)
    assert Verified(checks=checks).standing() == ("sample", checks["sample"])
    checks["full"] = _check(2)
    assert Verified(checks=checks).standing() == ("full", checks["full"])
    checks["structure"] = _check(3)
    assert Verified(checks=checks).standing() == ("structure", checks["structure"])


def test_a_failure_of_the_store_is_none_of_the_backup(world: World) -> None:
    world.back_up("b", "v0")
    away = TransientError("the store is away")

    def raising(volume: str, say: Say, part: Part = EVERYTHING) -> list[Message]:
        raise away

    world.repository.verify = raising  # type: ignore[method-assign]
    with pytest.raises(TransientError):
        world.verify(backup="b")
    assert not list(world.store.list(keys.VERIFIED))


def test_a_request_that_comes_again_is_told_the_same_whatever_was_deleted() -> None:
    world = World()
    world.back_up("shop-bcdfg", "v1")
    told = world.verify(backup="shop-bcdfg")
    world.repository.damaged.add("v1")
    later = world.verify("y", backup="shop-bcdfg", depth="full")
    assert isinstance(later, e.BackupVerificationFailed)
    world.repository.read.clear()
    for key in (keys.final(backup("shop-bcdfg")), keys.verified(backup("shop-bcdfg"))):
        world.store.delete(key)
    assert world.verify(backup="shop-bcdfg") == told
    assert world.verify("y", backup="shop-bcdfg", depth="full") == later
    assert world.repository.read == []
    assert world.verify("z", backup="shop-bcdfg").reason.code == "NoSuchBackup"  # type: ignore[attr-defined]
