"""Which kinds of objects a Backup includes and excludes: Velero's lists."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from schemas.errors import Invalid
from schemas.kubernetes import ResourceType
from schemas.velero import ALL, BackupSpec


@dataclass(frozen=True)
class ResourceFilter:
    """The lists of a Backup as they are written: names as `kubectl` takes them (`pods`, `pod`, `po`, `Pod`,
    `deployments.apps`, `deploy`), or `*`.

    An empty include list includes all. Where old and new lists are both given, both hold.
    """

    included: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    included_cluster_scoped: frozenset[str] = frozenset()
    excluded_cluster_scoped: frozenset[str] = frozenset()
    included_namespace_scoped: frozenset[str] = frozenset()
    excluded_namespace_scoped: frozenset[str] = frozenset()

    @classmethod
    def of(cls, spec: BackupSpec) -> "ResourceFilter":
        """The filter that a Backup asks for. Raises Invalid for one that excludes everything."""
        asked = cls(
            _lowered(spec.included_resources),
            _lowered(spec.excluded_resources),
            _lowered(spec.included_cluster_scoped_resources),
            _lowered(spec.excluded_cluster_scoped_resources),
            _lowered(spec.included_namespace_scoped_resources),
            _lowered(spec.excluded_namespace_scoped_resources),
        )
        if ALL in asked.excluded | (asked.excluded_cluster_scoped & asked.excluded_namespace_scoped):
            raise Invalid("its Backup resource excludes all resources ('*'); name those that are to be left out")
        return asked

    def allows(self, type_: ResourceType) -> bool:
        """Whether objects of this kind may be taken."""
        names = names_of(type_)
        scoped = (
            (self.included_namespace_scoped, self.excluded_namespace_scoped)
            if type_.namespaced
            else (self.included_cluster_scoped, self.excluded_cluster_scoped)
        )
        return _passes(names, self.included, self.excluded) and _passes(names, *scoped)

    def names(self) -> frozenset[str]:
        """All that the lists name."""
        return frozenset().union(
            self.included,
            self.excluded,
            self.included_cluster_scoped,
            self.excluded_cluster_scoped,
            self.included_namespace_scoped,
            self.excluded_namespace_scoped,
        )


def names_of(type_: ResourceType) -> frozenset[str]:
    """All the names by which a list may call a kind, in lower case."""
    short = {type_.plural, type_.kind.lower(), type_.singular or type_.kind.lower(), *type_.short_names}
    if not type_.group:
        return frozenset({ALL, *short, *(f"{name}.{type_.version}" for name in short)})
    grouped = (f"{name}.{suffix}" for name in short for suffix in (type_.group, f"{type_.version}.{type_.group}"))
    return frozenset({ALL, *short, *grouped})


def unmatched(names: Iterable[str], types: Iterable[ResourceType]) -> Iterator[tuple[str, str]]:
    """Those of the names that no kind has, each with what may have been meant, or ""."""
    known = frozenset().union(*map(names_of, types))
    for name in sorted(set(names) - known):
        yield name, next(iter(get_close_matches(name, known, 1, 0.8)), "")


def _lowered(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in names if name.strip())


def _passes(names: frozenset[str], included: frozenset[str], excluded: frozenset[str]) -> bool:
    return not (names & excluded) and (not included or bool(names & included))
