"""What is remembered of alarms. It is kept in the cluster, as the store may be what an alarm is about."""

from datetime import datetime

from schemas.records.base import Record

NAME = "snapline-alarms"
"""The ConfigMap in the console's namespace: alarm -> its state, as JSON."""


class AlarmState(Record):
    """That something is wrong: of which event (`alarm` is its type), `since` when, when it was told last (None: not
    yet), and how often `again`."""

    alarm: str
    about: str
    app: str | None = None
    since: datetime
    told_at: datetime | None = None
    again: int = 0
