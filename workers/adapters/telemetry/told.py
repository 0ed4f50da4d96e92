"""What the events that a process tells say of the work: ends of jobs, what was copied or restored, what is due."""

import threading
import time

from schemas import events as e
from schemas import metrics as m
from schemas.metrics import STATUSES
from workers.adapters.telemetry.metering import Meter

MOST_REMEMBERED = 2000
"""Events of which it is remembered that they were told."""


class Told:
    """Counts events that the broker has taken. A step that runs twice tells the same event twice, by the same id: what
    that says counts once. Safe for threads."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self._lock = threading.Lock()
        self._ids: dict[str, None] = {}

    def count(self, event: e.AnyEvent) -> None:
        """Counts one event."""
        self.meter.add(m.TOLD, event.type)
        if self._is_new(event.id):
            count(event.data, self.meter)

    def _is_new(self, id_: str) -> bool:
        with self._lock:
            if id_ in self._ids:
                return False
            self._ids[id_] = None
            if len(self._ids) > MOST_REMEMBERED:
                self._ids.pop(next(iter(self._ids)))
            return True


def count(event: e.Event, meter: Meter) -> None:
    """Counts what one event says."""
    if isinstance(event, e.FINAL):
        meter.add(m.JOBS_ENDED, event.type.partition(".")[0], status(event.type))
    elif isinstance(event, e.VolumesCopied):
        meter.add(m.COPIED_BYTES, by=event.scanned_bytes)
        meter.add(m.CHANGED_BYTES, by=event.changed_bytes)
        meter.add(m.UPLOADED_BYTES, by=event.uploaded_bytes)
        meter.add(m.COPIED_FILES, by=event.files)
    elif isinstance(event, e.VolumesRestored):
        meter.add(m.RESTORED_BYTES, by=event.bytes)
        meter.add(m.RESTORED_FILES, by=event.files)
    elif isinstance(event, e.TickMinute):
        meter.set(m.LAST_TICK, time.time())
    elif getattr(event, "due", None) is not None:
        meter.add(m.RUNS_REQUESTED, event.type.rpartition(".requested.")[0])


def status(type_: str) -> str:
    """How a job ended, as its record says it: `backup.partially_failed.v1` is `PartiallyFailed`."""
    word = type_.split(".")[1].title().replace("_", "")
    return word if word in STATUSES else "Rejected"
