"""The kubelets: mount a pod's volumes, call it running, and clean up after it.

    <root>/<node>/pods/<uid>/volumes/kubernetes.io~local-volume/<volume>    a link to the volume's directory
    <root>/<node>/pods/<uid>/volumes/kubernetes.io~empty-dir/<name>         a directory, removed with the pod
    <root>/<node>/pods/<uid>/volumes/kubernetes.io~{configmap,secret,projected,downward-api}/<name>    empty

Containers are not run; a command in one runs on this machine (`commands`). Init containers end at once, but for one
named `snapline-wait`: it makes `.snapline` in each emptyDir that it mounts (but its own, named like it), ends when each
of these holds a file, whatever its name, and takes them away.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from deploy.local.emulator.world import claims_of, find, patch
from schemas.kubernetes import CLAIMS, PODS, VOLUMES, Object
from workers.adapters.twins.cluster import MemoryCluster

WAITING = "snapline-wait"
MARKERS = ".snapline"
PLUGINS = {
    "emptyDir": "kubernetes.io~empty-dir",
    "configMap": "kubernetes.io~configmap",
    "secret": "kubernetes.io~secret",
    "projected": "kubernetes.io~projected",
    "downwardAPI": "kubernetes.io~downward-api",
}
FINAL = ("Succeeded", "Failed")


class Kubelets:
    """The kubelets of all `nodes`, below `root`. What an earlier emulator left of pods is removed. `gone` is called
    with the uid of a pod before its directory is removed."""

    def __init__(self, root: Path, nodes: Sequence[str], gone: Callable[[str], None]) -> None:
        self._gone = gone
        self._trees = {node: root / node / "pods" for node in nodes}
        self._mounted: dict[str, Path] = {}  # pod uid -> its directory
        self.waiting = False  # whether a pod waits for a file, which nobody announces
        for tree in self._trees.values():
            shutil.rmtree(tree, ignore_errors=True)
            tree.mkdir(parents=True)

    def run(self, cluster: MemoryCluster) -> None:
        """Brings the trees and the pods' status in line with the pods there are."""
        self.waiting = False
        pods = cluster.live(PODS)
        for pod in pods:
            self._advance(cluster, pod)
        for uid in self._mounted.keys() - {pod["metadata"]["uid"] for pod in pods}:
            self._gone(uid)
            shutil.rmtree(self._mounted.pop(uid), ignore_errors=True)

    def _advance(self, cluster: MemoryCluster, pod: Object) -> None:
        phase = (pod.get("status") or {}).get("phase")
        tree = self._trees.get(pod["spec"].get("nodeName"))
        uid = pod["metadata"]["uid"]
        if phase in FINAL or (phase == "Running" and uid in self._mounted):
            return
        links = dict(_links(cluster, pod))
        if tree is None or None in links.values():
            patch(cluster, PODS, pod, {"status": {"phase": "Pending"}}, status=True)
            return
        self._mounted[uid] = tree / uid
        _mount(tree / uid / "volumes", pod, {path: target for path, target in links.items() if target is not None})
        waits = _waits(tree / uid / "volumes", pod)
        self.waiting |= waits
        patch(cluster, PODS, pod, {"status": _status(pod, waits)}, status=True)


def _links(cluster: MemoryCluster, pod: Object) -> Iterator[tuple[str, Path | None]]:
    """Path below `volumes` -> directory of the volume, for every claim; no directory while it is not bound."""
    for claim_name in claims_of(pod).values():
        claim = find(cluster, CLAIMS, pod["metadata"]["namespace"], claim_name)
        bound = claim is not None and (claim.get("status") or {}).get("phase") == "Bound"
        volume = find(cluster, VOLUMES, None, claim["spec"]["volumeName"]) if claim and bound else None
        if volume is None:
            yield claim_name, None
        elif "local" in volume["spec"]:
            yield f"kubernetes.io~local-volume/{volume['metadata']['name']}", Path(volume["spec"]["local"]["path"])


def _mount(volumes: Path, pod: Object, links: dict[str, Path]) -> None:
    volumes.mkdir(parents=True, exist_ok=True)
    for path, target in links.items():
        (volumes / path).parent.mkdir(exist_ok=True)
        if not (volumes / path).is_symlink():
            (volumes / path).symlink_to(target.resolve(), target_is_directory=True)
    for volume in pod["spec"].get("volumes") or []:
        for kind in PLUGINS.keys() & volume.keys():
            (volumes / PLUGINS[kind] / volume["name"]).mkdir(parents=True, exist_ok=True)


def _waits(volumes: Path, pod: Object) -> bool:
    """Whether `snapline-wait` has not yet seen all its files. When it has, it removes them."""
    mounts = [
        mount["name"]
        for container in pod["spec"].get("initContainers") or []
        if container["name"] == WAITING
        for mount in container.get("volumeMounts") or []
        if mount["name"] != WAITING
    ]
    directories = [volumes / PLUGINS["emptyDir"] / name for name in mounts]
    markers = [directory / MARKERS for directory in directories if directory.is_dir()]
    for marker in markers:
        marker.mkdir(exist_ok=True)
    if not all(any(marker.iterdir()) for marker in markers):
        return True
    for marker in markers:
        shutil.rmtree(marker, ignore_errors=True)
    return False


def _status(pod: Object, waits: bool) -> Object:
    kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    conditions = [{"type": kind, "status": "False" if waits and kind != "PodScheduled" else "True"} for kind in kinds]
    inits = pod["spec"].get("initContainers") or []
    return {
        "phase": "Pending" if waits else "Running",
        "podIP": "127.0.0.1",
        "hostIP": "127.0.0.1",
        "startTime": pod["metadata"]["creationTimestamp"],
        "conditions": conditions,
        "initContainerStatuses": [
            _container(c, running=waits and c["name"] == WAITING, ready=not waits) for c in inits
        ],
        "containerStatuses": [_container(c, running=not waits, ready=not waits) for c in pod["spec"]["containers"]],
    }


def _container(container: Object, *, running: bool, ready: bool) -> Object:
    other = (
        {"terminated": {"exitCode": 0, "reason": "Completed"}} if ready else {"waiting": {"reason": "PodInitializing"}}
    )
    state: Object = {"running": {}} if running else other
    image = container.get("image", "")
    return {"name": container["name"], "image": image, "imageID": "", "ready": ready, "restartCount": 0, "state": state}
