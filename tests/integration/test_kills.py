"""Every worker is killed with SIGKILL at every point, and every job ends completed, every effect once."""

from pathlib import Path

import pytest

from deploy.local import looking
from schemas import events as e
from tests.support.killing import POINTS
from tests.support.line import Line, killing_command, whole_line

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("point", POINTS)
def test_workers_killed_at_every_place_of_a_kind_lose_and_repeat_nothing(tmp_path: Path, point: str) -> None:
    markers = tmp_path / "killed"
    with whole_line(tmp_path / "line", stall_after_seconds="60") as line:
        before = line.look()
        line.stack.start_workers(killing_command(point, markers))
        line.publish(e.BackupRequested(), "the backup")
        backup = line.job("backups", "instance", "the backup")
        assert line.final("backups", backup)["status"] == "Completed"
        line.destroy()
        line.publish(e.RestoreRequested(backup=backup), "the restore")
        restore = line.job("restores", backup, "the restore")
        assert line.final("restores", restore)["status"] == "Completed"
        assert looking.differences(before, line.look()) == []
        _everybody_died(markers, point)
        _everything_was_told_once(line)
        assert line.dead_letters() == []


def _everybody_died(markers: Path, point: str) -> None:
    died = {file.name for file in markers.iterdir()}
    assert len(died) >= 8, f"only these were killed at {point}: {sorted(died)}"


def _everything_was_told_once(line: Line) -> None:
    """An effect that is told again after a kill has the same id, and says the same."""
    said: dict[str, e.Event] = {}
    for event in line.told():
        assert said.setdefault(event.id, event.data) == event.data
    finals = [data for data in said.values() if isinstance(data, e.FINAL)]
    assert [type(data) for data in finals] == [e.BackupCompleted, e.RestoreCompleted]
