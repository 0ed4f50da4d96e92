"""Dramatiq's middleware that has a span for each step, and the id of its trace in the log."""

import threading
from contextlib import AbstractContextManager
from typing import Any

import dramatiq
import structlog

from workers.adapters.broker.observing.outcomes import outcome_of
from workers.adapters.broker.observing.spans import Came, Spans
from workers.adapters.telemetry.tracing import Processing, Traces
from workers.deliveries import Outcome

TRACE_ID = "trace_id"


class Traced(Spans):
    """Each message that comes, and each that is settled, has a span."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    def received(self, message: Came, began: int, problem: str = "") -> None:
        """See Spans."""
        self._traces.received(message, began, problem)

    def settling(self, how: str, message: Came, step: Any = None) -> AbstractContextManager[None]:
        """See Spans."""
        return self._traces.settling(how, message, step)


class Tracing(dramatiq.Middleware):
    """First of all middlewares, so that it ends last: a message that is given back or parked is sent within its step's
    span. Only what acknowledges it comes later."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces
        self._open: dict[int, Processing] = {}

    def before_process_message(self, _: dramatiq.Broker, message: Any) -> None:
        """See dramatiq."""
        processing = self._traces.processing(message.came)
        self._open[threading.get_ident()] = message.step = processing
        structlog.contextvars.bind_contextvars(trace_id=processing.trace_id)

    def after_process_message(
        self,
        broker: dramatiq.Broker,  # noqa: ARG002  # dramatiq's signature
        message: Any,  # noqa: ARG002
        *,
        result: Any = None,  # noqa: ARG002
        exception: BaseException | None = None,
    ) -> None:
        """See dramatiq."""
        said = exception.reason if isinstance(exception, Outcome) else type(exception).__name__ if exception else ""
        self._end(outcome_of(exception), said)

    def after_skip_message(self, *_: object) -> None:
        """See dramatiq."""
        self._end("skipped", "")

    def _end(self, outcome: str, reason: str) -> None:
        structlog.contextvars.unbind_contextvars(TRACE_ID)
        processing = self._open.pop(threading.get_ident(), None)
        if processing is not None:
            self._traces.processed(processing, outcome, reason)
