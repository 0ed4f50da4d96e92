"""Which kinds the API server has: asks every group and version, and keeps the preferred ones."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from schemas.kubernetes import ResourceType
from workers.adapters.cluster.refusals import refusal
from workers.adapters.cluster.transport import Transport

PARALLEL = 8


@dataclass(frozen=True)
class GroupVersion:
    """One `/apis/<group>/<version>`, or `/api/v1` with an empty group."""

    group: str
    version: str

    @property
    def path(self) -> str:
        """Where its kinds and objects are."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


def resource_types(transport: Transport) -> list[ResourceType]:
    """One entry per kind that can be listed, in the version the server prefers.

    A kind that the preferred version lacks comes from the next version that has it, as with kubectl.
    """
    versions = [GroupVersion("", "v1"), *_versions(_groups(transport))]
    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = pool.map(lambda version: _kinds(transport, version), versions)
        return _first_of_each_kind(kind for kinds in answers for kind in kinds)


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


def _kinds(transport: Transport, version: GroupVersion) -> list[ResourceType]:
    """The kinds of one version; none if its API service is down (5xx) or has just gone (404)."""
    answer = transport.send("GET", version.path)
    if version.group and (answer.status == 404 or answer.status >= 500):
        return []
    if not answer.ok:
        raise refusal(answer.status, answer.body, f"could not list the kinds of {version.path}")
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
    )


def _first_of_each_kind(types: Iterable[ResourceType]) -> list[ResourceType]:
    found: dict[tuple[str, str], ResourceType] = {}
    for type_ in types:
        found.setdefault((type_.group, type_.kind), type_)
    return list(found.values())
