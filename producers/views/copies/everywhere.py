"""The backups of all destinations together. One that cannot be read does not hide what others hold."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from producers.session import Session
from producers.views.catalog import open_catalog
from producers.views.job_views import BackupView
from schemas.errors import SnaplineError


@dataclass(frozen=True)
class Unread:
    """A destination that could not be read."""

    destination: str
    error: SnaplineError


@dataclass(frozen=True)
class Everywhere:
    """The backups of all destinations that can be read, newest first; and the others."""

    backups: Sequence[BackupView]
    unread: Sequence[Unread]


def backups(session: Session) -> Everywhere:
    """All backups there are; each is of the destination that it is in, and a copy stands beside what it is a copy of.
    Raises as the cluster, where nobody can say which destinations there are."""
    names = session.destinations.names()
    if not names:
        return Everywhere([], [])
    with ThreadPoolExecutor(len(names), "everywhere") as pool:
        found = list(pool.map(lambda name: _tried(session, name), names))
    views = [view for each in found if not isinstance(each, Unread) for view in each]
    return Everywhere(
        sorted(views, key=lambda view: view.requested_at, reverse=True),
        [each for each in found if isinstance(each, Unread)],
    )


def _tried(session: Session, name: str) -> Sequence[BackupView] | Unread:
    try:
        return [replace(view, destination=name) for view in open_catalog(session, name).backups()]
    except SnaplineError as error:
        return Unread(name, error)
