"""What has expired goes by itself, over the real broker and store: from a tick to the space that comes back."""

import json
from collections.abc import Iterator

import pytest

from schemas import events as e
from schemas import keys
from schemas.job import backup
from tests.support.line import Line, Servers, until, whole_line
from workers.jobs import ledger

pytestmark = pytest.mark.timeout(600)
SHOP = "shop-floor"
PATIENCE = 240


@pytest.fixture
def line(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Line]:
    with whole_line(tmp_path_factory.mktemp("line"), servers, megabytes=1, retention_seconds="0.1") as line:
        line.stack.start_workers(beside=("retention",))
        yield line


def test_what_has_expired_is_deleted_at_a_tick_and_pruned_together_but_for_what_must_stay(line: Line) -> None:
    short, asked = [], [f"short {number}" for number in range(5)]
    for id_ in asked:
        line.publish(e.BackupRequested(app=SHOP, ttl="1s"), id_)
    for id_ in asked:
        short.append(line.job("backup", SHOP, id_))
        assert line.final("backup", short[-1], PATIENCE)["status"] == "Completed"
    line.publish(e.BackupRequested(), "full")
    full = line.job("backup", "instance", "full")
    assert line.final("backup", full, PATIENCE)["status"] == "Completed"
    held, *going = short
    assert line.stack.snapline("hold", held, "--reason", "audit").returncode == 0

    def all_gone() -> bool:
        line.tick()
        return not any(ledger.exists(line.store, keys.final(backup(name))) for name in going)

    until(all_gone, "what has expired is gone", PATIENCE)
    until(lambda: _deleted(line) == set(going), "each deletion is told", PATIENCE)
    assert ledger.finished_backup(line.store, full) is not None, "it has no ttl, and is the last good one"
    assert ledger.finished_backup(line.store, held) is not None, "it is held"
    assert 1 <= len(_pruned(line)) <= len(going) <= sum(_pruned(line))
    said = {row["name"]: row for row in line.snapline("retention", "preview")}
    assert said[held]["outcome"] == "stays"
    assert said[held]["reasons"][0].endswith("audit")
    assert line.dead_letters() == []


def _deleted(line: Line) -> set[str]:
    told = [event.data for event in line.told()]
    assert not [event for event in told if isinstance(event, e.BackupDeleteFailed)]
    return {event.backup for event in told if isinstance(event, e.BackupDeleted)}


def _pruned(line: Line) -> list[int]:
    """How many waited for each prune that there was."""
    log = (line.stack.root / "log" / "repository.maintain.log").read_text().splitlines()
    return [said["waiting"] for said in map(json.loads, log) if said["event"] == "pruned"]
