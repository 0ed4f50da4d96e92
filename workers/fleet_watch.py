"""What is true of all applications and destinations, watched by the process that has these needs."""

from collections.abc import Iterator
from contextlib import contextmanager

from schemas import topology
from workers.fleet.looking import PARTS, FleetNeeds, look
from workers.fleet.watching import Watch
from workers.needs import Needs


@contextmanager
def watching_fleet(has: Needs) -> Iterator[Watch]:
    """What is true of all applications and destinations, looked at while the context lasts."""
    settings = has.settings
    needs = FleetNeeds(
        destinations=has.destinations,
        cluster=has.cluster,
        console_namespace=settings.console_namespace,
        trusted=lambda: has.trusted_keys() if settings.license_keys is not None else None,
        names=[*topology.QUEUES, *has.rights.node_queues],
        queues=has.queue_states,
        room=has.room,
        now=has.now,
    )
    watch = Watch(lambda: look(needs), list(PARTS))
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()
