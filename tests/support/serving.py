"""One queue served in this process by a function, with the brokers and middleware that a worker has."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dramatiq

from schemas.topology import Queue
from workers import app
from workers.adapters import broker
from workers.adapters.broker.signatures import Signatures
from workers.deliveries import Delivery, Outcome
from workers.patience import Patience

Handle = Callable[[dict[str, Any], Delivery], None]
"""Gets the event as a plain dict; raises an Outcome if it is not simply done."""


def broker_for(
    url: str,
    queue: Queue,
    handle: Handle,
    *more: dramatiq.Middleware,
    stopping: threading.Event,
    signatures: Signatures | None = None,
    **options: Any,
) -> broker.EventBroker:
    """A broker with one actor, which has `options`."""
    publisher, around = broker.Publisher(url, "tests"), app.middleware(stopping, Patience(), *more)
    made = broker.EventBroker(url, publisher, middleware=around, signatures=signatures)

    @dramatiq.actor(broker=made, actor_name=queue.name, queue_name=queue.name, throws=Outcome, **options)
    def actor(event: dict[str, Any]) -> None:
        handle(event, broker.delivery())

    return made


@contextmanager
def running(made: broker.EventBroker, queue: Queue) -> Iterator[None]:
    """A worker of `queue` while the context lasts."""
    stop = threading.Event()
    thread = threading.Thread(target=app.serve, args=(queue, made, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def serving(url: str, queue: Queue, handle: Handle, *more: dramatiq.Middleware, **options: Any) -> Iterator[None]:
    """Both."""
    with running(broker_for(url, queue, handle, *more, stopping=threading.Event(), **options), queue):
        yield
