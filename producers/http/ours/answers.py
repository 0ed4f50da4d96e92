"""What is answered to those who ask for something."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from producers.actions.jobs import Requested
from schemas.job import Kind


class Asked(BaseModel):
    """A request that is on the bus: its event id, and what its job will be called, unless that name is taken. A request
    that makes no job of its own is about the backup of that name."""

    model_config = ConfigDict(extra="forbid")

    request: str
    asked_at: datetime
    kind: Kind
    name: str
    destination: str


def asked(requested: Requested) -> Asked:
    """The answer."""
    job = requested.job
    event = requested.event
    return Asked(request=event.id, asked_at=event.time, kind=job.kind, name=job.name, destination=requested.destination)
