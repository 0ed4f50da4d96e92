"""Runs the line in simulation: `python -m tests.simulation --seeds 1000`, or one seed with its trace: `--seed 123`.

Exit codes: 0 no rule was broken, 1 one was, or a planted bug was not found.
"""

import argparse
import os
import sys
import time
from collections import Counter

from tests.simulation import campaign, history, town
from tests.simulation.watch import Wrong

SAY_EVERY = 1000


def trace(seed: int) -> bool:
    """Prints what happened; whether all is well."""
    town.prepare()
    done = history.run(seed)
    print("\n".join(done.trace))
    _print(seed, done.wrong)
    return not done.wrong


def histories(first: int, count: int, processes: int, until: float | None) -> bool:
    """Whether none of them breaks a rule."""
    began, counts, seeds, bad = time.monotonic(), Counter[str](), 0, 0
    for tried in campaign.many(first, count, processes, until):
        counts += tried.counts
        seeds += 1
        bad += bool(tried.wrong)
        _print(tried.seed, tried.wrong)
        if not seeds % SAY_EVERY:
            print(f"{seeds} seeds in {time.monotonic() - began:.0f} s", flush=True)
    took = time.monotonic() - began
    seen = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
    print(f"{seeds} seeds from {first} on in {took:.0f} s, {bad} of them break a rule; {seen}", flush=True)
    return not bad


def _print(seed: int, wrong: list[Wrong]) -> None:
    for rule, text in dict.fromkeys(wrong):
        print(f"SEED={seed} {rule}: {text[:500]}", flush=True)


def main(words: list[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many histories")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, help="this one, with its trace")
    parser.add_argument("--budget", type=float, help="seconds for everything; histories end then, but for a few")
    parser.add_argument("--planted", action="store_true", help="first look whether planted bugs are found")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args(words)
    if given.seed is not None:
        return not trace(given.seed)
    until = time.monotonic() + given.budget if given.budget else None
    well = campaign.find_all(given.processes, lambda line: print(line, flush=True)) if given.planted else True
    return not (histories(given.first, given.seeds, given.processes, until) and well)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # a seed gives the same history in every process
        command = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main(sys.argv[1:]))
