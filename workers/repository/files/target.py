"""The directory that a volume is written into: making and removing what is in it, and nothing outside of it (F29)."""

import errno
import os
import stat

from workers.repository.files.rooted import Rooted
from workers.repository.format.tree import join

CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
MOUNTED = "another file system is mounted in it"


class Target(Rooted):
    """Not safe for threads, but any number of them may be open on one directory."""

    def status(self, path: bytes) -> os.stat_result | None:
        """What is at `path`, not followed; None if nothing is."""
        try:
            return self.lstat(path)
        except FileNotFoundError:
            return None

    def remove(self, path: bytes) -> None:
        """Removes `path` and all below it, but nothing of another file system. Raises OSError; EBUSY for one that is
        mounted there."""
        waiting = [path]
        while waiting:
            status = self.status(waiting[-1])
            if status is None:
                waiting.pop()
            elif not stat.S_ISDIR(status.st_mode):
                directory, name = self.within(waiting.pop())
                os.unlink(name, dir_fd=directory)
            elif self.is_other_mount(status):
                raise OSError(errno.EBUSY, MOUNTED)
            elif names := self.names(waiting[-1]):
                waiting += [join(waiting[-1], name) for name in names]
            else:
                self.forget(waiting[-1])
                directory, name = self.within(waiting.pop())
                os.rmdir(name, dir_fd=directory)

    def own_names(self, path: bytes) -> list[bytes]:
        """What is in the directory `path`, sorted; nothing if another file system is mounted there. Raises OSError."""
        return [] if self.is_other_mount(os.fstat(self.directory(path))) else self.names(path)

    def make_directory(self, path: bytes) -> bool:
        """A directory at `path`, only ours to read until its mode is set; False if it was there. Anything else at
        that path is removed."""
        status = self.status(path)
        if status is not None and stat.S_ISDIR(status.st_mode):
            return False
        self.remove(path)
        directory, name = self.within(path)
        os.mkdir(name, 0o700, dir_fd=directory)
        return True

    def create(self, path: bytes) -> int:
        """A descriptor of a new file at `path`, to write and read. What is there is removed."""
        directory, name = self.within(path)
        try:
            return os.open(name, CREATE, 0o600, dir_fd=directory)
        except FileExistsError:
            self.remove(path)
        directory, name = self.within(path)
        return os.open(name, CREATE, 0o600, dir_fd=directory)

    def link(self, first: bytes, path: bytes) -> None:
        """Another name of the file `first`. What is there is removed."""
        self.remove(path)
        directory, source = self.within(first)
        held = os.dup(directory)
        try:
            directory, name = self.within(path)
            os.link(source, name, src_dir_fd=held, dst_dir_fd=directory, follow_symlinks=False)
        finally:
            os.close(held)
