"""Lists of jobs: what is in them, what they cost, and that what is kept on the disk is only a shortcut."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from producers.views.catalog import MOST_REJECTED, Catalog, open_catalog
from schemas import keys
from schemas.errors import Code
from schemas.job import Job, backup
from schemas.messages import Message
from schemas.records import RestoreRecord, RestoreRequest, Tombstone
from tests.support.front import NOON, Front, reject_backup, reject_restore
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.ports import StoredObject


class CountingStore(MemoryObjectStore):
    """Counts requests for records; a listing costs one for every thousand keys, as on S3."""

    def __init__(self) -> None:
        super().__init__()
        self.gets: list[str] = []
        self.pages = 0
        self.listed = 0
        self.before_finals: Callable[[], None] = lambda: None

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        if keys.is_record(key):
            self.gets.append(key)
        return super().get(key, start, length)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        if prefix == keys.finals_of("backup"):
            self.before_finals()
        found = list(super().list(prefix))
        if prefix.startswith("repository/"):
            return iter(found)
        self.pages += max(1, -(-len(found) // 1000))
        self.listed += len(found)
        return iter(found)

    def forget(self) -> None:
        """Counts anew."""
        self.gets.clear()
        self.pages = self.listed = 0


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


@pytest.fixture
def front(tmp_path: Path, store: CountingStore) -> Front:
    return Front(tmp_path, store)


def _names(front: Front) -> list[str]:
    return [each.name for each in open_catalog(front.session).backups()]


def _problems(front: Front) -> dict[str, str]:
    """Of those that cannot be read: why."""
    views = open_catalog(front.session).backups()
    return {view.name: view.reason.code for view in views if view.status == "Unreadable" and view.reason}


def _delete(front: Front, name: str) -> None:
    """As `repository.maintain` does it."""
    ledger.put(front.store, keys.deleted(backup(name)), Tombstone())
    front.store.delete(keys.final(backup(name)))


def test_five_thousand_backups_cost_one_listing_and_the_new_records(front: Front, store: CountingStore) -> None:
    names = [f"shop-{number:05d}" for number in range(5000)]
    front.back_up(*names)
    for name in names[:100]:
        for inside in ("plan.json", "pods/a.json", "slices/a.json", "manifests/x"):
            store.put(keys.of(backup(name)) + inside, b"{}")
    store.forget()
    assert _names(front) == names
    assert len(store.gets) == 5000
    store.forget()
    assert _names(front) == names
    # five of final records, one of those under way, one of what was rejected, one of holds, one
    # of verifications, one of test restores, one of copies that were made and one of those that are wanted
    assert (store.gets, store.pages, store.listed) == ([], 12, 5000)
    front.back_up("new-bcdfg")
    store.forget()
    assert len(_names(front)) == 5001
    assert store.gets == [keys.final(backup("new-bcdfg"))]
    _delete(front, "shop-00007")
    store.forget()
    assert len(_names(front)) == 5000
    assert "shop-00007" not in _names(front)
    assert store.gets == []


def test_a_view_from_the_disk_is_the_view_from_the_record(front: Front) -> None:
    errors = [Message(code="NotCaptured", text=f"error {number}", subject="s") for number in range(7)]
    front.back_up("a", "c")
    front.begin("b")
    front.finish("b", status="PartiallyFailed", errors=errors, warnings=errors[:2], schedule="nightly")
    fresh, again = (open_catalog(front.session).backups() for _ in range(2))
    assert fresh == again
    view = fresh[1]
    assert (view.status, view.errors, view.warnings, view.size, view.volumes) == ("PartiallyFailed", 7, 2, 100, 1)
    assert view.reason == errors[0].model_copy(update={"text": "error 0; error 1; error 2; error 3; error 4"})


def test_those_under_way_are_there_and_never_on_the_disk(front: Front) -> None:
    front.begin("running")
    front.begin("leaving")
    front.store.put(keys.cancel(backup("leaving")), b"{}")
    ledger.begin(front.store, backup("not-asked-yet"))
    views = {view.name: view for view in open_catalog(front.session).backups()}
    assert {name: view.status for name, view in views.items()} == {"running": "InProgress", "leaving": "Cancelling"}
    assert views["running"].completed_at is None
    front.finish("running")
    assert [view.status for view in open_catalog(front.session).backups()] == ["Cancelling", "Completed"]


def test_a_backup_that_ends_meanwhile_is_not_lost(front: Front, store: CountingStore) -> None:
    front.begin("a")

    def end() -> None:
        front.finish("a")

    store.before_finals = end
    assert [(view.name, view.status) for view in open_catalog(front.session).backups()] == [("a", "Completed")]


def test_a_backup_that_is_made_anew_under_its_name_is_read_anew(front: Front) -> None:
    front.back_up("a")
    assert open_catalog(front.session).backups()[0].objects == 0
    front.store.delete(keys.final(backup("a")))
    front.finish("a", objects=7)
    assert open_catalog(front.session).backups()[0].objects == 7


def test_restores_are_kept_apart_from_backups(front: Front) -> None:
    job = Job("restore", "a")
    front.back_up("a")
    ledger.begin(front.store, job)
    asked = RestoreRequest(name="a", request="q", event_id="e", requested_at=NOON, backup="a", scope="full")
    ledger.create(front.store, keys.request(job), asked)
    assert [view.status for view in open_catalog(front.session).restores()] == ["InProgress"]
    record = RestoreRecord(
        name="a", request="q", backup="a", scope="full", status="Failed", requested_at=NOON, completed_at=NOON
    )
    ledger.create(front.store, keys.final(job), record)
    for _ in range(2):
        assert [view.status for view in open_catalog(front.session).restores()] == ["Failed"]
        assert [view.status for view in open_catalog(front.session).backups()] == ["Completed"]


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"{}", b'{"fields":[]}\n{}', b'{"fields": ["name"]}\n{"a": 1}'])
def test_a_file_that_is_not_ours_costs_only_time(front: Front, tmp_path: Path, content: bytes) -> None:
    front.back_up("a")
    assert _names(front) == ["a"]
    [file] = (tmp_path / "cache").glob("catalog-*-backup.json")
    whole = file.read_bytes()
    for broken in (content, whole.split(b"\n")[0] + b"\n" + content, whole[:-3]):
        file.write_bytes(broken)
        assert _names(front) == ["a"]
        assert file.read_bytes() == whole


def test_what_is_kept_is_for_nobody_else_and_lies_nowhere_else(front: Front, tmp_path: Path) -> None:
    front.back_up("a")
    assert _names(front) == ["a"]
    [file] = (tmp_path / "cache").iterdir()
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_directory_that_cannot_be_written_costs_only_time(front: Front, tmp_path: Path) -> None:
    front.back_up("a")
    for _ in range(2):
        assert [view.name for view in Catalog(front.store, tmp_path / "missing", "here").backups()] == ["a"]


def test_without_a_directory_nothing_is_kept(front: Front, store: CountingStore) -> None:
    front.back_up("a")
    for _ in range(2):
        assert [view.name for view in Catalog(front.store, None, "here").backups()] == ["a"]
    assert len(store.gets) == 2


def test_two_destinations_do_not_meet(front: Front, tmp_path: Path) -> None:
    front.back_up("a")
    other = Front(tmp_path)
    assert [view.name for view in Catalog(front.store, tmp_path, "here").backups()] == ["a"]
    assert Catalog(other.store, tmp_path, "there").backups() == []
    assert len(list(tmp_path.glob("catalog-*"))) == 1


def test_many_processes_may_list_at_once(front: Front, tmp_path: Path) -> None:
    front.back_up(*(f"b{number}" for number in range(50)))
    with ThreadPoolExecutor(8) as pool:
        lists = list(pool.map(lambda _: _names(front), range(40)))
    assert all(names == lists[0] for names in lists)
    assert [path.name.startswith("catalog-") for path in (tmp_path / "cache").iterdir()] == [True]


def test_a_record_that_cannot_be_read_is_said(front: Front) -> None:
    front.back_up("a")
    front.store.put(keys.final(backup("b")), b"{")
    assert _problems(front) == {"b": Code.DAMAGED}
    assert sorted(_names(front)) == ["a", "b"]


def test_a_record_of_somebody_else_is_said_and_hides_no_other(front: Front) -> None:
    front.back_up("a", "b")
    front.begin("under-way")
    forged = front.finish("c").model_dump_json(exclude_none=True).encode()
    front.objects.put(keys.final(backup("c")), forged)
    front.objects.put(keys.final(backup("b")), front.objects.get(keys.final(backup("a"))))
    front.objects.put(keys.request(backup("under-way")), b"{}")
    told = dict.fromkeys(("b", "c", "under-way"), Code.RECORD_NOT_AUTHENTIC)
    assert _problems(front) == told
    assert _problems(front) == told, "it is not kept on the disk"
    assert {view.name: view.status for view in open_catalog(front.session).backups()}["a"] == "Completed"


def test_what_is_no_record_is_passed_over(front: Front) -> None:
    front.back_up("a")
    for stray in ("x.txt", "../y.json", "Z.json"):
        front.store.put(keys.finals_of("backup") + stray, b"")
    assert _names(front) == ["a"]


# --- requests that were rejected


def test_rejected_requests_stand_among_the_jobs_and_are_read_once(front: Front, store: CountingStore) -> None:
    front.back_up("a")
    name = reject_backup(front, "mine", Message(code="No", text="no"))
    restored = reject_restore(front, "mine", Message(code="No", text="no"))
    fresh = open_catalog(front.session).backups()
    assert [(view.name, view.status) for view in fresh] == [("a", "Completed"), (name, "Rejected")]
    assert (fresh[1].app, fresh[1].request, fresh[1].reasons) == ("nope", "mine", (Message(code="No", text="no"),))
    assert [(view.name, view.backup) for view in open_catalog(front.session).restores()] == [(restored, "nope")]
    store.forget()
    assert open_catalog(front.session).backups() == fresh
    assert store.gets == []


def test_of_many_rejected_requests_the_newest_are_listed_and_read(front: Front, store: CountingStore) -> None:
    names = [reject_backup(front, f"r{number}", Message(code="No", text="no")) for number in range(MOST_REJECTED + 5)]
    store.forget()
    assert set(_names(front)) == set(names[5:])
    assert len(store.gets) == MOST_REJECTED


def test_a_job_counts_where_a_rejection_has_its_name(front: Front) -> None:
    running, ended = (reject_backup(front, id_, Message(code="No", text="no")) for id_ in ("r", "e"))
    front.begin(running)
    front.back_up(ended)
    assert {view.name: view.status for view in open_catalog(front.session).backups()} == {
        running: "InProgress",
        ended: "Completed",
    }
