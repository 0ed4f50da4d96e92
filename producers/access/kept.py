"""What is kept of users, tokens and sessions: Secrets in the console's namespace, of texts by key.

None of them is ever part of a backup: a restore must bring back nobody who was shown out in between.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from producers.actions import objects
from schemas.errors import Invalid, NotFound
from schemas.kubernetes import SECRETS, Object
from workers.ports import Cluster

NOT_IN_BACKUPS = {"velero.io/exclude-from-backup": "true"}


def write(cluster: Cluster, namespace: str, name: str, labels: Mapping[str, str], texts: Mapping[str, str]) -> None:
    """The Secret has these texts afterwards, and no others. Raises as the cluster."""
    objects.apply(cluster, SECRETS, secret(namespace, name, labels, texts))


def secret(namespace: str, name: str, labels: Mapping[str, str], texts: Mapping[str, str]) -> Object:
    """The Secret that keeps the texts."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": name, "namespace": namespace, "labels": {**labels, **NOT_IN_BACKUPS}},
        "data": {key: encoded(text) for key, text in texts.items()},
    }


def read(cluster: Cluster, namespace: str, name: str) -> Object | None:
    """The Secret; None if there is none, or none can be called so."""
    try:
        return cluster.get(SECRETS, namespace, name)
    except (NotFound, Invalid):
        return None


def labelled(cluster: Cluster, namespace: str, label: str) -> Iterator[Object]:
    """All Secrets with that label."""
    yield from cluster.list(SECRETS, namespace, label)


def texts_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """The texts in a Secret. Raises ValueError for what is none."""
    try:
        data = obj.get("data") or {}
        return {key: base64.b64decode(text, validate=True).decode() for key, text in data.items()}
    except (TypeError, AttributeError) as error:
        raise ValueError("it has something that is no text") from error


def encoded(text: str) -> str:
    """As a Secret has it."""
    return base64.b64encode(text.encode()).decode()
