"""Whether a live object is what a restore would create, and what a ServiceAccount still lacks."""

from typing import Any

from schemas.kubernetes import Object
from workers.manifests.kube.objects import annotations_of, labels_of
from workers.manifests.restore.sanitise import BACKUP_NAME, RESTORE_NAME, stripped

LIFE_CYCLE = (BACKUP_NAME, RESTORE_NAME)
"""Labels that tell where an object came from, not what it is."""


def same(live: Object, wanted: Object) -> bool:
    """Whether they differ only in what servers, controllers and restores set."""
    return bool(essence(live) == essence(wanted))


def merge_service_account(live: Object, wanted: Object) -> Object | None:
    """The merge patch that gives the live account the Secrets, labels and annotations that it lacks; None if it
    lacks nothing. It changes and removes nothing that the account has (Velero's rule)."""
    patch: dict[str, Any] = {}
    for field in ("secrets", "imagePullSecrets"):
        have = live.get(field) or []
        names = {reference.get("name") for reference in have}
        if lacking := [ref for ref in wanted.get(field) or [] if ref.get("name") not in names]:
            patch[field] = [*have, *lacking]
    metadata = {
        "labels": _lacking(labels_of(live), labels_of(wanted)),
        "annotations": _lacking(annotations_of(live), annotations_of(wanted)),
    }
    if kept := {key: values for key, values in metadata.items() if values}:
        patch["metadata"] = kept
    return patch or None


def _lacking(have: dict[str, str], wanted: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in wanted.items() if key not in have and key not in LIFE_CYCLE}


def essence(obj: Object) -> Any:
    """What the object says, without what servers, controllers and restores set."""
    new = stripped(obj)
    new.pop("status", None)
    labels = {key: value for key, value in labels_of(new).items() if key not in LIFE_CYCLE}
    new["metadata"] = {**new["metadata"], "labels": labels}
    return _without_empty(new)


def _without_empty(value: Any) -> Any:
    """Absent, null and empty are the same to the API server."""
    if isinstance(value, dict):
        kept = {key: _without_empty(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in (None, {}, [])}
    if isinstance(value, list):
        return [_without_empty(inner) for inner in value]
    return value
