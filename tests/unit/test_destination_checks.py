"""A destination is tried before it is stored: line by line, with what is wrong and what to do about it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from producers.actions import destinations as actions
from producers.cli import failures
from producers.cli.main import cli
from schemas.destination import DirectoryDestination, NfsDestination
from schemas.errors import Code, Denied, Invalid, SnaplineError, TransientError
from schemas.kubernetes import SECRETS
from tests.support.front import Front
from tests.support.sealed import PASSPHRASE, repository_in
from workers.adapters.stores import open_store
from workers.adapters.stores.check import check
from workers.adapters.stores.nfs import file_system_of, open_nfs
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import StoredObject

NAS = ("configure", "hostpath", "--name", "nas", "--hostpath", "/mnt/nas")
ALL = [
    "find the place",
    "create an object",
    "read it back",
    "read a part of it",
    "refuse to create it twice",
    "write over it",
    "list it",
    "name what is in a directory",
    "agree about the time",
    "delete it",
]


class Spoilt(MemoryObjectStore):
    """A store that lacks one thing."""

    def __init__(self, lacks: str) -> None:
        super().__init__()
        self.lacks = lacks

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        body = super().get(key, start, length)
        return body[::-1] if self.lacks == "read" else super().get(key) if self.lacks == "part" else body

    def create(self, key: str, body: bytes) -> bool:
        if self.lacks == "create":
            super().put(key, body)
            return True
        return super().create(key, body)

    def put(self, key: str, body: bytes | bytearray) -> None:
        if self.lacks != "write":
            super().put(key, body)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        for found in super().list(prefix):
            if self.lacks == "clock":
                yield StoredObject(found.key, found.size, found.modified - timedelta(hours=1), found.etag)
            elif self.lacks != "list":
                yield found

    def names(self, prefix: str) -> Iterator[str]:
        return iter(()) if self.lacks == "names" else super().names(prefix)

    def delete(self, key: str) -> None:
        if self.lacks != "delete":
            super().delete(key)


class Failing(MemoryObjectStore):
    """A store that refuses one call."""

    def __init__(self, call: str, error: SnaplineError) -> None:
        super().__init__()

        def refuse(*_: object) -> None:
            raise error

        setattr(self, call, refuse)


def storage(front: Front, *arguments: str, stdin: str = f"{PASSPHRASE}\n") -> Result:
    return CliRunner().invoke(cli, ["storage", *arguments], obj=front.session, input=stdin)


def stored(front: Front) -> list[str]:
    return [secret["metadata"]["name"] for secret in front.cluster.list(SECRETS)]


# --- what is tried


def test_a_good_store_passes_everything_and_nothing_is_left_in_it() -> None:
    store = MemoryObjectStore()
    found = list(check(store, "x"))
    assert [(each.check, each.ok, each.detail) for each in found] == [(each, True, "") for each in ALL]
    assert list(store.list("")) == []


@pytest.mark.parametrize(
    ("lacks", "failed", "words"),
    [
        ("read", "read it back", "not what was written"),
        ("part", "read a part of it", "not what was written"),
        ("create", "refuse to create it twice", "would lose backups"),
        ("write", "write over it", "not what was written last"),
        ("list", "list it", "does not have it"),
        ("names", "name what is in a directory", "not named"),
        ("clock", "agree about the time", "3600 s behind ours"),
        ("delete", "delete it", "still listed"),
    ],
)
def test_what_a_store_lacks_is_said_by_name(lacks: str, failed: str, words: str) -> None:
    wrong = {each.check: each.detail for each in check(Spoilt(lacks), "x") if not each.ok}
    assert words in wrong[failed]


@pytest.mark.parametrize(("ahead", "words"), [(timedelta(minutes=2), "ahead of"), (timedelta(minutes=-2), "behind")])
def test_a_clock_that_is_a_little_wrong_is_told_and_is_no_reason(ahead: timedelta, words: str) -> None:
    found = {each.check: each for each in check(MemoryObjectStore(), "x", lambda: datetime.now(UTC) - ahead)}
    said = found["agree about the time"]
    assert (said.ok, f"s {words} ours" in said.detail) == (True, True)


@pytest.mark.parametrize("call", ["names", "create", "get", "put", "list", "delete"])
def test_after_an_error_nothing_else_is_tried(call: str) -> None:
    *good, last = check(Failing(call, Denied("AccessDenied", code=Code.STORE_CREDENTIALS)), "x")
    assert all(each.ok for each in good)
    assert (last.ok, last.detail, last.error and last.error.code) == (False, "AccessDenied", Code.STORE_CREDENTIALS)


# --- before it is stored


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Denied("could not create it: 403", code=Code.STORE_CREDENTIALS), 7, "could not create it: 403"),
        (TransientError("could not create it: no answer"), 8, "no answer"),
    ],
)
def test_nothing_is_stored_that_fails(
    tmp_path: Path, error: SnaplineError, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    front = Front(tmp_path, Failing("create", error))
    done = storage(front, *NAS, "-o", "json")
    lines = json.loads(done.stdout)
    assert [(each["check"], each["ok"]) for each in lines][-1] == ("create an object", False)
    assert isinstance(done.exception, SnaplineError)
    assert failures.said(done.exception, ["storage", "configure"]) == code
    assert words in capsys.readouterr().err
    assert stored(front) == []


def test_a_store_that_would_lose_backups_is_refused(tmp_path: Path) -> None:
    front = Front(tmp_path, Spoilt("create"))
    done = storage(front, *NAS)
    assert isinstance(done.exception, Invalid)
    assert (done.exception.code, stored(front)) == (Code.STORE_UNSUITABLE, [])
    assert storage(front, *NAS, "--no-check").exit_code == 0
    assert stored(front) == ["snapline-destination-nas"]


def test_the_passphrase_has_to_open_what_is_there(tmp_path: Path) -> None:
    front = Front(tmp_path)
    assert storage(front, *NAS).exit_code == 0
    repository_in(front.objects)
    assert "opens the one that is there" in storage(front, "check", "nas").stdout
    wrong = storage(front, *NAS, stdin="wrong\n").exception
    assert isinstance(wrong, Denied)
    assert wrong.code == Code.WRONG_PASSPHRASE
    assert storage(front, "check", "nas").exit_code == 0


def test_each_line_can_be_shown_as_it_comes(tmp_path: Path) -> None:
    """A console shows what has been tried while the rest is tried."""
    front = Front(tmp_path)
    lines = actions.try_out(front.session, DirectoryDestination(path="/mnt"))
    assert next(lines).check == "open it"
    assert list(front.objects.list("")) == []
    assert next(lines).check == "find the place"


def test_a_hidden_secret_that_somebody_copied_is_none(tmp_path: Path) -> None:
    keys = ("--bucket", "b", "--access-key-id", "k", "--name", "s3")
    done = storage(Front(tmp_path), "configure", "aws-s3", *keys, stdin="--- REDACTED ---\np\n")
    assert isinstance(done.exception, Invalid)
    assert "stand-in" in str(done.exception)


# --- NFS


MOUNTS = """\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
40 22 0:45 / /var/lib/snapline/nas rw,relatime shared:1 - nfs4 nas:/export rw,vers=4.1
41 22 0:46 / /mnt/with\\040space rw - nfs nas:/other rw
42 40 0:47 / /var/lib/snapline/nas/over rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/snapline/nas", "nfs4"),
        ("/var/lib/snapline/nas/below", "nfs4"),
        ("/var/lib/snapline/nas/over", "tmpfs"),
        ("/var/lib/snapline/nas2", "ext4"),
        ("/mnt/with space/x", "nfs"),
        ("/mnt", "ext4"),
    ],
)
def test_the_kernel_says_what_is_mounted_where(path: str, kind: str) -> None:
    assert file_system_of(path, MOUNTS) == kind


def nfs(path: str) -> NfsDestination:
    return NfsDestination(name="nas", server="nas", export="/export", path=path)


def test_an_export_that_is_mounted_is_a_directory(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"40 22 0:45 / {tmp_path} rw - nfs4 nas:/export rw\n")
    store = open_nfs(nfs(str(tmp_path)), mounts)
    assert store.create("a", b"1")
    assert (tmp_path / "a").read_bytes() == b"1"


def test_an_export_that_is_not_mounted_is_no_empty_store(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="not mounted at") as error:
        open_store(nfs(str(tmp_path)))
    assert (error.value.code, error.value.subject) == (Code.NOT_MOUNTED, "nas")


@pytest.mark.parametrize("how", [("describe", "destination", "nas", "--mount"), ("storage", "show", "nas", "--mount")])
def test_how_it_is_mounted_is_said(tmp_path: Path, how: tuple[str, ...]) -> None:
    front = Front(tmp_path)
    export = ("--name", "nas", "--nfs-server", "10.0.0.1", "--nfs-path", "/export/backups")
    assert storage(front, "configure", "nfs", *export).exit_code == 0
    said = CliRunner().invoke(cli, how, obj=front.session).stdout
    assert "echo '10.0.0.1:/export/backups /var/lib/snapline/nas nfs nfsvers=4.1,hard,_netdev 0 0'" in said
    assert "mountPath: /var/lib/snapline/nas" in said
    assert "server: 10.0.0.1\n    path: /export/backups" in said
    steps = json.loads(CliRunner().invoke(cli, [*how, "-o", "json"], obj=front.session).stdout)
    assert all(each["step"] and each["text"].endswith("\n") for each in steps)


def test_a_bucket_needs_no_mounting(tmp_path: Path) -> None:
    front = Front(tmp_path)
    assert storage(front, "configure", "aws-s3", "--bucket", "b", "--name", "s", "--instance-role").exit_code == 0
    assert isinstance(storage(front, "show", "s", "--mount").exception, Invalid)
