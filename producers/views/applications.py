"""The registered applications, and what their licenses allow."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from producers.session import Session
from producers.views.unreadable import Unreadable
from schemas import application as schemas
from schemas import license
from schemas.application import Application
from schemas.errors import Code, Invalid, NotFound
from schemas.kubernetes import SECRETS
from schemas.license import Verdict
from schemas.messages import told


@dataclass(frozen=True)
class ApplicationView:
    """One application. `snapshots` is what its license says of them; None where there are no keys to judge it by."""

    slug: str
    name: str
    version: str
    namespaces: tuple[str, ...]
    has_backup_resource: bool
    snapshots: Verdict | None


def applications(session: Session, now: datetime | None = None) -> list[ApplicationView | Unreadable]:
    """All of them by slug, and the Secrets that should register one but cannot be read. Raises Invalid, and as
    the cluster."""
    trusted, namespace = session.trusted_keys(), session.settings.console_namespace
    found: dict[str, ApplicationView | Unreadable] = {}
    for secret in session.cluster.list(SECRETS, namespace, schemas.LABEL):
        try:
            registered = schemas.from_secret(secret)
            found[registered.slug] = view(registered, trusted, now or datetime.now(UTC))
        except Invalid as error:
            name = secret["metadata"]["name"]
            found[name] = Unreadable(name, told(error))
    return [found[name] for name in sorted(found)]


def application(session: Session, slug: str, now: datetime | None = None) -> ApplicationView | Unreadable:
    """One of them; as `applications`. Raises NotFound."""
    for each in applications(session, now):
        if slug == (each.name if isinstance(each, Unreadable) else each.slug):
            return each
    raise NotFound(f"no application {slug!r:.80} is registered", code=Code.NO_SUCH_APPLICATION, subject=slug)


def view(registered: Application, trusted: Mapping[str, bytes] | None, now: datetime) -> ApplicationView:
    """One application as people see it, its license judged by the trusted keys."""
    verdict = None if trusted is None else license.verdict(registered.license, trusted, now, registered.slug)
    return ApplicationView(
        slug=registered.slug,
        name=registered.name,
        version=registered.version,
        namespaces=tuple(registered.namespaces),
        has_backup_resource=bool(registered.backup),
        snapshots=verdict,
    )
