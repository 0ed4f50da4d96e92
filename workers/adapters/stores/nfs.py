"""An NFS export as an object store: the directory where it is mounted, and nothing where it is not.

A mount point without its mount is an empty directory of the local disk: a worker there would begin a repository of its
own, which nobody else sees.
"""

from pathlib import Path

from schemas.destination import DirectoryDestination, NfsDestination
from schemas.errors import Code, Invalid
from workers.adapters.stores.directory import DirectoryObjectStore

MOUNTS = Path("/proc/self/mountinfo")
_NFS = ("nfs", "nfs4")


def open_nfs(destination: NfsDestination, mounts: Path = MOUNTS) -> DirectoryObjectStore:
    """The store in the mounted export. `mounts` is the kernel's list. Raises Invalid (`NotMounted`)."""
    kind = file_system_of(destination.path, mounts.read_text(errors="surrogateescape"))
    if kind not in _NFS:
        text = f"the NFS export {destination.server}:{destination.export} is not mounted at {destination.path} here"
        raise Invalid(text, code=Code.NOT_MOUNTED, subject=destination.name)
    fields = {"name": destination.name, "prefix": destination.prefix, "path": destination.path}
    return DirectoryObjectStore(DirectoryDestination.model_validate(fields))


def file_system_of(path: str, mountinfo: str) -> str:
    """The kind of the file system that has `path`, by the kernel's list of mounts; "" if the list does not say.
    https://docs.kernel.org/filesystems/proc.html (3.5)"""
    wanted, best, found = Path(path), -1, ""
    for line in mountinfo.splitlines():
        fields, _, after = line.partition(" - ")
        if not after or len(fields.split()) < 5:
            continue
        point = Path(_unescaped(fields.split()[4]))
        if wanted.is_relative_to(point) and len(point.parts) >= best:
            best, found = len(point.parts), after.split()[0]
    return found


def _unescaped(text: str) -> str:
    """Spaces and their like are written as octal numbers."""
    for octal, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(octal, letter)
    return text
