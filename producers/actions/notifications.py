"""What can be done with notifications: say whom to tell, forget them, try them, tell again."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from producers.actions import objects
from producers.session import Session
from producers.views.notifying import deliveries, targets
from producers.views.notifying.deliveries import DeliveryView
from producers.views.notifying.targets import TargetView
from schemas import events as e
from schemas import keys, notification
from schemas.errors import Code, Invalid, MalformedEvent, NotFound
from schemas.kubernetes import SECRETS
from schemas.news import News, digest, news, trial
from schemas.notification import Target
from schemas.records import NotificationDelivery, encode
from workers.adapters import notifiers
from workers.ports import Answer

NO_DIGEST = "off"
"""As a digest: none any more."""


def put(session: Session, kind: str, name: str, given: Mapping[str, Any]) -> TargetView:
    """Stores a target, or changes it: None and "" leave a field as it was. A stored one of another kind counts for
    nothing. Workers take it up by themselves. Raises Invalid, and as the cluster."""
    stored = _stored(session, name)
    before = {}
    if stored is not None and stored.kind == kind:
        before = {field: getattr(stored, field) for field in type(stored).model_fields if field != "from_environment"}
    said = {field: value for field, value in given.items() if value not in (None, "")}
    if said.get("digest") == NO_DIGEST:
        said["digest"] = ""
    made = notification.parse(before | said | {"kind": kind, "name": name})
    notifiers.check(made)
    objects.apply(session.cluster, SECRETS, notification.to_secret(made, session.settings.console_namespace))
    return targets.view(made)


def forget(session: Session, name: str) -> None:
    """Takes its Secret away. What is collected for its digest is not told. Raises NotFound (`NoSuchNotification`)."""
    unknown = NotFound(f"no target {name!r:.80} is stored", code=Code.NO_SUCH_NOTIFICATION, subject=name)
    namespace, secret = session.settings.console_namespace, notification.secret_name(name)
    objects.remove(session.cluster, SECRETS, namespace, secret, unknown)


def try_out(session: Session, name: str, now: datetime | None = None) -> Answer:
    """Tells the target, from here, that this is a test; what it answered. Raises as `targets.target`."""
    said = trial(f"notification.test/{uuid.uuid4()}", now or datetime.now(UTC))
    return _send(session, targets.target(session, name), said)


def redeliver(session: Session, id_: str, destination: str, now: datetime | None = None) -> DeliveryView:
    """Tells the target of a delivery once more, from here, however it ended; what became of it, which is recorded.
    Raises NotFound for a delivery or a target that is not there any more."""
    store, moment = session.store(destination), now or datetime.now(UTC)
    record = deliveries.delivery(store, id_)
    target = targets.target(session, record.target)
    answer = _send(session, target, _again(record, moment))
    told: dict[str, Any] = {
        "status": "delivered" if answer.status == "delivered" else "failed",
        "attempts": record.attempts + 1,
        "last_at": moment,
        "response": answer.response,
        "reason": answer.reason,
    }
    kept = record.model_copy(update=told)
    key = keys.notification(record.event, record.target)
    store.put(key, encode(kept))
    return deliveries.view(key, kept)


def _again(record: NotificationDelivery, now: datetime) -> News:
    """What was told. Raises Invalid for a record that does not say so."""
    try:
        said = json.loads(record.body or "null")
        found = [e.parse(json.dumps(each).encode()) for each in (said if isinstance(said, list) else [said])]
    except (ValueError, MalformedEvent):
        raise Invalid(f"the record of this delivery does not say what was told: {record.event:.200}") from None
    return digest(record.event, found, now) if isinstance(said, list) else news(found[0])


def _send(session: Session, target: Target, said: News) -> Answer:
    return notifiers.send(target, said, lambda: session.cluster, session.settings.console_namespace)


def _stored(session: Session, name: str) -> Target | None:
    """The one that is stored, if it can be read; not one of the environment."""
    if not notification.is_name(name):
        return None
    try:
        namespace, secret = session.settings.console_namespace, notification.secret_name(name)
        return notification.from_secret(session.cluster.get(SECRETS, namespace, secret))
    except (NotFound, Invalid):
        return None
