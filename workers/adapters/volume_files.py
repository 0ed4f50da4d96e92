"""The port `VolumeFiles` on the kubelet's own tree: `<root>/<pod uid>/volumes/<plugin>/<volume>`.

https://github.com/kubernetes/design-proposals-archive/blob/main/storage/volumes.md
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from schemas.errors import Denied, Invalid, NotFound, TransientError

UNMOUNTED = timedelta(minutes=10)
"""How long a volume may be missing before it is given up: other volumes of its job wait meanwhile."""
CSI = "kubernetes.io~csi"
"""CSI volumes keep the driver's notes beside the data, which is in `mount/`."""


class KubeletVolumes:
    """Volumes below `root`, a node's `/var/lib/kubelet/pods` as this process sees it.

    Ask once the pod has started: the kubelet makes a volume's directory shortly before it mounts it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def directory(self, pod_uid: str, volume: str) -> Path:
        """See the port. Links are resolved, so that the path is the directory itself."""
        _check_names(pod_uid, volume)
        volumes = self._root / pod_uid / "volumes"
        present = dict(_mounted(volumes))
        if not present:
            raise TransientError(
                f"no volumes yet in {volumes}; is pod {pod_uid} on this node, and has it started?", patience=UNMOUNTED
            )
        if volume not in present:
            raise NotFound(f"pod {pod_uid} has no volume {volume!r} on this node; it has {', '.join(sorted(present))}")
        found = present[volume]
        if not found.is_dir():
            raise TransientError(
                f"volume {volume!r} of pod {pod_uid} is not mounted yet at {found}", patience=UNMOUNTED
            )
        return found.resolve()


def _mounted(volumes: Path) -> Iterator[tuple[str, Path]]:
    """Name and data directory of each volume of a pod; nothing if the kubelet has not begun, or has cleaned up."""
    try:
        for plugin in volumes.iterdir():
            for entry in plugin.iterdir():
                yield entry.name, entry / "mount" if plugin.name == CSI else entry
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise Denied(f"could not look into {volumes}: {error}; the volume worker must run as root") from error


def _check_names(*names: str) -> None:
    for name in names:
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise Invalid(f"{name!r} is not the name of a pod or volume")
