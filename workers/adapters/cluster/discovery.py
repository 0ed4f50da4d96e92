"""Which kinds the API server has. Since 1.26 it tells all at once; an older one is asked for every group and version.

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
"""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.errors import SnaplineError, TransientError
from schemas.kubernetes import Discovery, ResourceType
from workers.adapters.cluster.refusals import refusal
from workers.adapters.cluster.transport import JSON, Answer, Transport

ROOTS = ("/api", "/apis")
AT_ONCE = "APIGroupDiscoveryList"
ACCEPT = ",".join(
    [*(f"application/json;g=apidiscovery.k8s.io;v={version};as={AT_ONCE}" for version in ("v2", "v2beta1")), JSON]
)
PARALLEL = 8
PAUSES = (0.3, 1.0)
"""Seconds before a group that does not answer is asked again: enough for a server that is being replaced."""


@dataclass(frozen=True)
class GroupVersion:
    """One `/apis/<group>/<version>`, or `/api/v1` with an empty group."""

    group: str
    version: str

    @property
    def path(self) -> str:
        """Where its kinds and objects are."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


def discover(transport: Transport) -> Discovery:
    """One entry per kind that can be listed, in the version the server prefers, and its other versions.

    A kind that the preferred version lacks comes from the next version that has it, as with kubectl.
    """
    told = _told_at_once(transport) or [(version, None) for version in _versions(transport)]
    to_ask = [version for version, kinds in told if kinds is None]
    answers = dict(zip(to_ask, _pool().map(lambda version: _answer(transport, version), to_ask), strict=True))
    unreadable: dict[str, str] = {}
    for version, (_, error) in answers.items():
        if error:
            unreadable.setdefault(version.group, str(error))
    everything = [kind for version, kinds in told for kind in (answers[version][0] if kinds is None else kinds)]
    types = _first_of_each_kind(everything)
    return Discovery(types, unreadable, [kind for kind in everything if kind not in types])


@cache
def _pool() -> ThreadPoolExecutor:
    """The process's threads for discovery."""
    return ThreadPoolExecutor(PARALLEL, thread_name_prefix="discover")


def _told_at_once(transport: Transport) -> "list[tuple[GroupVersion, list[ResourceType] | None]]":
    """The kinds of every group and version, the preferred ones first; None for what the server has not heard of for a
    while, as its own server is away. Empty if this server does not tell all at once."""
    told: list[tuple[GroupVersion, list[ResourceType] | None]] = []
    for root in ROOTS:
        document = transport.ask("GET", root, f"could not list the kinds of {root}", accept=ACCEPT)
        if document.get("kind") != AT_ONCE:
            return []
        for group in document.get("items") or []:
            for entry in group.get("versions") or []:
                version = GroupVersion(group["metadata"].get("name") or "", entry["version"])
                current = entry.get("freshness", "Current") == "Current"
                told.append((version, _told_kinds(version, entry) if current else None))
    return told


def _told_kinds(version: GroupVersion, entry: dict[str, Any]) -> list[ResourceType]:
    """In the words of the other way to ask. Without a kind of its own, it has subresources alone."""
    kinds = (
        {
            "name": resource["resource"],
            "kind": resource["responseKind"]["kind"],
            "namespaced": resource.get("scope") == "Namespaced",
            "verbs": resource.get("verbs"),
            "singularName": resource.get("singularResource"),
            "shortNames": resource.get("shortNames"),
        }
        for resource in entry.get("resources") or []
        if resource.get("responseKind")
    )
    return [_type(version, kind) for kind in kinds if _listable(kind)]


def _versions(transport: Transport) -> Iterator[GroupVersion]:
    """All served versions, of each group the preferred one first."""
    yield GroupVersion("", "v1")
    for group in transport.ask("GET", "/apis", "could not list the API groups").get("groups") or []:
        preferred = group.get("preferredVersion", {}).get("version")
        served = [entry["version"] for entry in group.get("versions", [])]
        for version in sorted(served, key=lambda v: v != preferred):
            yield GroupVersion(group["name"], version)


def _answer(transport: Transport, version: GroupVersion) -> tuple[list[ResourceType], SnaplineError | None]:
    """The kinds of one version, or why they are not known. Raises instead if the whole server is in trouble: it does
    not answer at all, knows us no more, or does not tell the core group."""
    for pause in (*PAUSES, None):
        answer = transport.send("GET", version.path)
        if answer.status == 404 and version.group:
            return [], None  # the group has just gone
        if answer.ok:
            return _kinds(version, answer), None
        error = refusal(answer.status, answer.body, f"could not list the kinds of {version.path}")
        if not version.group or answer.status == 401:
            raise error
        if pause is None or not isinstance(error, TransientError):
            break
        time.sleep(pause)
    return [], error


def _kinds(version: GroupVersion, answer: Answer) -> list[ResourceType]:
    return [_type(version, entry) for entry in answer.json().get("resources") or [] if _listable(entry)]


def _listable(entry: dict[str, Any]) -> bool:
    return "/" not in entry["name"] and "list" in (entry.get("verbs") or [])


def _type(version: GroupVersion, entry: dict[str, Any]) -> ResourceType:
    return ResourceType(
        group=version.group,
        version=version.version,
        kind=entry["kind"],
        plural=entry["name"],
        namespaced=bool(entry.get("namespaced")),
        verbs=frozenset(entry["verbs"]),
        singular=entry.get("singularName") or "",
        short_names=frozenset(entry.get("shortNames") or []),
    )


def _first_of_each_kind(types: Iterable[ResourceType]) -> list[ResourceType]:
    found: dict[tuple[str, str], ResourceType] = {}
    for type_ in types:
        found.setdefault((type_.group, type_.kind), type_)
    return list(found.values())
