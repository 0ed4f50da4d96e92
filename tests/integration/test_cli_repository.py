"""`snapline files` and `snapline repository` on a real S3 server: what they say, and how they end."""

import json
import os
import subprocess
import uuid
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deploy.local.seaweedfs import SeaweedFS
from schemas import keys
from schemas.job import Job
from schemas.records import BackupRecord, VolumeRecord
from tests.support.forks import Forks
from tests.support.volumes import copy, objects, volume_of
from workers.adapters.stores.s3 import S3ObjectStore
from workers.adapters.stores.sealed_records import SealedRecords
from workers.jobs import ledger
from workers.ports import ObjectStore
from workers.repository import open_repository
from workers.repository.chunks import tree_reader
from workers.repository.format import volume_record
from workers.repository.format.layout import VOLUMES, name_of, pack_key

PASSPHRASE = "correct horse"
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Place:
    """A bucket's prefix with one backup `shop-abcde` in it, and the command line beside it."""

    def __init__(self, server: SeaweedFS, tmp: Path) -> None:
        self.prefix, self.tmp = uuid.uuid4().hex, tmp
        destination = server.destination(prefix=self.prefix)
        self.objects = objects = S3ObjectStore(destination)
        self.store: ObjectStore = SealedRecords(objects, cache(lambda: open_repository(objects, PASSPHRASE)))
        self.environment = {
            "PATH": "/usr/bin",
            "SNAPLINE_S3_ENDPOINT": destination.endpoint,
            "SNAPLINE_S3_BUCKET": destination.bucket,
            "SNAPLINE_S3_PREFIX": self.prefix,
            "SNAPLINE_S3_ACCESS_KEY_ID": destination.access_key_id,
            "SNAPLINE_S3_SECRET_ACCESS_KEY": destination.secret_access_key.get_secret_value(),
            "SNAPLINE_PASSPHRASE": PASSPHRASE,
            "SNAPLINE_CACHE": str(tmp / "cache"),
        }

    def back_up(self, name: str, source: Path) -> str:
        """A backup with one volume, as the line leaves it; the volume's id."""
        reached = copy(open_repository(self.store, PASSPHRASE), source)
        volume = VolumeRecord(
            namespace="shop",
            pod="db-0",
            name="data",
            kind="claim",
            claim="data-db-0",
            volume_id=volume_of(reached),
            scanned_bytes=reached.scanned_bytes,
            changed_bytes=reached.changed_bytes,
            uploaded_bytes=reached.uploaded_bytes,
            files=reached.files,
        )
        record = BackupRecord(
            name=name,
            event_id="e",
            request="q",
            status="Completed",
            requested_at=NOW,
            completed_at=NOW,
            volumes=[volume],
        )
        ledger.put(self.store, keys.final(Job("backup", name)), record)
        return volume.volume_id

    def run(
        self, *arguments: str, stdin: str = "", code: int = 0, **environment: str
    ) -> "subprocess.CompletedProcess[bytes]":
        """One command; never a traceback."""
        command = ["producers.cli.main", *arguments]
        done = Forks().ask(command, self.environment | environment, stdin.encode())
        assert b"Traceback" not in done.stderr
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *arguments: str, stdin: str = "", code: int = 0, **environment: str) -> Any:
        """One command's result."""
        return json.loads(self.run(*arguments, "-o", "json", stdin=stdin, code=code, **environment).stdout)

    def pack_of_first(self, volume: str) -> tuple[str, int]:
        """The pack of the first chunk of the file `first`, and a place in that chunk."""
        repository = open_repository(self.store, PASSPHRASE)
        with repository.new_view() as view:
            view.look()
            for _, block in tree_reader.blocks(view, volume_record.read(repository.sealed, VOLUMES + volume).tree):
                if b"first" in block.names:
                    id_ = block.chunks(block.entries[block.names.index(b"first")])[0][0]
                    [place] = view.places([id_])[id_]
                    return pack_key(place.pack), place.entry.offset + 5
        raise AssertionError("no such file")

    def damage_first(self, volume: str) -> str:
        """Flips a bit of it. The pack's key."""
        key, at = self.pack_of_first(volume)
        body = bytearray(self.store.get(key))
        body[at] ^= 1
        self.store.put(key, body)
        return key


LARGE = os.urandom(1_200_000)


def make_source(root: Path) -> Path:
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "config").write_bytes(b"port: 1\n")
    (root / "etc" / "link").symlink_to("config")
    (root / "first").write_bytes(LARGE)
    (root / "large").write_bytes(LARGE[::-1] * 2)
    (root / os.fsdecode(b"odd \xff")).write_bytes(b"x")
    return root


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_source(tmp_path / "source")


@pytest.fixture
def place(s3_server: SeaweedFS, tmp_path: Path) -> Place:
    """Without a backup."""
    return Place(s3_server, tmp_path)


@pytest.fixture(scope="module")
def standing(s3_server: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """With the backup `shop-abcde`; for those who only look."""
    tmp = tmp_path_factory.mktemp("standing")
    found = Place(s3_server, tmp)
    found.back_up("shop-abcde", make_source(tmp / "source"))
    return found


def test_a_backup_is_looked_into_and_files_are_taken_out(standing: Place, tmp_path: Path) -> None:
    place = standing
    [volume] = place.json("files", "ls", "shop-abcde")
    assert (volume["volume"], volume["files"]) == ("shop/data-db-0", 4)
    listed = place.json("files", "ls", "shop-abcde", "data-db-0", "-R")
    assert {each["path"] for each in listed} == {"etc", "etc/config", "etc/link", "first", "large", "odd \\xff"}
    [link] = [each for each in listed if each["kind"] == "symlink"]
    assert link["target"] == "config"
    assert b"etc/config" in place.run("files", "ls", "shop-abcde", "shop/data-db-0", "etc").stdout
    assert place.run("files", "cat", "shop-abcde", "data-db-0", "large").stdout == LARGE[::-1] * 2
    target = tmp_path / "target"
    done = place.json("files", "restore", "shop-abcde", "data-db-0", "etc", "first", "--target", str(target))
    assert (done["files"], done["lost"]) == (2, [])
    assert sorted(path.name for path in target.rglob("*")) == ["config", "etc", "first", "link"]
    assert (target / "first").read_bytes() == LARGE


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("files", "ls", "nothing-abcde"), 6, "no finished backup"),
        (("files", "ls", "../../etc"), 6, "no finished backup"),
        (("files", "ls", "shop-abcde", "other"), 6, "its volumes: shop/data-db-0"),
        (("files", "ls", "shop-abcde", "data-db-0", "nowhere"), 6, "there is no nowhere"),
        (("files", "cat", "shop-abcde", "data-db-0", "etc"), 2, "etc is a directory"),
        (("files", "cat", "shop-abcde", "data-db-0", "../x"), 2, ".."),
        (("files", "restore", "shop-abcde", "data-db-0", "no", "--target", "{tmp}/t"), 6, "there is no no"),
        (("files", "restore", "shop-abcde", "data-db-0", "etc", "--target", "/proc/none"), 2, "cannot be written"),
        (("repository", "verify", "--sample", "0"), 2, "percentage"),
        (("repository", "verify", "--quick", "--full"), 2, "one of"),
        (("repository", "key", "remove", "nobody"), 6, "no key"),
        (("repository", "key", "remove", "first"), 2, "last key"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    arguments: tuple[str, ...], code: int, said: str, standing: Place, tmp_path: Path
) -> None:
    done = standing.run(*(each.format(tmp=tmp_path) for each in arguments), code=code)
    assert said in done.stderr.decode()
    assert len(done.stderr.splitlines()) <= 3


def test_a_damaged_chunk_names_backup_and_files_and_a_later_backup_heals_it(
    place: Place, source: Path, tmp_path: Path
) -> None:
    volume = place.back_up("shop-abcde", source)
    assert place.json("repository", "check")["problems"] == []
    whole = place.json("repository", "verify")
    assert (whole["problems"], whole["packs"]) == ([], whole["packs_total"])
    place.damage_first(volume)
    assert place.json("repository", "verify", "--quick")["problems"] == []
    found = place.json("repository", "verify", "--full", code=1)
    assert [each["hurts"] for each in found["problems"]] == [["shop-abcde shop/data-db-0: first"]]
    target = tmp_path / "target"
    done = place.json("files", "restore", "shop-abcde", "data-db-0", "/", "--target", str(target), code=4)
    assert [each.partition(":")[0] for each in done["lost"]] == ["first"]
    assert (target / "large").read_bytes() == LARGE[::-1] * 2
    assert not (target / "first").exists()
    assert place.run("files", "cat", "shop-abcde", "data-db-0", "first", code=1).stdout == b""
    place.back_up("shop-fghij", source)
    assert place.json("repository", "verify")["problems"] == []
    assert place.run("files", "cat", "shop-abcde", "data-db-0", "first").stdout == LARGE


def test_records_of_somebody_without_the_passphrase_are_refused_by_name_and_hide_nothing(
    place: Place, source: Path
) -> None:
    for name in ("shop-abcde", "shop-fghij", "shop-klmnp"):
        place.back_up(name, source)
    first, second, third = (keys.final(Job("backup", name)) for name in ("shop-abcde", "shop-fghij", "shop-klmnp"))
    place.objects.put(second, place.objects.get(first))
    place.objects.put(third, place.store.get(third))
    done = place.run("get", "backups", "-o", "json")
    statuses = {row["name"]: row["status"] for row in json.loads(done.stdout)}
    assert statuses == {"shop-abcde": "Completed", "shop-fghij": "Unreadable", "shop-klmnp": "Unreadable"}
    for name in ("shop-fghij", "shop-klmnp"):
        assert f"{name}: the record final/backup/{name}.json is not believed".encode() in done.stderr
        assert b"is not believed" in place.run("describe", "backup", name, code=1).stderr
        assert b"is not believed" in place.run("files", "ls", name, code=1).stderr
    packs = objects(place.store, "repository/packs/")
    assert b"is not believed" in place.run("repository", "prune", code=1).stderr
    assert objects(place.store, "repository/packs/") == packs
    assert len(place.json("repository", "check", code=1)["problems"]) == 2
    assert place.run("files", "cat", "shop-abcde", "data-db-0", "first").stdout == LARGE


def test_samples_go_on_until_all_is_read(place: Place, source: Path) -> None:
    volume = place.back_up("shop-abcde", source)
    (source / "more").write_bytes(os.urandom(2_000_000))
    place.back_up("shop-fghij", source)
    damaged = place.damage_first(volume)
    packs = sorted(objects(place.store, "repository/packs/"), key=name_of)
    in_first_half = packs.index(damaged) < len(packs) / 2
    for code in (1, 0) if in_first_half else (0, 1):
        place.run("repository", "verify", "--sample", "50", code=code)


def test_prune_says_what_it_has_reclaimed_and_the_index_is_repaired(place: Place, source: Path) -> None:
    place.back_up("shop-abcde", source)
    nothing = {"young_bytes": 0, "young_until": None, "locked_bytes": 0, "locked_until": None}
    assert place.json("repository", "prune") == {"reclaimed_bytes": 0, **nothing}
    before = place.json("repository", "stats")
    for key in list(objects(place.store, "repository/index/")):
        place.store.delete(key)
    assert place.json("repository", "check", code=1)["problems"]
    done = place.json("repository", "repair-index")
    assert (done["listed"], done["unreadable"]) == (before["packs"], [])
    assert place.json("repository", "check")["problems"] == []
    assert place.json("repository", "stats") == before


def test_passphrases_are_added_rotated_removed_and_a_wrong_one_is_denied(place: Place, source: Path) -> None:
    place.back_up("shop-abcde", source)
    wrong = place.run("files", "cat", "shop-abcde", "data-db-0", "first", code=7, SNAPLINE_PASSPHRASE="battery staple")
    assert b"passphrase opens none" in wrong.stderr
    second = place.json("repository", "key", "add", "--label", "ops", stdin="second\n")["id"]
    assert {each["label"] for each in place.json("repository", "key", "list")} == {"first", "ops"}
    place.run("repository", "stats", SNAPLINE_PASSPHRASE="second")
    place.run("repository", "key", "rotate", stdin="third\n")
    place.run("repository", "stats", code=7)
    place.run("repository", "stats", SNAPLINE_PASSPHRASE="third")
    place.run("repository", "key", "remove", second, SNAPLINE_PASSPHRASE="third")
    place.run("repository", "stats", code=7, SNAPLINE_PASSPHRASE="second")
    empty = place.run("repository", "key", "add", code=2, stdin="", SNAPLINE_PASSPHRASE="third")
    assert b"no new passphrase" in empty.stderr


def test_the_recovery_text_is_shown_once_and_opens_what_has_lost_its_keys(place: Place, source: Path) -> None:
    place.back_up("shop-abcde", source)
    text = place.json("repository", "init")["recovery_text"]
    again = place.run("repository", "init", code=2)
    assert text.encode() not in again.stdout + again.stderr
    for key in list(objects(place.store, "repository/keys/")):
        place.store.delete(key)
    place.run("repository", "stats", code=6)
    assert b"not a recovery text" in place.run("repository", "key", "recover", stdin=text[:-3], code=2).stderr
    other = text[:2] + ("A" if text[2] != "A" else "B") + text[3:]
    place.run("repository", "key", "recover", stdin=other, code=2)
    place.run("repository", "key", "recover", stdin=text, SNAPLINE_PASSPHRASE="new one")
    got = place.run("files", "cat", "shop-abcde", "data-db-0", "first", SNAPLINE_PASSPHRASE="new one")
    assert got.stdout == LARGE


def test_where_no_repository_is_it_says_so_and_init_makes_one(s3_server: SeaweedFS, tmp_path: Path) -> None:
    place = Place(s3_server, tmp_path)
    assert b"no repository" in place.run("repository", "check", code=6).stderr
    assert len(place.json("repository", "init")["recovery_text"]) > 50
    assert place.json("repository", "check")["problems"] == []
