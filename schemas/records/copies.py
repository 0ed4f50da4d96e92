"""The records of copies of backups in further destinations."""

from datetime import datetime

from schemas.messages import Message
from schemas.records.backup import VolumeRecord
from schemas.records.base import Record


class WantedCopy(Record):
    """A copy of a backup is wanted, since a time."""

    since: datetime


class Copied(Record):
    """A backup was copied. Its volumes hold `scanned_bytes`; so many were read, and so many written there."""

    at: datetime
    scanned_bytes: int = 0
    read_bytes: int = 0
    uploaded_bytes: int = 0


class CopyFailed(Record):
    """A backup was not copied."""

    at: datetime
    reason: Message


class Incoming(Record):
    """How far the copy of a backup to here has come, of the request `request` in the destination `source`: `volumes`
    are here, and `checkpoint` (base64) says how far the next one is. `run` is who goes on with it: no other may."""

    run: str
    request: str
    source: str
    volumes: list[VolumeRecord] = []
    checkpoint: str | None = None
