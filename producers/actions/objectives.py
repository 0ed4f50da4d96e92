"""What can be done with objectives: say how old an application's last good backup may be, or no more."""

from contextlib import suppress
from datetime import timedelta

from producers.session import Session
from producers.views import applications
from producers.views.notifying import objectives as views
from schemas import objectives
from schemas.errors import AlreadyExists, NotFound
from schemas.kubernetes import CONFIG_MAPS


def put(session: Session, app: str, length: str) -> timedelta:
    """Sets the objective of a registered application, as `24h`. Raises Invalid, NotFound for an application that is
    not registered, and as the cluster."""
    found = objectives.parse(length)
    applications.application(session, objectives.slug(app))
    _write(session, app, length.strip())
    return found


def forget(session: Session, app: str) -> None:
    """Takes an application's objective away. Raises Invalid; NotFound if it has none."""
    if objectives.slug(app) not in views.objectives(session):
        raise NotFound(f"application {app} has no objective", subject=app)
    _write(session, app, None)


def _write(session: Session, app: str, length: str | None) -> None:
    namespace = session.settings.console_namespace
    metadata = {"name": objectives.NAME, "namespace": namespace, "labels": objectives.LABELS}
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}}
    with suppress(AlreadyExists):
        session.cluster.create(CONFIG_MAPS, obj)
    session.cluster.patch(CONFIG_MAPS, namespace, objectives.NAME, {"data": {app: length}})
