"""Many histories, on all cores: none may break a rule; with a bug planted, one must."""

import gc
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from tests.simulation import history, planted, town
from tests.simulation.planted import Planted
from tests.simulation.watch import Wrong

MOST_SEEDS = 1500
"""After so many a planted bug counts as not found."""
AT_LEAST = 100
"""Histories that are tried, however little time is left."""
BATCH = 10
SELDOM = 20_000
"""New objects before Python looks for garbage: a history is over soon."""


@dataclass(frozen=True)
class Tried:
    """What came of a seed."""

    seed: int
    wrong: list[Wrong]
    counts: Counter[str]


def one(seed: int) -> Tried:
    """A history."""
    done = history.run(seed, traced=False)
    return Tried(seed, done.wrong, done.counts)


def many(first: int, count: int, processes: int, until: float | None = None) -> Iterator[Tried]:
    """So many seeds, or as many as begin before `until` (monotonic), but `AT_LEAST`. In any order."""
    with _pool(processes) as pool:
        for begin in range(first, first + count, BATCH * processes):
            if until is not None and time.monotonic() > until and begin - first >= AT_LEAST:
                return
            yield from pool.map(one, range(begin, min(begin + BATCH * processes, first + count)))


def find(bug: Planted, first: int = 0) -> Tried | None:
    """The first seed that breaks the rule that the bug breaks; None if none of `MOST_SEEDS` does."""
    with bug.plant():
        for seed in range(first or bug.seed, (first or bug.seed) + MOST_SEEDS):
            tried = one(seed)
            if any(wrong.rule == bug.rule for wrong in tried.wrong):
                return tried
    return None


def find_all(processes: int, say: Callable[[str], None]) -> bool:
    """Whether each planted bug is found, and by nothing but what it breaks."""
    well = True
    with _pool(processes) as pool:
        for bug, tried in zip(planted.BUGS, pool.map(_find, range(len(planted.BUGS))), strict=True):
            say(told(bug, tried))
            well = well and tried is not None and not strange(bug, tried)
    return well


def strange(bug: Planted, tried: Tried) -> set[str]:
    """The rules that are broken and have nothing to do with the bug."""
    return {wrong.rule for wrong in tried.wrong} - bug.also - {bug.rule}


def told(bug: Planted, tried: Tried | None) -> str:
    """A line for people."""
    if tried is None:
        return f"NOT FOUND {bug.name}: {bug.says}"
    text = next(wrong.text for wrong in tried.wrong if wrong.rule == bug.rule)
    others = strange(bug, tried)
    beside = f" BESIDE {sorted(others)}" if others else ""
    return f"found {bug.name} with seed {tried.seed} by {bug.rule}{beside}: {bug.says} ({text[:160]})"


def _find(number: int) -> Tried | None:
    return find(planted.BUGS[number])


def _pool(processes: int) -> ProcessPoolExecutor:
    """Processes that have all that is made once, and do not look for garbage there."""
    town.prepare()
    gc.collect()
    gc.freeze()
    gc.set_threshold(SELDOM)
    return ProcessPoolExecutor(processes, multiprocessing.get_context("fork"))
