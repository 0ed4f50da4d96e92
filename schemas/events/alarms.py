"""The alarms: what is wrong although no job says so, each told once for as long as it lasts, and again after a day."""

from typing import ClassVar, Literal

from pydantic import AwareDatetime

from schemas.events.base import DEFAULT_DESTINATION, Count, Event, Name
from schemas.messages import Message

Severity = Literal["info", "warning", "error"]
"""How bad it is: from what one may like to know to what somebody has to do something about."""


class AlarmEvent(Event):
    """Something has been wrong since `since`; told for the `again`th time after the first."""

    since: AwareDatetime
    again: Count = 0
    severity: Severity = "error"

    @property
    def event_id(self) -> str:
        """As of every event; the time is written as in the event itself."""
        about = [str(getattr(self, field)) for field in self.identity]
        return "/".join([self.type, *about, self.since.isoformat(), str(self.again)])


class BackupOverdue(AlarmEvent):
    """There is no backup where one ought to be. Of application `app`: the last good one (`last_good_at`, if there is
    any) is older than its objective of `objective_seconds`. Of `schedule`: what was due at `since` was not begun."""

    type: ClassVar[str] = "backup.overdue.v1"
    identity: ClassVar[tuple[str, ...]] = ("app", "schedule")

    app: Name | None = None
    schedule: Name | None = None
    objective_seconds: Count | None = None
    last_good_at: AwareDatetime | None = None


class LicenseExpiring(AlarmEvent):
    """The license of `app` ends at `expires_at`, in no more than so many `days`; 0 says that it has."""

    type: ClassVar[str] = "license.expiring.v1"
    identity: ClassVar[tuple[str, ...]] = ("app", "days")

    app: Name
    expires_at: AwareDatetime
    days: Count


class DestinationFailing(AlarmEvent):
    """A destination cannot be reached, read or written."""

    type: ClassVar[str] = "destination.failing.v1"
    identity: ClassVar[tuple[str, ...]] = ("destination",)

    destination: Name = DEFAULT_DESTINATION
    reason: Message


class DestinationNearlyFull(AlarmEvent):
    """A destination has little room left, in bytes."""

    type: ClassVar[str] = "destination.nearly_full.v1"
    identity: ClassVar[tuple[str, ...]] = ("destination",)

    destination: Name = DEFAULT_DESTINATION
    free_bytes: Count
    total_bytes: Count


class DeadLettersFound(AlarmEvent):
    """Messages lie in the dead-letter queue of `queue` that could not be handled."""

    type: ClassVar[str] = "dead_letters.found.v1"
    identity: ClassVar[tuple[str, ...]] = ("queue",)

    queue: Name
    count: Count


class AlarmResolved(Event):
    """What `alarm` (the type of an event) said of `about` is over; it had been so since `since`."""

    type: ClassVar[str] = "alarm.resolved.v1"
    identity: ClassVar[tuple[str, ...]] = ("alarm", "about")

    alarm: str
    about: str
    since: AwareDatetime
    severity: Severity = "info"
    app: Name | None = None

    @property
    def event_id(self) -> str:
        """As of an alarm."""
        return "/".join([self.type, self.alarm, self.about, self.since.isoformat()])


ALARMS: tuple[type[Event], ...] = (
    BackupOverdue,
    LicenseExpiring,
    DestinationFailing,
    DestinationNearlyFull,
    DeadLettersFound,
    AlarmResolved,
)
"""What the queue `alarms` tells."""
