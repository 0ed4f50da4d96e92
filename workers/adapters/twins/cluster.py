"""The port `Cluster` in memory: an API server's rules without its controllers.

Kept: names and namespaces, uids and resource versions, status as a subresource, merge patches, finalizers,
namespaces emptied when deleted, kinds from CustomResourceDefinitions, groups that do not answer since the service of
their APIService is not there. Left out: everything that acts by
itself (nothing schedules, provisions, adopts or collects), schemas, quotas and rights.
"""

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from schemas.errors import AlreadyExists, Invalid, NotFound, TransientError
from schemas.kubernetes import API_SERVICES, DEFINITIONS, NAMESPACES, PODS, SERVICES, Discovery, Object, ResourceType
from workers.adapters.twins import commands
from workers.adapters.twins.requests import (
    ObjectKey,
    TypeKey,
    accepted,
    copied,
    defined,
    label,
    object_key,
    patched,
    settle_namespace,
    type_key,
)
from workers.adapters.twins.selector import matcher
from workers.adapters.twins.types import BUILTIN, ServedType
from workers.ports import ExecResult

NAMESPACE = type_key(NAMESPACES)
SERVICE = type_key(SERVICES)
API_SERVICE = type_key(API_SERVICES)
DEFINITION = type_key(DEFINITIONS)

_UNAVAILABLE = "the server answered 503 ServiceUnavailable: service unavailable"


class MemoryCluster:
    """Safe for threads. `objects` are there from the start, as they are, status included; so are the namespaces
    they name. `changed` is called after every write, with what was written, from the writing thread; `run` runs the
    commands of `exec`; `new_uid` names what is created."""

    def __init__(
        self,
        objects: Iterable[Object] = (),
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        changed: Callable[[ResourceType, Object], None] = lambda _type, _obj: None,
        run: commands.Run = commands.do_nothing,
        new_uid: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._lock = threading.RLock()
        self._clock = clock
        self._changed = changed
        self._run = run
        self._new_uid = new_uid
        self._version = 0
        self._types: dict[TypeKey, list[ServedType]] = {type_key(served.type): [served] for served in BUILTIN}
        self._objects: dict[TypeKey, dict[ObjectKey, Object]] = {}
        for obj in sorted(objects, key=lambda obj: obj["kind"] != "CustomResourceDefinition"):
            self._seed(copied(obj))

    def discover(self) -> Discovery:
        """See the port."""
        with self._lock:
            away = {group: _UNAVAILABLE for group, _ in self.away()}
            there = [type_ for type_ in self.types() if type_.group not in away]
            return Discovery(there, away, [type_ for type_ in self.others() if type_.group not in away])

    def types(self) -> Sequence[ResourceType]:
        """All kinds, whether their servers answer or not."""
        with self._lock:
            return tuple(versions[0].type for versions in self._types.values())

    def others(self) -> Sequence[ResourceType]:
        """The same kinds, in the other versions in which they are served."""
        with self._lock:
            return tuple(served.type for versions in self._types.values() for served in versions[1:])

    def away(self) -> set[tuple[str, str]]:
        """Groups and versions that an APIService leaves to a service that is not there."""
        with self._lock:
            specs = [obj["spec"] for obj in self._objects.get(API_SERVICE, {}).values() if obj["spec"].get("service")]
            return {
                (spec["group"], spec["version"])
                for spec in specs
                if (spec["service"]["namespace"], spec["service"]["name"]) not in self._objects.get(SERVICE, {})
            }

    def list(self, type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> Iterator[Object]:
        """See the port. In order of namespace and name; the objects of the moment of the first one."""
        matches = matcher(selector)
        with self._lock:
            self._check_answers(type_)
            if self._served(type_) is None:
                return
            stored = sorted(self._objects.get(type_key(type_), {}).items())
        for (where, _), obj in stored:
            wanted = not namespace or not type_.namespaced or where == namespace
            if wanted and matches(obj["metadata"].get("labels") or {}):
                yield copied(obj) | {"apiVersion": type_.api_version}

    def get(self, type_: ResourceType, namespace: str | None, name: str) -> Object:
        """See the port."""
        with self._lock:
            return copied(self._find(type_, namespace, name)) | {"apiVersion": type_.api_version}

    def create(self, type_: ResourceType, obj: Object) -> Object:
        """See the port. The namespace is the object's own."""
        with self._lock:
            self._check_answers(type_)
            served = self._served(type_)
            if served is None:
                raise NotFound(f"could not create {type_.group_resource}: the server has no such kind")
            new = accepted(served, copied(obj))
            self._check_namespace(new)
            self._check_free(type_, new)
            new["metadata"] |= {"uid": self._new_uid(), "creationTimestamp": self._now(), "generation": 1}
            self._store(type_, new)
            return copied(new)

    def patch(
        self, type_: ResourceType, namespace: str | None, name: str, patch: Object, *, status: bool = False
    ) -> Object:
        """See the port. Changing nothing is no write."""
        with self._lock:
            old = self._find(type_, namespace, name)
            served = self._served(type_)
            assert served is not None
            if status and not served.has_status:
                raise NotFound(f"could not patch {label(type_, old)}: it has no status subresource")
            new = patched(served, old, patch, status)
            if new == old:
                return copied(old)
            if new.get("spec") != old.get("spec"):
                new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
            self._store(type_, new)
            return copied(new)

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
                marked = copied(obj)
                marked["metadata"] |= {
                    "deletionTimestamp": self._now(),
                    "deletionGracePeriodSeconds": grace_seconds or 0,
                }
                self._store(type_, marked)

    def exec(
        self, namespace: str, pod: str, container: str, command: Sequence[str], *, deadline: timedelta, limit: int
    ) -> ExecResult:
        """See the port."""
        if not command:
            raise Invalid(f"could not run a command in container {container} of pod {namespace}/{pod}: it is empty")
        live = self.get(PODS, namespace, pod)
        commands.check_runs(live, container)
        return commands.result(self._run(live, container, command, deadline), limit)

    def live(self, type_: ResourceType) -> Iterable[Object]:
        """The stored objects themselves, for looking only: what a controller needs often."""
        with self._lock:
            return tuple(self._objects.get(type_key(type_), {}).values())

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
        metadata.setdefault("uid", self._new_uid())
        metadata.setdefault("creationTimestamp", self._now())
        self._store(type_, obj)

    def _type_of(self, obj: Object) -> ResourceType:
        for versions in self._types.values():
            for served in versions:
                if (served.type.api_version, served.type.kind) == (obj["apiVersion"], obj["kind"]):
                    return served.type
        raise NotFound(f"no kind {obj['kind']} in {obj['apiVersion']}; give its CustomResourceDefinition as well")

    def _served(self, type_: ResourceType) -> ServedType | None:
        versions = self._types.get(type_key(type_), [])
        return next((served for served in versions if served.type.version == type_.version), None)

    def _check_answers(self, type_: ResourceType) -> None:
        if (type_.group, type_.version) in self.away():
            raise TransientError(f"could not reach {type_.group_resource}: {_UNAVAILABLE}")

    def _find(self, type_: ResourceType, namespace: str | None, name: str) -> Object:
        self._check_answers(type_)
        where = (namespace or "") if type_.namespaced else ""
        found = self._objects.get(type_key(type_), {}).get((where, name))
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
        taken = self._objects.get(type_key(type_), {}).get(object_key(obj))
        if taken is None:
            return
        if "deletionTimestamp" in taken["metadata"]:
            raise TransientError(f"object is being deleted: {label(type_, obj)} already exists")
        raise AlreadyExists(f"{label(type_, obj)} already exists")

    def _store(self, type_: ResourceType, obj: Object) -> None:
        """Writes, and does at once what follows from it. Stored objects are replaced, never changed."""
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        kind = type_key(type_)
        if kind == NAMESPACE:
            settle_namespace(obj)
        if kind == DEFINITION:
            self._define(obj)
        self._objects.setdefault(kind, {})[object_key(obj)] = obj
        if "deletionTimestamp" in obj["metadata"]:
            self._finish_deletion(type_, obj)
        self._changed(type_, obj)

    def _finish_deletion(self, type_: ResourceType, obj: Object) -> None:
        contents = tuple(self._contents(obj["metadata"]["name"])) if type_key(type_) == NAMESPACE else ()
        if contents:
            for inner, within in contents:
                self.delete(inner, within["metadata"]["namespace"], within["metadata"]["name"])
            return
        if obj["metadata"].get("finalizers"):
            return
        if self._objects[type_key(type_)].pop(object_key(obj), None) is None:
            return
        if type_key(type_) == DEFINITION:
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
        served = [defined(definition, version) for version in definition["spec"]["versions"] if version.get("served")]
        self._types[type_key(served[0].type)] = served
        conditions = [{"type": type_, "status": "True"} for type_ in ("NamesAccepted", "Established")]
        definition["status"] = {"conditions": conditions, "acceptedNames": definition["spec"]["names"]}

    def _undefine(self, definition: Object) -> None:
        kind = (definition["spec"]["group"], definition["spec"]["names"]["plural"])
        self._types.pop(kind, None)
        self._objects.pop(kind, None)

    def _now(self) -> str:
        return self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")
