"""Everything a file system can hold comes back, as independent programs see it."""

import os
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.volumes import copy, differences, every, never, new_repository, removed_at_end, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository.format.ambient import Limits

MIB = 1024 * 1024
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices need root")


def files(root: Path) -> None:
    (root / "empty").touch()
    (root / "small").write_bytes(b"some words\n" * 20)
    (root / "odd").write_bytes(os.urandom(1_234_567))
    (root / "large").write_bytes(os.urandom(9 * MIB + 1) + bytes(3 * MIB))
    (root / "dir" / "sub").mkdir(parents=True)
    (root / "dir" / "sub" / "same").write_bytes((root / "odd").read_bytes())
    (root / "empty directory").mkdir()


def links(root: Path) -> None:
    (root / "a").mkdir()
    (root / "b").mkdir()
    (root / "a" / "file").write_bytes(b"linked" * 1000)
    os.link(root / "a" / "file", root / "b" / "other name")
    os.link(root / "a" / "file", root / "a" / "zz")
    (root / "large").write_bytes(os.urandom(5 * MIB))
    os.link(root / "large", root / "b" / "large too")
    (root / "dangling").symlink_to("nowhere/at/all")
    (root / "absolute").symlink_to("/etc/passwd")
    (root / "long").symlink_to("x" * 4000)
    os.symlink(b"not \xff utf-8", os.fsencode(root) + b"/bytes")
    os.link(root / "dangling", root / "b" / "link to a link", follow_symlinks=False)


def special(root: Path) -> None:
    os.mkfifo(root / "fifo", 0o640)
    os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(root / "disk", stat.S_IFBLK | 0o660, os.makedev(7, 200))
    os.link(root / "fifo", root / "fifo too")


def modes(root: Path) -> None:
    for mode in (0o000, 0o400, 0o644, 0o4755, 0o2755, 0o6711, 0o1777):
        (root / f"file {mode:o}").write_bytes(b"x")
        os.chmod(root / f"file {mode:o}", mode)
        (root / f"directory {mode:o}").mkdir()
        (root / f"directory {mode:o}" / "in it").write_bytes(b"y")
        os.chmod(root / f"directory {mode:o}", mode)
    (root / "owned").write_bytes(b"z")
    os.chown(root / "owned", 123456, 654321)
    (root / "suid of another").write_bytes(b"z")
    os.chown(root / "suid of another", 1000, 1001)
    os.chmod(root / "suid of another", 0o6755)
    (root / "link of another").symlink_to("owned")
    os.chown(root / "link of another", 1000, 1001, follow_symlinks=False)
    os.chown(root, 77, 78)
    os.chmod(root, 0o2770)


def times(root: Path) -> None:
    for name, nanoseconds in (("fine", 1_700_000_000_123_456_789), ("old", -86_400_000_000_001), ("first", 0)):
        (root / name).write_bytes(b"t")
        os.utime(root / name, ns=(nanoseconds, nanoseconds))
    (root / "link").symlink_to("fine")
    os.utime(root / "link", ns=(1, 999_999_999), follow_symlinks=False)
    (root / "directory").mkdir()
    (root / "directory" / "in it").write_bytes(b"t")
    os.utime(root / "directory", ns=(5, 1_600_000_000_000_000_007))
    os.utime(root, ns=(5, 1_500_000_000_000_000_003))


def attributes(root: Path) -> None:
    for name in ("file", "large"):
        (root / name).write_bytes(os.urandom(2 * MIB if name == "large" else 10))
        os.setxattr(root / name, "user.comment", b"\x00bytes\xff")
        os.setxattr(root / name, "user.empty", b"")
        os.setxattr(root / name, "trusted.overlay.origin", b"x" * 200)
    os.setxattr(root / "file", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
    (root / "directory").mkdir()
    os.setxattr(root / "directory", "user.comment", b"of a directory")
    (root / "symlink").symlink_to("file")
    os.setxattr(root / "symlink", "trusted.of.link", b"yes", follow_symlinks=False)
    subprocess.run(["setfacl", "-m", "u:1234:rw,g:55:r,m:rw", root / "file"], check=True)
    subprocess.run(["setfacl", "-m", "u:1234:rwx,d:u:99:rx,d:g::r", root / "directory"], check=True)


def names(root: Path) -> None:
    top = os.fsencode(root)
    for name in (
        b"not \xff\xfe utf-8",
        b"new\nline",
        b"tab\t",
        b" ",
        b"-rf",
        b"\\",
        b"*?[",
        "\u00e9".encode(),
        b"n" * 255,
    ):
        with open(top + b"/" + name, "wb") as file:
            file.write(name)
        os.mkdir(top + b"/" + name[:200] + b".d")
    for number in range(300):
        (root / f"a{number % 7}b{number}").write_bytes(b"%d" % number)


def sparse(root: Path) -> None:
    with (root / "holes").open("wb") as file:
        file.truncate(64 * MIB)
        for at in (0, 20 * MIB + 77, 63 * MIB):
            file.seek(at)
            file.write(os.urandom(200_000))
    with (root / "all hole").open("wb") as file:
        file.truncate(10 * MIB)
    with (root / "small hole").open("wb") as file:
        file.truncate(100_000)
    with (root / "ends in data").open("wb") as file:
        file.seek(5 * MIB)
        file.write(b"end")


KINDS = [files, links, modes, times, attributes, names, sparse, special]


@ROOT_ONLY
@pytest.mark.parametrize("place", ["memory", "disk"])
@pytest.mark.parametrize("stop", [never, every(3)], ids=["whole", "slices"])
@pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])
def test_what_a_file_system_holds_comes_back(
    kind: Callable[[Path], None], stop: Callable[[], bool], place: str, tmp_path: Path
) -> None:
    limits = Limits() if stop is never else Limits(look_every=1, batch_entries=1)
    top = Path("/dev/shm") / tmp_path.name if place == "memory" else tmp_path / "top"
    with removed_at_end(top):
        source, target = top / "source", top / "target"
        source.mkdir()
        kind(source)
        repository = new_repository(MemoryObjectStore(), limits=limits)
        copied = copy(repository, source, stop=stop)
        restored = restore(repository, volume_of(copied), target, stop=stop)
        assert (copied.warnings, restored.warnings, restored.lost) == ((), (), ())
        assert differences(source, target) == ""
        for program in (listing, extended_attributes, access_lists, blocks):
            assert program(source) == program(target)


def listing(root: Path) -> bytes:
    """Every path with kind, mode, owner, links, size, full time and target."""
    form = r"%P\0%y %m %U:%G %n %s %T@ %l\0"
    found = subprocess.run(["find", str(root), "-printf", form], capture_output=True, check=True).stdout
    lines = found.split(b"\0")
    directories_differ_in_size = [
        line if not line.startswith(b"d ") else b" ".join(line.split(b" ")[:4]) + line.split(b" ")[5]
        for line in lines[1::2]
    ]
    return b"\n".join(b"%r %b" % pair for pair in sorted(zip(lines[::2], directories_differ_in_size, strict=False)))


def extended_attributes(root: Path) -> bytes:
    """As getfattr prints them."""
    command = ["getfattr", "-R", "-P", "-h", "-d", "-m-", "-e", "hex", "."]
    return b"\n\n".join(sorted(_run(command, root).split(b"\n\n")))


def access_lists(root: Path) -> bytes:
    """As getfacl prints them."""
    return b"\n\n".join(sorted(_run(["getfacl", "-R", "-P", "-n", "."], root).split(b"\n\n")))


def blocks(root: Path) -> dict[bytes, int]:
    """Where a file has fewer blocks than its size: 64 KiB of them, as short holes may be filled."""
    found = {}
    for directory, _, names_ in os.walk(os.fsencode(root)):
        for name in names_:
            status = os.lstat(os.path.join(directory, name))
            if stat.S_ISREG(status.st_mode) and status.st_blocks * 512 < status.st_size:
                path = os.path.relpath(os.path.join(directory, name), os.fsencode(root))
                found[path] = status.st_blocks * 512 // 65536
    return found


def _run(command: list[str], root: Path) -> bytes:
    return subprocess.run(command, cwd=root, capture_output=True, check=True).stdout


def test_tar_makes_the_same_archive_of_what_came_back(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    files(source)
    links(source)
    repository = new_repository(MemoryObjectStore())
    restore(repository, volume_of(copy(repository, source)), target)
    archives = [
        _run(
            [
                "tar",
                "--sort=name",
                "--numeric-owner",
                "--format=posix",
                "--pax-option=delete=atime,delete=ctime",
                "-cf-",
                ".",
            ],
            root,
        )
        for root in (source, target)
    ]
    assert archives[0] == archives[1]


def test_a_socket_is_warned_of_and_left_out(tmp_path: Path) -> None:
    source, target = tmp_path / "s", tmp_path / "target"
    source.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(source / "socket"))
        (source / "file").write_bytes(b"x")
        repository = new_repository(MemoryObjectStore())
        copied = copy(repository, source)
    assert copied.warnings == ("socket: is a socket, which cannot be copied",)
    restore(repository, volume_of(copied), target)
    assert [path.name for path in target.iterdir()] == ["file"]


def test_a_thousand_directories_deep_and_paths_longer_than_any_call_takes(tmp_path: Path) -> None:
    with removed_at_end(tmp_path / "deep") as top:
        source, target = top / "source", top / "target"
        source.mkdir()
        here = os.open(source, os.O_RDONLY)
        for level in range(1000):
            os.mkdir(f"level {level}", dir_fd=here)
            deeper = os.open(f"level {level}", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = deeper
            if level % 100 == 0:
                with open(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=here), "wb") as file:
                    file.write(b"at %d" % level)
        os.close(here)
        repository = new_repository(MemoryObjectStore())
        copied = copy(repository, source, stop=every(3))
        restored = restore(repository, volume_of(copied), target, stop=every(3))
        assert (copied.warnings, restored.warnings, restored.lost) == ((), (), ())
        assert copied.files == 10
        assert listing(source) == listing(target)


def test_very_many_files_in_one_directory(tmp_path: Path) -> None:
    count = int(os.environ.get("SNAPLINE_MANY_FILES", "50000"))
    with removed_at_end(Path("/dev/shm") / tmp_path.name) as top:
        source, target = top / "source", top / "target"
        source.mkdir()
        for number in range(count):
            (source / f"file {number}").write_bytes(b"%d" % (number % 1000))
        repository = new_repository(MemoryObjectStore())
        first = copy(repository, source)
        assert first.files == count
        again = copy(repository, source, parent=volume_of(first))
        assert (again.changed_bytes, again.files) == (0, count)
        restored = restore(repository, volume_of(again), target)
        assert restored.files == count
        assert listing(source) == listing(target)


def test_a_sparse_file_of_100_gigabytes(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    size = 100 * 1024 * MIB
    spots = {0: b"begin", 41 * 1024 * MIB + 5: os.urandom(300_000), size - 3: b"end"}
    with (source / "huge").open("wb") as file:
        for at, data in spots.items():
            file.seek(at)
            file.write(data)
    repository = new_repository(MemoryObjectStore())
    copied = copy(repository, source)
    assert copied.scanned_bytes < MIB
    restore(repository, volume_of(copied), target)
    status = (target / "huge").stat()
    assert (status.st_size, status.st_blocks * 512 < MIB) == (size, True)
    with (target / "huge").open("rb") as file:
        for at, data in spots.items():
            file.seek(at)
            assert file.read(len(data)) == data
