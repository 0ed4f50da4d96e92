"""What is known of a job by the events about it."""

from producers.views.progress import JobProgress, concerns, fold
from schemas import events as e
from schemas.messages import Message
from tests.unit.test_schedule import NOON


def _folded(*events: e.Event) -> JobProgress:
    view = JobProgress("r")
    for event in events:
        view = fold(view, event)
    return view


def _progress(done: int, volume: str = "data") -> e.VolumesProgressed:
    return e.VolumesProgressed(job="b", volume=volume, bytes_done=done, bytes_total=100, files_done=done)


def test_a_backup_goes_through_its_phases() -> None:
    view = _folded(e.BackupLicensed(backup="b"))
    assert (view.name, view.phase) == ("b", "licensed")
    view = fold(view, e.BackupPlanned(backup="b", objects=7, pods=1))
    view = fold(fold(view, _progress(10)), _progress(30))
    view = fold(view, _progress(5, "other"))
    assert (view.phase, view.objects, view.bytes_done, view.bytes_total, view.files_done) == ("copying", 7, 35, 200, 35)
    view = fold(view, e.BackupStalled(backup="b", nudge=2, unserved=["volumes.n"]))
    assert (view.stalled, view.unserved) == (2, ("volumes.n",))
    view = fold(view, e.BackupCompleted(backup="b"))
    assert (view.phase, view.final) == ("ended", e.BackupCompleted(backup="b"))


def test_repeated_and_late_events_do_no_harm() -> None:
    view = _folded(
        e.RestoreLicensed(restore="r1", backup="b"),
        e.RestorePrepared(restore="r1"),
        e.RestoreFailed(restore="r1", backup="b", reason=Message(code="X", text="x")),
        e.RestorePrepared(restore="r1"),
        e.RestoreCompleted(restore="r1", backup="b"),
    )
    assert isinstance(view.final, e.RestoreFailed)


def test_a_rejection_ends_it_without_a_name() -> None:
    view = _folded(e.BackupRejected(request="r", reasons=[Message(code="No", text="no")]))
    assert (view.name, view.phase) == (None, "ended")


def test_events_of_others_do_not_concern_it() -> None:
    view = JobProgress("r", name="b")

    def event(data: e.Event, correlation: str | None) -> e.AnyEvent:
        return e.wrap(data, source="x", time=NOON).model_copy(update={"correlationid": correlation})

    assert concerns(view, event(e.BackupLicensed(backup="other"), "r"))
    assert concerns(view, event(e.BackupStalled(backup="b", nudge=1), "tick"))
    assert not concerns(view, event(e.BackupStalled(backup="c", nudge=1), "tick"))
    assert concerns(JobProgress("r"), event(e.BackupRejected(request="r", reasons=[]), None))
