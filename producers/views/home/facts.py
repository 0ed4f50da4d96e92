"""What home is judged by: applications, snapshots, restores and schedules, as they were read at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from producers.views.home.uncovered import Uncovered
from producers.views.job_views import BackupView, RestoreView
from schemas.messages import Message
from schemas.schedule import Schedule

CONSOLE = "console"
"""In place of a slug: the Admin Console, which every full snapshot holds. No application can be called so."""


Weight = Literal["blinds", "matters", "doubts"]
"""What follows: nothing is known of any application; it cannot be said whether all is well; something less is known."""


@dataclass(frozen=True)
class App:
    """An application, or the Admin Console. It is registered `since`; None where nobody knows. Its last good snapshot
    may be as old as its `objective`, if it has one."""

    slug: str
    name: str
    since: datetime | None = None
    objective: timedelta | None = None


@dataclass(frozen=True)
class Unread:
    """Something that could not be asked: what (`destination nas`, `the cluster`), and why."""

    what: str
    problem: Message
    weight: Weight = "blinds"


@dataclass(frozen=True)
class Facts:
    """All of it, read at `at` (UTC). `backups` are those of all destinations, the newest first. `lacking` says of full
    snapshots that are not whole which applications are not, and why: see `whole`. `runs` are the due times of each
    schedule that somebody has asked for, `sizes` the bytes of applications in their last good snapshots. Without
    `destinations` there is none to write to. Somebody to whom `all_apps` are not granted sees nothing of the console's,
    and nothing of what is covered."""

    at: datetime
    destinations: bool = True
    all_apps: bool = True
    apps: Sequence[App] = ()
    backups: Sequence[BackupView] = ()
    lacking: Mapping[str, Mapping[str, Message | None]] = field(default_factory=dict)
    restores: Sequence[RestoreView] = ()
    schedules: Sequence[Schedule] = ()
    runs: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    uncovered: Uncovered | None = None
    unread: Sequence[Unread] = ()

    @property
    def whole_list(self) -> Sequence[App]:
        """The applications, and the Admin Console."""
        return [*self.apps, App(CONSOLE, "Admin Console")] if self.all_apps else self.apps

    @property
    def blind(self) -> bool:
        """Whether nothing is known of any application."""
        return any(each.weight == "blinds" for each in self.unread)
