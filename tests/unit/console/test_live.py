"""One listener of the event feed serves all browsers."""

from producers.console.live import EVERYTHING, job_name
from schemas import events as e


def test_an_event_names_the_job_it_is_about() -> None:
    assert job_name(e.BackupLicensed(backup="b")) == "b"
    assert job_name(e.VolumesProgressed(job="r", volume="v", bytes_done=1, bytes_total=0, files_done=0)) == "r"
    assert job_name(e.TickMinute(minute="2026-11-23T12:00:00Z")) == EVERYTHING
