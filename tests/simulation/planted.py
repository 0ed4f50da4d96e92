"""Bugs that are planted into the real code, one at a time, to see that histories find them, and by which rule.

Each is a small change of what a step, a job's room or the middleware does: a mistake that somebody might make.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from schemas import job as jobs
from schemas import keys
from schemas.errors import SnaplineError
from schemas.job import Job
from workers.adapters.broker import settling
from workers.adapters.broker.consuming import EventConsumer
from workers.hooks import around
from workers.jobs import endings, ledger, progress, requests, restorable, safety_snapshots, upkeep
from workers.jobs.store_time import StoreTime
from workers.steps import backup_finalize, restore_undeploy, watchdog


@dataclass(frozen=True)
class Planted:
    """A bug: what is wrong, the rule that must tell of it, and rules that may tell of what follows from it."""

    name: str
    says: str
    rule: str
    plant: Callable[[], AbstractContextManager[object]]
    also: frozenset[str] = frozenset()
    seed: int = 1
    """From where on to look: what has found it before. Only the time that it takes depends on that."""


def _like(module: Any, **instead: Any) -> SimpleNamespace:
    """The module, with some of its functions replaced."""
    return SimpleNamespace(**{**vars(module), **instead})


def _acknowledges_first() -> AbstractContextManager[object]:
    taken = EventConsumer.__next__

    def acknowledged(self: EventConsumer) -> Any:
        if (message := taken(self)) is not None:
            message.settled = True
            self.ack(message)
        return message

    return patch.object(EventConsumer, "__next__", acknowledged)


def _tells_first() -> AbstractContextManager[object]:
    finish, finalize = endings.finish_backup, backup_finalize.finalize
    unwritten = threading.local()

    def finished(*given: Any) -> Any:
        unwritten.last = given
        return endings.backup_ended(given[1])

    def told_first(*given: Any) -> Iterator[Any]:
        unwritten.last = None
        for event in finalize(*given):
            yield event
            if unwritten.last:
                finish(*unwritten.last)
                unwritten.last = None

    stack = ExitStack()
    stack.enter_context(patch.object(backup_finalize, "endings", _like(endings, finish_backup=finished)))
    stack.enter_context(patch.object(backup_finalize, "finalize", told_first))
    return stack


def _does_not_wait_for_volumes() -> AbstractContextManager[object]:
    return patch.object(backup_finalize, "progress", _like(progress, pods_to_copy=lambda *_: []))


def _writes_ends_over() -> AbstractContextManager[object]:
    def written_over(store: Any, key: str, record: Any) -> Any:
        ledger.put(store, key, record)
        return record

    return patch.object(endings, "ledger", _like(ledger, create=written_over))


def _does_not_see_tombstones() -> AbstractContextManager[object]:
    return patch.object(restorable, "ledger", _like(ledger, deleted=lambda *_: False))


def _takes_nothing_to_be_in_use() -> AbstractContextManager[object]:
    return patch.object(upkeep, "ledger", _like(ledger, volumes_in_use=lambda _: set()))


def _acknowledges_what_it_could_not_republish() -> AbstractContextManager[object]:
    carry_out = settling._carry_out

    def carried_out(broker: Any, message: Any, outcome: Any) -> None:
        try:
            carry_out(broker, message, outcome)
        except SnaplineError:
            return

    return patch.object(settling, "_carry_out", carried_out)


def _forgets_restores() -> AbstractContextManager[object]:
    nudge = watchdog._nudge

    def nudged(store: Any, still: Any, needs: Any) -> Iterator[Any]:
        return nudge(store, still, needs) if still.job.kind == "backup" else iter(())

    return patch.object(watchdog, "_nudge", nudged)


def _makes_a_job_of_each_message() -> AbstractContextManager[object]:
    known, numbers = jobs.request_uuid, itertools.count()

    def drawn(sender: str, source: str, id_: str) -> str:
        return known(sender, source, f"{id_} {next(numbers)}")

    return patch.object(requests, "jobs", _like(jobs, request_uuid=drawn))


def _forgets_to_thaw_after_a_crash() -> AbstractContextManager[object]:
    run_post = around._run_post

    def run(one: Any, state: Any) -> Any:
        if state.stage == "post-begun":
            return around._enter(one, state, "post-done")
        return run_post(one, state)

    def begin_anew(one: Any, state: Any) -> Any:
        return around._enter(one, state.model_copy(update={"stopped": True}), "post-done")

    stack = ExitStack()
    stack.enter_context(patch.object(around, "_run_post", run))
    stack.enter_context(patch.object(around, "_begin_anew", begin_anew))
    return stack


@contextmanager
def _does_not_wait_for_the_snapshot() -> Iterator[None]:
    hasty = _like(safety_snapshots, unfinished=lambda *_: None, lacking=lambda *_: None)
    with patch.object(restore_undeploy, "safety_snapshots", hasty), patch.object(progress, "safety_snapshots", hasty):
        yield


def _believes_its_own_clock() -> AbstractContextManager[object]:
    told = StoreTime.__call__

    def own(self: StoreTime) -> Any:
        told(self)
        return self._clock()

    return patch.object(StoreTime, "__call__", own)


def _forgets_who_was_cancelled() -> AbstractContextManager[object]:
    parts = ledger.parts

    def without(store: Any, job: Job) -> set[str]:
        return parts(store, job) - {keys.cancel(job)}

    return patch.object(ledger, "parts", without)


_LOST = frozenset({"ends-once", "answered", "nothing-stuck", "told-once"})

BUGS: tuple[Planted, ...] = (
    Planted(
        "ack-first",
        "A message is acknowledged before its step has run.",
        "answered",
        _acknowledges_first,
        _LOST | {"thawed", "nothing-left"},
    ),
    Planted("tell-first", "An end is told before it is on record.", "recorded-first", _tells_first, _LOST),
    Planted(
        "finalize-early",
        "A backup ends before all volumes of its plan are accounted for.",
        "whole",
        _does_not_wait_for_volumes,
        frozenset({"thawed", "restored"}),
    ),
    Planted("end-twice", "A final record is written over, not created.", "final-unchanged", _writes_ends_over, _LOST),
    Planted(
        "no-tombstone",
        "The gate does not look for the tombstone of the backup that is to be restored.",
        "tombstone-heeded",
        _does_not_see_tombstones,
        seed=5,
    ),
    Planted(
        "prune-all",
        "A prune does not ask which volumes are in use.",
        "whole",
        _takes_nothing_to_be_in_use,
        frozenset({"restored"}),
        seed=56,
    ),
    Planted(
        "ack-unsettled",
        "A message that could not be republished is acknowledged.",
        "answered",
        _acknowledges_what_it_could_not_republish,
        _LOST,
        seed=242,
    ),
    Planted("watch-half", "The watchdog forgets restores.", "nothing-stuck", _forgets_restores, _LOST, seed=13),
    Planted("two-jobs", "A request that comes twice makes two jobs.", "ends-once", _makes_a_job_of_each_message, _LOST),
    Planted(
        "frozen",
        "Hooks after the copy are not run after a crash.",
        "thawed",
        _forgets_to_thaw_after_a_crash,
        frozenset({"whole"}),
        seed=53,
    ),
    Planted(
        "no-snapshot",
        "A restore deletes before its safety snapshot has ended.",
        "snapshot-first",
        _does_not_wait_for_the_snapshot,
        frozenset({"whole", "restored", "put-back", "told-once"}),
        seed=3,
    ),
    Planted(
        "own-clock", "The worker's clock counts, not the store's.", "store-time", _believes_its_own_clock, _LOST, seed=7
    ),
    Planted(
        "cancel-lost",
        "A cancel is forgotten.",
        "cancelled",
        _forgets_who_was_cancelled,
        frozenset({"nothing-stuck"}),
        seed=16,
    ),
)
