"""Objects of any kind as plain dicts, by raw paths: no models, no deserialising but JSON."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from schemas.errors import Invalid, NotFound, TransientError
from schemas.kubernetes import Discovery, Object, ResourceType
from workers.adapters.cluster import discovery, paging
from workers.adapters.cluster.exec import execute
from workers.adapters.cluster.transport import MERGE_PATCH, Transport
from workers.ports import ExecResult


class KubernetesCluster:
    """The port `Cluster` on a real API server. Safe for threads; cluster-scoped kinds ignore `namespace`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def discover(self) -> Discovery:
        """See the port."""
        return discovery.discover(self._transport)

    def list(self, type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> Iterator[Object]:
        """See the port. Items come without what the list already says; it is filled in."""
        path = _path(type_, namespace)
        query = {"labelSelector": selector} if selector else {}
        tried = f"could not list {type_.group_resource}"
        for item in paging.items(lambda query: self._transport.send("GET", path, query), query, tried):
            yield {"apiVersion": type_.api_version, "kind": type_.kind, **item}

    def get(self, type_: ResourceType, namespace: str | None, name: str) -> Object:
        """See the port."""
        return self._transport.ask("GET", _path(type_, namespace, name), _tried("get", type_, namespace, name))

    def create(self, type_: ResourceType, obj: Object) -> Object:
        """See the port. The namespace is the object's own."""
        metadata = obj.get("metadata") or {}
        namespace = metadata.get("namespace")
        name = metadata.get("name") or metadata.get("generateName", "")
        tried = _tried("create", type_, namespace, name)
        if type_.namespaced and not namespace:
            raise Invalid(f"{tried}: it has no metadata.namespace, and the kind needs one")
        return self._transport.ask("POST", _path(type_, namespace), tried, body=obj, secret=_secret(type_))

    def patch(
        self, type_: ResourceType, namespace: str | None, name: str, patch: Object, *, status: bool = False
    ) -> Object:
        """See the port."""
        path = _path(type_, namespace, name) + ("/status" if status else "")
        tried = _tried("patch", type_, namespace, name)
        return self._transport.ask("PATCH", path, tried, body=patch, content_type=MERGE_PATCH, secret=_secret(type_))

    def delete(
        self,
        type_: ResourceType,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        grace_seconds: int | None = None,
    ) -> None:
        """See the port."""
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            tried = _tried("delete", type_, namespace, name)
            self._transport.ask("DELETE", _path(type_, namespace, name), tried, body=options)
        except NotFound:
            return
        except TransientError:
            if uid is None or self._is(uid, type_, namespace, name):
                raise

    def exec(
        self, namespace: str, pod: str, container: str, command: Sequence[str], *, deadline: timedelta, limit: int
    ) -> ExecResult:
        """See the port."""
        return execute(self._transport.client, namespace, pod, container, command, deadline, limit)

    def _is(self, uid: str, type_: ResourceType, namespace: str | None, name: str) -> bool:
        try:
            return bool(self.get(type_, namespace, name)["metadata"]["uid"] == uid)
        except NotFound:
            return False


def _path(type_: ResourceType, namespace: str | None, name: str | None = None) -> str:
    if type_.namespaced and name is not None and not namespace:
        raise RuntimeError(f"{type_.group_resource} {name!r} needs a namespace")
    base = discovery.GroupVersion(type_.group, type_.version).path
    inside = f"/namespaces/{quote(namespace, safe='')}" if type_.namespaced and namespace else ""
    return f"{base}{inside}/{type_.plural}" + (f"/{quote(name, safe='')}" if name is not None else "")


def _tried(verb: str, type_: ResourceType, namespace: str | None, name: str) -> str:
    return f"could not {verb} {type_.group_resource} {namespace + '/' if namespace else ''}{name}"


def _secret(type_: ResourceType) -> bool:
    return (type_.group, type_.kind) == ("", "Secret")
