"""A listing of a volume says what `stat` says of the files that were copied."""

import os
from pathlib import Path

import pytest

from schemas.errors import Invalid, NotFound
from tests.support.volumes import copy, new_repository, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository.restore import file_listing, single_files
from workers.repository.restore.file_listing import Listed

SECOND = 10**9


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Every kind that anybody may make, with modes and times of their own."""
    root = tmp_path / "source"
    (root / "etc/deep/empty").mkdir(parents=True)
    (root / "etc/config").write_bytes(b"port: 1\n")
    os.link(root / "etc/config", root / "etc/deep/other-name")
    os.link(root / "etc/config", root / "z")
    (root / "etc/link").symlink_to("config")
    os.mkfifo(root / "pipe", 0o620)
    for number, path in enumerate(sorted(root.rglob("*"), reverse=True)):
        if not path.is_symlink():
            path.chmod(0o700 + number)
        os.utime(path, ns=(0, (1_000_000 + number) * SECOND), follow_symlinks=False)
    return root


def _listed(source: Path, path: bytes, *, recursive: bool) -> list[Listed]:
    repository = new_repository(MemoryObjectStore())
    volume = volume_of(copy(repository, source))
    with repository.new_view() as view:
        return list(file_listing.ls(view, volume, path, recursive=recursive))


def test_directories_and_further_names_have_their_true_values(source: Path) -> None:
    listed = _listed(source, b"", recursive=True)
    assert sorted(each.path for each in listed) == sorted(str(path.relative_to(source)) for path in source.rglob("*"))
    for each in listed:
        found = (source / each.path).lstat()
        size = found.st_size if each.kind in ("file", "hardlink") else 0
        said = (each.mode, each.uid, each.gid, each.mtime, each.size)
        mode = f"{found.st_mode & 0o7777:04o}"
        assert said == (mode, found.st_uid, found.st_gid, found.st_mtime_ns, size), each.path
    kinds = {each.path: each.kind for each in listed}
    assert (kinds["etc"], kinds["etc/deep/empty"], kinds["pipe"]) == ("directory", "directory", "fifo")
    [first] = {"etc/config", "etc/deep/other-name", "z"} - {each.path for each in listed if each.kind == "hardlink"}
    assert {each.target for each in listed if each.kind == "hardlink"} == {first}


def test_a_directory_is_listed_by_what_is_in_it_and_a_file_by_itself(source: Path) -> None:
    assert {each.path for each in _listed(source, b"etc", recursive=False)} == {"etc/config", "etc/deep", "etc/link"}
    below = {each.path for each in _listed(source, b"etc/deep", recursive=True)}
    assert below == {"etc/deep/empty", "etc/deep/other-name"}
    assert [each.path for each in _listed(source, b"/etc//config/", recursive=False)] == ["etc/config"]
    assert _listed(source, b"etc/deep/empty", recursive=True) == []
    with pytest.raises(NotFound):
        _listed(source, b"etc/nowhere", recursive=True)


def test_the_root_is_a_directory_and_no_file(source: Path) -> None:
    repository = new_repository(MemoryObjectStore())
    volume = volume_of(copy(repository, source))
    with repository.new_view() as view, pytest.raises(Invalid, match="is a directory"):
        list(single_files.cat(view, volume, b"/"))
