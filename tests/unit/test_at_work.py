"""A restore that has ended holds what it claims until nobody is at work for it any more."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import NotYet, TransientError
from schemas.job import Job, restore
from schemas.records import Record, Running
from tests.support.simulated_store import Faults, SimulatedStore
from tests.support.simulation import Simulation
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import claims, ledger
from workers.jobs.at_work import SILENCE, anybody, at_work, working

R, SHOP = restore("r"), "application/shop"
NOW = datetime(2026, 11, 26, tzinfo=UTC)


class Clock:
    """The store's."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


def _store(clock: Clock) -> MemoryObjectStore:
    store = MemoryObjectStore(clock=clock)
    ledger.put(store, keys.running(R), Running(nudges=3))
    return store


def test_somebody_is_at_work_until_the_step_is_done() -> None:
    store = _store(Clock())
    assert not anybody(store, R)
    with at_work(store, R, "run"):
        assert anybody(store, R)
        assert not anybody(store, restore("other"))
    assert not anybody(store, R)


def test_whoever_was_killed_counts_for_a_while_only_and_the_job_stays_alive_meanwhile() -> None:
    clock = Clock()
    store = _store(clock)
    ledger.put(store, keys.worker_of(R, "killed"), Record())
    clock.now += SILENCE
    assert anybody(store, R)
    [marker] = store.list(keys.running(R))
    assert marker.modified == clock.now
    assert ledger.read(store, keys.running(R), Running).nudges == 3
    clock.now += timedelta(seconds=1)
    assert not anybody(store, R)


def test_a_mark_is_renewed_while_the_work_lasts() -> None:
    store = MemoryObjectStore()
    ledger.put(store, keys.running(R), Running())
    with at_work(store, R, "run", beat=0.01):
        [first] = store.list(keys.workers_of(R))
        until = time.monotonic() + 30
        while next(iter(store.list(keys.workers_of(R)))).modified == first.modified:
            assert time.monotonic() < until
            time.sleep(0.01)
    assert list(store.list(keys.workers_of(R))) == []


def test_the_end_is_told_when_the_work_is_done_and_all_else_at_once() -> None:
    store = _store(Clock())
    end = e.RestoreCompleted(restore="r", backup="b")

    def step() -> Iterator[e.Event]:
        yield e.RestoreQueued(restore="r", behind="x")
        yield end

    told = [(said, anybody(store, R)) for said in working(store, R, "run", step())]
    assert told == [(e.RestoreQueued(restore="r", behind="x"), True), (end, False)]


def test_a_step_that_fails_or_is_broken_off_is_no_longer_at_work() -> None:
    store, let_go = _store(Clock()), []

    def step() -> Iterator[e.Event]:
        try:
            yield e.RestoreQueued(restore="r", behind="x")
            raise NotYet("later")
        finally:
            let_go.append("yes")

    with pytest.raises(NotYet):
        list(working(store, R, "run", step()))
    broken_off = working(store, R, "run", step())
    next(broken_off)
    assert anybody(store, R)
    broken_off.close()  # type: ignore[attr-defined]
    assert not anybody(store, R)
    assert let_go == ["yes", "yes"]


# --- what follows for the next in line


def _until_done(what: Callable[[], object]) -> object:
    while True:
        try:
            return what()
        except TransientError:
            continue


def _worker(
    simulation: Simulation, store: SimulatedStore, there: set[str], name: str, length: float, *, killed: bool
) -> Callable[[], None]:
    """A process that hears one message of the restore; the mark of one that is killed stays."""

    def hear() -> None:
        with at_work(store, R, name, beat=3600):
            if not ledger.exists(store, keys.final(R)):
                there.add(name)
                simulation.step("works", timedelta(seconds=length))
                there.discard(name)

    def act() -> None:
        simulation.step("delivered", timedelta(seconds=simulation.random.random() * 20))
        _until_done(hear)
        if killed:
            _until_done(lambda: ledger.put(store, keys.worker_of(R, name), Record()))

    return act


def _next(simulation: Simulation, store: SimulatedStore, there: set[str], let_in: list[Job]) -> Callable[[], None]:
    def act() -> None:
        job = restore("next")
        while _until_done(lambda: claims.take(store, job, [SHOP], NOW, f"{simulation.random.random()}", NOW)):
            simulation.step("waits", timedelta(seconds=5))
        assert not there, f"{there} are still at work"
        let_in.append(job)

    return act


@pytest.mark.parametrize("seed", range(60))
def test_no_order_of_requests_lets_the_next_in_while_somebody_is_at_work(seed: int) -> None:
    """Three processes work for a restore, which is cancelled meanwhile; another restore waits in line behind it."""
    simulation = Simulation(seed)
    store = SimulatedStore(simulation, Faults(refused=0.03, lost=0.03))
    there: set[str] = set()
    let_in: list[Job] = []
    ledger.put(store, keys.running(R), Running())
    assert claims.take(store, R, [SHOP], NOW, "run", NOW) is None

    def end() -> None:
        simulation.step("goes on", timedelta(seconds=simulation.random.random() * 20))
        _until_done(lambda: ledger.put(store, keys.final(R), Record()))
        while _until_done(lambda: anybody(store, R)):
            simulation.step("waits", timedelta(seconds=1))
        _until_done(lambda: store.delete(keys.running(R)))

    lengths = [simulation.random.random() * 25 for _ in range(3)]
    workers = {
        f"worker-{number}": _worker(
            simulation, store, there, f"worker-{number}", length, killed=simulation.random.random() < 0.3
        )
        for number, length in enumerate(lengths)
    }
    simulation.run({**workers, "end": end, "next": _next(simulation, store, there, let_in)})
    assert let_in == [restore("next")]
