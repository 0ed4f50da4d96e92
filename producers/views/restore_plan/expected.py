"""How long a restore takes: as long as the last one of the same, else by how fast volumes were written so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

from producers.views.job_views import BackupView, RestoreView
from schemas.events import Scope

Measured = Literal["restore", "test", "rate"]
"""By what it is known: a restore, a test restore, or the rate of others."""


@dataclass(frozen=True)
class Expected:
    """How long, and by what that is known; `measured_at` is when that was, None for a rate."""

    length: timedelta
    by: Measured
    measured_at: datetime | None = None


def restoring(
    restores: Sequence[RestoreView], backups: Sequence[BackupView], scope: Scope, app: str | None, size: int
) -> Expected | None:
    """Of a restore of `size` bytes of volumes; None where nothing was measured yet. All lists begin with the newest."""
    done = [
        Expected(view.completed_at - view.requested_at, "restore", view.completed_at)
        for view in restores
        if view.status == "Completed" and not view.test and (view.scope, view.app) == (scope, app) and view.completed_at
    ]
    tests = [
        Expected(timedelta(seconds=view.tested.seconds), "test", view.tested.at)
        for view in backups
        if view.tested and view.tested.verdict == "passed" and app is not None and view.app == app
    ]
    known = sorted((*done, *tests), key=lambda each: each.measured_at.timestamp() if each.measured_at else 0)
    if known:
        return known[-1]
    pace = rate(restores)
    return Expected(timedelta(seconds=size / pace), "rate") if pace and size else None


def rate(restores: Sequence[RestoreView]) -> float | None:
    """Bytes a second of volumes, as restores had it on the whole; None where none had volumes."""
    rates = [
        view.bytes / seconds
        for view in restores
        if view.status == "Completed" and view.bytes and view.completed_at
        if (seconds := (view.completed_at - view.requested_at).total_seconds()) > 0
    ]
    return median(rates) if rates else None


def securing(backups: Sequence[BackupView], app: str | None) -> timedelta | None:
    """How long a safety snapshot takes: as the newest one of the same application, else as its newest backup."""
    took = [
        (view.snapshot_of is not None, view.completed_at - view.requested_at)
        for view in backups
        if view.app == app and view.completed_at and view.status in ("Completed", "PartiallyFailed")
    ]
    first = next((length for is_snapshot, length in took if is_snapshot), None)
    return first if first is not None else next((length for _, length in took), None)
