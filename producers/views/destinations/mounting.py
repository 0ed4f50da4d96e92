"""How a destination that is a directory comes to every worker: what to do once, for people to copy."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from textwrap import dedent

from schemas.destination import Destination, DirectoryDestination, NfsDestination
from schemas.errors import Code, Invalid

NODE_WORKERS = "the worker of every node, and of all other workers"


@dataclass(frozen=True)
class MountStep:
    """One step: what it is for, and what to type or to put into a file. It ends with a line break."""

    step: str
    text: str


def steps(destination: Destination) -> list[MountStep]:
    """What to do so that every worker sees the directory at the same path, one way or another: of the ways, one is
    enough. Raises Invalid for a destination that nobody mounts."""
    if isinstance(destination, NfsDestination):
        return [_by_hand(destination), *_declared(destination.path, _nfs_volume(destination))]
    if isinstance(destination, DirectoryDestination):
        return [_made(destination.path), *_declared(destination.path, _host_volume(destination.path))]
    text = f"destination {destination.name} is no directory: {destination.provider} needs no mounting"
    raise Invalid(text, code=Code.DESTINATION_INVALID, subject=destination.name)


def _by_hand(nfs: NfsDestination) -> MountStep:
    source, options = f"{nfs.server}:{nfs.export}", "nfsvers=4.1,hard,_netdev"
    return MountStep(
        "Workers on hosts: on every host that runs one, and where the command line is used, as root",
        f"mkdir -p {nfs.path}\n"
        f"echo '{source} {_in_fstab(nfs.path)} nfs {options} 0 0' >> /etc/fstab\n"
        f"mount {nfs.path}\n",
    )


def _made(path: str) -> MountStep:
    return MountStep(
        "Workers on one host: as the user who runs them; on several hosts, mount the same share there on each",
        f"mkdir -p {path}\n",
    )


def _declared(path: str, volume: str) -> list[MountStep]:
    indented = "\n".join(f"  {line}" for line in volume.splitlines())
    return [
        MountStep(
            f"Workers in Kubernetes: in the pod template of {NODE_WORKERS}",
            f"volumes:\n- name: {_volume_name(path)}\n{indented}\n"
            f"containers:\n- volumeMounts:\n  - name: {_volume_name(path)}\n    mountPath: {path}\n",
        ),
        MountStep(
            "Workers in docker compose: in docker-compose.yml, under `volumes` of each service of the line",
            f"- {path}:{path}\n",
        ),
    ]


def _nfs_volume(nfs: NfsDestination) -> str:
    return dedent(f"""\
        nfs:
          server: {nfs.server.strip("[]")}
          path: {nfs.export}""")


def _host_volume(path: str) -> str:
    return dedent(f"""\
        hostPath:
          path: {path}
          type: Directory""")


def _volume_name(path: str) -> str:
    plain = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in PurePosixPath(path).name)
    return plain.lower().strip("-")[:40] or "snapline-backups"


def _in_fstab(path: str) -> str:
    return path.replace(" ", "\\040")
