"""Whoever owns files may swap them at any moment: no device is opened, and nobody's own file becomes another's."""

import ctypes
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.support.volumes import copy, new_repository, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository.restore.batch import FilePart
from workers.repository.restore.batch_writer import BatchWriter

SETUID = 0o4755
NOBODY = 65534
ONLY_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices and gives files away")


def exchange(first: Path, second: Path) -> None:
    """At once, so that both are there at any moment."""
    number = {"x86_64": 316, "aarch64": 276}[os.uname().machine]
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.syscall(number, -100, os.fsencode(first), -100, os.fsencode(second), 2) == 0


@ONLY_ROOT
@pytest.mark.parametrize("size", [1000, 2 * 1024 * 1024])
def test_a_device_swapped_in_is_neither_opened_nor_read(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "file").write_bytes(b"x" * size)
    device = tmp_path / "device"
    os.mknod(device, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero
    really, opened = os.open, list[int]()

    def swap(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        if path == b"file":
            exchange(source / "file", device)
        descriptor = really(path, flags, *rest, **more)
        if stat.S_ISCHR(os.fstat(descriptor).st_mode) and not flags & os.O_PATH:
            opened.append(descriptor)
        return descriptor

    repository = new_repository(MemoryObjectStore())
    monkeypatch.setattr(os, "open", swap)
    copied = copy(repository, source)
    monkeypatch.undo()
    assert opened == []
    assert copied.warnings == ("file: was replaced while it was copied",)
    restore(repository, volume_of(copied), target)
    assert not (target / "file").exists()


@ONLY_ROOT
def test_a_file_swapped_in_while_it_is_restored_is_given_no_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "file").write_bytes(b"trusted" * 200_000)  # in several chunks
    (source / "file").chmod(SETUID)
    repository = new_repository(MemoryObjectStore())
    volume = volume_of(copy(repository, source))
    really = BatchWriter._complete

    def complete(self: BatchWriter, part: FilePart) -> None:
        theirs = tmp_path / "theirs"
        theirs.write_bytes(b"something else")
        os.chown(theirs, NOBODY, NOBODY)
        theirs.rename(target / "file")
        really(self, part)

    monkeypatch.setattr(BatchWriter, "_complete", complete)
    restored = restore(repository, volume, target)
    assert [each.partition(":")[0] for each in restored.lost] == ["file"]
    assert not (target / "file").exists()
