"""How far volumes have come by what the event log has told lately. It is news: the object store has the truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from producers.event_feed import Missed
from producers.session import Session
from producers.views.pace import Pace, seen
from schemas.events import VolumesProgressed


@dataclass(frozen=True)
class Heard:
    """Of one volume: bytes that are done of how many, and how fast it goes."""

    done: int
    total: int
    pace: Pace


def volumes(session: Session, job: str, since: datetime) -> Mapping[str, Heard]:
    """By volume, what was heard of the job called `job` since then, as far as the process remembers. Never waits: who
    asks for the first time is told nothing yet."""
    found: dict[str, Heard] = {}
    with session.events.listen(since) as listener:
        while (entry := listener.get(0)) is not None:
            if isinstance(entry, Missed) or not isinstance(said := entry.event.data, VolumesProgressed):
                continue
            if said.job == job and session.rights.believes(entry.sender, VolumesProgressed):
                before = found.get(said.volume)
                pace = seen(before.pace if before else Pace(), entry.event.time.timestamp(), said.bytes_done)
                found[said.volume] = Heard(said.bytes_done, said.bytes_total, pace)
    return found
