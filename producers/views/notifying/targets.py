"""The targets of notifications, without their secrets."""

from dataclasses import dataclass

from producers.session import Session
from producers.views.unreadable import Unreadable
from schemas import notification
from schemas.errors import Code, Invalid, NotFound
from schemas.events import Severity
from schemas.notification import Target, WebhookTarget
from workers.adapters import notification_targets
from workers.adapters.notification_targets import UnreadableTarget


@dataclass(frozen=True)
class TargetView:
    """One target and its rule. `place` is where it is, for people; without `apps` it is told of all. `signed` says
    whether a webhook has a key."""

    name: str
    kind: str
    place: str
    events: tuple[str, ...]
    apps: tuple[str, ...]
    severity: Severity
    digest: str
    allow_private: bool
    from_environment: bool
    signed: bool


def targets(session: Session) -> list[TargetView | Unreadable]:
    """All of them, those of the environment first; those that cannot be read are among them. Raises as the cluster."""
    given = [view(target) for target in notification.from_settings(session.settings)]
    stored = notification_targets.read(session.cluster, session.settings.console_namespace)
    return [
        *given,
        *(Unreadable(each.name, each.problem) if isinstance(each, UnreadableTarget) else view(each) for each in stored),
    ]


def target(session: Session, name: str) -> Target:
    """What is known of one, its secrets included. Raises NotFound (`NoSuchNotification`), Invalid for one that cannot
    be read."""
    for given in notification.from_settings(session.settings):
        if given.name == name:
            return given
    for each in notification_targets.read(session.cluster, session.settings.console_namespace):
        if each.name in (name, notification.secret_name(name)):
            if isinstance(each, UnreadableTarget):
                raise Invalid(str(each.problem), code=Code.NOTIFICATION_INVALID, subject=name)
            return each
    raise NotFound(f"there is no target {name!r:.80} of notifications", code=Code.NO_SUCH_NOTIFICATION, subject=name)


def view(target: Target) -> TargetView:
    """One target as people see it."""
    return TargetView(
        name=target.name,
        kind=target.kind,
        place=target.place,
        events=tuple(target.events),
        apps=tuple(target.apps),
        severity=target.severity,
        digest=target.digest,
        allow_private=target.allow_private,
        from_environment=target.from_environment,
        signed=isinstance(target, WebhookTarget) and bool(target.key.get_secret_value()),
    )
