"""No volume makes an object that others cannot read, whatever is in it: what is too large is told."""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import Damaged, Invalid
from tests.support.repositories import WrappedStore, fill, small_repository
from tests.support.repository_model import KEYS
from tests.support.volumes import (
    PASSPHRASE,
    copy,
    damaged,
    every,
    new_repository,
    objects,
    problems_of,
    removed_at_end,
    restore,
    volume_of,
)
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import ObjectStore
from workers.repository import VolumeRepository
from workers.repository.chunks import tree_reader
from workers.repository.format import index_object, keyring, packs, volume_record
from workers.repository.format.ambient import Graces
from workers.repository.format.layout import (
    CHUNK_MOST,
    DAMAGE,
    INDEX,
    INDEX_MOST,
    MARKS,
    PACKS,
    PARTIAL,
    TREE_MOST,
    VOLUMES,
    XATTRS_MOST,
)
from workers.repository.format.master_key import recovery_text
from workers.repository.format.packs import Pack, PackBuilder, PackEntry
from workers.repository.format.sealing import SealedStore
from workers.repository.format.tree import join
from workers.repository.upkeep import recover, verify

NAME = 240


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    with removed_at_end(tmp_path / "source") as directory:
        yield directory


def deep(root: Path, levels: int) -> tuple[int, bytes]:
    """A descriptor of a directory so many levels down, and its path."""
    directory, path = os.open(root, os.O_RDONLY), b""
    for level in range(levels):
        name = b"%03d" % level + b"x" * NAME
        os.mkdir(name, dir_fd=directory)
        below = os.open(name, os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory, path = below, join(path, name)
    return directory, path


def link_much(directory: int, count: int) -> list[bytes]:
    """Other names of one file, none of which ends a block by itself."""
    os.close(os.open(b"first", os.O_CREAT | os.O_WRONLY, dir_fd=directory))
    names = [b"link%d" % number for number in range(count * 2) if zlib.crc32(b"link%d" % number) % 512][:count]
    for name in names:
        os.link(b"first", name, src_dir_fd=directory, dst_dir_fd=directory)
    return names


def test_many_links_in_a_deep_directory_make_no_chunk_that_is_too_large(source: Path, tmp_path: Path) -> None:
    directory, path = deep(source, 260)
    names = link_much(directory, 290)
    os.close(directory)
    assert len(path) * len(names) > TREE_MOST
    store = MemoryObjectStore()
    innocent = tmp_path / "innocent"
    innocent.mkdir()
    (innocent / "file").write_bytes(b"nothing special")
    theirs = volume_of(copy(new_repository(store), innocent))
    copied = copy(new_repository(store), source)
    assert (copied.unreadable, copied.warnings) == ((), ())
    ours = volume_of(copied)
    largest = new_repository(store)
    with largest.new_view() as view:
        view.look()
        assert max(entry.length for pack in view.index.packs() for entry in pack.entries) <= TREE_MOST
        tree = volume_record.read(view.sealed, VOLUMES + ours).tree
        found = {block.child(n) for _, block in tree_reader.blocks(view, tree) for n in range(len(block.names))}
    assert {join(path, name) for name in names} <= found
    assert problems_of(new_repository(store), {ours: "ours", theirs: "theirs"}) == []
    assert new_repository(store, graces=Graces()).prune(lambda: {ours, theirs}).reclaimed_bytes == 0
    assert restore(new_repository(store), theirs, tmp_path / "target").lost == ()


def test_a_directory_that_is_too_deep_is_told_and_the_rest_is_copied(source: Path, tmp_path: Path) -> None:
    directory, _ = deep(source, 300)
    os.close(directory)
    (source / "beside").write_bytes(b"still copied")
    repository = new_repository(MemoryObjectStore())
    copied = copy(repository, source)
    assert len(copied.unreadable) == 1
    assert "too deep" in copied.unreadable[0]
    assert len(copied.unreadable[0]) < 5000
    with removed_at_end(tmp_path / "target") as target:
        assert restore(repository, volume_of(copied), target).lost == ()
        assert (target / "beside").read_bytes() == b"still copied"


def attribute_values(monkeypatch: pytest.MonkeyPatch, names: list[str], size: int) -> None:
    """Every file has these attributes: the file systems of tests take fewer than others do."""
    monkeypatch.setattr(os, "listxattr", lambda *_args, **_more: [*names])
    monkeypatch.setattr(os, "getxattr", lambda *_args, **_more: bytes(size))


@pytest.mark.parametrize("kind", ["file", "directory", "symlink"])
def test_attributes_beyond_the_bound_are_told_each_time(
    kind: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "file":
        (source / "it").write_bytes(b"content")
    elif kind == "directory":
        (source / "it").mkdir()
    else:
        (source / "it").symlink_to("elsewhere")
    size = 60 * 1024
    fit = XATTRS_MOST // (size + len("user.00") + 1)
    attribute_values(monkeypatch, ["system.posix_acl_access", *(f"user.{n:02}" for n in range(fit + 3))], size)
    repository = new_repository(MemoryObjectStore())
    first = copy(repository, source)
    again = copy(repository, source, parent=volume_of(first))
    for copied in (first, again):
        told = [each for each in copied.unreadable if each.startswith("it:")]
        assert len(told) == 1
        assert "4 of them are not copied" in told[0]
    with repository.new_view() as view:
        view.look()
        tree = volume_record.read(view.sealed, VOLUMES + volume_of(again)).tree
        blocks = [block for _, block in tree_reader.blocks(view, tree)]
    kept = [value for block in blocks for entry in block.entries for _, value in block.attributes(entry.extra)]
    kept += [value for block in blocks for _, value in block.attributes(block.header.extra)]
    assert any(value.startswith(b"system.posix_acl_access") for value in kept)


def test_a_directory_of_files_with_many_attributes_makes_many_blocks(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        (source / f"f{number}").write_bytes(b"x")
    attribute_values(monkeypatch, [f"user.{number:02}" for number in range(16)], 60 * 1024)
    store = MemoryObjectStore()
    volume = volume_of(copy(new_repository(store), source))
    monkeypatch.undo()
    assert problems_of(new_repository(store), {volume: "it"}) == []


@pytest.mark.parametrize(("kind", "most"), [("d", CHUNK_MOST), ("t", TREE_MOST)])
def test_nobody_packs_what_no_reader_accepts(kind: str, most: int) -> None:
    builder = PackBuilder(KEYS, kind, bytes(16))
    builder.add(bytes(32), packs.RAW, b"", most)
    with pytest.raises(Invalid):
        builder.add(bytes(32), packs.RAW, b"", most + 1)


def test_one_chunk_that_is_too_large_hurts_no_other(source: Path, tmp_path: Path) -> None:
    """As an earlier writer may have left it in the index."""
    (source / "file").write_bytes(b"content")
    store = MemoryObjectStore()
    volume = volume_of(copy(new_repository(store), source))
    large = Pack(bytes(16), "t", 1000, [PackEntry(bytes(32), 0, 100, TREE_MOST + 1, packs.ZSTD)])
    repository = new_repository(store)
    index_object.write(repository.sealed, [large])
    assert restore(new_repository(store), volume, tmp_path / "target").lost == ()
    with pytest.raises(Damaged, match="the bound is"):
        packs.open_chunk(repository.keys, "t", large.id, large.entries[0], bytes(100))


class Watching(WrappedStore):
    """Remembers what was fetched whole, whatever its size."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self.unbounded: list[str] = []

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        if length is None:
            self.unbounded.append(key)
        return super().get(key, start, length)


def test_nothing_of_a_repository_is_fetched_without_a_bound(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    fill(source)
    store = Watching(MemoryObjectStore())
    volume = volume_of(copy(small_repository(store), source, stop=every(3)))
    restore(small_repository(store), volume, target)
    small_repository(store).prune(lambda: {volume})
    damaged(store.store, next(key for key in objects(store, PACKS)))
    assert problems_of(small_repository(store), {volume: "it"})
    with small_repository(store).new_view() as view:
        verify.verify(view, {}, 10)
        verify.verify(view, {}, 10)
    assert [key for key in store.unbounded if key.startswith("repository/")] == []


def test_a_huge_index_object_is_damaged_and_not_fetched_whole(tmp_path: Path) -> None:
    source = tmp_path / "source"
    fill(source)
    store = MemoryObjectStore()
    copy(new_repository(store), source)
    store.put(INDEX + "0" * 32, bytes(INDEX_MOST + INDEX_MOST // 32))
    fetched: list[int] = []

    class Counting(WrappedStore):
        def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
            body = super().get(key, start, length)
            fetched.append(len(body))
            return body

    with pytest.raises(Damaged):
        copy(new_repository(Counting(store)), source)
    assert max(fetched) < INDEX_MOST + INDEX_MOST // 32


def test_what_would_be_too_much_for_one_index_object_becomes_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_object, "INDEX_MOST", 1000)
    sealed = SealedStore(MemoryObjectStore(), KEYS)
    entries = [PackEntry(bytes([number]) * 32, 16 * number, 16, 0, 0) for number in range(8)]
    packed = [Pack(bytes([number]) * 16, "d", 1000, entries) for number in range(5)]
    written = index_object.write(sealed, packed)
    assert [len(each) for _, each in written] == [2, 2, 1]
    assert [pack for name, _ in written for pack in index_object.read(sealed, name)] == packed


def test_a_volume_of_too_many_tree_chunks_is_refused_before_its_record_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    fill(source)
    monkeypatch.setattr(volume_record, "RECORD_MOST", 100)
    store = MemoryObjectStore()
    with pytest.raises(Invalid, match="too many tree chunks"):
        copy(new_repository(store), source)
    assert not objects(store, VOLUMES)


def test_markers_of_folders_hold_nobody_up(tmp_path: Path) -> None:
    fill(tmp_path / "source")
    store = MemoryObjectStore()
    for prefix in (PACKS, INDEX, MARKS, VOLUMES, DAMAGE, PARTIAL, PACKS + "README"):
        store.put(prefix, b"")
    keys = keyring.open_keys(store, PASSPHRASE)
    store.put("repository/keys/", b"")
    master = keyring.unlock(store, PASSPHRASE)
    assert master is not None
    repository = VolumeRepository(store, keys)
    volume = volume_of(copy(repository, tmp_path / "source"))
    recover.recover(store, recovery_text(master), "another passphrase", "new")
    assert restore(repository, volume, tmp_path / "target").lost == ()
    assert repository.prune(lambda: {volume}).reclaimed_bytes == 0
    assert repository.verify(volume) == []
