"""Facts for tests: snapshots, applications and schedules at a moment that is set by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from producers.views.home.facts import App, Facts
from producers.views.home.uncovered import Uncovered
from producers.views.job_views import BackupView, CheckedView, RestoreTestView
from schemas.schedule import Schedule

NOW = datetime(2026, 11, 26, 20, 14, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG_AGO = NOW - timedelta(days=400)


def snapshot(name: str, age: timedelta, app: str | None = None, **more: Any) -> BackupView:
    """A snapshot that was asked for so long ago; whole unless `more` says something else."""
    at = NOW - age
    apps = (app,) if app else ("wiki", "shop")
    ended = more.get("status", "Completed") in ("Completed", "PartiallyFailed", "Failed", "Cancelled")
    said: dict[str, Any] = {
        "name": name,
        "status": "Completed",
        "destination": "default",
        "app": app,
        "apps": apps,
        "schedule": None,
        "requested_at": at,
        "completed_at": at + timedelta(minutes=5) if ended else None,
        "size": 1000,
        "uploaded_bytes": 100,
    }
    return BackupView(**(said | more))


def read_back(ago: timedelta, verdict: Any = "passed") -> CheckedView:
    """What a verification has found."""
    return CheckedView(NOW - ago, "full", verdict)


def tried(ago: timedelta, seconds: float) -> RestoreTestView:
    """A test restore that went well."""
    return RestoreTestView(NOW - ago, seconds, "passed")


def facts(*backups: BackupView, **more: Any) -> Facts:
    """Wiki and Shop, registered long ago; nothing is uncovered."""
    given: dict[str, Any] = {
        "at": NOW,
        "apps": [App("shop", "Shop", LONG_AGO), App("wiki", "Team Wiki", LONG_AGO)],
        "backups": sorted(backups, key=lambda view: view.requested_at, reverse=True),
        "uncovered": Uncovered(),
    }
    return Facts(**(given | more))


def nightly(**more: Any) -> Schedule:
    """A full snapshot every night at two."""
    return Schedule(**({"name": "nightly", "expression": "0 2 * * *"} | more))
