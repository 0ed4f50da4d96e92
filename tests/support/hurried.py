"""A worker in a hurry: what fails is tried again after five seconds at most, and two seconds are an outage.

python -m tests.support.hurried QUEUE
"""

import sys
from datetime import timedelta

from schemas import topology
from workers import app
from workers.jobs import outages


def command(queue: str) -> list[str]:
    """How to start one."""
    return [sys.executable, "-m", "tests.support.hurried", queue]


if __name__ == "__main__":
    topology.DELAYS = topology.DELAYS[:2]
    outages.OUTAGE = timedelta(seconds=2)
    app.main(sys.argv[1:])
