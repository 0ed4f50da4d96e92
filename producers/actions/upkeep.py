"""What can be done with a repository as a whole. Importing it takes a third of a second, for the repository's code."""

from dataclasses import replace

from producers.session import Session
from producers.views import volumes
from schemas.errors import Code, Invalid
from schemas.events import THE_DEFAULT
from schemas.messages import Message
from workers.jobs import ledger
from workers.ports import Pruned
from workers.repository.upkeep import check as checking
from workers.repository.upkeep import prune as pruning
from workers.repository.upkeep import repair_index as repairing
from workers.repository.upkeep import verify as verifying
from workers.repository.upkeep.check import Problem, Stats
from workers.repository.upkeep.repair_index import Repaired
from workers.repository.upkeep.say import Say, silent
from workers.repository.upkeep.verify import Report


def check(session: Session, *, destination: str = THE_DEFAULT, progress: Say = silent) -> list[Problem]:
    """Whether everything that backups need is there; reads no contents. Raises NotFound, Denied."""
    names, doubtful = volumes.names(session.store(destination))
    with session.repository(destination).new_view() as view:
        return [*map(_problem, doubtful), *checking.check(view, names, progress)]


def verify(session: Session, percent: float = 100, *, destination: str = THE_DEFAULT, progress: Say = silent) -> Report:
    """Reads contents back: all, or so much of the packs, going on where the last sample ended; with 0 it is `check`."""
    if not 0 <= percent <= 100:
        raise Invalid(f"a sample is a percentage up to 100, not {percent:g}")
    names, doubtful = volumes.names(session.store(destination))
    with session.repository(destination).new_view() as view:
        report = verifying.verify(view, names, percent, progress)
    return replace(report, problems=[*map(_problem, doubtful), *report.problems])


def prune(session: Session, *, destination: str = THE_DEFAULT, progress: Say = silent) -> Pruned:
    """Deletes what no backup needs, while others may run; what came back, and what is too young."""
    store = session.store(destination)
    with session.repository(destination).new_view() as view:
        return pruning.prune(view, lambda: ledger.volumes_in_use(store), say=progress)


def foresee(session: Session, *, destination: str = THE_DEFAULT, progress: Say = silent) -> Pruned:
    """About what `prune` would bring back now; deletes nothing."""
    store = session.store(destination)
    with session.repository(destination).new_view() as view:
        return pruning.foresee(view, lambda: ledger.volumes_in_use(store), say=progress)


def stats(session: Session, *, destination: str = THE_DEFAULT) -> Stats:
    """How much there is."""
    with session.repository(destination).new_view() as view:
        return checking.stats(view)


def repair_index(session: Session, *, destination: str = THE_DEFAULT, progress: Say = silent) -> Repaired:
    """Makes the index anew from the packs that are there."""
    with session.repository(destination).new_view() as view:
        return repairing.repair_index(view, progress)


def _problem(doubtful: Message) -> Problem:
    """A backup's record that cannot be believed."""
    return Problem(doubtful.text, code=Code(doubtful.code))
