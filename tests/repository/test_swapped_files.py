"""Whoever owns files may swap them at any moment: no device is opened, and nobody's own file becomes another's."""

import ctypes
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.support.volumes import copy, every, new_repository, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository.format.ambient import Limits
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


@ONLY_ROOT
@pytest.mark.parametrize("slices", ["one slice", "many slices"])
def test_a_file_of_the_same_owner_moved_to_the_name_of_another_is_given_no_rights(
    slices: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "a").write_bytes(b"written by somebody who is not trusted" * 200_000)
    (source / "file").write_bytes(os.urandom(3 * 1024 * 1024))
    (source / "file").chmod(SETUID)
    limits = Limits(segment=1024 * 1024, batch_entries=1)
    repository = new_repository(MemoryObjectStore(), limits=limits)
    volume = volume_of(copy(repository, source))
    really = BatchWriter._complete

    def complete(self: BatchWriter, part: FilePart) -> None:
        if part.path == b"file" and (target / "a").exists():
            (target / "a").rename(target / "file")
        really(self, part)

    monkeypatch.setattr(BatchWriter, "_complete", complete)
    restored = restore(repository, volume, target, stop=every(1 if slices == "many slices" else 1000))
    assert [each.partition(":")[0] for each in restored.lost] == ["file"]
    assert not (target / "file").exists()


@ONLY_ROOT
def test_what_is_swapped_in_for_a_fifo_is_given_to_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    os.mkfifo(source / "fifo", 0o600)
    (source / "fifo").chmod(SETUID)
    repository = new_repository(MemoryObjectStore())
    volume = volume_of(copy(repository, source))
    really = os.mkfifo

    def swap(*given: Any, **more: Any) -> None:
        really(*given, **more)
        (target / "fifo").unlink()
        (target / "fifo").write_bytes(b"theirs")
        os.chown(target / "fifo", NOBODY, NOBODY)

    monkeypatch.setattr(os, "mkfifo", swap)
    restored = restore(repository, volume, target)
    assert [each.partition(":")[0] for each in restored.lost] == ["fifo"]
    assert not (target / "fifo").exists()
