"""Registrations as the console shows them: the application, and what its license says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from producers.session import Session
from producers.views.licenses import LicenseView, view
from producers.views.unreadable import Unreadable
from schemas import application as schemas
from schemas import velero
from schemas.application import Application
from schemas.errors import Invalid
from schemas.kubernetes import SECRETS
from schemas.messages import told


@dataclass(frozen=True)
class BackupResource:
    """What a Backup resource says: the namespaces that it adds, how many groups of hooks it has, whether volumes are
    copied unless they opt out, and whether the vendor took it out of this release. `unheeded` are its fields that have
    no effect, each with what to know about it."""

    namespaces: tuple[str, ...]
    hooks: int
    all_volumes: bool
    shipped: bool
    unheeded: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Registered:
    """One registration. `resource` is None without a Backup resource, or with one that cannot be read, for which
    `problem` says why."""

    app: Application
    license: LicenseView
    resource: BackupResource | None
    problem: str = ""


def registrations(session: Session, now: datetime) -> list[Registered | Unreadable]:
    """All of them, by name; and what should be one and cannot be read. Raises Invalid for keys that are none, and as
    the cluster."""
    trusted = session.trusted_keys()
    found: list[Registered | Unreadable] = []
    for secret in session.cluster.list(SECRETS, session.settings.console_namespace, schemas.LABEL):
        try:
            found.append(registered(schemas.from_secret(secret), trusted, now))
        except Invalid as error:
            found.append(Unreadable(secret["metadata"]["name"], told(error)))
    return sorted(found, key=_rank)


def registered(app: Application, trusted: Mapping[str, bytes] | None, now: datetime) -> Registered:
    """One of them, judged by the trusted keys."""
    license = view(app, trusted, now)
    if not app.backup:
        return Registered(app, license, None)
    try:
        return Registered(app, license, resource(app.backup))
    except Invalid as error:
        return Registered(app, license, None, str(error))


def resource(text: str) -> BackupResource:
    """What the Backup resource in that YAML says. Raises Invalid."""
    spec = velero.parse_backup(text)
    return BackupResource(
        namespaces=tuple(spec.included_namespaces),
        hooks=len(spec.hooks.resources),
        all_volumes=spec.default_volumes,
        shipped=spec.shipped,
        unheeded=tuple(velero.unheeded(text)),
    )


def _rank(found: Registered | Unreadable) -> tuple[int, str, str]:
    if isinstance(found, Unreadable):
        return 0, found.name, ""
    return 1, found.app.name.casefold(), found.app.slug
