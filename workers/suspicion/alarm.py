"""What is done about suspicious volumes when their backup ends: the last good backup of each is held, the record warns,
and an event tells what has changed."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from schemas import events as e
from schemas.errors import Code, Invalid, NotFound
from schemas.job import backup
from schemas.messages import LONGEST_REASON, Message, brief
from schemas.records import BackupRecord, Suspicion, VolumeRecord
from workers.jobs import ledger
from workers.ports import ObjectStore
from workers.retention import holds

BY = "snapline"
"""Who holds a backup because of an alarm."""
MOST_TOLD = 20
"""Volumes that the event describes; the record has them all."""


def hold_before(store: ObjectStore, name: str, volumes: Sequence[VolumeRecord], now: datetime) -> list[VolumeRecord]:
    """The volumes of backup `name`; of those that are suspicious, the last good backup is held now, and named."""
    return [_held(store, name, volume, now) if volume.suspicion else volume for volume in volumes]


def warnings(volumes: Sequence[VolumeRecord]) -> list[Message]:
    """What the backup's record warns of."""
    return [
        Message(code=Code.SUSPICIOUS, text=f"{volume.key}: {_said(volume)}", subject=volume.key)
        for volume in volumes
        if volume.suspicion
    ]


def told(record: BackupRecord) -> list[e.BackupSuspicious]:
    """The event of a backup with suspicious volumes; none of another."""
    found = [(volume.key, volume.suspicion) for volume in record.volumes if volume.suspicion]
    if not found:
        return []
    volumes = [
        e.SuspiciousVolume(
            volume=key,
            reason=brief(suspicion.reasons),
            codes=[each.code for each in suspicion.reasons],
            held=suspicion.held,
        )
        for key, suspicion in found[:MOST_TOLD]
    ]
    return [
        e.BackupSuspicious(
            backup=record.name, destination=record.destination, app=record.app, count=len(found), volumes=volumes
        )
    ]


def _codes(suspicion: Suspicion) -> list[str]:
    return [each.code for each in suspicion.reasons]


def _held(store: ObjectStore, name: str, volume: VolumeRecord, now: datetime) -> VolumeRecord:
    suspicion = volume.suspicion
    if suspicion is None:
        return volume
    found = [record for each in suspicion.before if (record := ledger.finished_backup(store, each))]
    best = sorted(filter(partial(_is_good, volume.key), found), key=lambda record: record.status != "Completed")
    held = next((record.name for record in best if _hold(store, record.name, name, volume.key, now)), None)
    return volume.model_copy(update={"suspicion": suspicion.model_copy(update={"held": held})})


def _is_good(volume: str, record: BackupRecord) -> bool:
    """Whether it has the volume, and nothing was suspicious of that."""
    is_usable = record.status in ("Completed", "PartiallyFailed")
    return is_usable and any(each.key == volume and not each.suspicion for each in record.volumes)


def _hold(store: ObjectStore, good: str, suspicious: str, volume: str, now: datetime) -> bool:
    """Whether the backup `good` is held now."""
    reason = f"the last one before backup {suspicious}, in which volume {volume} is suspicious"
    try:
        holds.hold(store, backup(good), reason, BY, now)
    except (NotFound, Invalid):
        return False  # it is being deleted
    return True


def _said(volume: VolumeRecord) -> str:
    if volume.suspicion is None:
        return ""
    held = volume.suspicion.held
    kept = f"backup {held}, the last good one before it, is held" if held else "there is no good backup before it"
    reasons = "; ".join(map(str, volume.suspicion.reasons))
    return f"this backup is suspicious: {reasons[:LONGEST_REASON]}; {kept}"
