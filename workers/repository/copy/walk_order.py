"""The order in which directories are walked, as in a tree (FORMAT 7): each, then its subdirectories by name."""

import os

from workers.repository.copy.checkpoint import Position
from workers.repository.files.path_info import LEFT_ALONE
from workers.repository.files.rooted import Rooted, check_there
from workers.repository.format.tree import join, parts_of


class WalkOrder:
    """The directories that are left to walk. Memory grows with how deep they are, and with their siblings."""

    def __init__(self) -> None:
        """From the root."""
        self._stack: list[tuple[bytes, list[bytes]]] = []
        self._next: bytes | None = b""

    def next(self) -> bytes | None:
        """The next directory, to be walked and then told by `walked`; None after the last."""
        if self._next is not None:
            path, self._next = self._next, None
            return path
        while self._stack:
            parent, waiting = self._stack[-1]
            if waiting:
                return join(parent, waiting.pop())
            self._stack.pop()
        return None

    def walked(self, path: bytes, subdirectories: list[bytes]) -> None:
        """What is in the directory that `next` gave last, by name."""
        if subdirectories:
            self._stack.append((path, subdirectories[::-1]))

    def go_on(self, root: Rooted, left_off: Position) -> list[bytes]:
        """From where an earlier slice has left off. The subdirectories that it found already in a directory which it
        left in the middle of; that directory comes next, and they belong to what is `walked`."""
        path = b""
        self._next = None
        for part in parts_of(left_off.directory):
            self.walked(path, [name for name in _subdirectories(root, path) if name > part])
            path = join(path, part)
        found = _subdirectories(root, path)
        if left_off.name is None:
            self.walked(path, found)
            return []
        self._next, name = path, left_off.name
        return [each for each in found if each < name or (each == name and not left_off.start)]


def wanted(path: bytes, names: list[bytes]) -> list[bytes]:
    """Those of the names in a directory that are copied."""
    return names if path else [name for name in names if name not in LEFT_ALONE]


def _subdirectories(root: Rooted, path: bytes) -> list[bytes]:
    try:
        with os.scandir(root.directory(path)) as found:
            names = [os.fsencode(entry.name) for entry in found if entry.is_dir(follow_symlinks=False)]
    except OSError as error:
        check_there(path, error)
        return []  # it has vanished since the last slice
    return sorted(wanted(path, names))
