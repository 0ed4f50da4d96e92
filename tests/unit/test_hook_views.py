"""What hooks ran and said, as people may see it: unsealed with the passphrase, and a plain word where it cannot be."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from producers.views.hooks import hooks
from schemas import keys
from schemas.errors import Code, Denied, Invalid
from schemas.job import backup
from schemas.records import HookOutput, HookResult
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs.hooks import keep_output
from workers.ports import Repository
from workers.repository import open_repository

JOB = backup("shop-bcdfg")
SAID = HookOutput(command=["dump"], stdout="done", stderr="slow", stderr_cut=True)


@pytest.fixture
def store() -> MemoryObjectStore:
    return MemoryObjectStore()


def _result(output: str = "") -> HookResult:
    return HookResult(
        phase="pre",
        source="annotation",
        namespace="shop",
        pod="db-0",
        container="main",
        started_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        seconds=2.5,
        exit_code=0,
        output=output,
    )


def _opening(store: MemoryObjectStore) -> Callable[[], Repository]:
    return lambda: open_repository(store, "a passphrase")


def test_output_is_unsealed_and_results_keep_their_order(store: MemoryObjectStore) -> None:
    key = keys.hook_output(JOB, "shop/db-0", "pre-0")
    keep_output(store, open_repository(store, "a passphrase"), key, SAID)
    silent, spoken = hooks(store, [_result(), _result(key)], _opening(store))
    assert (silent.exit_code, silent.seconds, silent.command, silent.problem) == (0, 2.5, (), None)
    assert (spoken.command, spoken.stdout, spoken.stderr) == (("dump",), "done", "slow")
    assert (spoken.stdout_cut, spoken.stderr_cut, spoken.problem) == (False, True, None)


def test_without_output_nothing_is_opened(store: MemoryObjectStore) -> None:
    def opening() -> Repository:
        raise AssertionError("opened")

    assert [view.problem for view in hooks(store, [_result()], opening)] == [None]
    assert hooks(store, [], opening) == ()


@pytest.mark.parametrize(
    "error",
    [Invalid("no passphrase is set", code=Code.NO_PASSPHRASE), Denied("it opens no key", code=Code.WRONG_PASSPHRASE)],
)
def test_without_the_passphrase_the_result_is_shown_and_the_reason(
    store: MemoryObjectStore, error: Invalid | Denied
) -> None:
    def opening() -> Repository:
        raise error

    silent, spoken = hooks(store, [_result(), _result("a key")], opening)
    assert silent.problem is None
    assert spoken.problem is not None
    assert (spoken.exit_code, spoken.stdout, spoken.problem.code) == (0, "", error.code)


def test_output_that_is_gone_or_another_s_is_a_problem_of_its_hook_alone(store: MemoryObjectStore) -> None:
    here, elsewhere = (keys.hook_output(JOB, "shop/db-0", hook) for hook in ("pre-0", "pre-1"))
    keep_output(store, open_repository(store, "a passphrase"), here, SAID)
    store.put(elsewhere, store.get(here))
    missing = keys.hook_output(JOB, "shop/db-0", "pre-2")
    views = hooks(store, [_result(missing), _result(elsewhere), _result(here)], _opening(store))
    assert ["gone" if view.problem and "no longer" in view.problem.text else view.stdout for view in views] == [
        "gone",
        "",
        "done",
    ]
    assert views[1].problem is not None
    assert views[1].problem.code == Code.DAMAGED
