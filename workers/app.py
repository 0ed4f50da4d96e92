"""The worker process: settings -> needs -> broker, middleware and actors -> one queue served.

    dramatiq workers.app:setup --queues license.gate --processes 1 --threads 2
    python -m workers.app license.gate    # what `snapline worker` becomes: the same, without a process above it

Exit codes: 0 stopped by a signal, 1 a fault (restart it), 2 wrong settings or queue name.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import dramatiq
from dramatiq.middleware import CurrentMessage, TimeLimit

from schemas import metrics as m
from schemas import topology
from schemas.errors import Invalid, SnaplineError
from schemas.settings import from_environment
from workers import actors, line
from workers.adapters import broker, logs
from workers.adapters.telemetry import probe
from workers.fleet_watch import watching_fleet
from workers.jobs.store_time import clock_skew
from workers.needs import Needs
from workers.patience import Patience

if TYPE_CHECKING:
    from workers.adapters.broker.observing.metrics import Metrics

GRACE_MS = 60_000
"""How long running work may take to end."""


def setup() -> None:
    """What the dramatiq command calls in its worker process: makes our broker Dramatiq's."""
    with exit_codes():
        dramatiq.set_broker(make_broker(load()))


def load(service: str = "worker") -> Needs:
    """This process's needs, from its environment, with logging set up. Raises Invalid."""
    settings = from_environment(os.environ)
    logs.configure(secrets=settings.secrets())
    return Needs(settings, service)


def make_broker(needs: Needs, *more: dramatiq.Middleware) -> broker.EventBroker:
    """The bus for Dramatiq, with the actors of the line. Node queues get theirs when a worker asks for one."""
    settings = needs.settings
    metrics, traces = make_metrics(needs), make_tracing(needs)
    times = broker.StepTimes()
    made = broker.EventBroker(
        settings.broker_url,
        needs.publisher,
        middleware=[
            *traces,
            *middleware(
                needs.stopping,
                needs.patience,
                *([metrics] if metrics else []),
                times,
                Boot(needs, times),
                broker.ThreadWatch(end_process),
                *more,
            ),
        ],
        rights=needs.rights,
        signatures=needs.signatures,
        now=needs.now,
        unread=metrics.unread if metrics else lambda *_: None,
        spans=make_spans(needs),
    )
    actors.declare(made, needs)
    return made


def middleware(stopping: threading.Event, patience: Patience, *more: dramatiq.Middleware) -> list[dramatiq.Middleware]:
    """Dramatiq's, and ours in place of Retries. No Pipelines, Callbacks or Results: what they publish after an actor
    has ended may be lost, so steps tell all that follows while they run."""
    return [
        broker.SafeRetries(stopping, patience.length, patience.now),  # first, so that it ends last
        CurrentMessage(),
        TimeLimit(),
        broker.StopRequests(stopping),
        broker.Prefetch(),
        *more,
        broker.LostDeliveries(),  # last, so that the others have seen what it skips
    ]


def make_metrics(needs: Needs) -> "Metrics | None":
    """What counts deliveries, if somebody may ask for it."""
    if needs.telemetry.meter is None:
        return None
    from workers.adapters.broker.observing.metrics import Metrics

    return Metrics(needs.telemetry.meter)


def make_tracing(needs: Needs) -> list[dramatiq.Middleware]:
    """What has a span for each step, if traces go anywhere."""
    if needs.telemetry.traces is None:
        return []
    from workers.adapters.broker.observing.tracing import Tracing

    return [Tracing(needs.telemetry.traces)]


def make_spans(needs: Needs) -> broker.Spans:
    """What is told of messages that come and are settled."""
    if needs.telemetry.traces is None:
        return broker.Spans()
    from workers.adapters.broker.observing.tracing import Traced

    return Traced(needs.telemetry.traces)


class Boot(dramatiq.Middleware):
    """Makes a worker ready for the one queue that it was started for, or ends the process with an exit code."""

    def __init__(self, needs: Needs, times: broker.StepTimes) -> None:
        self._needs, self._times = needs, times
        self._open = ExitStack()

    def before_worker_boot(self, made: Any, worker: dramatiq.Worker) -> None:
        """See dramatiq. Only an exit gets out of here: it logs exceptions, and goes on."""
        with exit_codes():
            queue, address = chosen(worker), self._needs.settings.probe_address
            if queue.node:
                actors.declare_node(made, self._needs, queue.node)
            line.row(queue, self._needs)  # a process with wrong settings ends now, and not at its first message
            made.prepare(queue)
            if address:
                self._open.enter_context(probe.serving(address, self._health(worker, queue)))

    def _health(self, worker: dramatiq.Worker, queue: topology.Queue) -> probe.Health:
        def hung() -> list[str]:
            return self._times.longer_than(topology.HUNG_AFTER)

        meter = self._needs.telemetry.meter
        if meter is not None:
            if queue.name == "alarms":
                meter.watch(self._open.enter_context(watching_fleet(self._needs)).samples)
            meter.watch(lambda: [m.Sample(m.HUNG, len(hung()), (queue.name,))])
            meter.watch(lambda: clock_skew(self._needs.now))
        return probe.Health(
            dead_threads=lambda: broker.dead_threads(worker),
            hung_threads=hung,
            consuming=lambda: broker.consuming(worker),
            metrics=meter.text if meter is not None else bytes,
        )

    def after_worker_shutdown(self, *_: object) -> None:
        """See dramatiq."""
        self._open.close()


def chosen(worker: dramatiq.Worker) -> topology.Queue:
    """The worker's queue. Raises Invalid."""
    names = worker.consumer_whitelist or set()
    if len(names) != 1:
        raise Invalid(f"a worker serves one queue; choose one of {', '.join(topology.QUEUES)} or volumes.<node>")
    return named(*names)


def named(name: str) -> topology.Queue:
    """The queue of that name. Raises Invalid."""
    try:
        return topology.queue(name)
    except KeyError as error:
        raise Invalid(str(error.args[0])) from error


def end_process(worker: dramatiq.Worker, _: list[str]) -> None:
    """Called when threads have died: lets the others finish, then ends the process itself, because the dramatiq command
    would report success."""
    worker.stop(timeout=GRACE_MS)
    os._exit(1)


def serve(queue: topology.Queue, made: broker.EventBroker, stop: threading.Event) -> None:
    """One worker in this process, until `stop`; then running work ends, and what waits goes back to the queue."""
    made.emit_after("process_boot")
    worker = dramatiq.Worker(made, queues={queue.name}, worker_threads=queue.threads)
    worker.start()
    stop.wait()
    worker.stop(timeout=GRACE_MS)
    made.close()


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turns our errors into a line on standard error, and exits."""
    try:
        yield
    except SnaplineError as error:
        # Not sys.stderr: the dramatiq command has put a pipe there, which may not be read any more.
        print(f"snapline worker: {error.with_place}", file=sys.__stderr__, flush=True)
        raise SystemExit(2 if isinstance(error, Invalid) else 1) from error


def stop_on_signals() -> threading.Event:
    """Set by SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def main(arguments: list[str]) -> None:
    """Runs one worker until a signal."""
    with exit_codes():
        if len(arguments) != 1:
            raise Invalid("usage: python -m workers.app QUEUE")
        queue, needs = named(arguments[0]), load(arguments[0])
        serve(queue, make_broker(needs), stop_on_signals())


if __name__ == "__main__":
    main(sys.argv[1:])
