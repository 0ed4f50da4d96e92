"""Listing a directory as keys, sorted by their bytes, as S3 does."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from workers.adapters.stores.directory.linux import refresh
from workers.adapters.stores.directory.names import Kind, parse

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def open_directory(name: str, parent: int) -> int:
    """The descriptor of a directory in another. Raises FileNotFoundError, NotADirectoryError (for a link, too)."""
    opened = os.open(name, _DIRECTORY, dir_fd=parent)
    refresh(opened)
    return opened


def _entries(directory: int, above: bytes) -> list[tuple[bytes, Kind, str]]:
    """What is in a directory: what its keys begin with (the key itself, for an object), kind, and name on disk."""
    found: list[tuple[bytes, Kind, str]] = []
    with suppress(FileNotFoundError), os.scandir(directory) as entries:  # it has just been removed
        for entry in entries:
            kind, raw = parse(entry.name) or (None, b"")
            if kind is Kind.OBJECT and entry.is_file(follow_symlinks=False):
                found.append((above + raw, kind, entry.name))
            elif kind in (Kind.DIRECTORY, Kind.CONTINUED) and entry.is_dir(follow_symlinks=False):
                found.append((above + raw + (b"/" if kind is Kind.DIRECTORY else b""), kind, entry.name))
    # Each once: a file system may list a name twice if it is replaced meanwhile.
    return sorted(set(found), key=lambda entry: entry[0])


def walk(directory: int, above: bytes, wanted: bytes) -> Iterator[tuple[str, os.stat_result]]:
    """The keys that begin with `wanted`, in a directory whose keys begin with `above`."""
    for key, kind, name in _entries(directory, above):
        if kind is not Kind.OBJECT and (key.startswith(wanted) or wanted.startswith(key)):
            with _below(directory, name) as below:
                yield from walk(below, key, wanted) if below is not None else ()
        elif kind is Kind.OBJECT and key.startswith(wanted):
            with suppress(FileNotFoundError, UnicodeDecodeError):  # just removed; a stranger's
                yield key.decode(), os.stat(name, dir_fd=directory, follow_symlinks=False)


def names_in(directory: int, above: bytes = b"") -> Iterator[str]:
    """What is directly in a directory, and begins with `above`: objects, and directories with `/`."""
    for key, kind, name in _entries(directory, above):
        if kind is Kind.CONTINUED:
            with _below(directory, name) as below:
                yield from names_in(below, key) if below is not None else ()
        elif key:  # not the object that is called as its directory
            with suppress(UnicodeDecodeError):  # a stranger's
                yield key.decode()


@contextmanager
def _below(directory: int, name: str) -> Iterator[int | None]:
    """A directory in another; None if it has just gone."""
    try:
        opened = open_directory(name, directory)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    try:
        yield opened
    finally:
        os.close(opened)
