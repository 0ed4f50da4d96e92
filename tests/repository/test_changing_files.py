"""Files that change, vanish or cannot be read while they are copied: told per file, and never silently wrong."""

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.volumes import copy, differences, every, new_repository, restore, slices_of_copy, volume_of
from workers.adapters.memory import MemoryObjectStore

MIB = 1024 * 1024


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "dir").mkdir(parents=True)
    for name in ("a", "b", "dir/c", "dir/d", "z"):
        (root / name).write_bytes(name.encode() * 100)
    return root


def just_before(
    monkeypatch: pytest.MonkeyPatch, call: str, name: bytes, act: Callable[[], None], number: int = 1
) -> None:
    """Acts once, just before the copy's `number`th call of `os.open` with this name, or of `os.readv`."""
    really: Callable[..., Any] = getattr(os, call)
    calls = 0

    def watched(first: Any, *rest: Any, **more: Any) -> Any:
        nonlocal calls
        if first == name or call != "open":
            calls += 1
            if calls == number:
                act()
        return really(first, *rest, **more)

    monkeypatch.setattr(os, call, watched)


def restored(tmp_path: Path, repository: Any, volume: str) -> Path:
    """The target, with the root's time as it is now: it changes with what the tests do."""
    target = tmp_path / "target"
    assert restore(repository, volume, target).lost == ()
    os.utime(target, ns=(0, (tmp_path / "source").stat().st_mtime_ns))
    return target


def test_a_file_that_vanishes_is_warned_of(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    just_before(monkeypatch, "open", b"b", (source / "b").unlink)
    repository = new_repository(MemoryObjectStore())
    copied = copy(repository, source)
    assert copied.warnings == ("b: vanished while it was copied",)
    assert differences(source, restored(tmp_path, repository, volume_of(copied))) == ""


def test_a_file_that_changes_while_it_is_read_is_warned_of_and_read_again_the_next_time(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change() -> None:
        (source / "a").write_bytes(b"another content of any length")

    just_before(monkeypatch, "readv", b"", change)
    repository = new_repository(MemoryObjectStore())
    copied = copy(repository, source)
    assert copied.warnings == ("a: changed while it was read; the copy may be of several moments",)
    again = copy(repository, source, parent=volume_of(copied))
    assert (again.warnings, again.changed_bytes) == ((), 29)
    assert differences(source, restored(tmp_path, repository, volume_of(again))) == ""


@pytest.mark.parametrize("size", [10, 3 * MIB, 7 * MIB])
def test_a_large_file_cut_short_while_it_is_read_is_as_long_as_what_was_read(
    size: int, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "large").write_bytes(os.urandom(8 * MIB))
    just_before(monkeypatch, "preadv", b"", lambda: os.truncate(source / "large", size), number=3)
    repository = new_repository(MemoryObjectStore())
    copied = copy(repository, source)
    assert copied.warnings == ("large: changed while it was read; the copy may be of several moments",)
    target = restored(tmp_path, repository, volume_of(copied))
    assert (target / "large").stat().st_size == max(size, 2 * MIB)


def test_a_file_that_grows_while_it_is_read_is_as_long_as_it_was(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "log").write_bytes(b"x" * 2 * MIB)

    def grow() -> None:
        with (source / "log").open("ab") as file:
            file.write(b"y" * MIB)

    just_before(monkeypatch, "preadv", b"", grow)
    repository = new_repository(MemoryObjectStore())
    copied = copy(repository, source)
    assert copied.warnings == ("log: changed while it was read; the copy may be of several moments",)
    assert (restored(tmp_path, repository, volume_of(copied)) / "log").read_bytes() == b"x" * 2 * MIB


def test_a_file_that_cannot_be_read_is_warned_of_and_is_not_restored_as_an_empty_one(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError(errno.EIO, "Input/output error")

    just_before(monkeypatch, "readv", b"", fail)
    repository = new_repository(MemoryObjectStore())
    copied = copy(repository, source)
    assert copied.warnings == ("a: could not be read: Input/output error",)
    target = restored(tmp_path, repository, volume_of(copied))
    assert not (target / "a").exists()
    (source / "a").unlink()
    os.utime(target, ns=(0, source.stat().st_mtime_ns))
    assert differences(source, target) == ""


def test_a_directory_that_vanishes_is_warned_of(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    just_before(monkeypatch, "open", b"z", lambda: shutil.rmtree(source / "dir"))
    copied = copy(new_repository(MemoryObjectStore()), source)
    assert [warning.partition(":")[0] for warning in copied.warnings] == ["dir"]


def test_a_file_that_changes_between_two_slices_is_warned_of(source: Path, tmp_path: Path) -> None:
    (source / "large").write_bytes(os.urandom(24 * MIB))
    repository = new_repository(MemoryObjectStore())
    slices = slices_of_copy(repository, source, stop=every(1))
    warnings: Sequence[str] = ()
    for number, reached in enumerate(slices):
        warnings = reached.warnings
        if number == 1:
            with (source / "large").open("r+b") as file:
                file.write(b"changed")
    assert "large: changed while it was read; the copy may be of several moments" in warnings


def test_a_file_replaced_with_one_of_the_same_size_and_time_is_read_again(source: Path, tmp_path: Path) -> None:
    repository = new_repository(MemoryObjectStore())
    first = copy(repository, source)
    status = (source / "a").stat()
    (source / "new").write_bytes(b"X" * status.st_size)
    os.utime(source / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    (source / "new").rename(source / "a")
    again = copy(repository, source, parent=volume_of(first))
    assert again.changed_bytes == status.st_size
    assert differences(source, restored(tmp_path, repository, volume_of(again))) == ""
