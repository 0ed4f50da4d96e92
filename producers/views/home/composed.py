"""Home as one value, made of what was read: whole, or as somebody may see it to whom some applications are granted."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from producers.views.home.facts import Facts
from producers.views.home.growth import EMPTY, Growth, growth
from producers.views.home.standings import AppStanding, standings
from producers.views.home.verdict import Verdict, verdict
from producers.views.job_views import BackupView, RestoreView

LATELY = 6


@dataclass(frozen=True)
class Home:
    """Home, as it was at `at`. What is below its verdict is of `known_at`: earlier if it cannot be read now, None if it
    never could. `lately` are the newest snapshots and restores."""

    at: datetime
    known_at: datetime | None
    facts: Facts
    verdict: Verdict
    standings: tuple[AppStanding, ...] = ()
    growth: Growth = EMPTY
    lately: tuple[BackupView | RestoreView, ...] = ()


def composed(facts: Facts, *, at: datetime | None = None, known_at: datetime | None = None) -> Home:
    """Of these facts. Where nothing is known of any application, `known_at` says since when."""
    known_at = known_at if facts.blind else facts.at
    if known_at is None:
        return Home(at or facts.at, None, facts, verdict(facts, ()))
    found = tuple(standings(facts))
    return Home(
        at=at or facts.at,
        known_at=known_at,
        facts=facts,
        verdict=verdict(facts, found),
        standings=found,
        growth=growth(facts.backups, facts.at) if facts.all_apps else EMPTY,
        lately=_lately(facts),
    )


def granted(home: Home, apps: Collection[str]) -> Home:
    """The same for somebody who may see these applications, and nothing of the others or of the console."""
    facts = replace(
        home.facts,
        all_apps=False,
        apps=[app for app in home.facts.apps if app.slug in apps],
        uncovered=None,
    )
    seen = composed(facts, at=home.at, known_at=home.known_at)
    return replace(seen, lately=tuple(view for view in seen.lately if view.app in apps))


def _lately(facts: Facts) -> tuple[BackupView | RestoreView, ...]:
    newest: list[BackupView | RestoreView] = [*facts.backups[: 2 * LATELY], *facts.restores[:LATELY]]
    newest = [view for view in newest if view.status != "Unreadable"]
    return tuple(sorted(newest, key=lambda view: view.requested_at, reverse=True)[:LATELY])
