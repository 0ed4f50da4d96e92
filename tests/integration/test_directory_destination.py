"""The whole line with a directory in place of a bucket."""

from pathlib import Path

import pytest

from deploy.local import looking
from schemas.destination import DirectoryDestination
from tests.support.line import Servers, whole_line

pytestmark = pytest.mark.timeout(240)


def test_a_full_backup_in_a_directory_brings_everything_back(tmp_path: Path, servers: Servers) -> None:
    (tmp_path / "backups").mkdir()
    destination = DirectoryDestination(path=str(tmp_path / "backups"))
    with whole_line(tmp_path / "line", servers, destination=destination) as line:
        line.stack.start_workers()
        name = line.snapline("backup", "--wait", "--timeout", "100")["name"]
        assert (tmp_path / "backups" / "final.d" / "backup.d" / f"{name}.json").exists()
        before = line.look()
        line.destroy()
        assert line.snapline("restore", "--from-backup", name, "--wait", "--timeout", "100")["status"] == "Completed"
        assert looking.differences(before, line.look()) == []
