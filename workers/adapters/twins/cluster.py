"""The port `Cluster` in memory: an API server's rules without its controllers.

Kept: names and namespaces, uids and resource versions, status as a subresource, merge patches, finalizers,
namespaces emptied when deleted, kinds from CustomResourceDefinitions. Left out: everything that acts by
itself (nothing schedules, provisions, adopts or collects), schemas, quotas and rights.
"""

import base64
import random
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from schemas.errors import AlreadyExists, Invalid, NotFound, TransientError
from schemas.kubernetes import Object, ResourceType
from workers.adapters.twins.selector import matcher
from workers.adapters.twins.types import BUILTIN, VERBS, ServedType

T = TypeVar("T")
Kind = tuple[str, str]  # group, plural
Name = tuple[str, str]  # namespace ("" if cluster-scoped), name

NAMESPACE: Kind = ("", "namespaces")
DEFINITION: Kind = ("apiextensions.k8s.io", "customresourcedefinitions")
SERVERS_OWN = ("uid", "creationTimestamp", "deletionTimestamp", "resourceVersion", "generation", "selfLink")
"""Metadata that a client's create or patch cannot set."""
LEGAL_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
LEGAL_RBAC_NAME = re.compile(r"[^/%]{1,253}")


class MemoryCluster:
    """Safe for threads. `objects` are there from the start, as they are, status included; so are the namespaces
    they name. `changed` is called after every write, with what was written, from the writing thread."""

    def __init__(
        self,
        objects: Iterable[Object] = (),
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        changed: Callable[[ResourceType, Object], None] = lambda _type, _obj: None,
    ) -> None:
        self._lock = threading.RLock()
        self._clock = clock
        self._changed = changed
        self._version = 0
        self._types: dict[Kind, list[ServedType]] = {_kind(served.type): [served] for served in BUILTIN}
        self._objects: dict[Kind, dict[Name, Object]] = {}
        for obj in sorted(objects, key=lambda obj: obj["kind"] != "CustomResourceDefinition"):
            self._seed(_copy(obj))

    def resource_types(self) -> list[ResourceType]:
        """See the port."""
        with self._lock:
            return [versions[0].type for versions in self._types.values()]

    def list(self, type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> Iterator[Object]:
        """See the port. In order of namespace and name; the objects of the moment of the first one."""
        matches = matcher(selector)
        with self._lock:
            if self._served(type_) is None:
                return
            stored = sorted(self._objects.get(_kind(type_), {}).items())
        for (where, _), obj in stored:
            wanted = not namespace or not type_.namespaced or where == namespace
            if wanted and matches(obj["metadata"].get("labels") or {}):
                yield _copy(obj) | {"apiVersion": type_.api_version}

    def get(self, type_: ResourceType, namespace: str | None, name: str) -> Object:
        """See the port."""
        with self._lock:
            return _copy(self._find(type_, namespace, name)) | {"apiVersion": type_.api_version}

    def create(self, type_: ResourceType, obj: Object) -> Object:
        """See the port. The namespace is the object's own."""
        with self._lock:
            served = self._served(type_)
            if served is None:
                raise NotFound(f"could not create {type_.group_resource}: the server has no such kind")
            new = _accept(served, _copy(obj))
            self._check_namespace(new)
            self._check_free(type_, new)
            new["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": self._now(), "generation": 1}
            self._store(type_, new)
            return _copy(new)

    def patch(
        self, type_: ResourceType, namespace: str | None, name: str, patch: Object, *, status: bool = False
    ) -> Object:
        """See the port. Changing nothing is no write."""
        with self._lock:
            old = self._find(type_, namespace, name)
            served = self._served(type_)
            assert served is not None
            if status and not served.has_status:
                raise NotFound(f"could not patch {_label(type_, old)}: it has no status subresource")
            new = _patched(served, old, patch, status)
            if new == old:
                return _copy(old)
            if new.get("spec") != old.get("spec"):
                new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
            self._store(type_, new)
            return _copy(new)

    def delete(
        self,
        type_: ResourceType,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        grace_seconds: int | None = None,
    ) -> None:
        """See the port. With finalizers it stays, marked, until they are patched away."""
        with self._lock:
            try:
                obj = self._find(type_, namespace, name)
            except NotFound:
                return
            if uid not in (None, obj["metadata"]["uid"]):
                return
            if "deletionTimestamp" not in obj["metadata"]:
                marked = _copy(obj)
                marked["metadata"] |= {
                    "deletionTimestamp": self._now(),
                    "deletionGracePeriodSeconds": grace_seconds or 0,
                }
                self._store(type_, marked)

    def live(self, type_: ResourceType) -> Iterable[Object]:
        """The stored objects themselves, for looking only: what a controller needs often."""
        with self._lock:
            return tuple(self._objects.get(_kind(type_), {}).values())

    @property
    def writes(self) -> int:
        """How many writes there have been: the newest resource version."""
        return self._version

    # --- inside the lock

    def _seed(self, obj: Object) -> None:
        type_ = self._type_of(obj)
        metadata = obj["metadata"]
        namespace = metadata.get("namespace", "")
        if namespace and ("", namespace) not in self._objects.get(NAMESPACE, {}):
            self._seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        metadata.setdefault("uid", str(uuid.uuid4()))
        metadata.setdefault("creationTimestamp", self._now())
        self._store(type_, obj)

    def _type_of(self, obj: Object) -> ResourceType:
        for versions in self._types.values():
            for served in versions:
                if (served.type.api_version, served.type.kind) == (obj["apiVersion"], obj["kind"]):
                    return served.type
        raise NotFound(f"no kind {obj['kind']} in {obj['apiVersion']}; give its CustomResourceDefinition as well")

    def _served(self, type_: ResourceType) -> ServedType | None:
        versions = self._types.get(_kind(type_), [])
        return next((served for served in versions if served.type.version == type_.version), None)

    def _find(self, type_: ResourceType, namespace: str | None, name: str) -> Object:
        where = (namespace or "") if type_.namespaced else ""
        found = self._objects.get(_kind(type_), {}).get((where, name))
        if found is None or self._served(type_) is None:
            raise NotFound(f'{type_.group_resource} "{name}" not found{f" in namespace {where}" if where else ""}')
        return found

    def _check_namespace(self, obj: Object) -> None:
        name = obj["metadata"].get("namespace")
        if not name:
            return
        namespace = self._objects.get(NAMESPACE, {}).get(("", name))
        if namespace is None:
            raise NotFound(f'namespaces "{name}" not found')
        if "deletionTimestamp" in namespace["metadata"]:
            raise TransientError(f"unable to create new content in namespace {name} because it is being terminated")

    def _check_free(self, type_: ResourceType, obj: Object) -> None:
        taken = self._objects.get(_kind(type_), {}).get(_name(obj))
        if taken is None:
            return
        if "deletionTimestamp" in taken["metadata"]:
            raise TransientError(f"object is being deleted: {_label(type_, obj)} already exists")
        raise AlreadyExists(f"{_label(type_, obj)} already exists")

    def _store(self, type_: ResourceType, obj: Object) -> None:
        """Writes, and does at once what follows from it. Stored objects are replaced, never changed."""
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        kind = _kind(type_)
        if kind == NAMESPACE:
            _settle_namespace(obj)
        if kind == DEFINITION:
            self._define(obj)
        self._objects.setdefault(kind, {})[_name(obj)] = obj
        if "deletionTimestamp" in obj["metadata"]:
            self._finish_deletion(type_, obj)
        self._changed(type_, obj)

    def _finish_deletion(self, type_: ResourceType, obj: Object) -> None:
        contents = tuple(self._contents(obj["metadata"]["name"])) if _kind(type_) == NAMESPACE else ()
        if contents:
            for inner, within in contents:
                self.delete(inner, within["metadata"]["namespace"], within["metadata"]["name"])
            return
        if obj["metadata"].get("finalizers"):
            return
        if self._objects[_kind(type_)].pop(_name(obj), None) is None:
            return
        if _kind(type_) == DEFINITION:
            self._undefine(obj)
        self._finish_namespace(obj["metadata"].get("namespace"))

    def _finish_namespace(self, name: str | None) -> None:
        """Removes a namespace that is going away, with its last object."""
        namespace = self._objects.get(NAMESPACE, {}).get(("", name or ""))
        if namespace and "deletionTimestamp" in namespace["metadata"] and not any(self._contents(name)):
            self._objects[NAMESPACE].pop(("", name or ""))

    def _contents(self, namespace: str | None) -> Iterator[tuple[ResourceType, Object]]:
        for kind, objects in self._objects.items():
            for (where, _), obj in objects.items():
                if where and where == namespace:
                    yield self._types[kind][0].type, obj

    def _define(self, definition: Object) -> None:
        served = [_defined(definition, version) for version in definition["spec"]["versions"] if version.get("served")]
        self._types[_kind(served[0].type)] = served
        conditions = [{"type": type_, "status": "True"} for type_ in ("NamesAccepted", "Established")]
        definition["status"] = {"conditions": conditions, "acceptedNames": definition["spec"]["names"]}

    def _undefine(self, definition: Object) -> None:
        kind = (definition["spec"]["group"], definition["spec"]["names"]["plural"])
        self._types.pop(kind, None)
        self._objects.pop(kind, None)

    def _now(self) -> str:
        return self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")


def _accept(served: ServedType, obj: Object) -> Object:
    """`obj` as a create request leaves it. Raises Invalid."""
    type_ = served.type
    if (obj.setdefault("apiVersion", type_.api_version), obj.setdefault("kind", type_.kind)) != (
        type_.api_version,
        type_.kind,
    ):
        raise Invalid(f"{obj['apiVersion']} {obj['kind']} does not belong to {type_.group_resource}")
    metadata = obj.setdefault("metadata", {})
    if metadata.get("resourceVersion"):
        raise Invalid(f"{_label(type_, obj)}: resourceVersion should not be set on objects to be created")
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"] + "".join(random.choices("bcdfghjklmnpqrstvwxz2456789", k=5))  # noqa: S311  # no secret
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


def _patched(served: ServedType, old: Object, patch: Object, status: bool) -> Object:
    version = (patch.get("metadata") or {}).get("resourceVersion")
    if version and version != old["metadata"]["resourceVersion"]:
        raise TransientError(f"{_label(served.type, old)} was changed meanwhile; read it again")
    if status:
        patch = {"status": patch.get("status")}
    elif served.has_status:
        patch = {key: value for key, value in patch.items() if key != "status"}
    new: Object = _merged(old, patch)
    kept = {field: old["metadata"][field] for field in SERVERS_OWN if field in old["metadata"]}
    new["metadata"] = {**{k: v for k, v in new["metadata"].items() if k not in SERVERS_OWN}, **kept}
    if _name(new) != _name(old):
        raise Invalid(f"{_label(served.type, old)}: its name and namespace cannot change")
    return _encoded(new) if (served.type.group, served.type.kind) == ("", "Secret") else new


def _merged(old: Any, patch: Any) -> Any:
    """JSON merge patch, RFC 7386."""
    if not isinstance(patch, dict):
        return _copy(patch)
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def _defined(definition: Object, version: dict[str, Any]) -> ServedType:
    spec = definition["spec"]
    names = spec["names"]
    type_ = ResourceType(
        spec["group"], version["name"], names["kind"], names["plural"], spec["scope"] == "Namespaced", VERBS
    )
    return ServedType(type_, "status" in version.get("subresources", {}))


def _settle_namespace(namespace: Object) -> None:
    gone = "deletionTimestamp" in namespace["metadata"]
    namespace["status"] = {"phase": "Terminating" if gone else "Active"}
    labels = namespace["metadata"].setdefault("labels", {})
    labels.setdefault("kubernetes.io/metadata.name", namespace["metadata"]["name"])


def _copy(value: T) -> T:
    """A deep copy of plain JSON, several times faster than `copy.deepcopy`."""
    if isinstance(value, dict):
        return cast(T, {key: _copy(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return cast(T, [_copy(inner) for inner in value])
    return value


def _kind(type_: ResourceType) -> Kind:
    return type_.group, type_.plural


def _name(obj: Object) -> Name:
    return obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def _label(type_: ResourceType, obj: Object) -> str:
    return f'{type_.group_resource} "{obj["metadata"].get("name", "")}"'
