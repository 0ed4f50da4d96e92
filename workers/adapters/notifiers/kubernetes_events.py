"""Tells news as Kubernetes Events on the objects concerned, which `kubectl describe` and `kubectl get events` show.

All of them are in the console's namespace, as an Event has to be where its object is: an application's registration, a
destination's Secret, and where there is neither, the Secret of the target itself.
"""

import hashlib
import re
from collections.abc import Iterator

from schemas import application, destination, notification
from schemas.errors import AlreadyExists, NotFound, PermanentError, TransientError
from schemas.kubernetes import SECRETS, Object, ResourceType
from schemas.messages import told
from schemas.news import News
from schemas.notification import KubernetesTarget
from workers.ports import Answer, Cluster

EVENTS = ResourceType("", "v1", "Event", "events", namespaced=True)
LONGEST = 1000
"""Characters of an Event's message; the API server takes 1,024."""


def send(target: KubernetesTarget, news: News, cluster: Cluster, console_namespace: str) -> Answer:
    """An Event on each object that the news is about. Sent twice, it is there once."""
    try:
        for obj in list(_concerned(target, news, cluster, console_namespace)):
            try:
                cluster.create(EVENTS, _event(news, obj, console_namespace))
            except AlreadyExists:
                continue
    except TransientError as error:
        return Answer("busy", told(error))
    except PermanentError as error:
        return Answer("refused", told(error))
    return Answer("delivered")


def _concerned(target: KubernetesTarget, news: News, cluster: Cluster, namespace: str) -> Iterator[Object]:
    """The Secrets that it is about: of a full backup, those of all applications."""
    if news.app is not None:
        found = _secret(cluster, namespace, application.secret_name(news.app))
    elif news.type.startswith(("backup.", "restore.")):
        found = list(cluster.list(SECRETS, namespace, application.LABEL))
    else:
        found = _secret(cluster, namespace, destination.secret_name(news.destination or ""))
    yield from found or _secret(cluster, namespace, notification.secret_name(target.name))


def _secret(cluster: Cluster, namespace: str, name: str) -> list[Object]:
    try:
        return [cluster.get(SECRETS, namespace, name)]
    except PermanentError as error:
        if isinstance(error, NotFound):
            return []
        raise


def _event(news: News, obj: Object, namespace: str) -> Object:
    metadata = obj["metadata"]
    unique = hashlib.sha256(f"{news.id}/{metadata['name']}".encode()).hexdigest()[:16]
    at = f"{news.at:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"snapline.{unique}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Secret",
            "namespace": namespace,
            "name": metadata["name"],
            "uid": metadata.get("uid", ""),
        },
        "reason": _reason(news.type),
        "message": news.text[:LONGEST],
        "type": "Normal" if news.severity == "info" else "Warning",
        "source": {"component": "snapline"},
        "reportingComponent": "snapline.dev/notify",
        "reportingInstance": "snapline",
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


def _reason(type_: str) -> str:
    """`BackupCompleted`, as Kubernetes writes reasons."""
    return "".join(part.capitalize() for part in re.split(r"[._]", type_) if not re.fullmatch(r"v\d+", part))[:128]
