"""The volume repository: what goes in comes out identical, however often it is interrupted."""

import os
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.local.samples import fill_volume, tree_digest
from schemas.errors import Damaged, Denied, Invalid, NotFound
from workers.adapters.memory import MemoryObjectStore
from workers.ports import CopySlice, Progress, RestoreSlice
from workers.repository import VolumeRepository, open_repository
from workers.repository.chunks import CHUNKS, SIZE
from workers.repository.pruning import VOLUMES
from workers.repository.tree import Entry, Tree, encode


@pytest.fixture
def store() -> MemoryObjectStore:
    return MemoryObjectStore()


@pytest.fixture
def repository(store: MemoryObjectStore) -> VolumeRepository:
    return open_repository(store, "a passphrase", grace=timedelta(0))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    root.mkdir()
    fill_volume(root, 6, seed=1)
    (root / "large").write_bytes(random.Random(2).randbytes(3 * SIZE + 5))
    return root


@pytest.fixture
def target(tmp_path: Path) -> Path:
    root = tmp_path / "target"
    root.mkdir()
    return root


def never() -> bool:
    return False


def silent(_: Progress) -> None:
    """Nobody watches."""


def copy(
    repository: VolumeRepository, root: Path, parent: str | None = None, stop: Callable[[], bool] = never
) -> CopySlice:
    checkpoint = None
    while True:
        reached = repository.copy(root, parent=parent, checkpoint=checkpoint, stop=stop, progress=silent)
        if reached.volume:
            return reached
        checkpoint = reached.checkpoint
        assert checkpoint


def restore(repository: VolumeRepository, volume: str, root: Path, stop: Callable[[], bool] = never) -> RestoreSlice:
    checkpoint = None
    while True:
        reached = repository.restore(volume, root, checkpoint=checkpoint, stop=stop, progress=silent)
        checkpoint = reached.checkpoint
        if checkpoint is None:
            return reached


def volume_of(reached: CopySlice) -> str:
    assert reached.volume
    return reached.volume


def test_everything_comes_back_identical(repository: VolumeRepository, source: Path, target: Path) -> None:
    reached = copy(repository, source)
    assert reached.warnings == ()
    done = restore(repository, volume_of(reached), target)
    assert tree_digest(target) == tree_digest(source)
    assert (target / "large-1.img").stat().st_ino == (target / "hard").stat().st_ino
    assert (done.bytes, done.files) == (reached.scanned_bytes, reached.files)


def test_restoring_twice_and_over_other_files_gives_the_same(
    repository: VolumeRepository, source: Path, target: Path
) -> None:
    volume = volume_of(copy(repository, source))
    (target / "left-over").mkdir()
    (target / "left-over" / "file").write_text("not in the backup")
    (target / "large").mkdir()
    (target / "empty-directory").write_text("a file where a directory was")
    (target / ".snapline").mkdir()
    restore(repository, volume, target)
    restore(repository, volume, target)
    assert tree_digest(target) == tree_digest(source)
    assert (target / ".snapline").is_dir()


def test_slices_that_end_at_once_still_get_to_the_end(repository: VolumeRepository, source: Path, target: Path) -> None:
    for file in list(source.glob("batch-*")):
        for each in sorted(file.rglob("*.dat"))[5:]:
            each.unlink()
    volume = volume_of(copy(repository, source, stop=lambda: True))
    restore(repository, volume, target, stop=lambda: True)
    assert tree_digest(target) == tree_digest(source)


def test_a_file_that_changes_between_slices_is_read_anew(
    repository: VolumeRepository, source: Path, target: Path
) -> None:
    large = source / "large"
    first = repository.copy(source, parent=None, checkpoint=None, stop=lambda: large.exists(), progress=silent)
    checkpoint = first.checkpoint
    while checkpoint and b"large" not in checkpoint:  # compressed: go on until it is in the midst of the large file
        reached = repository.copy(source, parent=None, checkpoint=checkpoint, stop=lambda: True, progress=silent)
        checkpoint = reached.checkpoint
        if reached.scanned_bytes > SIZE * 2:
            break
    large.write_bytes(b"another content" * SIZE)
    while checkpoint:
        reached = repository.copy(source, parent=None, checkpoint=checkpoint, stop=never, progress=silent)
        checkpoint = reached.checkpoint
    restore(repository, volume_of(reached), target)
    assert (target / "large").read_bytes() in (large.read_bytes(), random.Random(2).randbytes(3 * SIZE + 5))


def test_what_a_parent_has_is_neither_read_nor_uploaded(
    repository: VolumeRepository, source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = volume_of(copy(repository, source))
    (source / "new").write_bytes(b"new content")
    opened: list[str] = []
    real = os.open

    def recording(path: object, *arguments: object, **options: object) -> int:
        opened.append(str(path))
        return real(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", recording)
    second = copy(repository, source, parent)
    monkeypatch.undo()
    assert [Path(path).name for path in opened if str(source) in path] == ["new"]
    assert second.changed_bytes == len(b"new content")
    assert 0 < second.uploaded_bytes < 1000
    restore(repository, volume_of(second), target)
    assert tree_digest(target) == tree_digest(source)


def test_a_parent_that_is_gone_is_as_none(repository: VolumeRepository, source: Path) -> None:
    assert volume_of(copy(repository, source, "0" * 64)) == volume_of(copy(repository, source))


def test_the_same_tree_gives_the_same_volume_and_uploads_nothing_again(
    repository: VolumeRepository, source: Path
) -> None:
    first, second = copy(repository, source), copy(repository, source)
    assert first.volume == second.volume
    assert second.uploaded_bytes == 0


def test_a_damaged_chunk_hurts_its_files_alone_and_is_named(
    repository: VolumeRepository, store: MemoryObjectStore, source: Path, target: Path
) -> None:
    volume = volume_of(copy(repository, source))
    largest = max(store.list(CHUNKS), key=lambda found: found.size)
    body = bytearray(store.get(largest.key))
    body[100] ^= 1
    store.put(largest.key, bytes(body))
    [problem] = repository.verify(volume)
    assert largest.key in problem
    with pytest.raises(Damaged, match="could not be restored, all others are"):
        restore(repository, volume, target)
    differing = {path for path, what in tree_digest(source).items() if tree_digest(target).get(path) != what}
    assert 1 <= len(differing) < 300
    assert len(tree_digest(target)) == len(tree_digest(source))


def test_a_missing_chunk_is_reported(repository: VolumeRepository, store: MemoryObjectStore, source: Path) -> None:
    volume = volume_of(copy(repository, source))
    assert repository.verify(volume) == []
    store.delete(next(iter(store.list(CHUNKS))).key)
    assert len(repository.verify(volume)) == 1
    assert len(repository.verify("0" * 64)) == 1


def test_a_symlink_planted_in_the_target_is_not_followed(
    repository: VolumeRepository, source: Path, target: Path, tmp_path: Path
) -> None:
    volume = volume_of(copy(repository, source))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("mine")
    (target / "batch-000").symlink_to(outside)
    (target / "large").symlink_to(outside / "precious")
    restore(repository, volume, target)
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_text() == "mine"
    assert tree_digest(target) == tree_digest(source)


@pytest.mark.parametrize("path", ["../escaped", "/etc/escaped", "a/../../escaped", "a//b", ".", "a/.", "nul\0"])
def test_a_tree_that_leads_out_of_the_volume_is_refused(
    repository: VolumeRepository, store: MemoryObjectStore, target: Path, path: str
) -> None:
    hostile = encode(Tree([Entry("", "directory", 0o755), Entry(path, "file", 0o644)]))
    store.put(VOLUMES + "x", repository.seal(hostile, VOLUMES + "x"))
    with pytest.raises(Damaged, match="leads out of the volume"):
        restore(repository, "x", target)
    assert list(target.iterdir()) == []


def test_prune_deletes_what_nothing_refers_to_and_says_how_much(
    repository: VolumeRepository, store: MemoryObjectStore, source: Path, target: Path
) -> None:
    kept = volume_of(copy(repository, source))
    for each in source.glob("large*"):
        each.unlink()
    (source / "other").write_bytes(random.Random(3).randbytes(2_000_000))
    volume_of(copy(repository, source))
    assert repository.prune(lambda: {kept}) > 2_000_000
    assert repository.prune(lambda: {kept}) == 0
    assert repository.verify(kept) == []
    restore(repository, kept, target)


def test_prune_leaves_what_is_young_to_those_who_may_be_writing(store: MemoryObjectStore, source: Path) -> None:
    careful = open_repository(store, "a passphrase")
    volume = volume_of(copy(careful, source))
    assert careful.prune(set) == 0
    assert careful.verify(volume) == []


def test_two_writers_at_once_agree(store: MemoryObjectStore, source: Path) -> None:
    one, other = open_repository(store, "a passphrase"), open_repository(store, "a passphrase")
    assert copy(one, source).volume == copy(other, source).volume


def test_a_wrong_passphrase_and_none_are_clear_errors(store: MemoryObjectStore) -> None:
    open_repository(store, "right")
    with pytest.raises(Denied, match="does not open this repository"):
        open_repository(store, "wrong")
    with pytest.raises(Invalid, match="SNAPLINE_PASSPHRASE"):
        open_repository(store, "")


def test_what_is_sealed_opens_only_in_its_place_and_is_the_same_each_time(repository: VolumeRepository) -> None:
    sealed = repository.seal(b"a secret" * 100, "backups/a/manifest")
    assert sealed == repository.seal(b"a secret" * 100, "backups/a/manifest")
    assert sealed != repository.seal(b"a secret" * 100, "backups/b/manifest")
    assert b"secret" not in sealed
    assert repository.unseal(sealed, "backups/a/manifest") == b"a secret" * 100
    with pytest.raises(Damaged):
        repository.unseal(sealed, "backups/b/manifest")
    with pytest.raises(Damaged):
        repository.unseal(sealed[:-1], "backups/a/manifest")


def test_files_that_vanish_or_cannot_be_read_are_warned_of(
    repository: VolumeRepository, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refusing(path: object, *arguments: object, **options: object) -> int:
        if str(path).endswith("large"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refusing)
    reached = copy(repository, source)
    assert [warning.split(":")[0] for warning in reached.warnings] == ["large"]


def test_progress_grows_to_the_total(repository: VolumeRepository, source: Path) -> None:
    seen: list[Progress] = []
    repository.copy(source, parent=None, checkpoint=None, stop=never, progress=seen.append)
    assert seen
    assert all(one.bytes_done <= one.bytes_total for one in seen)
    assert [one.bytes_done for one in seen] == sorted(one.bytes_done for one in seen)


def test_nothing_is_stored_in_clear(repository: VolumeRepository, store: MemoryObjectStore, source: Path) -> None:
    (source / "passwords.txt").write_text("correct horse battery staple")
    copy(repository, source)
    for found in store.list(""):
        assert b"battery" not in store.get(found.key)
        assert b"passwords" not in store.get(found.key)
    with pytest.raises(NotFound):
        store.get("passwords.txt")
