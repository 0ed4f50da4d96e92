"""The applications that a job concerns, read from their Secrets in the console's namespace."""

from dataclasses import dataclass

from schemas import application
from schemas.application import Application
from schemas.errors import Code, Invalid
from schemas.kubernetes import SECRETS
from schemas.messages import Message
from schemas.records import BackupRequest
from workers.ports import Cluster


def registered(cluster: Cluster, console_namespace: str) -> list[Application]:
    """All of them, by slug. Raises Invalid for a registration that cannot be read."""
    found = cluster.list(SECRETS, console_namespace, application.LABEL)
    return sorted((application.from_secret(secret) for secret in found), key=lambda app: app.slug)


def concerned(apps: list[Application], slug: str | None) -> list[Application]:
    """Those that a request concerns: the one called `slug`, or all. Raises Invalid if there is no such one."""
    if slug is None:
        return apps
    chosen = [app for app in apps if app.slug == slug]
    if not chosen:
        known = ", ".join(app.slug for app in apps) or "none"
        raise Invalid(
            f"there is no application {slug!r}; registered are: {known}", code=Code.NO_SUCH_APPLICATION, subject=slug
        )
    return chosen


@dataclass(frozen=True)
class Seen:
    """The applications of a backup that are registered as its request has them. `changed` says why others that it has
    are not among them; `newer` tells of those that nobody has asked a license of."""

    apps: list[Application]
    changed: list[Message]
    newer: list[Message]


def as_seen(apps: list[Application], request: BackupRequest) -> Seen:
    """What of the registrations the license gate has seen."""
    digests = {ref.slug: ref.digest for ref in request.apps}
    known = digests.keys() | {message.subject for message in (*request.left_out, *request.notes)}
    seen = Seen([], [], [])
    for app in apps:
        if app.slug not in known and request.app is None:
            seen.newer.append(_changed(app, "was registered after this backup was asked for, and is not in it"))
        elif app.slug in digests and digests[app.slug] not in ("", application.digest(app)):
            seen.changed.append(_changed(app, "was registered anew after its license was asked, and is left out"))
        elif app.slug in digests:
            seen.apps.append(app)
    return seen


def _changed(app: Application, what: str) -> Message:
    text = f"application {app.slug} {what}"
    return Message(code=Code.REGISTRATION_CHANGED, text=text, subject=app.slug)
