"""What can be done with the files of a backup. Importing it takes a third of a second, for the repository's code."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from producers.session import Session
from producers.views import volumes
from schemas.errors import Invalid
from schemas.events import DEFAULT_DESTINATION
from workers.ports import Progress, RestoreSlice
from workers.repository.restore import file_listing, single_files
from workers.repository.restore.file_listing import Listed


def ls(
    session: Session,
    backup: str,
    volume: str,
    path: str = "",
    *,
    recursive: bool = False,
    destination: str = DEFAULT_DESTINATION,
) -> Iterator[Listed]:
    """What is in a directory of a volume, or the file there. Raises NotFound, Invalid, Damaged, Denied."""
    id_ = _volume_id(session, backup, volume, destination)
    with session.repository(destination).new_view() as view:
        yield from file_listing.ls(view, id_, os.fsencode(path), recursive=recursive)


def cat(
    session: Session, backup: str, volume: str, path: str, *, destination: str = DEFAULT_DESTINATION
) -> Iterator[bytes]:
    """The content of a file, piece by piece. Raises as `ls`."""
    id_ = _volume_id(session, backup, volume, destination)
    with session.repository(destination).new_view() as view:
        yield from single_files.cat(view, id_, os.fsencode(path))


def restore(
    session: Session,
    backup: str,
    volume: str,
    paths: Sequence[str],
    target: Path,
    *,
    destination: str = DEFAULT_DESTINATION,
    progress: Callable[[Progress], None] = lambda _: None,
) -> RestoreSlice:
    """Writes files and directories below `target`, which is made; what is in it otherwise stays. Raises as `ls`."""
    id_ = _volume_id(session, backup, volume, destination)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid(f"{target} cannot be written to: {error.strerror}") from error
    with session.repository(destination).new_view() as view:
        return single_files.restore(view, id_, [os.fsencode(path) for path in paths], target, progress)


def _volume_id(session: Session, backup: str, volume: str, destination: str) -> str:
    return volumes.choose(volumes.volumes(session.store(destination), backup), volume, backup).volume_id
