"""Nothing outside the volume is read or written, whoever plants what, whatever a tree says (F16, F29)."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import Damaged
from tests.support.volumes import copy, differences, new_repository, objects, quiet, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository
from workers.repository.chunks.chunk_writer import ChunkWriter
from workers.repository.format import tree, volume_record
from workers.repository.format.ambient import Limits
from workers.repository.format.layout import VOLUMES
from workers.repository.format.tree import FIRST, LAST, Header, TreeEntry
from workers.repository.format.tree_encoder import BlockBuilder
from workers.repository.format.volume_record import Volume
from workers.repository.restore import single_files

SECRET = b"this must not leave the node"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory that has to stay as it is."""
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "file").write_bytes(SECRET)
    return directory


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "dir").mkdir(parents=True)
    (root / "dir" / "file").write_bytes(b"ours")
    (root / "file").write_bytes(b"ours, too")
    (root / "later").mkdir()
    (root / "later" / "file").write_bytes(b"ours as well")
    return root


def state_of(directory: Path) -> list[tuple[str, int, int, bytes]]:
    """What must not change outside: owner, mode, time, content."""
    return [
        (str(path), path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in [directory, *sorted(directory.rglob("*"))]
    ]


@pytest.mark.parametrize("swapped", ["dir", "file", "later"])
def test_a_symlink_swapped_into_the_source_is_not_followed(
    swapped: str, source: Path, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really: Callable[..., Any] = os.open
    done = False

    def swap(path: Any, *rest: Any, **more: Any) -> Any:
        nonlocal done
        if path == swapped.encode() and not done:
            done = True
            (source / swapped).rename(tmp_path / "away")
            (source / swapped).symlink_to(outside / "file" if swapped == "file" else outside)
        return really(path, *rest, **more)

    monkeypatch.setattr(os, "open", swap)
    repository = new_repository(MemoryObjectStore(), limits=Limits(guessed_entries=0))
    copied = copy(repository, source)
    monkeypatch.undo()
    assert done
    assert [warning.partition(":")[0] for warning in copied.warnings] == [swapped]
    target = tmp_path / "target"
    restore(repository, volume_of(copied), target)
    assert SECRET not in b"".join(path.read_bytes() for path in target.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", ["dir", "file", "later", "dir/file"])
@pytest.mark.parametrize("planted", ["link to directory", "link to file", "fifo", "device", "hard link", "directory"])
def test_what_is_planted_in_the_target_is_replaced_and_not_followed(
    planted: str, name: str, source: Path, outside: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    place = target / name
    place.parent.mkdir(exist_ok=True)
    if planted.startswith("link"):
        place.symlink_to(outside / "file" if planted == "link to file" else outside)
    elif planted == "fifo":
        os.mkfifo(place)
    elif planted == "device":
        os.mknod(place, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    elif planted == "hard link":
        os.link(outside / "file", place)
    else:
        (place / "with" / "much").mkdir(parents=True)
        (place / "with" / "link").symlink_to(outside)
    before = state_of(outside)
    repository = new_repository(MemoryObjectStore())
    assert restore(repository, volume_of(copy(repository, source)), target).lost == ()
    assert state_of(outside) == before
    assert differences(source, target) == ""


def test_a_directory_swapped_for_a_symlink_while_files_are_restored_is_not_followed(
    source: Path, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = new_repository(MemoryObjectStore())
    volume = volume_of(copy(repository, source))
    target = tmp_path / "target"
    really: Callable[..., Any] = os.open

    def swap(path: Any, *rest: Any, **more: Any) -> Any:
        if path == b"dir" and (target / "dir").is_dir() and not (target / "dir").is_symlink():
            (target / "dir").rename(target / "away")
            (target / "dir").symlink_to(outside)
        return really(path, *rest, **more)

    before = state_of(outside)
    monkeypatch.setattr(os, "open", swap)
    reached = restore(repository, volume, target)
    monkeypatch.undo()
    assert state_of(outside) == before
    assert any(each.startswith("dir") for each in reached.lost)


HEADER = Header(0o755, 0, 0, 0, 0)


def entry(kind: int, **fields: int) -> TreeEntry:
    return TreeEntry(kind, *[0] * 13)._replace(mode=0o644, **fields)


def block(path: bytes, entries: list[tuple[bytes, TreeEntry, list[tuple[int, bytes]]]]) -> bytes:
    builder = BlockBuilder(path, FIRST | LAST, HEADER, b"")
    for name, each, attributes in entries:
        builder.add(name, each, tree.encode_attributes(attributes), [], 0)
    return builder.encode()


def hostile(repository: VolumeRepository, *blocks: bytes) -> str:
    """A volume of these blocks, by somebody who has the key."""
    with repository.new_view() as view:
        view.look()
        with ChunkWriter(view) as writer:
            id_ = writer.write("t", b"".join(blocks)).result()
            writer.flush()
        name = view.ambient.new_id()
        volume_record.write(view.sealed, VOLUMES + name, Volume([id_], 0, 0))
    return name


FILE, DIRECTORY = entry(tree.FILE), entry(tree.DIRECTORY)


@pytest.mark.parametrize(
    "blocks",
    [
        [block(b"", [(b"..", FILE, [])])],
        [block(b"", [(b".", FILE, [])])],
        [block(b"", [(b"", FILE, [])])],
        [block(b"", [(b"a/b", FILE, [])])],
        [block(b"", [(b"/etc", FILE, [])])],
        [block(b"", [(b"a\0b", FILE, [])])],
        [block(b"", [(b"b", FILE, []), (b"a", FILE, [])])],
        [block(b"", [(b"a", FILE, []), (b"a", FILE, [])])],
        [block(b"", []), block(b"..", [(b"planted", FILE, [])])],
        [block(b"", []), block(b"a/../../b", [(b"planted", FILE, [])])],
        [block(b"", []), block(b"/tmp", [(b"planted", FILE, [])])],
        [block(b"", []), block(b"a/./b", [(b"planted", FILE, [])])],
        [block(b"", []), block(b"a//b", [(b"planted", FILE, [])])],
        [block(b"", []), block(b"a\0b", [(b"planted", FILE, [])])],
        [block(b"", [(b"l", entry(tree.SYMLINK), [])])],
        [block(b"", [(b"l", entry(tree.SYMLINK), [(tree.TARGET, b"a\0b")])])],
        [block(b"", [(b"x", entry(tree.FILE, size=2**64 - 1), [])])],
        [block(b"", [(b"x", entry(ord("?")), [])])],
        [block(b"", [(b"x", entry(tree.FILE, size=5, length=9), [])])],
        [block(b"", [(b"x", entry(tree.FILE, size=5, length=5, stored=5), [])])],
    ],
)
def test_an_impossible_tree_is_damaged_and_makes_nothing(blocks: list[bytes], tmp_path: Path, outside: Path) -> None:
    repository = new_repository(MemoryObjectStore())
    volume = hostile(repository, *blocks)
    before = state_of(outside)
    [lost] = restore(repository, volume, tmp_path / "target").lost
    assert lost.startswith("(what follows ")
    assert state_of(outside) == before
    assert not (tmp_path / "planted").exists()


@pytest.mark.parametrize("target_of_link", [b"../outside/file", b"/etc/hostname", b"l/file"])
def test_another_name_of_something_outside_is_not_made(target_of_link: bytes, tmp_path: Path, outside: Path) -> None:
    repository = new_repository(MemoryObjectStore())
    link = entry(tree.HARDLINK)
    symlink = entry(tree.SYMLINK)
    volume = hostile(
        repository,
        block(
            b"",
            [
                (b"l", symlink, [(tree.TARGET, os.fsencode(outside))]),
                (b"m", link, [(tree.TARGET, target_of_link)]),
            ],
        ),
    )
    [lost] = restore(repository, volume, tmp_path / "target").lost
    assert lost.startswith(("m: ", "(what follows "))
    assert not (tmp_path / "target" / "m").exists()
    assert (outside / "file").stat().st_nlink == 1


def test_a_symlink_in_the_tree_followed_by_a_directory_of_its_name_is_not_written_through(
    tmp_path: Path, outside: Path
) -> None:
    repository = new_repository(MemoryObjectStore())
    volume = hostile(
        repository,
        block(b"", [(b"d", entry(tree.SYMLINK), [(tree.TARGET, os.fsencode(outside))])]),
        block(b"d", [(b"planted", FILE, [])]),
    )
    before = state_of(outside)
    with suppress(Damaged):
        restore(repository, volume, tmp_path / "target")
    assert state_of(outside) == before


def test_single_files_are_restored_without_leaving_the_target(source: Path, outside: Path, tmp_path: Path) -> None:
    repository = new_repository(MemoryObjectStore())
    volume = volume_of(copy(repository, source))
    target = tmp_path / "target"
    target.mkdir()
    (target / "dir").symlink_to(outside)
    before = state_of(outside)
    with repository.new_view() as view:
        single_files.restore(view, volume, [b"dir/file"], target, quiet)
    assert state_of(outside) == before
    assert (target / "dir" / "file").read_bytes() == b"ours"
    assert not (target / "file").exists()
    assert objects(repository.store)
