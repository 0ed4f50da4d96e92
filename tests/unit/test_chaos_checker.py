"""The checker of fault campaigns can fail: each planted violation is found, and named."""

from dataclasses import replace

import pytest

from tests.chaos.checker import violations
from tests.chaos.history import DELETED, RECORD, End, Exit, Final, History, Letter, Look, Request

BACKUP = Request("chaos/0", "backup", "shop-bcdfg")
RESTORE = Request("chaos/1", "restore", "shop-bcdfg-klmnp")
DELETE = Request("chaos/2", "delete", "shop-zzzzz")
DONE = End("chaos/0", "Completed", "backup.completed.v1/shop-bcdfg", "{}")
RESTORED = End("chaos/1", "Completed", "restore.completed.v1/shop-bcdfg-klmnp", "{}")
GONE = End("chaos/2", "Deleted", "backup.deleted.v1/shop-zzzzz", "{}")


def _good() -> History:
    """What nobody has to complain of."""
    return History(
        requests=[BACKUP, RESTORE, DELETE],
        ends=[DONE, RESTORED, GONE],
        finals=[Final("backup shop-bcdfg", "Completed", "t0"), Final("restore shop-bcdfg-klmnp", "Completed", "t1")],
        looks=[Look("shop-bcdfg", "", compared=True)],
        restored={"shop-bcdfg": ()},
        letters=[Letter("notify", "backup.wished.v1", "not known", ours=True)],
        exits=[Exit("notify", -9, explained=True), Exit("notify", 0, explained=True)],
        ended_in=3.0,
    )


def test_a_history_in_which_all_is_well_has_no_violation() -> None:
    assert violations(_good()) == []


PLANTED: dict[str, tuple[str, dict[str, object]]] = {
    "it never ends": ("everything ends", {"ended_in": None}),
    "no end": ("every request ends", {"ends": [RESTORED, GONE]}),
    "two statuses": (
        "every request ends once",
        {"ends": [DONE, RESTORED, GONE, replace(DONE, status="Failed", event="backup.failed.v1/x", code="Stalled")]},
    ),
    "the same status, said differently": (
        "every request ends once",
        {"ends": [DONE, RESTORED, GONE, replace(DONE, said='{"errors": 1}')]},
    ),
    "an end of nothing": (
        "nothing ends that nobody asked for",
        {"ends": [DONE, RESTORED, GONE, replace(DONE, request="chaos/9")]},
    ),
    "a record that changes": (
        "a final record stays",
        {"finals": [Final("backup shop-bcdfg", "Completed", "t0"), Final("backup shop-bcdfg", "Completed", "t2")]},
    ),
    "told green, recorded red": (
        "what is told is on record",
        {"finals": [Final("backup shop-bcdfg", "Failed", "t0")]},
    ),
    "an outage that fails a job": (
        "faults that pass fail nothing",
        {"ends": [replace(DONE, status="Failed", code="Transient", text="the store is away"), RESTORED, GONE]},
    ),
    "a failure without a reason": (
        "what fails says why",
        {"ends": [replace(DONE, status="Failed"), RESTORED, GONE]},
    ),
    "cancelled by nobody": (
        "faults that pass fail nothing",
        {"ends": [DONE, replace(RESTORED, status="Cancelled"), GONE]},
    ),
    "green, and damaged": (
        "green means restorable",
        {"looks": [Look("shop-bcdfg", "VerificationFailed: a pack is gone", compared=True)]},
    ),
    "green, and something else": (
        "green means restorable",
        {"looks": [Look("shop-bcdfg", "", compared=True, differences=("shop/data was never like that",))]},
    ),
    "green, and not looked at": ("green means restorable", {"unlooked": ["shop-bcdfg"]}),
    "a restore that loses something": (
        "a restore brings everything back",
        {"restored": {"shop-bcdfg": ("object Secret/shop/db is missing",)}},
    ),
    "a damaged repository": ("the repository is whole", {"repository": ["a pack is gone"]}),
    "a lease, a mark or a helper": ("nothing is left behind", {"left": ["running/backup/shop-bcdfg"]}),
    "a dead letter": (
        "no dead letter without a cause",
        {"letters": [Letter("notify", "backup.completed.v1", "delivered too often", ours=False)]},
    ),
    "a dead thread": ("all threads live", {"unwell": {"notify": '{"dead_threads": ["worker 1"]}'}}),
    "a worker that ends by itself": (
        "no worker ends by itself",
        {"exits": [Exit("notify", 1, explained=False)]},
    ),
}


@pytest.mark.parametrize("planted", PLANTED, ids=str)
def test_a_planted_violation_is_found(planted: str) -> None:
    promise, changes = PLANTED[planted]
    assert promise in {found.promise for found in violations(replace(_good(), **changes))}  # type: ignore[arg-type]


def test_an_end_from_the_record_is_the_same_end() -> None:
    history = replace(_good(), ends=[DONE, replace(DONE, event=RECORD, said=""), RESTORED, GONE])
    assert violations(history) == []


def test_what_was_asked_of_a_job_excuses_how_it_ends() -> None:
    cancelled = replace(RESTORE, excuses=("cancelled",))
    ends = [DONE, replace(RESTORED, status="Cancelled"), GONE]
    history = replace(_good(), requests=[BACKUP, cancelled, DELETE], ends=ends, finals=[])
    assert violations(history) == []


def test_a_request_that_comes_again_after_its_backup_was_deleted_is_refused_and_ends_once() -> None:
    again = End("chaos/0", "Rejected", "backup.rejected.v1/x", "{}", code="BackupDeleted", text="it was deleted")
    deleted = replace(BACKUP, excuses=(DELETED,))
    history = replace(_good(), requests=[deleted, RESTORE, DELETE], ends=[DONE, again, RESTORED, GONE])
    assert violations(history) == []
    assert violations(replace(_good(), ends=[DONE, again, RESTORED, GONE]))
