"""Files that change, vanish or cannot be read while they are copied: told per file, and never silently wrong."""

import errno
import os
import shutil
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.volumes import (
    copy,
    differences,
    every,
    key_record,
    new_repository,
    restore,
    slices_of_copy,
    volume_of,
)
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import CopySlice
from workers.repository.copy import checkpoint
from workers.repository.format.ambient import Limits
from workers.repository.format.sealing import SealedStore

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


def test_a_file_that_cannot_be_read_is_told_apart_and_is_not_restored_as_an_empty_one(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError(errno.EIO, "Input/output error")

    just_before(monkeypatch, "readv", b"", fail)
    repository = new_repository(MemoryObjectStore())
    copied = copy(repository, source)
    assert (copied.unreadable, copied.warnings) == (("a: could not be read: Input/output error",), ())
    target = restored(tmp_path, repository, volume_of(copied))
    assert not (target / "a").exists()
    (source / "a").unlink()
    os.utime(target, ns=(0, source.stat().st_mtime_ns))
    assert differences(source, target) == ""


def failing(code: int, name: bytes) -> Callable[..., int]:
    """An `os.open` that fails for one name."""
    really = os.open

    def opened(path: Any, *rest: Any, **more: Any) -> int:
        if path == name:
            raise OSError(code, os.strerror(code))
        return really(path, *rest, **more)

    return opened


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES, errno.EPERM, errno.EUCLEAN])
def test_a_file_that_cannot_be_opened_is_unreadable_and_the_rest_is_copied(
    code: int, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = new_repository(MemoryObjectStore())
    monkeypatch.setattr(os, "open", failing(code, b"b"))
    copied = copy(repository, source)
    monkeypatch.undo()
    assert (copied.unreadable, copied.warnings) == ((f"b: could not be read: {os.strerror(code)}",), ())
    target = restored(tmp_path, repository, volume_of(copied))
    assert sorted(path.name for path in target.iterdir()) == ["a", "dir", "z"]
    again = copy(repository, source, parent=volume_of(copied))
    assert (again.unreadable, again.changed_bytes) == ((), 100)


def test_a_directory_that_cannot_be_listed_is_unreadable(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", failing(errno.EACCES, b"dir"))
    copied = copy(new_repository(MemoryObjectStore()), source)
    assert copied.unreadable == ("dir: could not be read: Permission denied; what is in it is not copied",)
    assert (copied.warnings, copied.files) == ((), 3)


@pytest.mark.parametrize("swapped", ["symlink", "socket"])
def test_a_file_that_becomes_something_else_is_warned_of(
    swapped: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swap() -> None:
        (source / "b").unlink()
        if swapped == "symlink":
            (source / "b").symlink_to("a")
        else:
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(str(source / "b"))

    just_before(monkeypatch, "open", b"b", swap)
    copied = copy(new_repository(MemoryObjectStore()), source)
    assert (copied.unreadable, copied.warnings) == ((), ("b: was replaced while it was copied",))


def test_no_other_name_points_to_a_file_that_could_not_be_read(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.link(source / "a", source / "linked")
    monkeypatch.setattr(os, "open", failing(errno.EIO, b"a"))
    repository = new_repository(MemoryObjectStore())
    copied = copy(repository, source)
    monkeypatch.undo()
    assert len(copied.unreadable) == 1
    target = restored(tmp_path, repository, volume_of(copied))
    assert (target / "linked").read_bytes() == (source / "a").read_bytes()


def test_what_was_unreadable_in_an_earlier_slice_stays_so(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source / "large").write_bytes(os.urandom(24 * MIB))
    monkeypatch.setattr(os, "open", failing(errno.EIO, b"a"))
    slices = slices_of_copy(new_repository(MemoryObjectStore()), source, stop=every(1))
    first = next(slices)
    monkeypatch.undo()
    *_, last = slices
    assert (first.volume, bool(last.volume)) == (None, True)
    assert last.unreadable == ("a: could not be read: Input/output error",)


def test_of_very_many_unreadable_files_the_first_are_named(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(checkpoint.MOST_UNREADABLE + 5):
        (source / "dir" / f"{number:04}").write_bytes(b"x")

    def fail(*arguments: Any) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "readv", fail)
    copied = copy(new_repository(MemoryObjectStore()), source)
    assert len(copied.unreadable) == checkpoint.MOST_UNREADABLE + 1
    assert copied.unreadable[-1].endswith("more could not be read")


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


def removed(file: Path, reached: CopySlice) -> None:
    file.unlink()


def cut_short(file: Path, reached: CopySlice) -> None:
    os.truncate(file, 10)


def cut_short_to_what_was_read(file: Path, reached: CopySlice) -> None:
    os.truncate(file, read_so_far(reached))


def made_a_directory(file: Path, reached: CopySlice) -> None:
    file.unlink()
    file.mkdir()
    (file / "in it").write_bytes(b"x")


def made_a_link(file: Path, reached: CopySlice) -> None:
    file.unlink()
    file.symlink_to("/etc/passwd")


def replaced(file: Path, reached: CopySlice) -> None:
    (file.parent / "new").write_bytes(b"another file")
    (file.parent / "new").rename(file)


def read_so_far(reached: CopySlice) -> int:
    """Bytes of the file in whose midst the slice ended."""
    assert reached.checkpoint
    position = checkpoint.decode(SealedStore(MemoryObjectStore(), key_record()[1]), reached.checkpoint, "").position
    assert position
    assert position.start
    return position.start


@pytest.mark.parametrize("place", ["dir", "dir/sub"])
@pytest.mark.parametrize(
    "act", [removed, cut_short, cut_short_to_what_was_read, made_a_directory, made_a_link, replaced]
)
def test_a_large_file_that_goes_between_two_slices_ends_where_it_was_read(
    act: Callable[[Path, CopySlice], None], place: str, source: Path, tmp_path: Path
) -> None:
    (source / place).mkdir(exist_ok=True)
    file = source / place / "large"
    content = os.urandom(24 * MIB)
    file.write_bytes(content)
    os.chown(file, 1234, 5678)
    repository = new_repository(MemoryObjectStore())
    read = 0
    for reached in slices_of_copy(repository, source, stop=every(1)):
        if not read and not reached.volume:
            read = read_so_far(reached)
            act(file, reached)
    [warning] = reached.warnings
    assert warning.startswith(f"{place}/large: ")
    target = restored(tmp_path, repository, volume_of(reached))
    assert (target / place / "large").read_bytes() == content[:read]
    status = (target / place / "large").stat()
    assert (status.st_uid, status.st_gid) == (1234, 5678)
    again = copy(repository, source, parent=volume_of(reached))
    assert again.warnings == ()
    assert differences(source, restored(tmp_path, repository, volume_of(again))) == ""


def test_a_large_file_that_fails_after_a_slice_ends_where_it_was_read(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(24 * MIB)
    (source / "large").write_bytes(content)
    repository = new_repository(MemoryObjectStore())

    def fail(*arguments: Any) -> int:
        raise OSError(errno.EIO, "Input/output error")

    for reached in slices_of_copy(repository, source, stop=every(1)):
        if not reached.volume:
            read = read_so_far(reached)
            monkeypatch.setattr(os, "preadv", fail)
    assert reached.unreadable == (f"large: could not be read: Input/output error; the copy ends after {read} bytes",)
    monkeypatch.undo()
    assert (restored(tmp_path, repository, volume_of(reached)) / "large").read_bytes() == content[:read]


def test_a_large_file_that_fails_in_a_later_record_ends_where_it_was_read(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(8 * MIB)
    (source / "large").write_bytes(content)

    def fail() -> None:
        raise OSError(errno.EIO, "Input/output error")

    just_before(monkeypatch, "preadv", b"", fail, number=5)
    repository = new_repository(MemoryObjectStore(), limits=Limits(segment=3 * MIB))
    copied = copy(repository, source)
    assert copied.unreadable == (f"large: could not be read: Input/output error; the copy ends after {3 * MIB} bytes",)
    assert (restored(tmp_path, repository, volume_of(copied)) / "large").read_bytes() == content[: 3 * MIB]


def test_a_directory_that_vanishes_between_two_slices_is_warned_of_and_ends(source: Path, tmp_path: Path) -> None:
    content = os.urandom(24 * MIB)
    (source / "dir" / "large").write_bytes(content)
    repository = new_repository(MemoryObjectStore())
    for reached in slices_of_copy(repository, source, stop=every(1)):
        if not reached.volume and (source / "dir").exists():
            read = read_so_far(reached)
            shutil.rmtree(source / "dir")
    assert [warning.partition(":")[0] for warning in reached.warnings] == ["dir", "dir/large"]
    (tmp_path / "target" / "dir").mkdir(parents=True)
    (tmp_path / "target" / "dir" / "not of the volume").touch()
    target = restored(tmp_path, repository, volume_of(reached))
    assert sorted(path.name for path in (target / "dir").iterdir()) == ["c", "d", "large"]
    assert (target / "dir" / "large").read_bytes() == content[:read]
    assert (target / "z").read_bytes() == (source / "z").read_bytes()


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
