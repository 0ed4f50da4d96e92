"""How one application stands: its last good snapshot, how old that may be, what comes next, what is proven."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from producers.views.home.facts import CONSOLE, App, Facts
from producers.views.home.strip import DAYS, Attempt, Day, Expected, days, summary
from producers.views.home.timetable import Timetable, timetable
from producers.views.job_views import BackupView
from schemas.errors import Code
from schemas.messages import Message

State = Literal["overdue", "failed", "never", "ok"]
STATES: tuple[State, ...] = ("overdue", "failed", "never", "ok")
"""The worst first."""


@dataclass(frozen=True)
class Restoring:
    """How long a restore took, in seconds: when, of what backup; `tested` if it was a test restore."""

    at: datetime
    seconds: float
    backup: str
    tested: bool

    @property
    def length(self) -> timedelta:
        """The same as a length of time."""
        return timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class AppStanding:
    """One application, or the Admin Console. `good` is its last good snapshot, `age` how old that is. `failed` is the
    newest snapshot that was to hold it, where that went wrong, and `reason` why; `running` is under way. A run is
    `next`. Its snapshots were read back `verified`, None for never. `size` are its bytes in the last good one."""

    app: App
    state: State
    good: BackupView | None = None
    age: timedelta | None = None
    failed: BackupView | None = None
    reason: Message | None = None
    running: BackupView | None = None
    next: datetime | None = None
    missed: datetime | None = None
    verified: datetime | None = None
    restoring: Restoring | None = None
    size: int | None = None
    days: tuple[Day, ...] = ()

    @property
    def summary(self) -> str:
        """The days in words."""
        return summary(self.days)


def standings(facts: Facts) -> list[AppStanding]:
    """All applications and the Admin Console: the worst first, then by name; the console after those that are alike."""
    attempts = _attempts(facts)
    back = timedelta(days=DAYS)
    tables = [
        timetable(each, facts.runs.get(each.name, ()), facts.at, back)
        for each in facts.schedules
        if each.does == "backup"
    ]
    found = [_standing(app, attempts.get(app.slug, []), facts, tables) for app in facts.whole_list]
    return sorted(found, key=_rank)


def last_good(facts: Facts) -> dict[str, BackupView]:
    """The last good snapshot of each application that has one."""
    return {slug: good for slug, tried in _attempts(facts).items() if (good := _good(tried)) is not None}


def _rank(standing: AppStanding) -> tuple[int, bool, str, str]:
    app = standing.app
    return STATES.index(standing.state), app.slug == CONSOLE, app.name.casefold(), app.slug


def _attempts(facts: Facts) -> dict[str, list[Attempt]]:
    """By application, the newest first: what was to hold it, and whether it does, wholly."""
    found: dict[str, list[Attempt]] = defaultdict(list)
    for view in facts.backups:
        if view.snapshot_of is not None or view.status == "Unreadable":
            continue
        lacking = _lacking(view, facts)
        for slug in _concerned(view, facts, lacking):
            found[slug].append((view, _is_good(view) and slug not in lacking))
    return found


def _concerned(view: BackupView, facts: Facts, lacking: Collection[str]) -> Iterable[str]:
    if view.status == "Rejected" and not _counts(view):
        return ()
    if view.app is not None:
        return (view.app,)
    if view.status == "Rejected":
        return (*(app.slug for app in facts.apps), CONSOLE)
    return {*view.apps, *lacking, CONSOLE}


def _counts(rejected: BackupView) -> bool:
    """Whether a refused request says something of how an application is backed up, and not of who has asked."""
    return rejected.schedule is not None or any(reason.code == Code.LICENSE_REFUSED for reason in rejected.reasons)


def _is_good(view: BackupView) -> bool:
    """Whether what is whole in it can be relied on: it has ended, and nobody has found it damaged."""
    damaged = view.checked is not None and view.checked.verdict == "failed"
    return view.status in ("Completed", "PartiallyFailed") and not damaged


def _lacking(view: BackupView, facts: Facts) -> Mapping[str, Message | None]:
    if view.status != "PartiallyFailed":
        return {}
    if view.app is not None:
        return {view.app: view.reason}
    return facts.lacking.get(view.name) or dict.fromkeys((*view.apps, CONSOLE), view.reason)


def _good(attempts: Sequence[Attempt]) -> BackupView | None:
    return next((view for view, whole in attempts if whole), None)


def _standing(app: App, attempts: Sequence[Attempt], facts: Facts, tables: Sequence[Timetable]) -> AppStanding:
    concerned = [each for each in tables if each.covers(app.slug)]
    good = _good(attempts)
    ended = next((each for each in attempts if each[0].completed_at or each[0].status == "Rejected"), None)
    failed = ended[0] if ended and not ended[1] and ended[0].status != "Cancelled" else None
    age = facts.at - good.requested_at if good else None
    missed = _missed(concerned, attempts)
    return AppStanding(
        app=app,
        state=_state(app, age, failed, missed),
        good=good,
        age=age,
        failed=failed,
        reason=_reason(app, failed, facts) if failed else None,
        running=next((view for view, _ in attempts if view.status in ("InProgress", "Queued", "Cancelling")), None),
        next=min((each.next for each in concerned if each.next), default=None),
        missed=missed,
        verified=_verified(attempts),
        restoring=_restoring(app, attempts, facts),
        size=facts.sizes.get(app.slug),
        days=days(attempts, _expected(app, concerned), facts.at),
    )


def _state(app: App, age: timedelta | None, failed: BackupView | None, missed: datetime | None) -> State:
    if age is None:
        return "never"
    if missed is not None or (app.objective is not None and age > app.objective):
        return "overdue"
    return "failed" if failed is not None else "ok"


def _reason(app: App, failed: BackupView, facts: Facts) -> Message | None:
    """Why the newest snapshot went wrong for the application, as far as is known."""
    if failed.status == "Completed":
        return Message(code=Code.DAMAGED, text="it was read back, and damage was found", subject=failed.name)
    return _lacking(failed, facts).get(app.slug) or failed.reason or next(iter(failed.reasons), None)


def _missed(concerned: Sequence[Timetable], attempts: Sequence[Attempt]) -> datetime | None:
    """The begin of the newest run that nobody has asked for, if no snapshot came after it either."""
    newest = attempts[0][0].requested_at if attempts else None
    late = [each.latest for each in concerned if each.latest and (newest is None or newest < each.latest.at)]
    return max((due.starts for due in late), default=None)


def _verified(attempts: Sequence[Attempt]) -> datetime | None:
    """When one of its good snapshots was last found whole, by reading it back or by a test restore."""
    found = [
        proof.at
        for view, whole in attempts
        if whole
        for proof in (view.checked, view.tested)
        if proof is not None and proof.verdict == "passed"
    ]
    return max(found, default=None)


def _restoring(app: App, attempts: Sequence[Attempt], facts: Facts) -> Restoring | None:
    """The newest measured: of the application alone, if there is one; else with all the others."""
    alone = [*_tests(attempts, app), *_restores(facts, lambda scoped: scoped == app.slug)]
    together = [*_tests(attempts, None), *_restores(facts, lambda scoped: scoped is None)]
    return max(alone or together, key=lambda each: each.at, default=None)


def _tests(attempts: Sequence[Attempt], app: App | None) -> Iterator[Restoring]:
    for view, _ in attempts:
        tested = view.tested
        if tested is not None and tested.verdict == "passed" and (view.app is None) == (app is None):
            yield Restoring(tested.at, tested.seconds, view.name, True)


def _restores(facts: Facts, scoped: Callable[[str | None], bool]) -> Iterator[Restoring]:
    for view in facts.restores:
        if view.status == "Completed" and view.completed_at and not view.test and scoped(view.app):
            seconds = (view.completed_at - view.requested_at).total_seconds()
            yield Restoring(view.completed_at, seconds, view.backup, False)


def _expected(app: App, concerned: Sequence[Timetable]) -> Expected:
    asked = frozenset[date]().union(*(each.asked for each in concerned))
    due = frozenset[date]() if app.objective else frozenset[date]().union(*(each.due for each in concerned))
    return Expected(app.objective, app.since, due, asked)
