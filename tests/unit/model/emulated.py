"""A cluster in memory whose controllers run when they are told to, with volumes on a memory disk."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from deploy.local.emulator.settling import Settling
from deploy.local.emulator.world import founding
from schemas.kubernetes import CLAIMS, PODS, Object, ResourceType
from tests.support.repository_model import IN_MEMORY
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.commands import Ended

NODE = "node-a"
INSIDE = "kubernetes.io~empty-dir"
"""Where the kubelet keeps the volumes of pods themselves."""

Id = tuple[str, str, str]
"""Velero's name of the kind, namespace ("" for cluster-wide objects), name."""
Place = tuple[str, str]
"""A volume with data: its namespace, and its claim or `<pod>/<volume>`."""
Content = dict[str, bytes]
"""The files of a volume by path."""


class Emulated:
    """The cluster, and what is in its volumes. `ran` are the commands that hooks ran, with the uids of their pods."""

    def __init__(self, clock: Callable[[], datetime], nodes: Sequence[str] = (NODE,)) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="line-", dir=IN_MEMORY))
        numbers = itertools.count(1)
        self.cluster = MemoryCluster(
            founding(nodes), clock=clock, run=self._run, new_uid=lambda: f"{next(numbers):08d}-uid"
        )
        self._settling = Settling(self.cluster, self.root, nodes, lambda _uid: None)
        self.ran: list[tuple[str, tuple[str, ...]]] = []

    @property
    def pods(self) -> Path:
        """The kubelet's pod directories of the first node."""
        return self.pods_of(NODE)

    def pods_of(self, node: str) -> Path:
        """The kubelet's pod directories of a node."""
        return self.root / node / "pods"

    def close(self) -> None:
        """The memory disk is free again."""
        shutil.rmtree(self.root)

    @property
    def waiting(self) -> bool:
        """Whether a pod waits for a file, which nobody announces."""
        return self._settling.waiting

    def settle(self) -> None:
        """The controllers do all that there is to do."""
        self._settling.settle()

    def objects(self) -> dict[Id, Object]:
        """All that there is."""
        return {id_of(type_, obj): obj for type_, obj in self._everything()}

    def type_of(self, id_: Id) -> ResourceType:
        """The kind of an object that is there."""
        return next(type_ for type_ in self.cluster.types() if type_.group_resource == id_[0])

    def contents(self) -> dict[Place, Content]:
        """What is in every volume that a pod mounts or a claim is bound to."""
        return {place: read(path) for place, path in self.volumes().items()}

    def volumes(self) -> dict[Place, Path]:
        """Where each of them is."""
        found: dict[Place, Path] = {}
        for claim in self.cluster.live(CLAIMS):
            path = self.root / "pv" / str(claim["spec"].get("volumeName"))
            if path.is_dir():
                found[claim["metadata"]["namespace"], claim["metadata"]["name"]] = path
        for pod in self.cluster.live(PODS):
            for volume in pod["spec"].get("volumes") or []:
                path = self._volumes_of(pod) / INSIDE / volume["name"]
                if "emptyDir" in volume and path.is_dir() and volume["name"] != "snapline-wait":
                    place = (pod["metadata"]["namespace"], f"{pod['metadata']['name']}/{volume['name']}")
                    found[place] = path
        return found

    def write(self, place: Place, content: Content) -> None:
        """The application changes its files."""
        root = self.volumes()[place]
        for name, body in content.items():
            (root / name).write_bytes(body)

    def _volumes_of(self, pod: Object) -> Path:
        node, uid = str(pod["spec"].get("nodeName") or NODE), str(pod["metadata"]["uid"])
        return self.pods_of(node) / uid / "volumes"

    def _everything(self) -> Iterator[tuple[ResourceType, Object]]:
        for type_ in self.cluster.types():
            for obj in self.cluster.live(type_):
                yield type_, obj

    def _run(self, pod: Object, _container: str, command: Sequence[str], _deadline: timedelta) -> Ended:
        self.ran.append((pod["metadata"]["uid"], tuple(command)))
        for word in command[2:] if command[0] == "mkdir" else ():
            volume, *rest = Path(word).relative_to("/snapline/volumes").parts
            path = self._volumes_of(pod) / INSIDE / volume
            path.joinpath(*rest).mkdir(parents=True, exist_ok=True)
        return Ended()


def id_of(type_: ResourceType, obj: Object) -> Id:
    """What an object is called."""
    return type_.group_resource, obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def read(root: Path) -> Content:
    """The files below a directory."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            found[str(path.relative_to(root))] = path.read_bytes()
    return found
