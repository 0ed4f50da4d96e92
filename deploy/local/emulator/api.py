"""The HTTP side: kmock's Kubernetes scaffold answers discovery and errors, `MemoryCluster` holds the objects.

kmock's own stateful emulator is not used: it forgets no request and no version, and scans both for every
answer (58 ms for a GET after 600 requests, and growing); it knows no selectors, no pages and no uids, and
cannot serve Namespaces. Its reactions still work, to inject faults: `api["get /apis/apps/v1"] << 503`.
"""

import asyncio
import json
from typing import cast
from weakref import WeakSet

import kmock
from aiohttp.web import BaseRequest, Response, StreamResponse, json_response

from deploy.local.emulator import at_once, exec, paging, tables
from deploy.local.emulator.commands import Commands
from schemas.errors import AlreadyExists, Invalid, NotFound, SnaplineError, TransientError
from schemas.kubernetes import Object, ResourceType
from workers.adapters.twins.cluster import MemoryCluster

NAMESPACES = "/api/v1/namespaces"
UNAVAILABLE = "unavailable"
"""A resource that makes kmock's list of groups show one whose server is away."""
STAND_IN = "-"
"""Namespace in which kmock is told that Namespaces are: it reads `namespaces/x` as "in namespace x"."""


class EmulatedApi(kmock.KubernetesScaffold):
    """Serves `cluster` to those who know `token`. Kinds are known from it, so those of CustomResourceDefinitions come
    and go. `exec` runs commands on this machine: the token keeps its other users out."""

    def __init__(self, cluster: MemoryCluster, commands: Commands, token: str) -> None:
        super().__init__()
        self.cluster = cluster
        self._commands = commands
        self._token = token
        self._connections = WeakSet[asyncio.BaseTransport]()
        self.tells_at_once = True
        """All kinds, to who can take them; servers before 1.26 cannot."""
        self.fallback[kmock.action.LIST] << self._list
        self.fallback[kmock.action.FETCH] << self._get
        self.fallback[kmock.action.CREATE] << self._create
        self.fallback[kmock.action.UPDATE] << self._patch
        self.fallback[kmock.action.DELETE] << self._delete

    async def __call__(self, raw_request: BaseRequest) -> StreamResponse:
        """Answers one request, and forgets it and its failure: kmock keeps them for a test's assertions."""
        if raw_request.transport is not None:
            self._connections.add(raw_request.transport)
        if raw_request.headers.get("Authorization") != f"Bearer {self._token}":
            return json_response(exec.status(401, "Unauthorized", "Unauthorized"), status=401)
        if exec.PATH.fullmatch(raw_request.path):
            return await exec.answer(raw_request, self.cluster, self._commands)
        if self.tells_at_once and (version := at_once.version_for(raw_request)):
            kinds = at_once.all_kinds(self.cluster, version, core=raw_request.path == "/api")
            return Response(text=json.dumps(kinds), headers={"Content-Type": at_once.media_type(version)})
        if any(raw_request.path.startswith(f"/apis/{group}/{version}") for group, version in self.cluster.away()):
            return json_response(exec.status(503, "ServiceUnavailable", "service unavailable"), status=503)
        self._declare()
        answer = await super().__call__(_readable(raw_request))
        self.errors.clear()
        return answer

    def hang_up(self) -> None:
        """Ends all connections without a word: a client that keeps one open for later would answer no farewell."""
        for connection in list(self._connections):
            if isinstance(connection, asyncio.Transport):
                connection.abort()

    async def _handle(self, request: kmock.Request) -> StreamResponse:
        try:
            return await super()._handle(request)
        except SnaplineError as error:
            raise _refusal(error) from None
        finally:
            self._requests.remove(request)

    def _declare(self) -> None:
        """Tells kmock's discovery the kinds of the moment."""
        types = (*self.cluster.types(), *self.cluster.others())
        away = [kmock.resource(group, version, UNAVAILABLE) for group, version in self.cluster.away()]
        if len(types) + len(away) == len(self.resources):
            return
        self.resources.clear()
        for type_ in types:
            self.resources[kmock.resource(type_.group, type_.version, type_.plural)] = kmock.ResourceInfo(
                kind=type_.kind,
                singular=type_.singular,
                shortnames=set(type_.short_names),
                namespaced=type_.namespaced,
                verbs=set(type_.verbs),
                subresources={"status"},
            )
        for group in away:
            self.resources[group] = kmock.ResourceInfo(kind="Unavailable", namespaced=False)

    async def _serve_apis(self, request: kmock.Request) -> Object:
        """kmock has the versions of a group in no order; of those of a definition, the server prefers the first."""
        answer = cast(Object, await super()._serve_apis(request))
        preferred = {(type_.group, type_.version) for type_ in self.cluster.types()}
        for group in answer["groups"]:
            name = group["name"]
            group["versions"].sort(key=lambda entry, name=name: (name, entry["version"]) not in preferred)
            group["preferredVersion"] = group["versions"][0]
        return answer

    async def _serve_version(self, request: kmock.Request) -> Object:
        """kmock calls the core group `/v1`, which kubectl takes for none, and has short names lead to subresources."""
        answer = cast(Object, await super()._serve_version(request))
        answer["groupVersion"] = answer["groupVersion"].removeprefix("/")
        for resource in answer["resources"]:
            if "/" in resource["name"]:
                resource["shortNames"] = []
        return answer

    async def _list(self, request: kmock.Request) -> Object:
        type_, namespace, _ = self._address(request)
        objects = list(self.cluster.list(type_, namespace, request.params.get("labelSelector")))
        found = paging.page(type_, objects, request.params)
        return tables.table(found["items"], type_.kind, found["metadata"]) if _wants_table(request) else found

    async def _get(self, request: kmock.Request) -> Object:
        type_, namespace, name = self._address(request)
        found = self.cluster.get(type_, namespace, name)
        return tables.table([found], type_.kind, {}) if _wants_table(request) else found

    async def _create(self, request: kmock.Request) -> Object:
        type_, namespace, _ = self._address(request)
        obj = request.data
        if namespace:
            obj = {**obj, "metadata": {"namespace": namespace, **(obj.get("metadata") or {})}}
        return self.cluster.create(type_, obj)

    async def _patch(self, request: kmock.Request) -> Object:
        return self.cluster.patch(*self._address(request), request.data, status=request.subresource == "status")

    async def _delete(self, request: kmock.Request) -> Object:
        type_, namespace, name = self._address(request)
        self.cluster.get(type_, namespace, name)
        options = request.data or {}
        uid = (options.get("preconditions") or {}).get("uid")
        if uid and uid != self.cluster.get(type_, namespace, name)["metadata"]["uid"]:
            raise kmock.KubernetesError(status=409, reason="Conflict", message=f"the uid of {name} is not {uid}")
        self.cluster.delete(type_, namespace, name, grace_seconds=options.get("gracePeriodSeconds"))
        return {"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Success"}

    def _address(self, request: kmock.Request) -> tuple[ResourceType, str | None, str]:
        """Type, namespace and name; the name is empty for a LIST or CREATE."""
        asked = request.resource
        for type_ in (*self.cluster.types(), *self.cluster.others()):
            if asked and (type_.group, type_.version, type_.plural) == (asked.group, asked.version, asked.plural):
                return type_, request.namespace if request.namespace != STAND_IN else None, request.name or ""
        raise NotFound("the server could not find the requested resource")


def _wants_table(request: kmock.Request) -> bool:
    return tables.ASKED in request.headers.get("Accept", "")


def _readable(raw_request: BaseRequest) -> BaseRequest:
    """`/api/v1/namespaces[/x[/status]]` as kmock can read it; all else as it is."""
    rest = raw_request.path.removeprefix(NAMESPACES).rstrip("/")
    if rest == raw_request.path or rest.count("/") > 2 or (rest.count("/") == 2 and not rest.endswith("/status")):
        return raw_request
    path = f"{NAMESPACES}/{STAND_IN}/namespaces{rest}"
    return raw_request.clone(rel_url=raw_request.rel_url.with_path(path, keep_query=True))


def _refusal(error: SnaplineError) -> kmock.KubernetesError:
    """Our families as the API server's answers."""
    message = str(error)
    match error:
        case NotFound():
            status, reason = 404, "NotFound"
        case AlreadyExists():
            status, reason = 409, "AlreadyExists"
        case Invalid():
            status, reason = 422, "Invalid"
        case TransientError() if "is being terminated" in message:
            status, reason = 403, "Forbidden"
        case TransientError() if "is being deleted" in message:
            status, reason = 409, "AlreadyExists"
        case _:
            status, reason = 409, "Conflict"
    return kmock.KubernetesError(status=status, reason=reason, message=message, details={"reason": reason})
