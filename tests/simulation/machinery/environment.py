"""What the line starts threads for, or asks the machine for, done by the simulation instead. Nothing else changes."""

import logging
import random
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

import structlog

from schemas import events as e
from tests.simulation.machinery.bus import Bus
from tests.simulation.machinery.machines import Machines
from tests.support.repository_model import AtOnce
from workers.adapters.broker import connection
from workers.hooks import around, restore_run
from workers.jobs import at_work, lease
from workers.jobs.background import Doing
from workers.manifests.kube import listing
from workers.ports import Progress, Say
from workers.retention import finals
from workers.steps import volumes_copy, volumes_restore

T = TypeVar("T")


class AtOnceBackground:
    """In place of `Background`: the work is done before the message is answered, and dies with its process."""

    def go_on(self, _name: str, work: Callable[[Say], None]) -> Iterator[Doing]:
        """See Background."""
        work(lambda *_: None)
        return iter(())


def reporting(
    work: Callable[[Callable[[Progress], None]], T], _tell: Callable[[Progress], e.VolumesProgressed]
) -> Generator[e.VolumesProgressed, None, T]:
    """In place of `slicing.reporting`: in the thread of the step, which tells nothing meanwhile."""
    yield from ()
    return work(lambda _: None)


@contextmanager
def simulated(machines: Machines, bus: Bus, seed: int) -> Iterator[None]:
    """While this lasts, the line runs by the simulation's turns and clock."""
    names = random.Random(seed)
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50), cache_logger_on_first_use=False)
    random.seed(seed)
    replaced: list[tuple[Any, str, Any]] = [
        *((module, "pulsing", machines.pulsing) for module in (around, at_work, lease, restore_run)),
        *((module, "reporting", reporting) for module in (volumes_copy, volumes_restore)),
        (listing, "_pool", AtOnce),
        (finals, "ThreadPoolExecutor", AtOnce),
        (connection, "waiting", lambda _opened, name: sum(f"{dead.queue}.XQ" == name for dead in bus.dead)),
        (uuid, "uuid4", lambda: uuid.UUID(int=names.getrandbits(128), version=4)),
    ]
    try:
        with ExitStack() as stack:
            for where, name, instead in replaced:
                if hasattr(where, name):
                    stack.enter_context(patch.object(where, name, instead))
            yield
    finally:
        structlog.reset_defaults()
        logging.disable(logging.NOTSET)
