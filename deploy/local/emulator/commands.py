"""Commands in containers that do not run: processes of this machine, in the pod's volumes and with its environment.

There is no image and no file system of the container's own. Where a word of the command, an environment value or the
working directory names a path that the container mounts, it is replaced by the volume's directory; any other path is
the machine's. So `tar -cf /scratch/data.tar /data` works, and a script within a volume that names `/data` does not.
"""

import asyncio
import os
import re
import signal
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local.emulator.world import claims_of, find
from schemas.errors import SnaplineError
from schemas.kubernetes import CLAIMS, Object
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.volume_files import KubeletVolumes

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What most images have."""


@dataclass(frozen=True)
class Started:
    """A running command. Both descriptors are to be read to their end, and closed."""

    process: asyncio.subprocess.Process
    stdout: int
    stderr: int


class Commands:
    """What runs in the pods below `root`. To be used from the emulator's loop only."""

    def __init__(self, cluster: MemoryCluster, root: Path) -> None:
        self._cluster = cluster
        self._root = root
        self._running: dict[str, set[int]] = defaultdict(set)  # pod uid -> process groups
        self._waiting: set[asyncio.Task[None]] = set()

    async def start(self, pod: Object, container: Object, command: Sequence[str]) -> Started:
        """Starts it in a process group of its own. Raises OSError if it cannot be started."""
        directory = self._root / pod["spec"]["nodeName"] / "pods" / pod["metadata"]["uid"]
        mounts = dict(self._mounts(pod, container))
        environment = {entry["name"]: _inside(mounts, entry.get("value", "")) for entry in container.get("env") or []}
        out, err = os.pipe(), os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(_inside(mounts, word) for word in command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out[1],
                stderr=err[1],
                cwd=_working_directory(mounts, container) or directory,
                env={"PATH": PATH, "HOME": str(directory), "HOSTNAME": pod["metadata"]["name"], **environment},
                start_new_session=True,
            )
        except OSError:
            os.close(out[0])
            os.close(err[0])
            raise
        finally:
            os.close(out[1])
            os.close(err[1])
        self._watch(pod["metadata"]["uid"], process)
        return Started(process, out[0], err[0])

    def kill(self, pod_uid: str) -> None:
        """Kills what runs in a pod: the pod is going."""
        for group in self._running.pop(pod_uid, ()):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    async def stop(self) -> None:
        """Kills what runs in any pod; returns when it has ended."""
        for uid in list(self._running):
            self.kill(uid)
        await asyncio.gather(*self._waiting)

    def _watch(self, pod_uid: str, process: asyncio.subprocess.Process) -> None:
        """Keeps the command in mind until it ends, whoever still listens: its number may be another's then."""

        async def ended() -> None:
            await process.wait()
            self._running[pod_uid].discard(process.pid)

        self._running[pod_uid].add(process.pid)
        task = asyncio.create_task(ended())
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    def _mounts(self, pod: Object, container: Object) -> Iterator[tuple[str, Path]]:
        """Path in the container -> directory of the volume there."""
        files = KubeletVolumes(self._root / pod["spec"]["nodeName"] / "pods")
        claims = claims_of(pod)
        for mount in container.get("volumeMounts") or []:
            claim = claims.get(mount["name"])
            found = find(self._cluster, CLAIMS, pod["metadata"]["namespace"], claim) if claim else None
            volume = found["spec"].get("volumeName", "") if found else mount["name"]
            with suppress(SnaplineError):
                directory = files.directory(pod["metadata"]["uid"], volume)
                yield mount["mountPath"].rstrip("/"), directory / mount.get("subPath", "")


def _working_directory(mounts: Mapping[str, Path], container: Object) -> str | None:
    """The container's own, if it is in a volume."""
    given = container.get("workingDir") or ""
    return found if (found := _inside(mounts, given)) != given else None


def _inside(mounts: Mapping[str, Path], text: str) -> str:
    """`text` with paths of the container as paths of the machine, where something is mounted."""
    if not mounts:
        return text
    longest_first = sorted(mounts, key=len, reverse=True)
    paths = re.compile(rf"(?<![\w./~-])({'|'.join(map(re.escape, longest_first))})(?![\w.-])")
    return paths.sub(lambda found: str(mounts[found[1]]), text)
