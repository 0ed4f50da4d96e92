"""How one installation differs from another, as kustomize says it: objects that are added, and changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.kubernetes import Object

Identity = tuple[str, str, str, str]
"""API version, kind, namespace and name."""


@dataclass(frozen=True)
class Differences:
    """What makes the second of the first: whole objects, and what is to be merged into those that are there."""

    added: tuple[Object, ...]
    changed: tuple[Object, ...]


def between(first: list[Object], second: list[Object]) -> Differences:
    """In the order of the objects. Lists that differ stand there as a whole. The second has all that the first has."""
    before, after = _by_identity(first), _by_identity(second)
    changes = {who: _merged(before[who], obj) for who, obj in after.items() if who in before}
    return Differences(
        added=tuple(obj for who, obj in after.items() if who not in before),
        changed=tuple(_named(who, **change) for who, change in changes.items() if change),
    )


def identity(obj: Object) -> Identity:
    """By what a cluster knows it."""
    metadata = obj["metadata"]
    return str(obj["apiVersion"]), str(obj["kind"]), str(metadata.get("namespace", "")), str(metadata["name"])


def _by_identity(objects: list[Object]) -> dict[Identity, Object]:
    found = {identity(obj): obj for obj in objects}
    assert len(found) == len(objects), "an object is there twice"
    return found


def _named(who: Identity, **rest: Any) -> Object:
    version, kind, namespace, name = who
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be merged into `old`; None takes away."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        both = isinstance(before, dict) and isinstance(after, dict)
        found[name] = _merged(before, after) if both else after  # type: ignore[arg-type]  # both are mappings then
    return found
