"""A directory of many blocks, of which only some have changed: the others are taken over as they are."""

import itertools
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.volumes import copy, differences, every, new_repository, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository
from workers.repository.chunks import tree_reader
from workers.repository.format import volume_record
from workers.repository.format.ambient import Limits
from workers.repository.format.layout import VOLUMES
from workers.repository.format.tree import LAST, Block

FILES = 3000
MIB = 1024 * 1024


@pytest.fixture
def source(tmp_path: Path) -> Path:
    many = tmp_path / "source" / "many"
    many.mkdir(parents=True)
    for number in range(FILES):
        (many / f"file {number:04}").write_bytes(b"%d" % number)
    for number in range(0, FILES, 500):
        (many / f"file {number:04}x").mkdir()
        (many / f"file {number:04}x" / "below").write_bytes(b"below")
        (many / f"file {number:04}y").symlink_to("nowhere")
    return tmp_path / "source"


@pytest.fixture
def repository() -> VolumeRepository:
    return new_repository(MemoryObjectStore())


def _tree(repository: VolumeRepository, volume: str) -> list[Block]:
    with repository.new_view() as view:
        ids = volume_record.read(view.sealed, VOLUMES + volume).tree
        return [block for _, block in tree_reader.blocks(view, ids)]


def test_the_directory_has_many_blocks(source: Path, repository: VolumeRepository) -> None:
    blocks = [block for block in _tree(repository, volume_of(copy(repository, source))) if block.path == b"many"]
    assert len(blocks) > 3
    assert [bool(block.flags & LAST) for block in blocks] == [False] * (len(blocks) - 1) + [True]


def _replace_by_directory(many: Path) -> None:
    (many / "file 1234").unlink()
    (many / "file 1234").mkdir()
    (many / "file 1234" / "new").write_bytes(b"new")


def _replace_a_directory(many: Path) -> None:
    (many / "file 1500x" / "below").unlink()
    (many / "file 1500x").rmdir()
    (many / "file 1500x").write_bytes(b"a file now")


def _same_size_and_time(many: Path) -> None:
    file = many / "file 2222"
    before = file.stat()
    file.write_bytes(b"!!!!")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


EDITS: dict[str, Callable[[Path], object]] = {
    "nothing": lambda many: None,
    "content": lambda many: (many / "file 1000").write_bytes(b"new and longer"),
    "content of the same size and time": _same_size_and_time,
    "mode": lambda many: (many / "file 0001").chmod(0o600),
    "a name more at the begin": lambda many: (many / "a").write_bytes(b"a"),
    "a name more within": lambda many: (many / "file 1000a").write_bytes(b"a"),
    "a name more at the end": lambda many: (many / "z").write_bytes(b"z"),
    "a name less at the begin": lambda many: (many / "file 0000").unlink(),
    "a name less within": lambda many: (many / "file 2000").unlink(),
    "a name less at the end": lambda many: (many / f"file {FILES - 1}").unlink(),
    "another name of a file": lambda many: os.link(many / "file 0700", many / "file 2700a"),
    "another name elsewhere": lambda many: os.link(many / "file 2700", many.parent / "zz"),
    "a file is a directory": _replace_by_directory,
    "a directory is a file": _replace_a_directory,
    "below a subdirectory": lambda many: (many / "file 2000x" / "more").write_bytes(b"more"),
    "the directory's own mode": lambda many: many.chmod(0o700),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("slices", ["one slice", "many slices"])
def test_what_changed_is_seen_and_the_rest_stays(
    source: Path, repository: VolumeRepository, tmp_path: Path, edit: str, slices: str
) -> None:
    first = copy(repository, source)
    EDITS[edit](source / "many")
    stop = every(3) if slices == "many slices" else every(10**9)
    again = copy(repository, source, parent=volume_of(first), stop=stop)
    assert again.warnings == ()
    restore(repository, volume_of(again), tmp_path / "target")
    assert differences(source, tmp_path / "target") == ""
    assert again.changed_bytes < 100
    if edit == "nothing" and slices == "one slice":
        assert [block.raw for block in _tree(repository, volume_of(again))] == [
            block.raw for block in _tree(repository, volume_of(first))
        ]


def test_hard_links_made_before_stay_hard_links(source: Path, repository: VolumeRepository, tmp_path: Path) -> None:
    for name, other in itertools.pairwise(("file 0100", "file 1100a", "file 2100a")):
        os.link(source / "many" / name, source / "many" / other)
    first = copy(repository, source)
    again = copy(repository, source, parent=volume_of(first))
    assert again.changed_bytes == 0
    restore(repository, volume_of(again), tmp_path / "target")
    assert differences(source, tmp_path / "target") == ""


def test_a_large_file_in_several_blocks_is_taken_over_whole(source: Path, tmp_path: Path) -> None:
    limits = Limits(segment=MIB)
    repository = new_repository(MemoryObjectStore(), limits=limits)
    names = (f"large {number}" for number in itertools.count())
    name = next(name for name in names if zlib.crc32(name.encode()) % limits.block_entries == 0)
    (source / "many" / name).write_bytes(os.urandom(5 * MIB))
    first = copy(repository, source)
    blocks = [block for block in _tree(repository, volume_of(first)) if name.encode() in block.names]
    assert len(blocks) > 1
    again = copy(repository, source, parent=volume_of(first))
    assert again.changed_bytes == 0
    restore(repository, volume_of(again), tmp_path / "target")
    assert differences(source, tmp_path / "target") == ""
