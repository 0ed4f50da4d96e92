"""What can be done with the files of a backup. Importing it takes a third of a second, for the repository's code."""

import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from producers.actions.inside.zipped import zipped
from producers.session import Session
from producers.views import volumes
from producers.views.file_differences import Difference, differences
from schemas.errors import Invalid
from schemas.events import THE_DEFAULT
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
    destination: str = THE_DEFAULT,
) -> Iterator[Listed]:
    """What is in a directory of a volume, or the file there. Raises NotFound, Invalid, Damaged, Denied."""
    id_ = _volume_id(session, backup, volume, destination)
    with session.repository(destination).new_view() as view:
        yield from file_listing.ls(view, id_, os.fsencode(path), recursive=recursive)


def find(
    session: Session, backup: str, pattern: str, volume: str | None = None, *, destination: str = THE_DEFAULT
) -> Iterator[tuple[str, Listed]]:
    """Paths whose name, or which as a whole, match the shell `pattern`: in one volume or in all, each with the key of
    its volume. Raises as `ls`."""
    for each in _volumes(session, backup, volume, destination):
        with session.repository(destination).new_view() as view:
            for listed in file_listing.ls(view, each.volume_id, b"", recursive=True):
                if fnmatchcase(listed.path, pattern) or fnmatchcase(listed.path.rpartition("/")[2], pattern):
                    yield each.key, listed


def diff(
    session: Session, before: str, after: str, volume: str | None = None, *, destination: str = THE_DEFAULT
) -> Iterator[tuple[str, Difference]]:
    """What differs between two backups: in one volume, or in all that either has, each with the key of its volume.
    Raises as `ls`."""
    was = {each.key: each.volume_id for each in _volumes(session, before, volume, destination)}
    now = {each.key: each.volume_id for each in _volumes(session, after, volume, destination)}
    with session.repository(destination).new_view() as view:
        for key in sorted(was | now):
            listings = [
                file_listing.ls(view, ids[key], b"", recursive=True) if key in ids else iter(()) for ids in (was, now)
            ]
            if was.get(key) != now.get(key):
                yield from ((key, each) for each in differences(*listings))


def cat(session: Session, backup: str, volume: str, path: str, *, destination: str = THE_DEFAULT) -> Iterator[bytes]:
    """The content of a file, piece by piece. Raises as `ls`."""
    id_ = _volume_id(session, backup, volume, destination)
    with session.repository(destination).new_view() as view:
        yield from single_files.cat(view, id_, os.fsencode(path))


def zip_(session: Session, backup: str, volume: str, path: str, *, destination: str = THE_DEFAULT) -> Iterator[bytes]:
    """A directory, or a file, as one ZIP file, piece by piece. Raises as `ls`, and Invalid for what is too much."""
    id_ = _volume_id(session, backup, volume, destination)
    with session.repository(destination).new_view() as view:
        yield from zipped(view, id_, os.fsencode(path))


def restore(
    session: Session,
    backup: str,
    volume: str,
    paths: Sequence[str],
    target: Path,
    *,
    destination: str = THE_DEFAULT,
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


def _volumes(session: Session, backup: str, volume: str | None, destination: str) -> list[volumes.VolumeView]:
    found = volumes.volumes(session.store(destination), backup)
    return found if volume is None else [volumes.choose(found, volume, backup)]


def _volume_id(session: Session, backup: str, volume: str, destination: str) -> str:
    return volumes.choose(volumes.volumes(session.store(destination), backup), volume, backup).volume_id
