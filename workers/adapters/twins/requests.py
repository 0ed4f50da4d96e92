"""What an API server makes of the objects it is sent: it checks, completes and merges them. Nothing is kept here."""

import base64
import random
import re
from typing import Any, TypeVar, cast

from schemas.errors import Invalid, TransientError
from schemas.kubernetes import Object, ResourceType
from workers.adapters.twins.types import VERBS, ServedType

T = TypeVar("T")
TypeKey = tuple[str, str]  # group, plural
ObjectKey = tuple[str, str]  # namespace ("" if cluster-scoped), name

SERVERS_OWN = ("uid", "creationTimestamp", "deletionTimestamp", "resourceVersion", "generation", "selfLink")
"""Metadata that a client's create or patch cannot set."""
LEGAL_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
LEGAL_RBAC_NAME = re.compile(r"[^/%]{1,253}")
GENERATED = "bcdfghjklmnpqrstvwxz2456789"
"""Characters of the names that the server makes up."""


def accepted(served: ServedType, obj: Object) -> Object:
    """`obj` as a create request leaves it. Raises Invalid."""
    type_ = served.type
    if (obj.setdefault("apiVersion", type_.api_version), obj.setdefault("kind", type_.kind)) != (
        type_.api_version,
        type_.kind,
    ):
        raise Invalid(f"{obj['apiVersion']} {obj['kind']} does not belong to {type_.group_resource}")
    metadata = obj.setdefault("metadata", {})
    if metadata.get("resourceVersion"):
        raise Invalid(f"{label(type_, obj)}: resourceVersion should not be set on objects to be created")
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"] + "".join(random.choices(GENERATED, k=5))  # noqa: S311  # no secret
    _check_name(type_, obj)
    for field in SERVERS_OWN:
        metadata.pop(field, None)
    if not type_.namespaced:
        metadata.pop("namespace", None)
    if served.has_status:
        obj.pop("status", None)
    return _encoded(obj) if type_.kind == "Secret" and not type_.group else obj


def _check_name(type_: ResourceType, obj: Object) -> None:
    legal = LEGAL_RBAC_NAME if type_.group == "rbac.authorization.k8s.io" else LEGAL_NAME
    metadata = obj["metadata"]
    if not legal.fullmatch(metadata.get("name") or ""):
        raise Invalid(f"{type_.kind} {metadata.get('name')!r} is invalid: metadata.name: Invalid value")
    if type_.namespaced and not metadata.get("namespace"):
        raise Invalid(f"{type_.kind} {metadata['name']!r} is invalid: metadata.namespace: Required value")


def _encoded(secret: Object) -> Object:
    """`stringData` is write-only: the server moves it into `data`."""
    for key, text in secret.pop("stringData", {}).items():
        secret.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()
    return secret


def patched(served: ServedType, old: Object, patch: Object, status: bool) -> Object:
    version = (patch.get("metadata") or {}).get("resourceVersion")
    if version and version != old["metadata"]["resourceVersion"]:
        raise TransientError(f"{label(served.type, old)} was changed meanwhile; read it again")
    if status:
        patch = {"status": patch.get("status")}
    elif served.has_status:
        patch = {key: value for key, value in patch.items() if key != "status"}
    new: Object = _merged(old, patch)
    kept = {field: old["metadata"][field] for field in SERVERS_OWN if field in old["metadata"]}
    new["metadata"] = {**{k: v for k, v in new["metadata"].items() if k not in SERVERS_OWN}, **kept}
    if object_key(new) != object_key(old):
        raise Invalid(f"{label(served.type, old)}: its name and namespace cannot change")
    return _encoded(new) if (served.type.group, served.type.kind) == ("", "Secret") else new


def _merged(old: Any, patch: Any) -> Any:
    """JSON merge patch, RFC 7386."""
    if not isinstance(patch, dict):
        return copied(patch)
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def defined(definition: Object, version: dict[str, Any]) -> ServedType:
    spec = definition["spec"]
    names = spec["names"]
    type_ = ResourceType(
        spec["group"],
        version["name"],
        names["kind"],
        names["plural"],
        spec["scope"] == "Namespaced",
        VERBS,
        names.get("singular") or names["kind"].lower(),
        frozenset(names.get("shortNames") or []),
    )
    return ServedType(type_, "status" in version.get("subresources", {}))


def settle_namespace(namespace: Object) -> None:
    gone = "deletionTimestamp" in namespace["metadata"]
    namespace["status"] = {"phase": "Terminating" if gone else "Active"}
    labels = namespace["metadata"].setdefault("labels", {})
    labels.setdefault("kubernetes.io/metadata.name", namespace["metadata"]["name"])


def copied(value: T) -> T:
    """A deep copy of plain JSON, several times faster than `copy.deepcopy`."""
    if isinstance(value, dict):
        return cast(T, {key: copied(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return cast(T, [copied(inner) for inner in value])
    return value


def type_key(type_: ResourceType) -> TypeKey:
    return type_.group, type_.plural


def object_key(obj: Object) -> ObjectKey:
    return obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def label(type_: ResourceType, obj: Object) -> str:
    return f'{type_.group_resource} "{obj["metadata"].get("name", "")}"'
