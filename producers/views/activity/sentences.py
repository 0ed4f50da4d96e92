"""What an event says, as one short sentence, and how bad that is."""

from dataclasses import dataclass
from typing import Literal

from schemas import events as e
from schemas.messages import Message, brief
from schemas.news import describe, severity

Tone = Literal["ok", "warn", "bad"]
LONGEST = 400
_TONES: dict[str, Tone] = {"warning": "warn", "error": "bad"}


@dataclass(frozen=True)
class Said:
    """The sentence; without a tone it is neither good nor bad."""

    text: str
    tone: Tone | None = None


def said(event: e.Event) -> Said:
    """Of any event."""
    found = _asked(event) or _line(event) or _volumes(event) or _upkeep(event) or _other(event)
    return found if len(found.text) <= LONGEST else Said(f"{found.text[: LONGEST - 1]}…", found.tone)


def _asked(event: e.Event) -> Said | None:
    match event:
        case e.BackupRequested():
            what = f"A Partial snapshot of {event.app}" if event.app else "A Full snapshot"
            by = f", by the schedule {event.schedule}" if event.schedule else ""
            return Said(f"{what} was asked for{by}")
        case e.RestoreRequested():
            whose = {"full": "everything", "applications": "the applications", "console": "the Admin Console"}
            return Said(f"A restore of {event.app or whose[event.scope]} from {event.backup} was asked for")
        case e.BackupTestRestoreRequested():
            return Said(f"A test restore of {event.backup or 'the newest good snapshot'} was asked for")
        case e.BackupVerifyRequested():
            of = event.backup or "the newest good snapshot"
            return Said(f"A verification of {of} was asked for: {event.depth}")
        case e.BackupDeleteRequested():
            return Said(
                f"The deletion of {event.backup} was asked for" + (", as it has expired" if event.expired else "")
            )
        case e.BackupCopyRequested():
            return Said(f"A copy of {event.backup} to {event.to} was asked for")
        case e.RepositoryPruneRequested():
            return Said("A prune was asked for")
    return None


def _line(event: e.Event) -> Said | None:
    match event:
        case e.BackupLicensed():
            return Said(f"The licenses allow it; the job is called {event.backup}")
        case e.RestoreLicensed():
            return Said(f"The job is called {event.restore}{_count(event.notes, 'note')}")
        case e.BackupQueued() | e.RestoreQueued():
            return Said(f"Waits in line behind {event.behind}")
        case e.BackupPlanned():
            return Said(
                f"{_plural(event.objects, 'object')} captured, {_plural(event.pods, 'pod')} with volumes or scripts"
            )
        case e.RestorePlanned():
            lost = _count(event.newer, "newer object")
            return Said(
                f"{event.replaced} to delete, {event.objects} to create, {_plural(event.volumes, 'volume')}{lost}"
            )
        case e.RestoreUndeployRequested():
            return Said(f"Delete what will be replaced of {_owner(event.owner)}")
        case e.RestorePrepared():
            return Said(f"What was to be deleted of {_owner(event.owner)} is gone")
        case e.RestoreApplied():
            return Said(f"The objects of {_owner(event.owner)} are there")
        case e.BackupStalled() | e.RestoreStalled():
            unserved = f"; nobody serves {', '.join(event.unserved)}" if event.unserved else ""
            return Said(f"Stood still: the missing step was told again (no. {event.nudge}){unserved}", "warn")
        case e.BackupCompleted() | e.RestoreCompleted():
            return Said("Completed" + _ends(event.errors, event.warnings), "ok")
        case e.BackupPartiallyFailed() | e.RestorePartiallyFailed():
            return Said(f"Incomplete{_ends(event.errors, event.warnings)}{_why(event.reason)}", "warn")
        case e.BackupFailed() | e.RestoreFailed():
            return Said(f"Failed{_why(event.reason)}", "bad")
        case e.BackupCancelled() | e.RestoreCancelled():
            return Said("Cancelled")
        case e.BackupRejected() | e.RestoreRejected():
            return Said(f"Rejected: {brief(event.reasons)}", "bad")
    return None


def _volumes(event: e.Event) -> Said | None:
    match event:
        case e.VolumesCopyRequested(slice=0):
            return Said(f"Copy the volumes of {event.pod}")
        case e.VolumesCopyRequested():
            return Said(f"{event.pod}, slice {event.slice}: told to itself, so that others get a turn")
        case e.VolumesProgressed():
            total = f" of {_size(event.bytes_total)}" if event.bytes_total > event.bytes_done else ""
            return Said(f"{event.volume}: {_size(event.bytes_done)}{total}, {_plural(event.files_done, 'file')}")
        case e.VolumesCopied():
            gone = f"{_size(event.scanned_bytes)} gone through, {_size(event.uploaded_bytes)} uploaded"
            return Said(f"{event.pod}: {gone}", "ok")
        case e.VolumesCopyFailed():
            return Said(f"{event.pod}: not copied{_why(event.reason)}", "bad")
        case e.VolumesMountRequested():
            return Said(f"Mount the volumes of {event.pod}")
        case e.VolumesRestoreRequested(slice=0):
            return Said(f"Write {event.volume}")
        case e.VolumesRestoreRequested():
            return Said(f"{event.volume}, slice {event.slice}: told to itself, so that others get a turn")
        case e.VolumesRestored():
            return Said(f"{event.volume}: {_size(event.bytes)} written, {_plural(event.files, 'file')}", "ok")
        case e.VolumesRestoreFailed():
            return Said(f"{event.volume}: not written{_why(event.reason)}", "bad")
    return None


def _upkeep(event: e.Event) -> Said | None:
    match event:
        case e.TickMinute():
            return Said(f"A minute begins: {event.minute}")
        case e.UpkeepProgressed():
            return Said(f"{event.doing}: {event.done} of {event.total}")
        case e.NotificationDelivered():
            return Said(f"{event.target} took the news")
        case e.NotificationFailed():
            return Said(f"{event.target} could not be told{_why(event.reason)}", "bad")
        case e.BackupDeleted():
            return Said(f"Deleted; {_size(event.reclaimed_bytes)} came back", "ok")
        case e.RepositoryPruned():
            return Said(f"Pruned; {_size(event.reclaimed_bytes)} came back", "ok")
        case e.BackupVerified():
            return Said(f"Read back ({event.depth}); no problems", "ok")
        case e.AuditRecorded():
            how = "" if event.outcome == "done" else f": {event.outcome}"
            return Said(" ".join(filter(None, (event.who, event.act, event.on))) + how, "warn" if how else None)
        case e.BackupTestRestored():
            return Said(f"A test restore was ready after {event.seconds:.0f} s", "ok")
    return None


def _other(event: e.Event) -> Said:
    return Said(describe(event), _TONES.get(severity(event)))


def _ends(errors: int, warnings: int) -> str:
    said = [_plural(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    return f": {', '.join(said)}" if said else ""


def _why(reason: Message | None) -> str:
    return f": {reason}" if reason else ""


def _owner(owner: str) -> str:
    return "what several share" if owner == e.SHARED else owner


def _count(things: list[str] | list[Message], one: str) -> str:
    return f", {_plural(len(things), one)}" if things else ""


def _plural(count: int, one: str) -> str:
    return f"{count:,} {one if count == 1 else one + 's'}"


def _size(count: int) -> str:
    """As pages say it: `12.5 MB`."""
    value, unit = float(count), 0
    units = ("bytes", "kB", "MB", "GB", "TB", "PB")
    while value >= 1000 and unit < len(units) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {units[unit]}" if value < 1000 else f"{value:.0f} {units[unit]}"
