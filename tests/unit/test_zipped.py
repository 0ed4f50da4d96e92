"""A directory of a volume as one ZIP file."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from producers.actions import files
from producers.actions.inside import zipped
from schemas.errors import Damaged, Invalid, NotFound
from tests.support.front import Front, volume
from tests.support.sealed import PASSPHRASE
from tests.support.volumes import copy, volume_of
from workers.repository import open_repository


@pytest.fixture
def front(tmp_path: Path) -> Front:
    """A backup `b` of a volume with files of all sorts."""
    made = Front(tmp_path / "front")
    root = tmp_path / "source"
    (root / "etc" / "deep").mkdir(parents=True)
    (root / "etc" / "a.conf").write_text("one")
    (root / "etc" / "deep" / "big").write_bytes(os.urandom(5_000_000))
    (root / "etc" / "empty").write_bytes(b"")
    with (root / "etc" / "sparse").open("wb") as sparse:
        sparse.seek(3_000_000)
        sparse.write(b"end")
    os.link(root / "etc" / "a.conf", root / "etc" / "again")
    (root / "etc" / "out").symlink_to("/etc/passwd")
    (root / "etc" / "back\\slash").write_text("b")
    (root / os.fsdecode(b"etc/\xff")).write_text("no text")
    (root / "elsewhere").write_text("not asked for")
    repository = open_repository(made.objects, PASSPHRASE)
    made.finish("b", volumes=[volume(volume_of(copy(repository, root)))])
    return made


def _zip(front: Front, path: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(files.zip_(front.session, "b", "shop/data", path))))


def test_every_file_is_in_it_byte_for_byte(front: Front, tmp_path: Path) -> None:
    made = _zip(front, "etc")
    assert made.testzip() is None
    source = tmp_path / "source" / "etc"
    for name in ("a.conf", "deep/big", "empty", "sparse"):
        assert made.read(name) == (source / name).read_bytes()
    assert made.read("again") == b"one"
    assert "elsewhere" not in made.namelist()


def test_what_could_lead_out_of_it_is_left_out_and_named(front: Front) -> None:
    made = _zip(front, "etc")
    assert "out" not in made.namelist()
    assert "etc/out (symlink to /etc/passwd)" in made.read("LEFT-OUT.txt").decode()


def test_names_are_names_on_any_system(front: Front) -> None:
    names = _zip(front, "").namelist()
    assert "etc/back_slash" in names
    assert not any(name.startswith("/") or ".." in name.split("/") or "\\" in name for name in names)


def test_one_file_is_a_zip_of_one(front: Front) -> None:
    assert _zip(front, "etc/a.conf").namelist() == ["a.conf"]


def test_a_path_that_is_not_there_or_leads_out_is_refused(front: Front) -> None:
    with pytest.raises(NotFound):
        list(files.zip_(front.session, "b", "shop/data", "nowhere"))
    with pytest.raises(Invalid):
        list(files.zip_(front.session, "b", "shop/data", "../etc"))


def test_too_much_is_refused_before_the_first_byte(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "MOST_BYTES", 4_000_000)
    with pytest.raises(Invalid, match="restore it instead"):
        next(files.zip_(front.session, "b", "shop/data", "etc"))


def test_a_damaged_file_ends_it_without_a_directory(front: Front) -> None:
    [pack, *_] = sorted(
        (each for each in front.objects.list("repository/packs/")), key=lambda each: each.size, reverse=True
    )
    body = bytearray(front.objects.get(pack.key))
    body[len(body) // 2] ^= 1
    front.objects.put(pack.key, bytes(body))
    with pytest.raises(Damaged):
        list(files.zip_(front.session, "b", "shop/data", "etc"))
