"""Dramatiq's middleware that counts: what became of deliveries, how long steps took, what is in flight."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import dramatiq

from schemas import metrics as m
from schemas import topology
from workers.adapters.broker import watching
from workers.adapters.broker.observing.outcomes import outcome_of
from workers.adapters.telemetry.metering import Meter


class Metrics(dramatiq.Middleware):
    """Counts into `meter`. A message that waits is no failure. `clock` is that of publishers, in seconds since 1970."""

    def __init__(self, meter: Meter, clock: Callable[[], float] = time.time) -> None:
        self._meter, self._clock = meter, clock
        self._began: dict[int, float] = {}

    def after_worker_boot(self, _: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """See dramatiq. What has not happened yet is 0, so that the first time is seen as a rise."""
        for name in worker.consumer_whitelist or ():
            for kind in topology.queue(name).hears:
                for outcome in m.OUTCOMES:
                    self._meter.add(m.MESSAGES, name, kind.type, outcome, by=0)
            self._meter.add(m.MESSAGES, name, "", "parked", by=0)
            self._meter.add(m.DROPPED, name, by=0)
            self._meter.set(m.IN_FLIGHT, 0, name)
            self._meter.watch(partial(_connected, worker, name))

    def before_process_message(self, _: dramatiq.Broker, message: Any) -> None:
        """See dramatiq."""
        self._began[threading.get_ident()] = time.perf_counter()
        self._meter.add(m.IN_FLIGHT, message.queue_name)
        published = message.properties.timestamp
        if published and message.arrived.is_new and not message.redelivered:
            self._meter.observe(m.MESSAGE_WAIT, max(0.0, self._clock() - published), message.queue_name)

    def after_process_message(
        self,
        broker: dramatiq.Broker,  # noqa: ARG002  # dramatiq's signature
        message: Any,
        *,
        result: Any = None,  # noqa: ARG002
        exception: BaseException | None = None,
    ) -> None:
        """See dramatiq."""
        seconds, event = self._ended(message), message.arrived.event.type
        self._meter.observe(m.MESSAGE_SECONDS, seconds, message.queue_name, event)
        self._meter.add(m.MESSAGES, message.queue_name, event, outcome_of(exception))

    def after_skip_message(self, _: dramatiq.Broker, message: Any) -> None:
        """See dramatiq. It comes again, to somebody: nothing became of it here."""
        self._ended(message)

    def unread(self, queue: str, dropped: bool) -> None:
        """For what was no event: it was parked, or `dropped`."""
        if dropped:
            self._meter.add(m.DROPPED, queue)
        else:
            self._meter.add(m.MESSAGES, queue, "", "parked")

    def _ended(self, message: Any) -> float:
        self._meter.add(m.IN_FLIGHT, message.queue_name, by=-1)
        began = self._began.pop(threading.get_ident(), None)
        return time.perf_counter() - began if began is not None else 0.0


def _connected(worker: dramatiq.Worker, queue: str) -> list[m.Sample]:
    return [m.Sample(m.CONNECTED, watching.consuming(worker), (queue,))]
