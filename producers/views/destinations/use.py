"""Who needs a destination: jobs that run there, schedules, and all that name none."""

from dataclasses import dataclass, replace

from producers.session import Session
from producers.views.schedules import read
from producers.views.unreadable import Unreadable
from schemas import keys
from schemas.errors import SnaplineError
from schemas.job import Job


@dataclass(frozen=True)
class DestinationUse:
    """What needs a destination. `doubt` says why nobody knows which jobs run there, if that is so."""

    name: str
    jobs: tuple[Job, ...] = ()
    copies: int = 0  # under way, from there or to there
    schedules: tuple[str, ...] = ()
    is_default: bool = False
    doubt: str = ""

    @property
    def reasons(self) -> list[str]:
        """Why it should stay as it is, in plain words."""
        said = []
        if self.jobs:
            said.append(f"{', '.join(map(str, self.jobs))} {'runs' if len(self.jobs) == 1 else 'run'} there")
        if self.copies:
            said.append(
                f"{self.copies} {'copy is' if self.copies == 1 else 'copies are'} under way from there or to there"
            )
        if self.schedules:
            said.append(f"schedule {', '.join(self.schedules)} asks for it")
        if self.is_default:
            said.append("it is the default destination")
        if self.doubt:
            said.append(f"which jobs run there is not known: {self.doubt}")
        return said


def use(session: Session, name: str) -> DestinationUse:
    """All that needs it. Raises as the cluster."""
    running = jobs_in(session, name)
    schedules = tuple(
        each.name
        for each in read(session.cluster, session.settings.console_namespace)
        if not isinstance(each, Unreadable) and name in (each.destination, *each.copy_to)
    )
    is_default = session.destinations.defaults()[0] == name
    return replace(running, schedules=schedules, is_default=is_default)


def jobs_in(session: Session, name: str) -> DestinationUse:
    """The jobs that run there, and the copies, as far as anybody can see from here."""
    try:
        store = session.store(name)
        marked = [keys.parse_running(found.key) for found in store.list(keys.RUNNING)]
        copies = sum(1 for prefix in (keys.WANTED_COPIES, keys.INCOMING) for _ in store.list(prefix))
    except SnaplineError as error:
        return DestinationUse(name, doubt=str(error))
    return DestinationUse(name, jobs=tuple(sorted(marked, key=str)), copies=copies)
