"""Which kinds the API server has: asks every group and version, and keeps the preferred ones."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.errors import SnaplineError, TransientError
from schemas.kubernetes import Discovery, ResourceType
from workers.adapters.cluster.refusals import refusal
from workers.adapters.cluster.transport import Answer, Transport

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
    versions = [GroupVersion("", "v1"), *_versions(_groups(transport))]
    unreadable: dict[str, str] = {}
    answers = list(_pool().map(lambda version: _answer(transport, version), versions))
    for version, (_, error) in zip(versions, answers, strict=True):
        if error:
            unreadable.setdefault(version.group, str(error))
    everything = [kind for kinds, _ in answers for kind in kinds]
    types = _first_of_each_kind(everything)
    return Discovery(types, unreadable, [kind for kind in everything if kind not in types])


@cache
def _pool() -> ThreadPoolExecutor:
    """The process's threads for discovery."""
    return ThreadPoolExecutor(PARALLEL, thread_name_prefix="discover")


def _groups(transport: Transport) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = transport.ask("GET", "/apis", "could not list the API groups").get("groups") or []
    return groups


def _versions(groups: Iterable[dict[str, Any]]) -> Iterator[GroupVersion]:
    """All served versions, of each group the preferred one first."""
    for group in groups:
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
