"""Spans by OpenTelemetry's conventions for RabbitMQ, exported as the SDK's own variables say (OTEL_...).

https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/

A message's span of sending is the parent of those that receive and process it, and linked to each. What a step
tells is sent within its span of processing, so a job is one trace.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from schemas import events as e
from schemas import topology
from schemas.errors import SnaplineError
from schemas.events import AnyEvent
from workers.adapters.broker.observing.spans import Came

MOST_SAID = 300
"""Characters of a reason that a span has."""
FAILURES = frozenset({"retry", "failed", "parked"})
"""Outcomes that are errors. A message that waits has not failed."""

W3C = TraceContextTextMapPropagator()


@dataclass(frozen=True)
class Processing:
    """A span of processing that is open in this thread."""

    span: Span
    came: Came
    token: Any

    @property
    def trace_id(self) -> str:
        """32 hex digits."""
        return trace.format_trace_id(self.span.get_span_context().trace_id)


class Traces:
    """The spans of one process. Safe for threads."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("snapline")

    @contextmanager
    def sending(self, event: AnyEvent) -> Iterator[AnyEvent]:
        """Around the publishing of an event, which gets the context of this span. Within a step that is the parent;
        else whatever context the event has already."""
        exchange, key = topology.exchange(event.data), topology.routing_key(event.data)
        parent = None if trace.get_current_span().get_span_context().is_valid else _context(event)
        attributes = {**_named("publish", "send", f"{exchange}:{key}", key), **_of(event)}
        with self._tracer.start_as_current_span(
            f"publish {exchange}:{key}",
            parent,
            SpanKind.PRODUCER,
            attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _carrying(event)
            except SnaplineError as error:
                _fail(span, error.code, str(error))
                raise

    def received(self, came: Came, began: int, problem: str = "") -> None:
        """A message has come, and was read since `began` (ns since 1970), or `problem` says why it could not be."""
        span = self._begin("consume", "receive", came, SpanKind.CLIENT, began)
        if problem:
            _fail(span, "malformed", problem)
        span.end()

    def processing(self, came: Came) -> Processing:
        """A step begins. What this thread sends until `processed` is part of it."""
        span = self._begin("process", "process", came, SpanKind.CONSUMER)
        span.set_attribute("snapline.attempt", came.attempt)
        return Processing(span, came, contexts.attach(trace.set_span_in_context(span)))

    def processed(self, processing: Processing, outcome: str, reason: str) -> None:
        """It has ended, in the same thread."""
        contexts.detach(processing.token)
        processing.span.set_attribute("snapline.outcome", outcome)
        if outcome in FAILURES:
            _fail(processing.span, outcome, reason)
        processing.span.end()

    @contextmanager
    def settling(self, how: str, came: Came, processing: Processing | None = None) -> Iterator[None]:
        """Around what tells the broker that it may forget a message (`ack`), or may not (`nack`)."""
        parent = trace.set_span_in_context(processing.span) if processing else None
        span = self._begin(how, "settle", came, SpanKind.CLIENT, parent=parent)
        try:
            yield
        except Exception as error:
            _fail(span, type(error).__name__, "")
            raise
        finally:
            span.end()

    def close(self) -> None:
        """Exports what is left."""
        self._provider.shutdown()

    def _begin(
        self,
        name: str,
        type_: str,
        came: Came,
        kind: SpanKind,
        began: int | None = None,
        parent: contexts.Context | None = None,
    ) -> Span:
        destination = ":".join(filter(None, (came.exchange, came.routing_key, came.queue)))
        sent = _context(came.event) if came.event else None
        from_ = trace.get_current_span(sent).get_span_context() if sent else None
        attributes: dict[str, Any] = {
            **_named(name, type_, destination, came.routing_key),
            "messaging.rabbitmq.message.delivery_tag": came.delivery_tag,
            "messaging.message.body.size": came.size,
            **(_of(came.event) if came.event else {}),
        }
        links = [Link(from_)] if from_ and from_.is_valid else []
        return self._tracer.start_span(
            f"{name} {destination}", parent or sent or contexts.Context(), kind, attributes, links, start_time=began
        )


def start(service: str, exporter: SpanExporter | None = None) -> Traces:
    """Traces that are exported in the background, until the process ends. `service` is what it is called, unless the
    environment says otherwise. Raises what the SDK raises for settings that it cannot use."""
    named = OTELResourceDetector().detect().attributes
    ours: Mapping[str, str] = {
        SERVICE_VERSION: version("snapline"),
        **({} if SERVICE_NAME in named else {SERVICE_NAME: service}),
    }
    provider = TracerProvider(resource=Resource.create(ours))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    return Traces(provider)


def _named(name: str, type_: str, destination: str, key: str) -> dict[str, Any]:
    return {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": name,
        "messaging.operation.type": type_,
        "messaging.destination.name": destination,
        "messaging.rabbitmq.destination.routing_key": key,
    }


def _of(event: AnyEvent) -> dict[str, Any]:
    said = {
        "messaging.message.id": event.id,
        "messaging.message.conversation_id": e.conversation(event),
        "snapline.event": event.type,
        "snapline.subject": event.subject,
    }
    return {name: value[:1024] for name, value in said.items() if value}


def _context(event: AnyEvent) -> contexts.Context | None:
    """Where the event was sent; None if it does not say."""
    if event.traceparent is None:
        return None
    carrier = {"traceparent": event.traceparent, **({"tracestate": event.tracestate} if event.tracestate else {})}
    return W3C.extract(carrier, contexts.Context())


def _carrying(event: AnyEvent) -> AnyEvent:
    carrier: dict[str, str] = {}
    W3C.inject(carrier)
    if "traceparent" not in carrier:
        return event
    ours = {"traceparent": carrier["traceparent"], "tracestate": carrier.get("tracestate")}
    return event.model_copy(update=ours)


def _fail(span: Span, kind: str, why: str) -> None:
    span.set_attribute("error.type", str(kind))
    span.set_status(Status(StatusCode.ERROR, why[:MOST_SAID]))
