"""Upkeep that takes long holds up no message: it goes on beside them, from what it has recorded, for all who wait."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import Damaged, NotYet, TransientError
from schemas.job import backup
from schemas.messages import Message
from schemas.records import BackupRecord, BackupRequest, PodResult, Record, VolumeRecord
from tests.support.line import until
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import at_work, background, ledger
from workers.jobs.background import Background
from workers.jobs.lease import leased
from workers.ports import EVERYTHING, Part, Pruned, Say
from workers.steps import maintain, verify
from workers.steps.maintain import MaintainNeeds
from workers.steps.verify import VerifyNeeds

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SHORT = timedelta(seconds=0.05)


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Slow:
    """A repository whose long calls last until they may end."""

    may_end: threading.Event = field(default_factory=threading.Event)
    read: list[str] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)
    pruned: list[set[str]] = field(default_factory=list)
    raises: dict[str, BaseException] = field(default_factory=dict)

    def verify(self, volume: str, say: Say, part: Part = EVERYTHING) -> list[Message]:
        say("reading bytes back", 1, 4)
        self.may_end.wait(60)
        if volume in self.raises:
            raise self.raises.pop(volume)
        self.read.append(volume)
        return [Message(code="Damaged", text="a chunk is lost")] if volume == "v1" else []

    def make_room(self) -> None:
        pass

    def forget(self, volumes: list[str]) -> None:
        self.forgotten.update(volumes)

    def prune(self, keep: Callable[[], set[str]], say: Say) -> Pruned:
        self.pruned.append(keep())
        say("deleting packs", 1, 4)
        self.may_end.wait(60)
        if "prune" in self.raises:
            raise self.raises.pop("prune")
        return Pruned(100 * len(self.pruned), 7, NOW)


@dataclass
class Process:
    """A worker's process."""

    store: MemoryObjectStore
    repository: Slow
    background: Background = field(default_factory=lambda: Background(SHORT))
    moment: timedelta = timedelta(0)
    progress: list[e.UpkeepProgressed] = field(default_factory=list)

    def hear(self, event: e.Event, id_: str = "x") -> list[e.Event] | None:
        """What the step tells, without its `progress`; None if it is to come again."""
        destinations = MemoryDestinations({"default": (self.store, self.repository)})  # type: ignore[dict-item]
        needs = MaintainNeeds(destinations, self.background, moment=self.moment)
        wrapped: Any = e.wrap(event, id=id_, source="tests", time=NOW)
        steps: dict[type[e.Event], Callable[[], Iterator[e.Event]]] = {
            e.BackupDeleteRequested: lambda: maintain.delete(wrapped, needs),
            e.RepositoryPruneRequested: lambda: maintain.prune(wrapped, "somebody", needs),
            e.BackupVerifyRequested: lambda: verify.verify(
                wrapped, "somebody", VerifyNeeds(destinations, self.background)
            ),
        }
        said: list[e.Event] = []
        try:
            for each in steps[type(event)]():
                if isinstance(each, e.UpkeepProgressed):
                    self.progress.append(each)
                else:
                    said.append(each)
        except NotYet:
            return None
        return said

    def hear_to_the_end(self, event: e.Event, id_: str = "x") -> list[e.Event]:
        """What it tells in the end."""
        said: list[list[e.Event]] = []

        def ended() -> bool:
            heard = self.hear(event, id_)
            said.extend([heard] if heard is not None else [])
            return heard is not None

        until(ended, "it ends")
        return said[0]


def _volume(name: str) -> VolumeRecord:
    sizes = dict.fromkeys(("scanned_bytes", "changed_bytes", "uploaded_bytes", "files"), 1)
    return VolumeRecord(namespace="ns", pod="p", name=name, kind="claim", claim=name, volume_id=name, **sizes)


def _finished(store: MemoryObjectStore, name: str, *volumes: str) -> None:
    ledger.put(store, keys.request(backup(name)), BackupRequest(name=name, request="q", event_id="q", requested_at=NOW))
    record = BackupRecord(
        name=name,
        request="q",
        status="Completed",
        requested_at=NOW,
        completed_at=NOW,
        volumes=[_volume(each) for each in volumes],
    )
    ledger.create(store, keys.final(backup(name)), record)


@pytest.fixture
def process() -> Iterator[Process]:
    made = Process(MemoryObjectStore(), Slow())
    yield made
    made.repository.may_end.set()


VERIFY = e.BackupVerifyRequested(backup="b")
VOLUMES = [f"v{number}" for number in range(5)]


def test_a_verification_of_many_volumes_begins_once_and_goes_on_while_its_message_comes_and_goes(
    process: Process,
) -> None:
    _finished(process.store, "b", *VOLUMES)
    assert [process.hear(VERIFY) for _ in range(5)] == [None] * 5
    process.repository.may_end.set()
    [told] = process.hear_to_the_end(VERIFY)
    assert process.repository.read == VOLUMES
    assert isinstance(told, e.BackupVerificationFailed)
    assert [str(problem) for problem in told.problems] == ["volume ns/v1: a chunk is lost"]
    assert list(process.store.list("upkeep/")) == []


@pytest.mark.parametrize("how", [Killed(), TransientError("the store is away")])
def test_a_verification_that_is_broken_off_goes_on_at_the_volume_that_it_had_come_to(
    process: Process, how: BaseException
) -> None:
    _finished(process.store, "b", *VOLUMES)
    process.repository.raises["v2"] = how
    process.repository.may_end.set()
    with pytest.raises(type(how)):
        process.hear_to_the_end(VERIFY)
    other = Process(process.store, process.repository)
    [told] = other.hear_to_the_end(VERIFY)
    assert process.repository.read == VOLUMES
    assert isinstance(told, e.BackupVerificationFailed)
    assert len(told.problems) == 1


def test_verifications_come_one_after_the_other_over_all_processes(process: Process) -> None:
    _finished(process.store, "b", "v0")
    other = Process(process.store, process.repository)
    assert process.hear(VERIFY, "x") is None
    assert other.hear(VERIFY, "y") is None
    process.repository.may_end.set()
    assert other.hear_to_the_end(VERIFY, "y") == [e.BackupVerified(backup="b", request="y")]
    assert other.hear_to_the_end(VERIFY, "x") == [e.BackupVerified(backup="b", request="x")]
    assert process.repository.read == ["v0", "v0"]


def test_deletions_that_wait_share_one_prune_which_begins_after_them(process: Process) -> None:
    for name in ("a", "b"):
        _finished(process.store, name, f"volume of {name}")
    other = Process(process.store, process.repository)
    assert process.hear(e.RepositoryPruneRequested(), "p") is None
    until(lambda: len(process.repository.pruned) == 1, "the prune has begun")
    for name in ("a", "b"):
        for each in (process, other):
            assert each.hear(e.BackupDeleteRequested(backup=name), name) is None
    assert process.repository.forgotten == {"volume of a", "volume of b"}
    process.repository.may_end.set()
    [pruned] = other.hear_to_the_end(e.RepositoryPruneRequested(), "p")
    young: Any = {"young_bytes": 7, "young_until": NOW}
    assert pruned == e.RepositoryPruned(request="p", reclaimed_bytes=100, **young)
    told = [other.hear_to_the_end(e.BackupDeleteRequested(backup=name), name) for name in ("a", "b")]
    assert told == [
        [e.BackupDeleted(backup="a", reclaimed_bytes=200, **young)],
        [e.BackupDeleted(backup="b", reclaimed_bytes=0, **young)],
    ]
    assert process.repository.pruned == [{"volume of a", "volume of b"}, set()]
    assert list(process.store.list("upkeep/")) == []


def test_a_deletion_that_is_delivered_again_tells_what_it_has_reclaimed_and_prunes_no_more(process: Process) -> None:
    _finished(process.store, "b", "volume of b")
    process.repository.may_end.set()
    told = process.hear_to_the_end(e.BackupDeleteRequested(backup="b"))
    [deleted] = told
    assert isinstance(deleted, e.BackupDeleted)
    assert deleted.reclaimed_bytes > 0
    assert process.hear(e.BackupDeleteRequested(backup="b")) == told
    assert len(process.repository.pruned) == 1


@pytest.mark.parametrize("whose", ["its own process", "another process"])
def test_who_waits_hears_how_far_it_is(whose: str, process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "TELL_EVERY", 0.0)
    monkeypatch.setattr(at_work, "BEAT", 0.01)
    _finished(process.store, "b", *VOLUMES)
    other = process if whose == "its own process" else Process(process.store, process.repository)
    for event, id_, what, done, total in (
        (e.RepositoryPruneRequested(), "p", "deleting packs", 1, 4),
        (VERIFY, "v", "reading bytes back", 0, 5),
    ):
        assert process.hear(event, id_) is None
        expected = e.UpkeepProgressed(request=id_, doing=what, done=done, total=total)

        def is_told(event: e.Event = event, id_: str = id_, expected: e.Event = expected) -> bool:
            other.hear(event, id_)
            return expected in other.progress

        until(is_told, "its progress is told")
    assert {each.request for each in other.progress} == {"p", "v"}


def test_a_prune_that_fails_for_good_fails_all_who_wait_for_it_and_can_be_asked_for_again(process: Process) -> None:
    process.repository.raises["prune"] = Damaged("a record cannot be read")
    process.repository.may_end.set()
    with pytest.raises(Damaged):
        process.hear_to_the_end(e.RepositoryPruneRequested(), "p")
    [pruned] = process.hear_to_the_end(e.RepositoryPruneRequested(), "p")
    assert isinstance(pruned, e.RepositoryPruned)


def test_what_was_kept_for_long_enough_goes_with_a_prune() -> None:
    now = [NOW]
    process = Process(MemoryObjectStore(lambda: now[0]), Slow())
    process.repository.may_end.set()
    record, for_days = Record(), [keys.asked("backup", "q"), keys.answer("q"), keys.notification("e", "t")]
    written = [*for_days, keys.verification("v")]
    for age in (31, 29, 8, 6):
        now[0] = NOW - timedelta(days=age)
        for key in written:
            ledger.put(process.store, f"{key.removesuffix('.json')}-{age}.json", record)
    ledger.put(process.store, keys.request(backup("b")), record)
    now[0] = NOW
    process.hear_to_the_end(e.RepositoryPruneRequested())
    left = [found.key for found in process.store.list("")]
    for of_days in (key.removesuffix(".json") for key in for_days):
        assert [key for key in left if key.startswith(of_days)] == [f"{of_days}-{age}.json" for age in (29, 6, 8)]
    assert [key for key in left if key.startswith("upkeep/verifications/")] == ["upkeep/verifications/v-6.json"]
    assert keys.request(backup("b")) in left


def test_a_message_does_not_wait_while_its_process_stops() -> None:
    repository, stopping = Slow(), threading.Event()
    process = Process(MemoryObjectStore(), repository, Background(timedelta(hours=1), stopping.is_set))
    stopping.set()
    assert process.hear(e.RepositoryPruneRequested()) is None
    repository.may_end.set()


def test_what_another_deletion_takes_away_meanwhile_is_no_error() -> None:
    class Vanishing(MemoryObjectStore):
        """Lists what is deleted before it is read."""

        def list(self, prefix: str) -> Iterator[Any]:
            found = list(super().list(prefix))
            for each in found:
                if "/gone" in each.key:
                    self.delete(each.key)
            yield from found

    store = Vanishing()
    for name in ("gone", "kept"):
        _finished(store, name, f"volume of {name}")
        volumes = [_volume(f"copied of {name}")]
        ledger.put(
            store, keys.pod_result(backup(name), "ns/p"), PodResult(pod="ns/p", finished_at=NOW, volumes=volumes)
        )
    assert ledger.volumes_in_use(store) == {"volume of kept", "copied of kept"}


def test_the_lease_of_a_process_that_is_gone_ends() -> None:
    now = [NOW]
    store = MemoryObjectStore(lambda: now[0])
    key = keys.upkeep_lease("prune")
    with leased(store, key) as first, leased(store, key) as second:
        assert (first, second) == (True, False)
    assert list(store.list(key)) == []
    store.create(key, b"{}")
    now[0] += at_work.SILENCE
    with leased(store, key) as ours:
        assert not ours
    now[0] += timedelta(seconds=1)
    with leased(store, key) as ours:
        assert ours


def test_ten_deletions_at_once_make_one_prune(process: Process) -> None:
    """Each waits whether others come. All messages come in turn, as they do to a worker."""
    now = [NOW]
    process.store, process.moment = MemoryObjectStore(lambda: now[0]), timedelta(seconds=1)
    process.repository.may_end.set()
    names = [f"b{number}" for number in range(10)]
    for name in names:
        _finished(process.store, name, f"volume of {name}")
    told: dict[str, list[e.Event]] = {}

    def all_ended() -> bool:
        for name in names:
            if name not in told and (heard := process.hear(e.BackupDeleteRequested(backup=name), name)) is not None:
                told[name] = heard
        now[0] += timedelta(seconds=1)
        return len(told) == 10

    until(all_ended, "all are deleted")
    assert process.repository.pruned == [set()]
    assert process.repository.forgotten == {f"volume of {name}" for name in names}
    reclaimed = [event.reclaimed_bytes for [event] in told.values() if isinstance(event, e.BackupDeleted)]
    assert sorted(reclaimed) == [0] * 9 + [100], "told once, and not ten times"


def test_a_prune_does_not_wait_for_ever_for_deletions_that_keep_coming(process: Process) -> None:
    now = [NOW]
    process.store = MemoryObjectStore(lambda: now[0])
    process.moment = timedelta(seconds=2)
    process.repository.may_end.set()
    heard: list[e.Event] | None = None
    for number in range(100):
        _finished(process.store, f"b{number}")
        assert process.hear(e.BackupDeleteRequested(backup=f"b{number}"), f"b{number}") is None
        now[0] += timedelta(seconds=1)
        if (heard := process.hear(e.BackupDeleteRequested(backup="b0"), "b0")) is not None:
            break
    assert heard == [e.BackupDeleted(backup="b0", reclaimed_bytes=100, young_bytes=7, young_until=NOW)]
    assert 28 <= number <= 40
