"""Reads what can be found. What cannot be read is told, and hides nothing else."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from producers.session import Session
from producers.views import schedules as schedule_views
from producers.views.catalog import open_catalog
from producers.views.job_views import BackupView, RestoreView
from producers.views.search.matching import Thing
from producers.views.unreadable import Unreadable
from schemas import application
from schemas.errors import Invalid, SnaplineError
from schemas.kubernetes import SECRETS
from schemas.messages import Message, told

Unread = tuple[str, Message]
"""What could not be read, and why."""


def things(session: Session, backups: Sequence[BackupView] | None = None) -> tuple[list[Thing], list[Unread]]:
    """All that there is, but for pages; and what could not be read. `backups`, if somebody has them at hand."""
    found: list[Thing] = []
    unread: list[Unread] = []
    sources: tuple[tuple[str, Callable[[], Iterable[Thing]]], ...] = (
        ("applications", lambda: _applications(session)),
        ("schedules", lambda: _schedules(session)),
        ("destinations", lambda: (Thing("destination", name) for name in session.destinations.names())),
        ("snapshots", lambda: map(_backup, open_catalog(session).backups() if backups is None else backups)),
        ("restores", lambda: map(_restore, open_catalog(session).restores())),
    )
    for what, look in sources:
        try:
            found += list(look())
        except SnaplineError as error:
            unread.append((what, told(error)))
    return found, unread


def _applications(session: Session) -> Iterator[Thing]:
    for secret in session.cluster.list(SECRETS, session.settings.console_namespace, application.LABEL):
        try:
            app = application.from_secret(secret)
        except Invalid:
            continue  # home says which cannot be read
        words = (*app.namespaces, app.version)
        labels = {"kots.io/app-slug": app.slug, application.LABEL: app.slug, "app": app.slug}
        yield Thing("application", app.slug, app.name, words, labels, app.slug)


def _schedules(session: Session) -> Iterator[Thing]:
    for each in schedule_views.read(session.cluster, session.settings.console_namespace):
        if not isinstance(each, Unreadable):
            sentence = schedule_views.sentence(each)
            labels = {"velero.io/schedule-name": each.name, "schedule": each.name}
            yield Thing("schedule", each.name, sentence, (each.expression, each.app or ""), labels, each.app)


def _backup(view: BackupView) -> Thing:
    what = f"Partial snapshot of {view.app}" if view.app else "Full snapshot"
    what = f"Safety snapshot of {view.snapshot_of}" if view.snapshot_of else what
    labels = {"destination": view.destination, "status": view.status}
    if view.app:
        labels |= {"kots.io/app-slug": view.app, "app": view.app}
    if view.schedule:
        labels |= {"velero.io/schedule-name": view.schedule, "schedule": view.schedule}
    words = (what, view.schedule or "")
    return Thing("snapshot", view.name, "", words, labels, view.app, view.requested_at, view.status)


def _restore(view: RestoreView) -> Thing:
    labels = {"destination": view.destination, "status": view.status, "velero.io/backup-name": view.backup}
    if view.app:
        labels |= {"kots.io/app-slug": view.app, "app": view.app}
    words = (f"{'Test restore' if view.test else 'Restore'} from {view.backup}",)
    return Thing("restore", view.name, "", words, labels, view.app, view.requested_at, view.status)
