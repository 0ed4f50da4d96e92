"""Which of a pod's volumes are to be copied, by its annotations: opting in, or with `default_volumes` opting out.

https://velero.io/docs/main/file-system-backup/
"""

from collections.abc import Collection, Iterator
from typing import Any

from schemas.kubernetes import Object
from workers.manifests.kube.objects import Name, annotations_of, claims_of, name_of, spec_of
from workers.manifests.kube.own import WAIT_CONTAINER

OPT_IN = "backup.velero.io/backup-volumes"
OPT_OUT = "backup.velero.io/backup-volumes-excludes"

Volume = dict[str, Any]
"""An entry of a pod's `spec.volumes`."""

OBJECTS = ("secret", "configMap", "projected", "downwardAPI")
"""Volumes that show what is in objects or in the API server, so there is nothing to copy."""


def chosen(pod: Object, default_volumes: bool, claims: Collection[Name] = ()) -> Iterator[tuple[str, Volume | None]]:
    """Names of the chosen volumes, with their definitions; None where the pod has no such volume. Those of `claims`
    are chosen, whatever the pod says."""
    volumes = {volume["name"]: volume for volume in spec_of(pod).get("volumes") or []}
    by_pod = dict(_by_pod(pod, volumes, default_volumes))
    yield from by_pod.items()
    for name, claim in claims_of(pod).items():
        if name not in by_pod and (name_of(pod)[0], claim) in claims:
            yield name, volumes[name]


def _by_pod(pod: Object, volumes: dict[str, Volume], default_volumes: bool) -> Iterator[tuple[str, Volume | None]]:
    """What the pod's annotations choose."""
    if not default_volumes:
        yield from ((name, volumes.get(name)) for name in opted_in(pod))
        return
    left_out = {*_listed(pod, OPT_OUT), WAIT_CONTAINER}
    for name, volume in volumes.items():
        if name not in left_out and not shows_objects(volume) and volume.get("hostPath") is None:
            yield name, volume


def opted_in(pod: Object) -> list[str]:
    """The volumes that the pod's annotation names, each once."""
    return _listed(pod, OPT_IN)


def has_spaces(pod: Object) -> bool:
    """Whether the annotation holds spaces, which Velero would take for part of the names."""
    return any(name != name.strip() for name in annotations_of(pod).get(OPT_IN, "").split(","))


def shows_objects(volume: Volume) -> bool:
    """Whether what it holds is captured with other objects."""
    return any(volume.get(kind) is not None for kind in OBJECTS)


def _listed(pod: Object, annotation: str) -> list[str]:
    """The comma list in an annotation, without spaces and empty names."""
    names = (name.strip() for name in annotations_of(pod).get(annotation, "").split(","))
    return list(dict.fromkeys(name for name in names if name))
