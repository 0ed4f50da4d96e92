"""What is restored has exactly the access control lists that were backed up, whatever the directory passes on."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.volumes import copy, differences, every, new_repository, quiet, restore, volume_of
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository.format.ambient import Limits
from workers.repository.restore import single_files


def set_acl(what: str, *paths: Path) -> None:
    subprocess.run(["setfacl", "-m", what, *paths], check=True)


def acls(root: Path) -> str:
    """Of all that is below `root`."""
    return subprocess.run(["getfacl", "-R", "-P", "-n", "."], cwd=root, capture_output=True, check=True).stdout.decode()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Small and large files, with an ACL and without, and a directory that passes one on."""
    root = tmp_path / "source"
    for name in ("plain", "passes-on"):
        (root / name / "below").mkdir(parents=True)
        (root / name / "small").write_bytes(b"x")
        (root / name / "large").write_bytes(os.urandom(300_000))
        os.mkfifo(root / name / "fifo", 0o660)
        (root / name / "link").symlink_to("small")
        (root / name / "shared").write_bytes(b"y")
        set_acl("u:1234:rw", root / name / "shared")
    set_acl("d:u:99:rx,d:g::r", root / "passes-on")
    (root / "passes-on" / "has-it").write_bytes(b"z")
    return root


@pytest.mark.parametrize("slices", ["one slice", "many slices"])
def test_a_volume_gets_none_of_the_acls_of_the_directory_it_is_restored_to(
    slices: str, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    (target / "plain").mkdir(parents=True)
    set_acl("d:u:65534:rwx,u:65534:rwx", target, target / "plain")
    repository = new_repository(MemoryObjectStore(), limits=Limits(batch_entries=3))
    volume = volume_of(copy(repository, source))
    reached = restore(repository, volume, target, stop=every(2 if slices == "many slices" else 1000))
    assert (reached.warnings, reached.lost) == ((), ())
    assert acls(target) == acls(source)
    assert differences(source, target) == ""


def test_single_files_have_their_own_acls_and_the_directory_keeps_its_own(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    set_acl("d:u:65534:rwx,u:65534:rwx", target)
    before = os.getxattr(target, "system.posix_acl_default")
    (source / "file").write_bytes(b"at the top")
    repository = new_repository(MemoryObjectStore())
    volume = volume_of(copy(repository, source))
    with repository.new_view() as view:
        reached = single_files.restore(view, volume, [b"plain", b"passes-on", b"file"], target, quiet)
    assert (reached.warnings, reached.lost) == ((), ())
    for name in ("plain", "passes-on"):
        assert acls(target / name) == acls(source / name)
    assert os.listxattr(target / "file") == []
    assert os.getxattr(target, "system.posix_acl_default") == before
