"""What can be done with applications: register, forget."""

from datetime import UTC, datetime

from pydantic import ValidationError

from producers.actions import objects
from producers.session import Session
from producers.views import applications as views
from producers.views.applications import ApplicationView
from schemas import application
from schemas.application import Application
from schemas.errors import Invalid
from schemas.events import explain
from schemas.kubernetes import SECRETS
from schemas.velero import parse_backup


def register(
    session: Session,
    slug: str,
    *,
    license: str,
    backup: str | None = None,
    name: str = "",
    version: str = "",
    sequence: int = 0,
    namespaces: list[str] | None = None,
) -> ApplicationView:
    """Registers an application, or replaces its registration. `license` is the kots.io License and `backup` the
    velero.io Backup that it ships, both YAML. Raises Invalid, and as the cluster."""
    if backup:
        parse_backup(backup)
    try:
        registered = Application(
            slug=slug,
            name=name or slug,
            version=version,
            sequence=sequence,
            namespaces=namespaces or [],
            license=license,
            backup=backup,
        )
    except ValidationError as error:
        raise Invalid(explain(error)) from error
    objects.apply(session.cluster, SECRETS, application.to_secret(registered, session.settings.console_namespace))
    return views.view(registered, session.trusted_keys(), datetime.now(UTC))


def forget(session: Session, slug: str) -> None:
    """Takes its registration away; its backups stay. Raises NotFound."""
    objects.remove(session.cluster, SECRETS, session.settings.console_namespace, application.secret_name(slug))
