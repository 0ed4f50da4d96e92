"""Follows one request on the event log: what has come of it so far, as a value that a pure function grows."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from schemas import events as e
from schemas.errors import SnaplineError
from workers.adapters import broker

Phase = Literal["requested", "licensed", "copying", "preparing", "restoring", "finishing", "ended"]


@dataclass(frozen=True)
class JobView:
    """One request and its job, as far as the event log tells. Its parts are the pods of a backup, the volumes of a
    restore."""

    request: str
    name: str | None = None
    phase: Phase = "requested"
    objects: int = 0
    parts: int = 0
    parts_done: frozenset[str] = frozenset()
    volumes: Mapping[str, e.VolumesProgressed] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stalled: int = 0
    final: e.Event | None = None

    @property
    def bytes_done(self) -> int:
        """Over all volumes."""
        return sum(volume.bytes_done for volume in self.volumes.values())

    @property
    def bytes_total(self) -> int:
        """Over all volumes that have been begun."""
        return sum(volume.bytes_total for volume in self.volumes.values())

    @property
    def files_done(self) -> int:
        """Over all volumes."""
        return sum(volume.files_done for volume in self.volumes.values())


def concerns(view: JobView, event: e.AnyEvent) -> bool:
    """Whether an event is about the request or its job."""
    return view.request in (event.correlationid, event.subject) or (
        view.name is not None and event.subject == view.name
    )


def fold(view: JobView, event: e.Event) -> JobView:
    """The view after one more event. Repeated and late events do no harm."""
    if view.final is not None:
        return view
    match event:
        case e.BackupLicensed():
            return replace(view, name=event.backup, phase="licensed" if view.phase == "requested" else view.phase)
        case e.RestoreLicensed():
            return replace(view, name=event.restore, phase="preparing", notes=tuple(str(note) for note in event.notes))
        case e.BackupPlanned():
            return replace(view, phase="copying", objects=event.objects, parts=event.pods)
        case e.RestorePrepared():
            return replace(view, phase="restoring", objects=event.objects, parts=event.volumes)
        case e.VolumesProgressed():
            return replace(view, volumes={**view.volumes, event.volume: event})
        case e.VolumesCopied() | e.VolumesCopyFailed():
            return replace(view, parts_done=view.parts_done | {event.pod})
        case e.VolumesRestored() | e.VolumesRestoreFailed():
            return replace(view, parts_done=view.parts_done | {event.volume})
        case e.RestoreApplied():
            return replace(view, phase="finishing")
        case e.BackupStalled() | e.RestoreStalled():
            return replace(view, stalled=event.nudge)
        case _ if isinstance(event, e.FINAL):
            named = event.subject if not isinstance(event, e.BackupRejected | e.RestoreRejected) else None
            return replace(view, phase="ended", final=event, name=named or view.name)
    return view


def follow(
    url: str, request: str, since: datetime, stop: threading.Event, beat: float = 0.25
) -> Iterator[tuple[JobView, float]]:
    """The view whenever it has changed, and every `beat` seconds, with the seconds since anything was last heard.

    Ends with the final event. A log that cannot be read is a log on which nothing is heard.
    """
    heard: queue.SimpleQueue[e.AnyEvent] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(url, since, stop, heard.put), name="watch", daemon=True).start()
    view, last = JobView(request), time.monotonic()
    while view.final is None and not stop.is_set():
        try:
            event = heard.get(timeout=beat)
            if concerns(view, event):
                view, last = fold(view, event.data), time.monotonic()
        except queue.Empty:
            pass
        yield view, time.monotonic() - last


def _listen(url: str, since: datetime, stop: threading.Event, put: Callable[[e.AnyEvent], None]) -> None:
    while not stop.is_set():
        try:
            for logged in broker.read_log(url, since=since, stop=stop.is_set):
                put(logged.event)
        except SnaplineError:
            stop.wait(1.0)
