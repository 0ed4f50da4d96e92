"""What is answered to those who ask for something."""

from pydantic import BaseModel, ConfigDict

from producers.actions.jobs import Requested
from schemas.job import Kind


class Asked(BaseModel):
    """A request that is on the bus: its event id, and what its job will be called, unless that name is taken. A request
    that makes no job of its own is about the backup of that name."""

    model_config = ConfigDict(extra="forbid")

    request: str
    kind: Kind
    name: str
    destination: str


def asked(requested: Requested) -> Asked:
    """The answer."""
    job = requested.job
    return Asked(request=requested.event.id, kind=job.kind, name=job.name, destination=requested.destination)
