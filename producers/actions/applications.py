"""What can be done with applications: register, forget."""

from datetime import UTC, datetime

from pydantic import ValidationError

from producers.actions import objects
from producers.session import Session
from producers.views import applications as views
from producers.views.applications import ApplicationView
from schemas import application
from schemas import license as licenses
from schemas.application import Application
from schemas.errors import Code, Invalid, NotFound
from schemas.events import explain
from schemas.kubernetes import SECRETS
from schemas.license import Verdict
from schemas.messages import Message
from schemas.velero import parse_backup, unheeded


def register(
    session: Session,
    slug: str,
    *,
    license: str | None = None,
    backup: str | None = None,
    name: str | None = None,
    version: str | None = None,
    sequence: int | None = None,
    namespaces: list[str] | None = None,
    force: bool = False,
) -> ApplicationView:
    """Registers an application, or changes its registration: what is not given stays as it was. `license` is the
    kots.io License and `backup` the velero.io Backup that it ships, both YAML. Raises Invalid, and as the cluster;
    Invalid (`LicenseRefused`) for a license that allows no snapshots, unless by `force`. Without trusted keys nobody
    can tell that here, and a license only has to be one."""
    if backup is not None:
        parse_backup(backup)
    asked = {
        "name": name,
        "version": version,
        "sequence": sequence,
        "namespaces": namespaces,
        "license": license,
        "backup": backup,
    }
    given = {field: value for field, value in asked.items() if value is not None}
    known = registered(session, slug)
    if known is None and license is None:
        raise Invalid(f"application {slug!r:.80} is not registered yet, and no license is given for it")
    before = known.model_dump() if known else {"slug": slug, "name": slug}
    try:
        wanted = Application(**{**before, **given})
    except ValidationError as error:
        raise Invalid(explain(error)) from error
    if license is not None and not force:
        _refuse_useless(session, slug, license)
    objects.apply(session.cluster, SECRETS, application.to_secret(wanted, session.settings.console_namespace))
    return views.view(wanted, session.trusted_keys(), datetime.now(UTC))


def without_effect(slug: str, backup: str) -> list[Message]:
    """A warning for each field of a Backup resource that does nothing here. Raises Invalid."""
    return [
        Message(
            code=Code.FIELD_IGNORED,
            text=f"application {slug}: {field} of its Backup resource has no effect: {why}",
            subject=slug,
        )
        for field, why in unheeded(backup)
    ]


def _refuse_useless(session: Session, slug: str, text: str) -> None:
    """Raises Invalid for a license with which the gate would reject backups."""
    verdict = license_says(session, slug, text)
    if verdict is None or verdict.allowed:
        return
    raise Invalid(
        f"the license for {slug} is not registered ({verdict.code}): {verdict.reason}",
        code=Code.LICENSE_USELESS,
        subject=slug,
    )


def license_says(session: Session, slug: str, text: str) -> Verdict | None:
    """What the gate would say to backups with this license; None where nobody can tell here, for want of trusted
    keys."""
    trusted = session.trusted_keys()
    verdict = licenses.verdict(text, trusted or {}, datetime.now(UTC), slug)
    return None if trusted is None and verdict.code == "unknown_key" else verdict


def registered(session: Session, slug: str) -> Application | None:
    """The registration that stands, if there is one that can be read. Raises as the cluster."""
    try:
        place = session.settings.console_namespace, application.secret_name(slug)
        return application.from_secret(session.cluster.get(SECRETS, *place))
    except (NotFound, Invalid):
        return None


def forget(session: Session, slug: str) -> None:
    """Takes its registration away; its backups stay. Raises NotFound."""
    unknown = NotFound(f"no application {slug!r:.80} is registered", code=Code.NO_SUCH_APPLICATION, subject=slug)
    objects.remove(session.cluster, SECRETS, session.settings.console_namespace, application.secret_name(slug), unknown)
