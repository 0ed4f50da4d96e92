"""What is counted is what the table of metrics says, by names that Prometheus would choose."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import schemas
from schemas import events as e
from schemas import metrics as m
from schemas import metrics_document, topology
from schemas.errors import NotFound, TransientError
from schemas.settings import Settings
from workers.adapters.telemetry import told
from workers.adapters.telemetry.metering import Meter
from workers.adapters.telemetry.process import OFF, Telemetry, telemetry
from workers.adapters.telemetry.stores import MeasuredStore
from workers.adapters.twins.store import MemoryObjectStore

DOCUMENT = Path(schemas.__file__).parent.parent / "docs" / "metrics.md"
BOUNDED = {
    *("queue", "event", "outcome", "destination", "operation", "error", "method", "code", "kind", "status"),
    *("app", "schedule", "does", "part"),
}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def value(meter: Meter, series: str) -> float | None:
    """What a series has now, such as `snapline_x{a="b"}`."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", meter.text().decode(), re.MULTILINE)
    return float(found[1]) if found else None


def test_names_are_prometheus_own_kind() -> None:
    for metric in m.metrics():
        assert re.fullmatch(r"snapline_[a-z]+(_[a-z]+)*", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert not re.search("_(ms|minutes|hours|days|kb|mb|percent)(_|$)", metric.name)
        assert set(metric.labels) <= BOUNDED, f"{metric.name} has a label that may grow with use"
        assert metric.help.endswith(".")
    names = [name for metric in m.metrics() for name in m.series(metric)]
    assert len(names) == len(set(names))


def test_the_buckets_of_steps_reach_from_ten_milliseconds_to_the_time_limit() -> None:
    assert m.STEP_SECONDS[0] == 0.01
    assert m.STEP_SECONDS[-1] == topology.TIME_LIMIT.total_seconds()


def test_the_document_is_what_would_be_written() -> None:
    assert DOCUMENT.read_text() == metrics_document.document(), "run `snapline schema` and commit what it writes"


def test_nothing_is_counted_where_nobody_may_ask() -> None:
    store = MemoryObjectStore()
    event = e.wrap(e.TickMinute(minute="2026-01-01T00:00Z"), source="t", time=NOW)
    assert telemetry(Settings(), "snapline.x", {}) is OFF
    assert OFF.store("default", store) is store
    assert OFF.requested is None
    with OFF.publishing(event) as published:
        assert published is event


def test_requests_to_a_store_are_counted_by_operation_and_failures_by_code() -> None:
    class Away(MemoryObjectStore):
        def delete(self, key: str) -> None:
            raise TransientError("away")

    meter = Meter()
    store = MeasuredStore(Away(), "offsite", meter)
    store.put("a", b"123")
    assert store.create("b", b"12")
    assert not store.create("b", b"12")
    assert store.get("a") == b"123"
    with pytest.raises(NotFound):
        store.get("nothing")
    assert [each.key for each in store.list("")] == ["a", "b"]
    assert sorted(store.names("")) == ["a", "b"]
    with pytest.raises(TransientError):
        store.delete("a")
    for operation, times in {"put": 1, "create": 2, "get": 2, "list": 1, "names": 1, "delete": 1}.items():
        assert value(meter, f'snapline_store_requests_total{{destination="offsite",operation="{operation}"}}') == times
        assert value(meter, f'snapline_store_request_seconds_count{{operation="{operation}"}}') == times
    assert value(meter, 'snapline_store_written_bytes_total{destination="offsite"}') == 5
    assert value(meter, 'snapline_store_read_bytes_total{destination="offsite"}') == 3
    errors = [line for line in meter.text().decode().splitlines() if line.startswith("snapline_store_errors_total{")]
    assert errors == ['snapline_store_errors_total{destination="offsite",error="Transient",operation="delete"} 1.0']


def test_what_is_told_says_how_jobs_end_and_how_much_was_copied() -> None:
    meter = Meter()
    around = Telemetry(meter).publishing
    for event in (
        e.BackupPartiallyFailed(backup="shop-1"),
        e.RestoreCompleted(restore="shop-1-x", backup="shop-1"),
        e.BackupRejected(backup="shop-2", request="r", reasons=[]),
        e.VolumesCopied(
            backup="shop-1", pod="shop/web", scanned_bytes=100, changed_bytes=50, uploaded_bytes=20, files=3
        ),
        e.VolumesRestored(restore="shop-1-x", volume="shop/data", bytes=100, files=3),
    ):
        for _ in range(2):  # a step that runs twice tells the same
            with around(e.wrap(event, source="t", time=NOW)):
                pass
    assert value(meter, 'snapline_jobs_ended_total{kind="backup",status="PartiallyFailed"}') == 1
    assert value(meter, 'snapline_jobs_ended_total{kind="restore",status="Completed"}') == 1
    assert value(meter, 'snapline_jobs_ended_total{kind="backup",status="Rejected"}') == 1
    assert value(meter, "snapline_volume_scanned_bytes_total") == 100
    assert value(meter, "snapline_volume_uploaded_bytes_total") == 20
    assert value(meter, "snapline_volume_restored_files_total") == 3
    assert value(meter, 'snapline_events_told_total{event="volumes.copied.v1"}') == 2
    assert value(meter, "snapline_publish_seconds_count") == 10


def test_what_the_broker_does_not_take_counts_as_not_told() -> None:
    meter = Meter()
    event = e.wrap(e.TickMinute(minute="2026-01-01T00:00Z"), source="t", time=NOW)
    with pytest.raises(TransientError), Telemetry(meter).publishing(event):
        raise TransientError("away")
    assert value(meter, 'snapline_publish_failures_total{event="tick.minute.v1"}') == 1
    assert value(meter, 'snapline_events_told_total{event="tick.minute.v1"}') is None


def test_every_end_of_a_job_has_a_status() -> None:
    statuses = {told.status(kind.type) for kind in e.FINAL}
    assert statuses == {*m.STATUSES, "Rejected"}


def test_a_gauge_that_cannot_be_read_is_absent_and_holds_up_no_other() -> None:
    def fails() -> Iterator[m.Sample]:
        yield m.Sample(m.APPLICATIONS, 3)
        raise RuntimeError("a bug")

    meter = Meter()
    meter.watch(fails)
    meter.watch(lambda: [m.Sample(m.CONNECTED, 1, ("notify",))])
    assert value(meter, "snapline_applications") is None
    assert value(meter, 'snapline_worker_connected{queue="notify"}') == 1
