"""What became of a schedule's due times."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from schemas.messages import Message
from schemas.records.base import Record


class PassedOver(BaseModel):
    """The due times after `after` (None: from the first on) and up to `until`, which nobody has asked for. A run among
    them that has an entry of its own, since it was asked for late, is told of by that; one that two entries cover,
    since they were written at the same time, by the earlier."""

    model_config = ConfigDict(frozen=True, extra="allow")

    after: datetime | None = None
    until: datetime
    reason: Message


class ScheduledRun(Record):
    """The run of a schedule that was due `at`: `job` is the backup that the request makes, or would be, and `request`
    its identity. `refused` says why the schedule does not have it. `passed_over` are due times before it, if any.
    Where it `does` something else than a backup, `job` is the backup that was verified, and the `status` what came of
    it; or the test restore."""

    schedule: str
    at: datetime
    starts: datetime
    asked_at: datetime
    request: str
    job: str
    app: str | None = None
    blackout: str | None = None
    refused: Message | None = None
    does: str = "backup"
    status: str | None = None
    passed_over: PassedOver | None = None
