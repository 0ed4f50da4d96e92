"""The node's copy of the index is read once, shared, and never worth more than reading it again (FORMAT 6)."""

import multiprocessing
import time
from pathlib import Path

import pytest

from schemas.errors import Invalid, TransientError
from schemas.settings import Settings
from tests.support.repositories import WrappedStore, fill
from tests.support.volumes import copy, new_repository, restore, volume_of
from workers.adapters.cache_directory import cache_directory
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository


@pytest.fixture
def source(tmp_path: Path) -> Path:
    fill(tmp_path / "source", files=200)
    return tmp_path / "source"


@pytest.fixture
def repository(tmp_path: Path) -> VolumeRepository:
    return new_repository(MemoryObjectStore(), cache=tmp_path / "cache")


def index_reads(repository: VolumeRepository, cache: Path | None, volume: str, targets: Path, times: int = 1) -> int:
    """How often another process reads an index object when it restores a volume `times` times."""
    store = WrappedStore(repository.store)
    other = new_repository(store, cache=cache)
    for number in range(times):
        restore(other, volume, targets / str(number))
    return sum(operation.startswith("get repository/index/") for operation in store.operations)


def test_the_processes_of_a_node_share_it(repository: VolumeRepository, source: Path, tmp_path: Path) -> None:
    volume = volume_of(copy(repository, source))
    (tmp_path / "targets").mkdir()
    assert index_reads(repository, tmp_path / "cache", volume, tmp_path / "targets") == 0
    once = index_reads(repository, tmp_path / "other", volume, tmp_path / "targets")
    assert once > 0
    assert index_reads(repository, None, volume, tmp_path / "targets", times=3) == once


def open_at(directory: Path, moment: float) -> str:
    """Opens the copy in another process; what went wrong."""
    while time.time() < moment:
        pass
    try:
        with new_repository(MemoryObjectStore(), cache=directory).new_view() as view:
            view.look()
    except TransientError as error:
        return str(error)
    return ""


def test_many_processes_may_make_it_at_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(8) as pool:
        for number in range(40):
            arguments = [(tmp_path / str(number), time.time() + 0.05)] * 8
            assert pool.starmap(open_at, arguments, chunksize=1) == [""] * 8


@pytest.mark.parametrize("how", ["pages", "all", "cut off"])
def test_a_damaged_copy_is_deleted_and_made_anew(
    how: str, repository: VolumeRepository, source: Path, tmp_path: Path
) -> None:
    volume = volume_of(copy(repository, source))
    [file] = (tmp_path / "cache").glob("*[0-9]")
    body = bytearray(file.read_bytes())
    if how == "pages":
        body[4096:] = b"\xff" * (len(body) - 4096)
    elif how == "all":
        body[:] = b"\xff" * len(body)
    else:
        del body[len(body) // 2 :]
    file.write_bytes(body)
    for attempt in range(5):
        try:
            assert restore(repository, volume, tmp_path / "target").lost == ()
            break
        except TransientError:
            assert attempt < 4
    assert copy(repository, source, parent=volume).uploaded_bytes == 0


def test_it_is_where_the_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert cache_directory(Settings(cache=tmp_path / "chosen")) == tmp_path / "chosen"
    assert cache_directory(Settings()) == tmp_path / "user" / "snapline"
    assert (tmp_path / "user" / "snapline").stat().st_mode & 0o777 == 0o700


def test_a_place_that_cannot_be_written_is_an_error_if_it_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache_directory(Settings()) is None
    with pytest.raises(Invalid, match="SNAPLINE_CACHE"):
        cache_directory(Settings(cache=tmp_path / "file" / "cache"))
