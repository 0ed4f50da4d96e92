"""What the directory adapter makes of a file system: kills, strangers' files, permissions, full and lost disks."""

import errno
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.destination import DirectoryDestination
from schemas.errors import Code, Denied, Invalid, NotFound, SnaplineError, TransientError
from workers.adapters.stores.directory import DirectoryObjectStore, names
from workers.adapters.stores.directory import store as adapter
from workers.adapters.stores.directory.errors import meaning
from workers.adapters.stores.directory.names import Kind

STRANGE = ["../up", "../../up", ".", "..", "/", "//", "a//b", "/a", "a/", "~", "", "x\0y", "ü/ö", ".d", "=", "n" * 1000]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    made.mkdir()
    return made


@pytest.fixture
def store(root: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(DirectoryDestination(path=str(root)))


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


# --- names


def test_usual_keys_are_read_off_the_paths(store: DirectoryObjectStore, root: Path) -> None:
    store.put("backups/instance-bcdfg/slices/shop%2Fdb-0.json", b"")
    assert files(root) == ["backups.d/instance-bcdfg.d/slices.d/shop%2Fdb-0.json"]


@pytest.mark.parametrize("key", STRANGE)
def test_no_key_leads_out_of_the_root(store: DirectoryObjectStore, root: Path, key: str) -> None:
    assert store.create(key, b"1")
    store.put(key, b"2")
    assert store.get(key) == b"2"
    assert [found.key for found in store.list("")] == [key]
    assert sorted(path.name for path in root.parent.iterdir()) == ["root"]
    store.delete(key)
    assert sorted(path.name for path in root.iterdir()) == [".writing"]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=300), unique=True, max_size=5))
def test_different_keys_have_different_paths_that_any_file_system_takes(keys: list[str]) -> None:
    paths = {tuple(names.path_of(key)) for key in keys}
    assert len(paths) == len(keys)
    assert all(0 < len(name) <= 255 and name.isascii() and name[0] != "." for path in paths for name in path)


@given(st.text(st.characters(codec="utf-8"), max_size=700))
def test_a_path_tells_its_key(key: str) -> None:
    parsed = [names.parse(name) for name in names.path_of(key)]
    parts = [raw + (b"/" if kind is Kind.DIRECTORY else b"") for kind, raw in filter(None, parsed)]
    assert len(parts) == len(parsed)
    assert b"".join(parts).decode() == key


@settings(max_examples=30)
@given(st.lists(st.text("aé./-=" + chr(0x10FFFF), min_size=1, max_size=8).map(lambda text: text * 60), max_size=6))
def test_a_listing_is_sorted_as_that_of_s3(tmp_path_factory: pytest.TempPathFactory, keys: list[str]) -> None:
    store = DirectoryObjectStore(DirectoryDestination(path=str(tmp_path_factory.mktemp("sorted"))))
    for key in keys:
        store.put(key, b"")
    assert [found.key for found in store.list("")] == sorted(set(keys), key=str.encode)


# --- kills


@pytest.mark.parametrize("way", ["links", "renames"])
def test_killed_writers_leave_no_torn_object_and_a_creation_has_one_winner(root: Path, way: str) -> None:
    command = [sys.executable, "-m", "tests.support.directory_process", str(root), "40", way]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert found["seen"] > 40, "the writers were killed too early to show anything"
    assert found["creations"] > 20, "the writers were killed too early to show anything"
    assert found["left behind"] > 10, "nobody was killed in the midst of writing"
    assert (found["torn"], found["two winners"], found["not the winner's"]) == (0, 0, 0)


def test_temporary_files_are_never_listed_and_old_ones_go(root: Path) -> None:
    now = 100.0
    store = DirectoryObjectStore(DirectoryDestination(path=str(root)), clock=lambda: now)
    store.put("a", b"1")
    young, old = root / ".writing" / "young", root / ".writing" / "old"
    for path in (young, old):
        path.write_bytes(b"half")
    os.utime(old, (0, datetime.now(UTC).timestamp() - timedelta(hours=25).total_seconds()))
    assert [found.key for found in store.list("")] == ["a"]
    store.put("b", b"2")
    assert old.exists(), "it was looked for less than an hour ago"
    now += 3601
    store.put("c", b"3")
    assert sorted((root / ".writing").iterdir()) == [young]


def test_a_body_is_on_the_disk_before_it_has_its_name(
    store: DirectoryObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("d/first", b"")
    calls: list[str] = []
    for name in ("fsync", "link", "rename", "unlink"):
        real = getattr(os, name)

        def noted(*arguments: object, name: str = name, real: object = real, **more: object) -> object:
            calls.append(name)
            return real(*arguments, **more)  # type: ignore[operator]

        monkeypatch.setattr(os, name, noted)
    store.create("d/a", b"1")
    assert calls == ["fsync", "link", "fsync", "unlink"]
    calls.clear()
    store.put("d/a", b"2")
    assert calls[:3] == ["fsync", "rename", "fsync"]


def test_a_creation_whose_answer_is_lost_was_ours(store: DirectoryObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """As NFS does it: the repeated request finds what the first has made."""
    link = os.link

    def twice(source: str, name: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        for _ in range(2):
            link(source, name, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "link", twice)
    assert store.create("a", b"1")
    assert not store.create("a", b"1")


def test_directories_go_with_their_last_object_and_come_again_in_a_race(
    store: DirectoryObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a/b/c", b"")
    store.put("a/d", b"")
    store.delete("a/b/c")
    assert list(store.names("a/")) == ["d"]
    link, others = os.link, [True]

    def after_others(source: str, name: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if others:
            others.pop()
            store.delete("a/d")  # and with it the directory that is about to get a file
        link(source, name, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "link", after_others)
    assert store.create("a/e", b"1")
    assert files(root) == ["a.d/e"]


# --- what others put there


def test_what_is_no_object_is_not_listed(store: DirectoryObjectStore, root: Path) -> None:
    store.put("a/b", b"1")
    (root / "lost+found").mkdir()
    (root / "a.d" / ".nfs0001").write_bytes(b"")
    (root / "a.d" / "=ff").write_bytes(b"")
    (root / "a.d" / "=FF").write_bytes(b"")
    (root / "a.d" / "plain directory").mkdir()
    (root / "a.d" / "file.d").write_bytes(b"")
    (root / "a.d" / "link").symlink_to("b")
    (root / "link.d").symlink_to("a.d")
    assert [found.key for found in store.list("")] == ["a/b"]
    assert list(store.names("")) == ["a/"]
    assert list(store.names("a/")) == ["b"]


def test_no_symbolic_link_below_the_root_is_followed(store: DirectoryObjectStore, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"hunter2")
    (root / "d.d").symlink_to(outside)
    (root / "f").symlink_to(outside / "secret")
    for key in ("d/secret", "f"):
        with pytest.raises((Invalid, NotFound)):
            store.get(key)
    for write in (store.put, store.create):
        with pytest.raises(Invalid, match="in its place"):
            write("d/new", b"")
    assert not store.create("f", b"")
    store.put("f", b"replaced")
    store.delete("d/secret")
    assert files(outside) == ["secret"]
    assert (outside / "secret").read_bytes() == b"hunter2"


def test_what_it_makes_has_the_permissions_of_the_root(store: DirectoryObjectStore, root: Path) -> None:
    root.chmod(0o2770)
    before = os.umask(0o077)
    try:
        store.put("a/b", b"")
    finally:
        os.umask(before)
    assert oct((root / "a.d").stat().st_mode & 0o7777) == "0o2770"
    assert oct((root / "a.d" / "b").stat().st_mode & 0o7777) == "0o660"


# --- errors


def test_a_share_that_is_not_mounted_is_not_an_empty_store(tmp_path: Path) -> None:
    store = DirectoryObjectStore(DirectoryDestination(path=str(tmp_path / "mount")))
    for attempt in (
        lambda: store.get("a"),
        lambda: store.put("a", b""),
        lambda: list(store.list("")),
        lambda: list(store.names("")),
        lambda: store.delete("a"),
    ):
        with pytest.raises(TransientError, match="is it mounted") as error:
            attempt()
        assert error.value.code == Code.DESTINATION_INVALID
    assert not (tmp_path / "mount").exists()


def test_a_file_system_that_can_neither_link_nor_rename_is_refused(
    store: DirectoryObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(number: int) -> object:
        def call(*arguments: object, **more: object) -> None:
            raise OSError(number, os.strerror(number))

        return call

    monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    assert store.create("by rename", b"1")
    assert not store.create("by rename", b"2")
    monkeypatch.setattr(adapter, "rename_new", refuse(errno.EINVAL))
    with pytest.raises(Invalid, match="hard links") as error:
        store.create("a", b"")
    assert error.value.code == Code.STORE_UNSUITABLE
    assert [found.key for found in store.list("")] == ["by rename"]


@pytest.mark.parametrize(
    ("number", "family", "words"),
    [
        (errno.ENOSPC, TransientError, "the disk is full"),
        (errno.EDQUOT, TransientError, "the quota is used up"),
        (errno.EACCES, Denied, "allowed to read and write"),
        (errno.EPERM, Denied, "allowed to read and write"),
        (errno.EROFS, Denied, "for reading only"),
        (errno.ESTALE, TransientError, "try again"),
        (errno.EIO, TransientError, "try again"),
        (errno.ETIMEDOUT, TransientError, "try again"),
        (errno.ENOENT, NotFound, "not there"),
        (errno.ELOOP, Invalid, "in its place"),
        (errno.ENAMETOOLONG, Invalid, "too long"),
    ],
)
def test_an_error_falls_into_its_family(number: int, family: type[SnaplineError], words: str) -> None:
    error = meaning("could not write a in /mnt", OSError(number, os.strerror(number)))
    assert type(error) is family
    assert words in str(error)
    assert (error.code == Code.STORE_FULL) == (number in (errno.ENOSPC, errno.EDQUOT))


def test_a_full_disk_leaves_nothing(store: DirectoryObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(TransientError, match="the disk is full"):
        store.put("a/b", b"1")
    assert files(root) == []


def test_listing_5000_backups_opens_none_of_them(
    store: DirectoryObjectStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5000):
        (root / "backups.d" / f"b-{number}.d").mkdir(parents=True)
        (root / "backups.d" / f"b-{number}.d" / "backup.json").touch()
    opened: list[object] = []
    real = os.open

    def noted(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        opened.append(path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", noted)
    assert len(list(store.names("backups/"))) == 5000
    assert opened == [str(root), "backups.d"]
