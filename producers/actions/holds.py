"""What can be done so that a backup stays: hold, and let go."""

from producers.session import Session
from producers.views import jobs as views
from schemas.events import THE_DEFAULT
from schemas.job import backup
from schemas.records import Hold
from schemas.rights import user
from workers.jobs import ledger
from workers.retention import holds


def hold(session: Session, name: str, reason: str = "", *, destination: str = THE_DEFAULT) -> Hold:
    """Keeps a backup from deletion, by rule or by hand; the hold that stands, ours or an earlier one. Raises NotFound,
    and Invalid for one that is being deleted."""
    store = session.store(destination)
    return holds.hold(store, backup(name), reason, user(session.settings), ledger.clock(store))


def unhold(session: Session, name: str, *, destination: str = THE_DEFAULT) -> Hold | None:
    """Lets a backup go; the hold that it had, None if it had none. Raises NotFound."""
    store = session.store(destination)
    views.backup(store, name)
    standing = holds.held(store, backup(name))
    holds.unhold(store, backup(name))
    return standing
