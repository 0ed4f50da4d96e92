"""One backup is one trace, over a real RabbitMQ and OpenTelemetry's own protocol."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dramatiq
import pytest
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas import events as e
from schemas import topology
from schemas.errors import TransientError
from tests.support.line import until
from tests.support.serving import running
from tests.support.world import World
from workers import app
from workers.adapters import broker, logs
from workers.adapters.broker.observing.tracing import Traced, Tracing
from workers.adapters.telemetry.process import Telemetry
from workers.adapters.telemetry.tracing import Traces, start
from workers.deliveries import Delivery, Outcome
from workers.patience import Patience
from workers.receive import Row, receive

pytestmark = pytest.mark.timeout(900)
QUEUES = [topology.queue(name) for name in ("license.gate", "manifest.capture", "backup.finalize")]
ERROR = 2
"""A status code of OTLP."""


class Collector:
    """What was exported: each span, with its attributes as a dict."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[Any] = []
        self.services: set[str] = set()

    def named(self, name: str) -> list[Any]:
        """Those whose name begins so."""
        return [span for span in self.spans if span.name.startswith(name)]

    def one(self, span_id: bytes) -> Any:
        """The one of that id."""
        [found] = [span for span in self.spans if span.span_id == span_id]
        return found


@contextmanager
def collecting() -> Iterator[Collector]:
    """An OTLP/HTTP receiver on 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            for resource in request.resource_spans:
                collector.services.add(attributes(resource.resource)["service.name"])
                for scope in resource.scope_spans:
                    collector.spans.extend(scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def attributes(of: Any) -> dict[str, Any]:
    """As a dict."""
    values = {each.key: each.value for each in of.attributes}
    return {key: value.string_value or value.int_value for key, value in values.items()}


def _row(world: World, queue: topology.Queue, failures: list[TransientError]) -> Row:
    def step(event: e.CloudEvent[Any], via: Delivery) -> Iterator[e.Event]:
        if queue.name == "manifest.capture" and failures:
            raise failures.pop()
        if isinstance(event.data, e.BackupRequested):
            yield from world.request(event.data, event.id, event.source)
        else:
            yield from world.hear(event.data)

    return Row(step)


def _broker(url: str, queue: topology.Queue, row: Row, traces: Traces) -> broker.EventBroker:
    publisher = broker.Publisher(url, "tests", around=Telemetry(traces=traces).publishing)
    middleware = [Tracing(traces), *app.middleware(threading.Event(), Patience())]
    made = broker.EventBroker(url, publisher, middleware=middleware, spans=Traced(traces))

    @dramatiq.actor(broker=made, actor_name=queue.name, queue_name=queue.name, throws=Outcome)
    def actor(event: dict[str, Any]) -> None:
        receive(event, row, publisher.publish, broker.delivery())

    return made


def _request(traces: Traces, url: str) -> e.AnyEvent:
    asking = broker.Publisher(url, "somebody", around=Telemetry(traces=traces).publishing)
    request = e.wrap(e.BackupRequested(app="shop"), id="r-1", source="tests", time=datetime.now(UTC))
    asking.publish(request)
    asking.publish_raw(b'{"specversion": "1.0", "type": "backup.requested.v1"}', "backup.requested.v1")
    asking.close()
    return request


@pytest.fixture(scope="module")
def collected(broker_server: Any, spare_vhosts: Iterator[str]) -> Iterator[tuple[Collector, list[dict[str, Any]]]]:
    """The spans of one backup, whose capture is tried twice, and of a message that is none; with the log's lines."""
    url, world, failures = broker_server.url_of("snapline", next(spare_vhosts)), World(), [TransientError("busy")]
    world.register("shop")
    handled: list[dict[str, Any]] = []
    patch = pytest.MonkeyPatch()
    with collecting() as collector, ExitStack() as open_now:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        patch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "120")
        patch.setattr(logs, "handled", lambda log, **said: handled.append({**_bound(), **said}))
        traces = start("snapline.test")
        for queue in QUEUES:
            made = _broker(url, queue, _row(world, queue, failures), traces)
            open_now.enter_context(running(made, queue))
        _request(traces, url)
        until(lambda: any(line["type"] == e.BackupPlanned.type for line in handled), "the backup has ended")
        until(lambda: bool(list(broker.list_dead_letters(url, "license.gate"))), "what was none is parked")
        open_now.close()
        traces.close()
        patch.undo()
        yield collector, handled


def _bound() -> dict[str, Any]:
    return structlog.contextvars.get_contextvars()


Collected = tuple[Collector, list[dict[str, Any]]]


def test_one_backup_is_one_trace_and_each_span_hangs_on_what_it_follows_from(collected: Collected) -> None:
    collector, _ = collected
    [asked] = collector.named("publish snapline.events:backup.requested.v1")
    assert asked.parent_span_id == b""
    of_job = [span for span in collector.spans if attributes(span).get("messaging.message.conversation_id") == "r-1"]
    assert {span.trace_id for span in of_job} == {asked.trace_id}
    [gate] = collector.named("process snapline.events:backup.requested.v1:license.gate")
    assert gate.parent_span_id == asked.span_id
    [licensed] = collector.named("publish snapline.told:backup.licensed.v1")
    assert licensed.parent_span_id == gate.span_id
    for span in of_job:
        kind = attributes(span)["messaging.operation.type"]
        if kind in ("receive", "process"):
            sent = collector.one(span.parent_span_id)
            assert attributes(sent)["messaging.operation.type"] == "send"
            assert [link.span_id for link in span.links] == [sent.span_id]
            assert attributes(sent)["messaging.message.id"] == attributes(span)["messaging.message.id"]
        if kind == "settle":
            assert attributes(collector.one(span.parent_span_id))["messaging.operation.type"] == "process"
            assert len(span.links) == 1
    assert collector.services == {"snapline.test"}


def test_spans_have_the_names_kinds_and_attributes_of_the_conventions(collected: Collected) -> None:
    collector, _ = collected
    [process] = collector.named("process snapline.events:backup.requested.v1:license.gate")
    said = attributes(process)
    assert said["messaging.system"] == "rabbitmq"
    assert said["messaging.destination.name"] == "snapline.events:backup.requested.v1:license.gate"
    assert said["messaging.rabbitmq.destination.routing_key"] == "backup.requested.v1"
    assert (said["messaging.message.id"], said["messaging.message.conversation_id"]) == ("r-1", "r-1")
    assert (said["messaging.operation.name"], said["messaging.operation.type"]) == ("process", "process")
    assert said["messaging.message.body.size"] > 0
    kinds = {attributes(span)["messaging.operation.type"]: span.kind for span in collector.spans}
    assert kinds == {"send": 4, "receive": 3, "process": 5, "settle": 3}  # producer, client, consumer, client


def test_a_retry_and_a_parked_message_are_errors_and_what_is_done_is_none(collected: Collected) -> None:
    collector, _ = collected
    failed = {attributes(span).get("error.type"): span for span in collector.spans if span.status.code == ERROR}
    assert set(failed) == {"retry", "malformed"}
    assert "busy" in failed["retry"].status.message
    again = [
        span
        for span in collector.named("process ")
        if attributes(span)["messaging.message.id"] == attributes(failed["retry"])["messaging.message.id"]
    ]
    assert sorted(attributes(span)["snapline.attempt"] for span in again) == [1, 2]
    assert {span.parent_span_id for span in again} == {failed["retry"].parent_span_id}
    assert {attributes(span)["snapline.outcome"] for span in again} == {"retry", "done"}


def test_the_line_in_the_log_has_the_id_of_its_trace(collected: Collected) -> None:
    collector, handled = collected
    [asked] = collector.named("publish snapline.events:backup.requested.v1")
    assert {line["trace_id"] for line in handled} == {asked.trace_id.hex()}
    assert len(handled) >= 4


def test_what_hangs_on_a_trace_goes_on_where_nobody_traces() -> None:
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    body = {
        "specversion": "1.0",
        "id": "r",
        "source": "ci",
        "type": "backup.requested.v1",
        "traceparent": given,
        "tracestate": "vendor=1",
        "data": {},
    }
    request = e.parse(json.dumps(body).encode())
    told = e.wrap(e.BackupLicensed(backup="b"), source="t", time=datetime.now(UTC), cause=request)
    assert (told.traceparent, told.tracestate) == (given, "vendor=1")
