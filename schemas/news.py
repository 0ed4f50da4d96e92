"""What people are told of events: a title, a text, how bad it is, and the events themselves."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from schemas import events as e
from schemas.events import Severity
from schemas.messages import brief

Outcome = Literal["start", "success", "fail"]
"""What a dead man's switch can be told."""
TEST, DIGEST = "notification.test", "notification.digest"
"""The types of news that is of no single event."""
LONGEST_TEXT = 16_000
"""Characters; a digest of more ends with how many events it leaves out."""
_SEVERITIES: dict[str, Severity] = {
    "partially_failed": "warning",
    "cancelled": "warning",
    "suspicious": "warning",
    "failed": "error",
    "verification_failed": "error",
    "test_restore_failed": "error",
    "copy_failed": "error",
}


@dataclass(frozen=True)
class News:
    """Something to tell. The same `id` is the same news. Without `events` it is a test; of several it is a digest.
    `app` and `destination` are what it is about, if that is one of them."""

    id: str
    type: str
    subject: str
    severity: Severity
    title: str
    text: str
    at: datetime
    events: tuple[e.AnyEvent, ...] = ()
    outcome: Outcome | None = None
    app: str | None = None
    destination: str | None = None

    @property
    def content_type(self) -> str:
        """Of `body`."""
        return "application/cloudevents-batch+json" if self.type == DIGEST else "application/cloudevents+json"

    @property
    def body(self) -> bytes:
        """The events as CloudEvents: an object, and of a digest a list of them."""
        if self.type == DIGEST:
            return b"[" + b",".join(map(e.encode, self.events)) + b"]"
        if self.events:
            return e.encode(self.events[0])
        said = {"specversion": "1.0", "id": self.id, "source": "snapline/test", "type": f"{self.type}.v1"}
        return json.dumps({**said, "time": self.at.isoformat(), "data": {"text": self.text}}).encode()


def news(event: e.AnyEvent) -> News:
    """The news of one event."""
    data = event.data
    title = describe(data)
    return News(
        id=event.id,
        type=event.type,
        subject=data.subject or "",
        severity=severity(data),
        title=title if len(title) <= 200 else f"{title[:199]}…",
        text=title,
        at=event.time,
        events=(event,),
        outcome=_outcome(data),
        app=getattr(data, "app", None),
        destination=getattr(data, "destination", None),
    )


def digest(id_: str, events: Sequence[e.AnyEvent], at: datetime) -> News:
    """The news of several events, at least one, in the order in which they happened."""
    found = sorted(events, key=lambda event: event.time)
    worst = max((severity(event.data) for event in found), key=_SCALE.index)
    text = ""
    for number, event in enumerate(found):
        line = f"{event.time:%Y-%m-%d %H:%M} {describe(event.data)}\n"
        if len(text) + len(line) > LONGEST_TEXT:
            text += f"… and {len(found) - number} more\n"
            break
        text += line
    title = f"{len(found)} event{'s' if len(found) > 1 else ''}, the worst of them {_NAMES[worst]}"
    return News(id_, DIGEST, "", worst, title, text.rstrip("\n"), at, tuple(found))


def digest_id(target: str, entries: Sequence[str]) -> str:
    """The id of a digest: the same entries are the same digest."""
    return f"{DIGEST}/{target}/{hashlib.sha256(json.dumps(sorted(entries)).encode()).hexdigest()[:16]}"


def trial(id_: str, at: datetime) -> News:
    """News of nothing, to see whether it arrives."""
    text = "This is a test of a notification. Nothing has happened."
    return News(id_, TEST, "", "info", "Test from Snapline", text, at, outcome="success")


def severity(event: e.Event) -> Severity:
    """How bad the event is."""
    if isinstance(event, e.AlarmEvent | e.AlarmResolved):
        return event.severity
    if isinstance(event, e.BackupRejected | e.RestoreRejected):
        return "error"
    return _SEVERITIES.get(event.type.split(".")[-2], "info")


def describe(event: e.Event) -> str:
    """The news as one line: `backup instance-bcdfg completed`."""
    match event:
        case e.BackupOverdue() if event.schedule:
            return f"schedule {event.schedule}: the snapshot that was due at {_time(event.since)} was not begun"
        case e.BackupOverdue():
            last = f"the last good one is of {_time(event.last_good_at)}" if event.last_good_at else "there is none"
            return f"application {event.app}: its snapshot is overdue; {last}"
        case e.LicenseExpiring(days=0):
            return f"application {event.app}: its license has expired, at {_time(event.expires_at)}"
        case e.LicenseExpiring():
            return f"application {event.app}: its license expires at {_time(event.expires_at)}"
        case e.DestinationFailing():
            return f"destination {event.destination} has been failing since {_time(event.since)}: {event.reason}"
        case e.DestinationNearlyFull():
            free = f"{event.free_bytes / 1e9:.1f} of {event.total_bytes / 1e9:.1f} GB are free"
            return f"destination {event.destination} is nearly full: {free}"
        case e.DeadLettersFound():
            return f"queue {event.queue}: {event.count} messages could not be handled, and lie as dead letters"
        case e.BackupSuspicious():
            named = "; ".join(f"{each.volume}: {each.reason}" for each in event.volumes)
            return f"backup {event.backup}: in {event.count} volumes much has changed that as a rule does not: {named}"
        case e.BackupCopied():
            return f"backup {event.backup} was copied from {event.destination} to {event.to}"
        case e.BackupCopyFailed():
            way = f"from {event.destination} to {event.to}"
            return f"backup {event.backup} could not be copied {way}: {brief([event.reason])}"
        case e.AlarmResolved():
            what = event.alarm.rpartition(".")[0].replace(".", " ").replace("_", " ")
            return f"{event.about}: {what}, since {_time(event.since)}, is over"
    what, _, how = event.type.rpartition(".")[0].partition(".")
    if isinstance(event, e.RestoreFinal) and event.test:
        what = f"test {what}"
    reasons = [reason] if (reason := getattr(event, "reason", None)) else getattr(event, "reasons", [])
    return f"{what} {event.subject or '(none)'} {how.replace('_', ' ')}" + (f": {brief(reasons)}" if reasons else "")


_SCALE: tuple[Severity, ...] = ("info", "warning", "error")
_NAMES: dict[Severity, str] = {"info": "information", "warning": "a warning", "error": "an error"}


def _outcome(event: e.Event) -> Outcome | None:
    """What a dead man's switch is told: a job that was cancelled has brought nothing, either."""
    if isinstance(event, e.BEGINNINGS):
        return "start"
    if isinstance(event, e.AlarmResolved):
        return None  # what resolves it says so itself
    return "success" if severity(event) == "info" else "fail"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
