"""A tree chunk that cannot be read costs what it names, and nothing else (FORMAT F30)."""

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.errors import Damaged
from tests.support.repositories import KIB, MANY_PACKS, digests
from tests.support.volumes import copy, every, new_repository, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository
from workers.repository.chunks import tree_reader
from workers.repository.format import tree, volume_record
from workers.repository.format.layout import VOLUMES, pack_key
from workers.repository.restore import file_listing, single_files

LARGE = 3 * 1024 * KIB
LIMITS = replace(MANY_PACKS, block_stored=1, tree_chunk=512)
"""Many entries for one file, in many tree chunks."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directories within each other, a file with many records, and one with two names."""
    root = tmp_path_factory.mktemp("source")
    chance = random.Random(3)
    for directory in ("", "a", "a/b", "a/b/c", "d", "d/e"):
        (root / directory).mkdir(exist_ok=True)
        for number in range(12):
            (root / directory / f"file-{number:02}").write_bytes(chance.randbytes(200))
    (root / "a/large").write_bytes(chance.randbytes(LARGE))
    os.link(root / "a/b/file-03", root / "d/e/linked")
    (root / "empty").mkdir()
    return root


@pytest.fixture
def repository() -> VolumeRepository:
    return new_repository(MemoryObjectStore(), limits=LIMITS)


def trees(repository: VolumeRepository, volume: str) -> Iterator[tuple[bytes, set[str]]]:
    """The volume's tree chunks, each with the paths that have a record in it."""
    with repository.new_view() as view:
        view.look()
        ids = volume_record.read(view.sealed, VOLUMES + volume).tree
        for id_ in ids:
            blocks = [block for _, block in tree_reader.blocks(view, [id_])]
            paths = {block.child(number).decode() for block in blocks for number in range(len(block.names))}
            yield id_, paths | {block.path.decode() for block in blocks if block.flags & tree.FIRST} - {""}


def lose(repository: VolumeRepository, id_: bytes) -> None:
    """Changes one byte of a tree chunk."""
    with repository.new_view() as view:
        view.look()
        [place] = view.places([id_])[id_]
        body = bytearray(view.store.get(pack_key(place.pack)))
        body[place.entry.offset + 5] ^= 1
        view.store.put(pack_key(place.pack), bytes(body))


def mend(repository: VolumeRepository, before: dict[str, bytes]) -> None:
    """Puts the packs back."""
    for key, body in before.items():
        repository.store.put(key, body)


@pytest.mark.parametrize("most_entries", [LIMITS.batch_entries, 3])
def test_every_lost_tree_chunk_costs_what_it_names(most_entries: int, source: Path, tmp_path: Path) -> None:
    """Into an empty directory, and into one where other files are; whole, and in slices."""
    repository = new_repository(MemoryObjectStore(), limits=replace(LIMITS, batch_entries=most_entries))
    volume, whole = volume_of(copy(repository, source)), digests(source)
    all_trees = list(trees(repository, volume))
    assert len(all_trees) > 8
    before = {found.key: repository.store.get(found.key) for found in list(repository.store.list("repository/packs/"))}
    for id_, named in all_trees:
        lose(repository, id_)
        for stale in (False, True):
            target = tmp_path / "target"
            if stale:
                shutil.copytree(source, target)
                for path in target.rglob("*-*"):
                    path.write_bytes(b"stale")
            restored = restore(repository, volume, target, stop=every(1 if most_entries == 3 else 1000))
            assert any(each.startswith("(what follows ") for each in restored.lost)
            found = digests(target)
            hurt = named | ({"d/e/linked"} if "a/b/file-03" in named else set())
            for name, what in whole.items():
                if name not in hurt and (source / name).is_file():
                    assert found.get(name) == what, f"{name}, {named}, {restored.lost}"
            assert "a/large" not in named or "a/large" not in found
            if stale:
                assert hurt - {"a/large", "d/e/linked"} <= set(found), "what nobody knows was removed"
            else:
                assert {path for path in found if not (target / path).is_dir()} <= set(whole)
                assert all(found[path] == whole[path] for path in found)
            shutil.rmtree(target)
        mend(repository, before)
    assert restore(repository, volume, tmp_path / "target").lost == ()
    assert digests(tmp_path / "target") == whole


def test_single_files_are_read_past_a_lost_tree_chunk(
    repository: VolumeRepository, source: Path, tmp_path: Path
) -> None:
    volume = volume_of(copy(repository, source))
    all_trees = list(trees(repository, volume))
    id_, named = all_trees[len(all_trees) // 2]
    lose(repository, id_)
    listed: list[file_listing.Listed] = []
    with repository.new_view() as view, pytest.raises(Damaged, match="chunk"):
        listed.extend(file_listing.ls(view, volume, b"", recursive=True))
    everything = {str(path.relative_to(source)) for path in source.rglob("*")}
    also = {path for other, paths in all_trees if other != id_ for path in paths}
    assert {each.path for each in listed} == everything - (named - also)
    with repository.new_view() as view:
        content = b"".join(single_files.cat(view, volume, b"d/e/file-11"))
        assert content == (source / "d/e/file-11").read_bytes()
        (tmp_path / "target").mkdir()
        single_files.restore(view, volume, [b"d/e/file-10"], tmp_path / "target", lambda _: None)
    assert (tmp_path / "target/d/e/file-10").read_bytes() == (source / "d/e/file-10").read_bytes()


def test_a_file_with_a_lost_record_is_not_streamed_as_if_it_were_whole(
    repository: VolumeRepository, source: Path
) -> None:
    volume = volume_of(copy(repository, source))
    with_large = [id_ for id_, named in trees(repository, volume) if "a/large" in named]
    assert len(with_large) > 2
    lose(repository, with_large[1])
    with repository.new_view() as view, pytest.raises(Damaged):
        b"".join(single_files.cat(view, volume, b"a/large"))
