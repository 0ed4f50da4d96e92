"""Some of many jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar, get_args

from producers.views.job_views import BackupView, Ended, RestoreView, Underway
from schemas.errors import Invalid

V = TypeVar("V", BackupView, RestoreView)
STATUSES = (*get_args(Ended), *get_args(Underway))


def chosen(
    found: Sequence[V],
    *,
    app: str | None = None,
    status: str | None = None,
    schedule: str | None = None,
    since: datetime | None = None,
) -> list[V]:
    """Those of which all is so that is given: they are of `app`, or a full backup that has it; of a `status`, in any
    case of letters; of a `schedule`; asked for at `since` or later. Raises Invalid for a status that there is not."""
    if status is not None and status.lower() not in map(str.lower, STATUSES):
        raise Invalid(f"{status!r:.80} is no status of a job; there are {', '.join(STATUSES)}")
    return [
        view
        for view in found
        if (app is None or app in _apps(view))
        and (status is None or view.status.lower() == status.lower())
        and (schedule is None or getattr(view, "schedule", None) == schedule)
        and (since is None or view.requested_at >= since)
    ]


def _apps(view: BackupView | RestoreView) -> tuple[str | None, ...]:
    return (view.app, *view.apps) if isinstance(view, BackupView) else (view.app,)
