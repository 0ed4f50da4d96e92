"""Following what was asked for: by its events, and by the store where the bus has lost something."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from producers.actions import answers, follow, jobs
from producers.actions.jobs import Requested
from producers.cli.exits import Exit
from producers.cli.follow import finish, wait
from producers.cli.reach.here import Here
from producers.cli.render import Output
from producers.views.progress import JobProgress
from schemas import events as e
from schemas import keys
from schemas.messages import Message
from schemas.records import Tombstone
from tests.support.front import Front, reject_backup
from workers.jobs import ledger


@pytest.fixture
def front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    monkeypatch.setattr(follow, "BEAT", 0.01)
    made = Front(tmp_path)
    yield made
    made.session.close()


def _tell(front: Front, requested: Requested, *events: e.Event, user: str = "snapline") -> None:
    """As the line tells what comes of the request."""
    for event in events:
        wrapped = e.wrap(event, source="line", time=datetime.now(UTC))
        front.bus.memory.publish(wrapped.model_copy(update={"correlationid": requested.event.id}), user)


NOW = datetime(2026, 11, 26, tzinfo=UTC)


class Clock:
    """Goes on by some seconds whenever it is looked at."""

    def __init__(self, step: float) -> None:
        self.now, self._step = 0.0, step

    def __call__(self) -> float:
        self.now += self._step
        return self.now


def test_it_ends_with_the_final_event(front: Front) -> None:
    requested = jobs.take(front.session, "shop")
    name = requested.job.name
    _tell(front, requested, e.BackupLicensed(backup=name), e.BackupPlanned(backup=name, objects=3, pods=0))
    _tell(front, requested, e.BackupCompleted(backup=name))
    seen = list(follow.follow(front.session, requested))
    assert seen[-1].final == e.BackupCompleted(backup=name)
    assert [each.phase for each in seen if each.name] == ["licensed", "copying", "ended"]
    assert follow.job_of(requested, seen[-1]) == requested.job


def test_who_hears_nothing_asks_the_store(front: Front) -> None:
    requested = jobs.take(front.session, "shop")
    seen: list[JobProgress] = []
    for progress in follow.follow(front.session, requested, clock=Clock(1.0)):
        seen.append(progress)
        if len(seen) == 10:
            front.back_up(requested.job.name)
        assert len(seen) < 50
    assert seen[-1].final is None
    assert len(seen) <= 10 + answers.SILENCE + 1


def test_who_gets_no_answer_asks_again(front: Front) -> None:
    requested = jobs.take(front.session, "shop")
    for number, _ in enumerate(follow.follow(front.session, requested, clock=Clock(1.0))):
        if number == 40:
            break
    assert [event.id for event in front.bus.published] == [requested.event.id] * 3


def test_who_has_an_answer_does_not_ask_again(front: Front) -> None:
    requested = jobs.take(front.session, "shop")
    _tell(front, requested, e.BackupLicensed(backup=requested.job.name))
    for number, _ in enumerate(follow.follow(front.session, requested, clock=Clock(1.0))):
        if number == 40:
            break
    assert len(front.bus.published) == 1


def test_another_name_than_the_likely_one_is_followed(front: Front) -> None:
    requested = jobs.take(front.session, "shop")
    _tell(front, requested, e.BackupLicensed(backup="shop-other"))
    front.back_up("shop-other")
    *_, last = follow.follow(front.session, requested, clock=Clock(1.0))
    assert (last.final, follow.job_of(requested, last).name) == (None, "shop-other")


def test_a_rejection_whose_event_was_lost_is_found_in_the_store(front: Front) -> None:
    requested = jobs.take(front.session, "nope", id="mine")
    assert reject_backup(front, "mine", Message(code="No", text="no")) == requested.job.name
    *_, last = follow.follow(front.session, requested, clock=Clock(1.0))
    assert last.final is None
    with pytest.raises(typer.Exit) as ended:
        finish(Here(front.session), requested, last, Output.JSON)
    assert ended.value.exit_code == Exit.REJECTED


def test_the_end_of_the_safety_snapshot_is_not_the_end_of_its_restore(front: Front) -> None:
    requested = jobs.restore(front.session, "b")
    name, snapshot = requested.job.name, f"{requested.job.name}-before"
    planned = e.RestorePlanned(restore=name, replaced=2, objects=1, volumes=1, snapshot=snapshot)
    copied = e.VolumesProgressed(job=snapshot, volume="shop/data", bytes_done=7, bytes_total=7, files_done=1)
    _tell(front, requested, e.RestoreLicensed(restore=name, backup="b"), planned)
    _tell(front, requested, e.BackupLicensed(backup=snapshot), e.BackupPlanned(backup=snapshot, objects=9, pods=1))
    _tell(front, requested, copied, e.BackupCompleted(backup=snapshot))
    _tell(front, requested, e.RestoreUndeployRequested(restore=name), planned, e.RestorePrepared(restore=name))
    _tell(front, requested, e.RestoreCompleted(restore=name, backup="b"))
    seen = list(follow.follow(front.session, requested))
    assert (seen[-1].final, seen[-1].name) == (e.RestoreCompleted(restore=name, backup="b"), name)
    phases = [each.phase for each in seen]
    assert [phase for before, phase in zip(["", *phases], phases, strict=False) if phase != before][-5:] == [
        "preparing",
        "securing",
        "removing",
        "restoring",
        "ended",
    ]
    assert {each.bytes_done for each in seen if each.phase == "securing"} == {0, 7}
    assert {each.bytes_done for each in seen if each.phase == "removing"} == {0}
    assert seen[-1].planned == planned


def test_who_waits_is_told_what_the_restore_deletes_before_it_does(
    front: Front, capsys: pytest.CaptureFixture[str]
) -> None:
    requested = jobs.restore(front.session, "b")
    name = requested.job.name
    planned = e.RestorePlanned(restore=name, replaced=2, objects=1, volumes=1, newer=["pods [b]/new"])
    _tell(front, requested, e.RestoreLicensed(restore=name, backup="b"), planned, planned)
    with pytest.raises(typer.Exit):
        wait(Here(front.session), requested, 2, Output.JSON)
    said = capsys.readouterr().err
    assert said.count(f"{name} deletes 2 objects") == 1
    assert "pods [b]/new" in said


def test_a_deletion_is_waited_for(front: Front) -> None:
    front.back_up("a", "b")
    first, second = jobs.delete(front.session, "a"), jobs.delete(front.session, "b")
    _tell(front, first, e.BackupDeleted(backup="a", reclaimed_bytes=7))
    _tell(front, second, e.BackupDeleted(backup="b", reclaimed_bytes=8))
    assert follow.deletion(front.session, second) == e.BackupDeleted(backup="b", reclaimed_bytes=8)


def test_who_waits_is_told_once_of_a_queue_that_nobody_serves(front: Front, capsys: pytest.CaptureFixture[str]) -> None:
    requested = jobs.take(front.session, "shop")
    name = requested.job.name
    stalled = (e.BackupStalled(backup=name, nudge=number, unserved=["volumes.node-a"]) for number in (1, 2))
    _tell(front, requested, e.BackupLicensed(backup=name), *stalled, e.BackupFailed(backup=name))
    front.back_up(name)
    with pytest.raises(typer.Exit):
        wait(Here(front.session), requested, 0, Output.JSON)
    assert capsys.readouterr().err.count("nobody is listening on volumes.node-a") == 1


@pytest.mark.parametrize("user", ["intruder", ""])
def test_an_end_that_a_stranger_tells_is_not_believed(front: Front, user: str) -> None:
    requested = jobs.take(front.session, "shop")
    _tell(front, requested, e.BackupLicensed(backup="other"), e.BackupCompleted(backup="other"), user=user)
    seen: list[JobProgress] = []
    for progress in follow.follow(front.session, requested, clock=Clock(1.0)):
        seen.append(progress)
        if progress.doubted:
            break
    assert seen[-1].doubted == {user}
    assert (seen[-1].name, seen[-1].final) == (None, None)


def test_in_doubt_of_an_end_the_store_is_asked_at_once(front: Front) -> None:
    requested = jobs.take(front.session, "shop")
    front.back_up(requested.job.name)
    _tell(front, requested, e.BackupFailed(backup=requested.job.name), user="intruder")
    *_, last = follow.follow(front.session, requested, clock=Clock(0.0))
    assert last.final is None
    assert last.doubted == {"intruder"}


def test_who_waits_hears_of_a_strangers_end(front: Front, capsys: pytest.CaptureFixture[str]) -> None:
    requested = jobs.take(front.session, "shop")
    front.back_up(requested.job.name)
    _tell(front, requested, e.BackupFailed(backup=requested.job.name), user="intruder")
    with pytest.raises(typer.Exit) as ended:
        wait(Here(front.session), requested, 0, Output.JSON)
    assert ended.value.exit_code == Exit.OK
    assert "user 'intruder' says that it has ended" in capsys.readouterr().err


def test_a_deletion_that_a_stranger_tells_is_not_believed_and_the_store_is_asked(front: Front) -> None:
    front.back_up("a")
    requested = jobs.delete(front.session, "a")
    _tell(front, requested, e.BackupDeleteFailed(backup="a", reason=Message(code="No", text="no")), user="intruder")
    ledger.put(front.store, keys.deleted(requested.job), Tombstone(volume_ids=[]))
    front.store.delete(keys.final(requested.job))
    assert follow.deletion(front.session, requested, clock=Clock(30.0)) == e.BackupDeleted(backup="a")


def test_a_deletion_tells_how_far_it_is_and_ends_with_what_is_on_record(front: Front) -> None:
    front.back_up("a")
    requested, heard = jobs.delete(front.session, "a"), list[tuple[str, int, int]]()
    ledger.put(front.store, keys.deleted(requested.job), Tombstone(volume_ids=[]))
    front.store.delete(keys.final(requested.job))
    for done in (1, 2):
        progressed = e.UpkeepProgressed(request=requested.event.id, doing="deleting packs", done=done, total=2)
        _tell(front, requested, progressed)

    def progress(what: str, done: int, total: int) -> None:
        heard.append((what, done, total))
        if done == total:
            ended = Tombstone(volume_ids=[], reclaimed_bytes=5, young_bytes=7, young_until=NOW)
            ledger.put(front.store, keys.deleted(requested.job), ended)

    told = follow.deletion(front.session, requested, clock=Clock(3.0), progress=progress)
    assert told == e.BackupDeleted(backup="a", reclaimed_bytes=5, young_bytes=7, young_until=NOW)
    assert heard == [("deleting packs", 1, 2), ("deleting packs", 2, 2)]
