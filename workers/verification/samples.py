"""Which part of the contents a sample reads: the next one, as large as the time that has passed since the last sample
is, measured by the time within which all are to be covered."""

import math
from datetime import datetime, timedelta

from schemas import keys
from schemas.records import BackupRecord, SamplePosition
from workers.jobs import ledger
from workers.ports import ALL_PARTS, ObjectStore, Part

FIRST = timedelta(days=1)
"""The time that the first sample is for."""


def next_part(store: ObjectStore, record: BackupRecord, within: timedelta, now: datetime) -> Part:
    """The part that a sample of that backup reads at `now`. Backups of one series take turns: what they have in common
    need not be read in each."""
    last = ledger.find(store, keys.samples(_series(record)), SamplePosition)
    passed = now - last.at if last else FIRST
    length = math.ceil(ALL_PARTS * min(1.0, max(timedelta(0), passed) / within))
    return Part(last.begin if last else 0, max(1, length))


def is_read(store: ObjectStore, record: BackupRecord, part: Part, began_at: datetime) -> None:
    """The next sample goes on behind this `part`, of which the reading began at that time."""
    position = SamplePosition(begin=(part.begin + part.length) % ALL_PARTS, at=began_at)
    ledger.put(store, keys.samples(_series(record)), position)


def _series(record: BackupRecord) -> str:
    return record.app or "instance"
