"""Which kinds of objects a Backup includes and excludes: Velero's lists."""

from dataclasses import dataclass

from schemas.kubernetes import ResourceType
from schemas.velero import ALL, BackupSpec


@dataclass(frozen=True)
class ResourceFilter:
    """The lists of a Backup as they are written: plural names with or without their group, or `*`.

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
        """The filter that a Backup asks for."""
        return cls(
            frozenset(map(str.lower, spec.included_resources)),
            frozenset(map(str.lower, spec.excluded_resources)),
            frozenset(map(str.lower, spec.included_cluster_scoped_resources)),
            frozenset(map(str.lower, spec.excluded_cluster_scoped_resources)),
            frozenset(map(str.lower, spec.included_namespace_scoped_resources)),
            frozenset(map(str.lower, spec.excluded_namespace_scoped_resources)),
        )

    def allows(self, type_: ResourceType) -> bool:
        """Whether objects of this kind may be taken."""
        names = _names(type_)
        scoped = (
            (self.included_namespace_scoped, self.excluded_namespace_scoped)
            if type_.namespaced
            else (self.included_cluster_scoped, self.excluded_cluster_scoped)
        )
        return _passes(names, self.included, self.excluded) and _passes(names, *scoped)


def _passes(names: frozenset[str], included: frozenset[str], excluded: frozenset[str]) -> bool:
    return not (names & excluded) and (not included or bool(names & included))


def _names(type_: ResourceType) -> frozenset[str]:
    """All the names by which a list may call a kind."""
    versioned = f"{type_.plural}.{type_.version}.{type_.group}" if type_.group else f"{type_.plural}.{type_.version}"
    return frozenset({ALL, type_.plural, type_.group_resource, type_.kind.lower(), versioned})
