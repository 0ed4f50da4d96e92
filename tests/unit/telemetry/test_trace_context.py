"""Where in a trace an event was sent: carried on, and never a reason to refuse an event."""

import json
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from schemas import events as e
from schemas.errors import TransientError
from schemas.settings import Settings
from workers.adapters.telemetry import process
from workers.adapters.telemetry.process import OFF, Telemetry, telemetry
from workers.adapters.telemetry.tracing import Traces

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
WHERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


def _request(**attributes: Any) -> e.AnyEvent:
    body = {"specversion": "1.0", "id": "r", "source": "ci", "type": "backup.requested.v1", "data": {}} | attributes
    return e.parse(json.dumps(body).encode())


def test_an_event_without_is_as_it_was() -> None:
    body = json.loads(e.encode(_request()))
    assert "traceparent" not in body
    assert "tracestate" not in body


@pytest.mark.parametrize("state", ["vendor=1", "a=1,b@c=2", "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE"])
def test_what_is_well_formed_is_carried(state: str) -> None:
    body = json.loads(e.encode(_request(traceparent=PARENT, tracestate=state)))
    assert (body["traceparent"], body["tracestate"]) == (PARENT, state)


@pytest.mark.parametrize(
    "given",
    [
        *("", "x", 7, None, [], {"a": 1}, True, PARENT.upper(), f"{PARENT}-00", f" {PARENT}", f"{PARENT}\n", "0" * 55),
        *(
            "00-" + "0" * 32 + "-b7ad6b7169203331-01",
            PARENT.replace("b7ad6b7169203331", "0" * 16),
            "é" * 55,
            "a" * 100_000,
        ),
        *("ff" + PARENT[2:], "01" + PARENT[2:]),
    ],
)
def test_a_hostile_parent_is_dropped_and_the_request_is_taken(given: Any) -> None:
    assert _request(traceparent=given).traceparent is None


@pytest.mark.parametrize(
    "given", ["", "x", 7, [], "a=" + "b" * 600, ",".join(["a=b"] * 40), "a=b\r\nX: y", "a=\x00", "A=b", "a=b=c", "é=1"]
)
def test_a_hostile_state_is_dropped_and_the_request_is_taken(given: Any) -> None:
    assert _request(traceparent=PARENT, tracestate=given).tracestate is None


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        (WHERE, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({**WHERE, "OTEL_SDK_DISABLED": "true"}, False),
        ({**WHERE, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
    ],
)
def test_traces_are_off_unless_somebody_says_where_they_go(environ: dict[str, str], wanted: bool) -> None:
    assert process.exported(environ) == wanted
    if not wanted:
        assert telemetry(Settings(), "snapline.x", environ) is OFF


def test_whoever_works_goes_on_without_traces_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    assert telemetry(Settings(), "snapline.x", WHERE).traces is None


def test_what_the_broker_does_not_take_is_an_error_with_its_code() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    around = Telemetry(traces=Traces(provider)).publishing
    sent: list[e.AnyEvent] = []

    def refuse() -> None:
        with around(_request(traceparent=PARENT)) as event:
            sent.append(event)
            raise TransientError("a queue is full")

    with pytest.raises(TransientError):
        refuse()
    assert sent[0].traceparent is not None
    assert sent[0].traceparent[3:35] == PARENT[3:35]
    assert sent[0].traceparent != PARENT
    [span] = kept.get_finished_spans()
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == PARENT[36:52]
    assert dict(span.attributes or {})["error.type"] == "Transient"
    assert not span.status.is_ok
