"""What would go now, and why each that stays stays: by what the workers do, asked of the same records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from producers.session import Session
from producers.views.catalog import open_catalog
from producers.views.job_views import BackupView
from schemas.events import THE_DEFAULT
from schemas.job import backup
from schemas.retention import Rules
from workers.jobs import ledger
from workers.ports import ObjectStore
from workers.retention import holds
from workers.retention import rules as stored
from workers.retention.choose import Candidate, Verdict, choose
from workers.retention.users import users

UNKNOWN = ("Rejected", "Unreadable")
"""Of whom retention knows nothing, and does nothing about."""


@dataclass(frozen=True)
class Previewed:
    """One backup: whether it `goes`, and all the reasons for it to go, or to stay. `scope` says whose rules count."""

    name: str
    goes: bool
    reasons: tuple[str, ...]
    scope: str
    status: str
    app: str | None
    size: int
    requested_at: datetime
    expires_at: datetime | None


def preview(
    session: Session, tried: Mapping[str, Rules] | None = None, *, destination: str = THE_DEFAULT
) -> list[Previewed]:
    """All backups of a destination, the newest first. Rules that are `tried` count in place of their scopes'. Raises as
    the cluster, and NotFound (`NoDestination`), Invalid."""
    known, instead = stored.read(session.cluster, session.settings.console_namespace), tried or {}
    store = session.store(destination)
    listed = {view.name: view for view in open_catalog(session, destination).backups() if view.status not in UNKNOWN}
    used = users(store)
    candidates = [_candidate(store, view, used.get(view.name)) for view in listed.values()]
    unreadable = known.unreadable.keys() - instead.keys()
    verdicts = choose(candidates, {**known.rules, **instead}, ledger.clock(store), unreadable)
    return [_previewed(listed[each.backup.name], each) for each in verdicts]


def _candidate(store: ObjectStore, view: BackupView, user: str | None) -> Candidate:
    hold = holds.held(store, backup(view.name)) if view.held else None
    return Candidate(
        name=view.name,
        at=view.requested_at,
        status=view.status if view.completed_at else None,
        app=view.app,
        apps=view.apps,
        schedule=view.schedule,
        expires_at=view.expires_at,
        hold=holds.said(hold) if hold else None,
        user=user,
    )


def _previewed(view: BackupView, verdict: Verdict) -> Previewed:
    return Previewed(
        name=view.name,
        goes=verdict.goes,
        reasons=verdict.reasons,
        scope=verdict.scope,
        status=view.status,
        app=view.app,
        size=view.size,
        requested_at=view.requested_at,
        expires_at=view.expires_at,
    )
