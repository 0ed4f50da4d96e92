"""What is looked at: workloads and ConfigMaps with a label that names their application; and what makes one another
version of itself. Pure."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from schemas.kubernetes import Object, ResourceType

LABEL = "snapline.dev/backup-before-upgrade"
"""Its value is the application's slug."""
HOLD = "snapline.dev/hold-rollout"
"""Annotation of a Deployment whose manifest says `paused: true`: if it is `true`, it is let go after the backup."""
SINCE = "snapline.dev/held-since"
SAID = "snapline.dev/upgrade-backup"
"""Annotations that tell since when a rollout is held, and after which backup it was let go."""
_REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class Workload:
    """One object as it was seen. `version` is another one when it was changed; `held` says that its rollout waits for a
    backup, `runs` that an earlier version of it runs."""

    app: str
    type: ResourceType
    namespace: str
    name: str
    uid: str
    version: str
    content: str
    held: bool
    runs: bool
    since: datetime | None
    resource_version: str


def read(type_: ResourceType, obj: Object) -> Workload:
    """What there is to know of an object."""
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    annotations = metadata.get("annotations") or {}
    content = _digest(_content(obj))
    return Workload(
        app=metadata["labels"][LABEL],
        type=type_,
        namespace=metadata.get("namespace") or "",
        name=metadata["name"],
        uid=metadata["uid"],
        version=f"{metadata['uid']}:{metadata.get('generation', '')}:{content}",
        content=content,
        held=type_.kind == "Deployment" and annotations.get(HOLD) == "true" and spec.get("paused") is True,
        runs=_REVISION in annotations,
        since=_moment(annotations.get(SINCE)),
        resource_version=metadata.get("resourceVersion", ""),
    )


def request_id(app: str, workloads: Iterable[Workload]) -> str:
    """The id of the request for a backup before this upgrade: whoever sees the same objects asks for the same."""
    return f"upgrade/{app}/{_digest(sorted(each.version for each in workloads))}"


def _content(obj: Object) -> object:
    """The images of a workload, by container; the data of a ConfigMap."""
    if obj["kind"] == "ConfigMap":
        return [obj.get("data"), obj.get("binaryData")]
    pod = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
    containers = [*(pod.get("initContainers") or []), *(pod.get("containers") or [])]
    return [[each.get("name"), each.get("image")] for each in containers]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
