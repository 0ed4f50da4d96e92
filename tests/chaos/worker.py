"""A worker in a hurry, as campaigns have no day to wait: what fails is tried again after fifteen seconds at most, and
a pack may be pruned at an age of so many seconds.

python -m tests.chaos.worker QUEUE SECONDS
"""

import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import workers.repository
from schemas import topology
from workers import app
from workers.repository.format.ambient import Ambient, Graces

RUNGS = 3
"""Of the ladder of delays, so many are left."""


def arguments(queue: str, pack_grace: float) -> list[str]:
    """What is to be run as a module, with its arguments."""
    return ["tests.chaos.worker", queue, str(pack_grace)]


def command(pack_grace: float) -> Callable[[str], list[str]]:
    """How to start one for a queue."""
    return lambda queue: [sys.executable, "-m", *arguments(queue, pack_grace)]


if __name__ == "__main__":
    topology.DELAYS = topology.DELAYS[:RUNGS]
    graces = Graces(pack=timedelta(seconds=float(sys.argv[2])))
    setattr(workers.repository, "Ambient", partial(Ambient, graces=graces))  # noqa: B010  # in place of the class
    app.main(sys.argv[1:2])
