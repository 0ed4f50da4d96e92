"""Dramatiq's middleware about the process: how much it takes, that it is asked to stop, how its threads are."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import dramatiq
import structlog
from dramatiq.middleware import ShutdownNotifications

WAKE_MS = 200
"""How often dramatiq's threads look up from waiting."""
LOOK = 1.0
"""Seconds between looks at the threads."""

log = structlog.get_logger(__name__)


class StopRequests(ShutdownNotifications):
    """The stock shutdown notifications, which also set `stopping`.

    An exception lands anywhere in a thread, also between the saving of a slice and telling of the next. Work that
    asks `stopping` ends at a good place; an actor declared with `notify_shutdown` gets the exception as well.
    """

    def __init__(self, stopping: threading.Event) -> None:
        super().__init__()
        self._stopping = stopping

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """See dramatiq."""
        self._stopping.set()
        super().before_worker_shutdown(broker, worker)  # type: ignore[no-untyped-call]


class Prefetch(dramatiq.Middleware):
    """A worker takes no more messages than it has threads: one that waits in its memory could run elsewhere."""

    def before_worker_boot(self, _: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """See dramatiq."""
        worker.queue_prefetch, worker.worker_timeout = worker.worker_threads, WAKE_MS


class ThreadWatch(dramatiq.Middleware):
    """Calls `ended(worker, names)` once, from a thread of its own, when threads of the worker have died."""

    def __init__(self, ended: Callable[[dramatiq.Worker, list[str]], None]) -> None:
        self._ended = ended
        self._stop = threading.Event()

    def after_worker_boot(self, _: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """See dramatiq."""
        threading.Thread(target=self._watch, args=(worker,), name="thread watch", daemon=True).start()

    def before_worker_shutdown(self, *_: object) -> None:
        """See dramatiq. Threads that end from now on do so because they should."""
        self._stop.set()

    def _watch(self, worker: dramatiq.Worker) -> None:
        while not self._stop.wait(LOOK):
            if dead := dead_threads(worker):
                log.critical("threads have died; the process ends, to be started again", threads=dead)
                self._ended(worker, dead)
                return


class StepTimes(dramatiq.Middleware):
    """Knows since when each thread has been in its step. What becomes of its outcome does not count: that may wait for
    the broker, which no restart brings back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def before_process_message(self, *_: object) -> None:
        """See dramatiq."""
        self._since[threading.current_thread().name] = self._clock()

    def after_process_message(self, *_: object, **__: object) -> None:
        """See dramatiq."""
        self._since.pop(threading.current_thread().name, None)

    def after_skip_message(self, *_: object) -> None:
        """See dramatiq."""
        self.after_process_message()

    def longer_than(self, limit: timedelta) -> list[str]:
        """The names of the threads that have been in one step for longer."""
        now = self._clock()
        return [name for name, since in list(self._since.items()) if now - since > limit.total_seconds()]


def dead_threads(worker: dramatiq.Worker) -> list[str]:
    """The names of the worker and consumer threads that have ended."""
    threads = [*worker.workers, *worker.consumers.values()]
    return [thread.name for thread in threads if not thread.is_alive()]


def consuming(worker: dramatiq.Worker) -> bool:
    """Whether every consumer has a connection to the broker."""
    consumers = [thread.consumer for thread in worker.consumers.values()]
    return bool(consumers) and not any(getattr(consumer, "gone", True) for consumer in consumers)
