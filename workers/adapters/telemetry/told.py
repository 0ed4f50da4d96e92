"""What the events that a process tells say of the work: ends of jobs, what was copied or restored, what is due."""

import time

from schemas import events as e
from schemas import metrics as m
from schemas.metrics import STATUSES
from workers.adapters.telemetry.metering import Meter


def count(event: e.Event, meter: Meter) -> None:
    """Counts one event that the broker has taken."""
    meter.add(m.TOLD, event.type)
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
