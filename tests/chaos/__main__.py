"""`make chaos`: jobs of every kind while real processes are killed, stopped and cut off; then all is judged.

The order of requests and faults comes from the seed; what happens in between is up to the machine, so the same seed
makes a similar campaign and not the same one. Exit code 1 if a promise was broken.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.chaos import report
from tests.chaos.campaign import Plan, run
from tests.chaos.checker import violations
from tests.chaos.desk import Desk
from tests.chaos.faults import WEATHER
from tests.chaos.judging import judge
from tests.chaos.stage import staged

NODES = ("node-a", "node-b")
JOBS_A_ROUND = 25
SHORT = ("broker wiped", "store cuts connections", "store full", "API server away", "node lost")
"""What fits into a short campaign: the broker takes seconds to be told or started, and a wrong clock to be put in."""
FEW = 20
"""Up to so many jobs a campaign is short."""
PACE = 2.0
"""Seconds between two requests, at least."""
PACK_GRACE = 120.0
"""Seconds; longer than any fault lasts."""
say = Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> int:
    """Runs a campaign, prints what came of it; the exit code."""
    options = _options()
    began, root = time.monotonic(), Path(tempfile.mkdtemp(prefix="snapline-chaos-"))
    rounds = max(1, round(options.jobs / JOBS_A_ROUND))
    seconds = max(options.minutes * 60, options.jobs * PACE) / rounds
    weather, window = (SHORT, (1.0, 4.0)) if options.jobs <= FEW else (tuple(WEATHER), (2.0, 7.0))
    plan = Plan(weather, window, options.jobs, rounds, seconds, options.bound, options.seed)
    say.print(f"seed {plan.seed}; logs below {root}")
    with (
        staged(root, seed=plan.seed, nodes=NODES, megabytes=options.megabytes, pack_grace=PACK_GRACE) as stage,
        Desk(stage.line, stage.server.url).open() as desk,
    ):
        course = run(stage, desk, plan, _tell(began))
        history = judge(stage, course, bound=plan.bound, wholly=options.wholly, say=_tell(began))
    found = violations(history)
    said = report.figures(plan.seed, course, history, found, time.monotonic() - began)
    if options.output == "json":
        print(json.dumps(said, indent=2))
    else:
        report.show(said, Console(highlight=False, width=110))
    if found or options.keep:
        say.print(f"logs are below {root}")
    else:
        shutil.rmtree(root, ignore_errors=True)
    return int(bool(found))


def _tell(began: float) -> Callable[[str], None]:
    return lambda text: say.print(f"{time.monotonic() - began:5.0f} s  {text}", markup=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=10, help="requests in all")
    parser.add_argument("--minutes", type=float, default=0.0, help="of faults in all, at least")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of all chance")
    parser.add_argument("--bound", type=float, default=600, help="seconds within which all ends after the last fault")
    parser.add_argument("--wholly", type=int, default=1, help="restores of everything at the end")
    parser.add_argument("--megabytes", type=int, default=1, help="in each volume")
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
