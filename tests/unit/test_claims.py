"""Claims: two jobs that exclude each other never run at once, whoever is slow or killed; and nobody waits for ever."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from schemas import keys
from schemas.errors import NotYet, TransientError
from schemas.job import Job, backup, restore
from schemas.records import Record
from tests.support.simulated_store import Faults, SimulatedStore
from tests.support.simulation import Simulation
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import claims, ledger

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SHOP, BLOG, CONSOLE = "application/shop", "application/blog", "console"


@dataclass
class Claims:
    """A store, and runs that are numbered."""

    store: MemoryObjectStore = field(default_factory=MemoryObjectStore)
    runs: int = 0
    asked: dict[Job, datetime] = field(default_factory=dict)

    def take(self, job: Job, *resources: str) -> Job | None:
        """A job is asked for when it comes here first, if not before."""
        self.runs += 1
        return claims.take(self.store, job, resources, self.ask(job), f"run-{self.runs}", NOW)

    def ask(self, job: Job) -> datetime:
        return self.asked.setdefault(job, NOW + timedelta(seconds=len(self.asked)))

    def end(self, job: Job, *resources: str) -> None:
        ledger.put(self.store, keys.final(job), Record())
        claims.release(self.store, job, resources)


@pytest.fixture
def shop() -> Claims:
    return Claims()


def test_backups_of_one_application_run_side_by_side_and_a_restore_waits_for_them(shop: Claims) -> None:
    assert shop.take(backup("a"), SHOP) is None
    assert shop.take(backup("b"), SHOP, CONSOLE) is None
    assert shop.take(restore("r"), SHOP) == backup("a")
    shop.end(backup("a"), SHOP)
    assert shop.take(restore("r"), SHOP) == backup("b")
    shop.end(backup("b"), SHOP, CONSOLE)
    assert shop.take(restore("r"), SHOP) is None


def test_a_restore_that_waits_keeps_later_backups_out(shop: Claims) -> None:
    shop.take(backup("a"), SHOP)
    shop.take(restore("r"), SHOP)
    assert shop.take(backup("b"), SHOP) == restore("r")
    shop.end(backup("a"), SHOP)
    assert shop.take(restore("r"), SHOP) is None
    assert shop.take(backup("b"), SHOP) == restore("r")
    shop.end(restore("r"))
    assert shop.take(backup("b"), SHOP) is None


def test_restores_of_one_application_come_one_after_another_and_of_others_at_once(shop: Claims) -> None:
    assert shop.take(restore("r"), SHOP) is None
    assert shop.take(restore("s"), SHOP, BLOG) == restore("r")
    assert shop.take(restore("t"), CONSOLE) is None
    shop.end(restore("r"))
    assert shop.take(restore("s"), SHOP, BLOG) is None


def test_what_is_held_stays_held_however_often_it_is_asked_for(shop: Claims) -> None:
    assert [shop.take(restore("r"), SHOP, BLOG) for _ in range(3)] == [None] * 3
    assert shop.take(restore("s"), BLOG) == restore("r")


def test_a_backup_that_was_killed_just_before_its_turn_does_not_give_way_again(shop: Claims) -> None:
    asked_earlier = shop.ask(restore("r"))
    ledger.put(shop.store, keys.sharer(SHOP, backup("b"), "killed"), Record())
    ledger.put(shop.store, keys.in_line(SHOP, restore("r"), asked_earlier), Record())
    assert shop.take(backup("b"), SHOP) is None


def test_claims_of_a_job_that_died_with_its_ending_hold_up_nobody(shop: Claims) -> None:
    shop.take(backup("a"), SHOP)
    ledger.put(shop.store, keys.final(backup("a")), Record())  # and killed before the release
    assert shop.take(restore("r"), SHOP) is None
    ledger.put(shop.store, keys.final(restore("r")), Record())
    assert shop.take(restore("s"), SHOP) is None
    assert len(list(shop.store.list("claims/"))) <= 2


def test_a_killed_run_of_a_backup_that_waits_does_not_hold_up_the_restore_it_waits_for(shop: Claims) -> None:
    shop.take(backup("a"), SHOP)
    shop.take(restore("r"), SHOP)
    ledger.put(shop.store, keys.sharer(SHOP, backup("b"), "killed"), Record())  # before it looked
    shop.end(backup("a"), SHOP)
    assert shop.take(restore("r"), SHOP) == backup("b")
    later = datetime.now(UTC) + claims.DEAD_RUN + timedelta(seconds=1)
    assert claims.take(shop.store, backup("b"), [SHOP], NOW, "next", later) == restore("r")
    assert shop.take(restore("r"), SHOP) is None


class Interrupted(MemoryObjectStore):
    """Lets others act just before a claim of a backup is written."""

    act: Callable[[], object] = staticmethod(lambda: None)

    def put(self, key: str, body: bytes | bytearray) -> None:
        if "/backups/" in key and key.startswith("claims/"):
            self.act()
        super().put(key, body)


def test_a_restore_that_comes_between_a_backups_look_and_its_claim_is_seen() -> None:
    store = Interrupted()
    came: list[Job | None] = []
    store.act = lambda: came.append(claims.take(store, restore("r"), [SHOP], NOW, "run", NOW))
    assert claims.take(store, backup("a"), [SHOP], NOW, "run", NOW) == restore("r")
    assert came == [None]
    assert not list(store.list(keys.sharers(SHOP)))


def test_who_waits_is_let_in_in_the_order_of_asking_whoever_looks_first(shop: Claims) -> None:
    jobs = [restore("r"), restore("s"), backup("b"), restore("t")]
    for job in jobs:
        shop.ask(job)
    assert shop.take(jobs[0], SHOP) is None
    assert [shop.take(job, SHOP) for job in reversed(jobs[1:])] == [restore("r")] * 3
    for job in jobs[1:]:
        shop.end(jobs[jobs.index(job) - 1], SHOP)
        behind = jobs[jobs.index(job) + 1 :]
        assert [shop.take(other, SHOP) for other in behind] == [job] * len(behind)
        assert shop.take(job, SHOP) is None
    shop.end(jobs[-1], SHOP)
    assert not list(shop.store.list(keys.line(SHOP)))


def test_backups_in_line_do_not_wait_for_each_other(shop: Claims) -> None:
    shop.take(restore("r"), SHOP)
    shop.take(backup("a"), SHOP)
    shop.take(backup("b"), SHOP)
    shop.end(restore("r"), SHOP)
    assert shop.take(backup("b"), SHOP) is None
    assert shop.take(backup("a"), SHOP) is None


def test_who_has_ended_or_is_cancelled_in_line_holds_up_nobody(shop: Claims) -> None:
    for name in "rst":
        shop.take(restore(name), SHOP)
    shop.take(backup("b"), SHOP)
    shop.end(restore("r"))
    ledger.put(shop.store, keys.final(restore("s")), Record())  # and killed before it left the line
    ledger.put(shop.store, keys.cancel(restore("t")), Record())
    assert shop.take(backup("b"), SHOP) is None
    assert len(list(shop.store.list(keys.line(SHOP)))) == 1


def test_who_has_got_something_does_not_wait_for_one_that_waits_for_it(shop: Claims) -> None:
    early, late = restore("early"), restore("late")
    shop.ask(early)
    shop.take(backup("b"), SHOP)
    assert shop.take(late, BLOG, SHOP) == backup("b")
    assert shop.take(early, BLOG, SHOP) == late
    shop.end(backup("b"), SHOP)
    assert shop.take(late, BLOG, SHOP) is None


def test_claims_of_a_backup_go_with_its_ending(shop: Claims) -> None:
    shop.take(backup("a"), SHOP, CONSOLE)
    shop.end(backup("a"), SHOP, CONSOLE)
    assert not list(shop.store.list("claims/"))


@dataclass
class Floor:
    """Who is at work on what, and whether that may be."""

    at_work: dict[str, set[Job]] = field(default_factory=dict)
    done: int = 0

    def enter(self, job: Job, resources: list[str]) -> None:
        for resource in resources:
            there = self.at_work.setdefault(resource, set())
            assert not there or (job.kind == "backup" and all(other.kind == "backup" for other in there)), (job, there)
            there.add(job)

    def leave(self, job: Job, resources: list[str]) -> None:
        for resource in resources:
            self.at_work[resource].discard(job)
        self.done += 1


def _actor(
    simulation: Simulation, store: SimulatedStore, floor: Floor, job: Job, resources: list[str], runs: random.Random
) -> Callable[[], None]:
    asked_at = NOW + timedelta(seconds=runs.random())

    def act() -> None:
        while True:
            try:
                ahead = claims.take(store, job, resources, asked_at, f"{runs.random()}", simulation.now)
            except (NotYet, TransientError):
                continue
            if ahead is None:
                break
            simulation.step("waits", timedelta(seconds=5))
        floor.enter(job, resources)
        simulation.step("works", timedelta(seconds=simulation.random.random() * 20))
        floor.leave(job, resources)
        _until_done(lambda: ledger.put(store, keys.final(job), Record()))
        _until_done(lambda: claims.release(store, job, resources))

    return act


def _until_done(what: Callable[[], object]) -> None:
    while True:
        try:
            what()
            return
        except TransientError:
            continue


@pytest.mark.parametrize("seed", range(60))
def test_no_order_of_requests_lets_two_in_that_exclude_each_other(seed: int) -> None:
    simulation, floor = Simulation(seed), Floor()
    store = SimulatedStore(simulation, Faults(refused=0.03, lost=0.03))
    chosen = random.Random(seed)
    actors = {}
    for number in range(6):
        job = (backup if chosen.random() < 0.5 else restore)(f"job-{number}")
        resources = sorted(chosen.sample([SHOP, BLOG, CONSOLE], chosen.choice([1, 1, 2, 3])))
        actors[str(job)] = _actor(simulation, store, floor, job, resources, chosen)
    simulation.run(actors)
    assert floor.done == 6
