"""A volume that is encrypted between two backups raises an alarm, and the last good backup before is held."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import Code
from schemas.job import backup
from schemas.kubernetes import CLAIMS
from schemas.messages import Message
from schemas.records import BackupRecord, Parent
from tests.support.objects import VELERO, claim, on_claim, opted_in, pod, volume
from tests.support.ordinary_volume import encrypt, furnish, live_a_day, text, wipe
from tests.support.world import BACKUP, World
from workers.adapters.twins.cluster import MemoryCluster
from workers.jobs import endings, ledger
from workers.ports import CopySlice
from workers.retention import holds
from workers.suspicion import history

ANNOTATION = {"snapline.dev/suspicion": "off"}
DATA = "shop/data"


@dataclass
class Directories:
    """A node with one volume."""

    root: Path

    def directory(self, pod_uid: str, volume: str) -> Path:
        return self.root


@dataclass
class Shop:
    """An application with one volume of ordinary files, which is backed up day after day."""

    world: World
    root: Path
    random: Random = field(default_factory=lambda: Random(7))
    day: int = 0
    told: list[list[e.Event]] = field(default_factory=list)

    def back_up(self) -> BackupRecord:
        """The day's backup."""
        self.day += 1
        self.world.now += timedelta(days=1)
        self.told.append(self.world.backup(f"day-{self.day}"))
        [name] = {event.backup for event in self.told[-1] if isinstance(event, e.BackupFinal)}
        return ledger.read(self.world.store, keys.final(backup(name)), BackupRecord)

    def live(self, days: int = 7) -> list[BackupRecord]:
        """Ordinary days, each with its backup."""
        records = []
        for _ in range(days):
            records.append(self.back_up())
            live_a_day(self.root, self.random, self.day)
        return records

    def suspicions(self) -> list[e.BackupSuspicious]:
        """What was told with the newest backup, each once: finalizing it again tells the same."""
        told = {event.event_id: event for event in self.told[-1] if isinstance(event, e.BackupSuspicious)}
        return list(told.values())


def shop(root: Path, *, of_pod: dict[str, str], of_claim: dict[str, str], ships: str = BACKUP) -> Shop:
    data = claim("data", labels=VELERO, annotations=of_claim)
    database = pod(
        "db-0", labels=VELERO, annotations={**opted_in("data"), **of_pod}, volumes={"data": on_claim("data")}
    )
    cluster = MemoryCluster([database, data, volume("pv-data", data)])
    root.mkdir()
    world = World(cluster=cluster, files=Directories(root))
    world.register("shop", backup=ships)
    made = Shop(world, root)
    furnish(root, made.random)
    return made


@pytest.fixture
def living(tmp_path: Path) -> Shop:
    return shop(tmp_path / "data", of_pod={}, of_claim={})


def test_an_encrypted_volume_raises_an_alarm_and_holds_the_backup_before(living: Shop) -> None:
    ordinary = living.live()
    assert [record.warnings for record in ordinary] == [[]] * 7
    assert not any(isinstance(event, e.BackupSuspicious) for told in living.told for event in told)
    encrypt(living.root, living.random)
    record = living.back_up()
    [alarm] = living.suspicions()
    [told] = alarm.volumes
    assert (alarm.backup, alarm.count, told.volume, told.held) == (record.name, 1, DATA, ordinary[-1].name)
    assert {Code.INCOMPRESSIBLE, Code.MUCH_REPLACED} <= set(told.codes)
    assert "100 % of what was there" in told.reason
    assert "takes 100 % of its size when it is compressed, as encrypted content does" in told.reason
    assert "copies before it was" in told.reason
    assert record.status == "Completed"  # it is whole, of what is there
    [warning] = record.warnings
    assert (warning.code, warning.subject) == (Code.SUSPICIOUS, DATA)
    assert warning.text.startswith(f"{DATA}: this backup is suspicious: ")
    assert f"backup {ordinary[-1].name}, the last good one before it, is held" in warning.text
    standing = holds.held(living.world.store, backup(ordinary[-1].name))
    assert standing is not None
    assert (standing.by, record.name in standing.reason, DATA in standing.reason) == ("snapline", True, True)
    assert holds.names(living.world.store) == {ordinary[-1].name}


def test_deleted_files_raise_it_and_what_follows_does_not(living: Shop) -> None:
    ordinary = living.live()
    wipe(living.root, 0.6)
    living.back_up()
    [alarm] = living.suspicions()
    assert set(alarm.volumes[0].codes) == {Code.MUCH_DELETED}
    assert "74 of 124 files went and 0 came, so there are 60 % fewer" in alarm.volumes[0].reason
    assert "it shrank from 3." in alarm.volumes[0].reason
    assert alarm.volumes[0].held == ordinary[-1].name
    live_a_day(living.root, living.random, 9)
    following = living.back_up()
    assert living.suspicions() == []
    encrypt(living.root, living.random)
    living.back_up()
    assert [one.held for alarm in living.suspicions() for one in alarm.volumes] == [following.name]


def test_two_suspicious_backups_in_a_row_hold_the_one_before_both(living: Shop) -> None:
    ordinary = living.live()
    wipe(living.root, 0.6)
    living.back_up()
    encrypt(living.root, living.random)
    living.back_up()
    assert [one.held for alarm in living.suspicions() for one in alarm.volumes] == [ordinary[-1].name]


def test_a_volume_without_a_history_raises_none(living: Shop) -> None:
    living.live(4)
    encrypt(living.root, living.random)
    assert living.back_up().warnings == []
    assert living.suspicions() == []


def test_a_release_with_files_of_the_same_kind_raises_none(living: Shop) -> None:
    living.live()
    for path in sorted(path for path in living.root.rglob("*") if path.is_file()):
        path.write_bytes(text(living.random, path.stat().st_size))
    assert living.back_up().warnings == []


def test_files_that_are_only_touched_raise_none(living: Shop) -> None:
    living.live()
    for path in sorted(path for path in living.root.rglob("*") if path.is_file()):
        path.chmod(0o600)
    assert living.back_up().warnings == []


def _encrypted(living: Shop) -> list[Message]:
    living.live()
    encrypt(living.root, living.random)
    record = living.back_up()
    assert living.suspicions() == []
    assert holds.names(living.world.store) == set()
    return record.warnings


def test_it_is_off_by_setting(living: Shop) -> None:
    living.world.watching = False
    assert _encrypted(living) == []


@pytest.mark.parametrize(
    "off",
    [
        {"of_pod": ANNOTATION, "of_claim": {}},
        {"of_pod": {}, "of_claim": ANNOTATION},
        {
            "of_pod": {"kots.io/app-slug": "shop"},
            "of_claim": {},
            "ships": BACKUP.replace("{name: b}", '{name: b, annotations: {snapline.dev/suspicion: "off"}}'),
        },
    ],
    ids=["pod", "claim", "Backup resource"],
)
def test_it_is_off_by_annotation(tmp_path: Path, off: dict[str, Any]) -> None:
    made = shop(tmp_path / "data", **off)
    if "ships" in off:
        made.world.cluster.patch(
            CLAIMS, "shop", "data", {"metadata": {"labels": {"kots.io/app-slug": "shop", "kots.io/backup": "velero"}}}
        )
    assert [each for each in _encrypted(made) if each.code == Code.SUSPICIOUS] == []


def test_the_event_is_told_again_as_it_was_after_a_death(living: Shop) -> None:
    living.live()
    encrypt(living.root, living.random)
    record = living.back_up()
    again = list(living.world.hear(e.BackupPlanned(backup=record.name, objects=1, pods=1)))
    assert [event for event in again if isinstance(event, e.BackupSuspicious)] == living.suspicions()
    assert [type(event) for event in again] == [e.BackupCompleted, e.BackupSuspicious]


def test_a_copy_that_is_made_again_is_judged_as_the_first_was(living: Shop) -> None:
    living.live()
    encrypt(living.root, living.random)
    record = living.back_up()
    [found] = record.volumes
    # The worker died between the parent's record and the copy's state: the next compares with that, and finds nothing.
    parent = ledger.read(living.world.store, next(iter(living.world.store.list("parents/"))).key, Parent)
    reached = CopySlice("v2", None, found.scanned_bytes, 0, 0, found.files)
    newest, suspicion = history.add(
        parent, "v2", record.name, reached, living.world.now, watched=True, is_told=lambda _: True
    )
    assert suspicion is not None
    assert found.suspicion is not None
    assert suspicion.reasons == found.suspicion.reasons
    assert [copy.backup for copy in newest.history] == [copy.backup for copy in parent.history]


def test_what_nobody_was_told_of_is_suspicious_still(living: Shop) -> None:
    living.live()
    encrypt(living.root, living.random)
    record = living.back_up()
    living.world.store.delete(keys.final(backup(record.name)))  # it was cancelled, say
    live_a_day(living.root, living.random, 50)
    following = living.back_up()
    [alarm] = living.suspicions()
    assert f"since the copy for backup {record.name}, which has not been completed" in alarm.volumes[0].reason
    assert alarm.volumes[0].held not in (None, record.name, following.name)


def test_a_finalizer_that_dies_after_the_hold_tells_the_same_when_it_is_back(
    living: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary = living.live()
    encrypt(living.root, living.random)

    class Killed(BaseException):
        """The process is gone."""

    def die(*_: object) -> e.BackupFinal:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(endings, "finish_backup", die)
        with pytest.raises(Killed):
            living.back_up()
    assert holds.names(living.world.store) == {ordinary[-1].name}
    living.day -= 1
    record = living.back_up()  # the request comes again
    assert [each.code for each in record.warnings] == [Code.SUSPICIOUS]
    assert [one.held for alarm in living.suspicions() for one in alarm.volumes] == [ordinary[-1].name]
    assert holds.names(living.world.store) == {ordinary[-1].name}
