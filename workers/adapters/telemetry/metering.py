"""The metrics of one process, in memory: counted where things happen, read as Prometheus' text."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import prometheus_client
import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from schemas.metrics import Metric, Sample

Read = Callable[[], Iterable[Sample]]
"""Gauges as they are now. What raises says nothing: its gauges are absent, which an alert tells from 0."""

log = structlog.get_logger("metrics")


class Meter:
    """Counts by the metrics of schemas/metrics.py. Safe for threads."""

    def __init__(self) -> None:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self._registry)
        self._made: dict[str, Any] = {}
        self._children: dict[tuple[str, ...], Any] = {}
        self._watched = _Watched()
        self._registry.register(self._watched)

    def add(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Counts `by` more, or fewer if it is a gauge."""
        self._child(metric, labels).inc(by)

    def observe(self, metric: Metric, seconds: float, *labels: str) -> None:
        """Puts one value into a histogram."""
        self._child(metric, labels).observe(seconds)

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Sets a gauge."""
        self._child(metric, labels).set(value)

    def watch(self, read: Read) -> None:
        """Has gauges read whenever somebody looks."""
        self._watched.reads.append(read)

    def text(self) -> bytes:
        """All metrics, in Prometheus' text format."""
        return prometheus_client.generate_latest(self._registry)

    def _child(self, metric: Metric, labels: tuple[str, ...]) -> Any:
        key = (metric.name, *labels)
        found = self._children.get(key)
        if found is None:
            made = self._made.get(metric.name) or self._made.setdefault(metric.name, _make(metric))
            if made not in self._watched.made:
                self._watched.made.append(made)
            found = self._children.setdefault(key, made.labels(*labels) if metric.labels else made)
        return found


class _Watched(Collector):
    """What was made so far, and what is read when somebody looks."""

    def __init__(self) -> None:
        self.made: list[Any] = []
        self.reads: list[Read] = []

    def collect(self) -> Iterator[Any]:
        """See prometheus_client."""
        for each in list(self.made):
            yield from each.collect()
        families: dict[str, GaugeMetricFamily] = {}
        for sample in self._samples():
            metric = sample.metric
            family = families.get(metric.name)
            if family is None:
                family = families[metric.name] = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            family.add_metric(sample.labels, sample.value)
        yield from families.values()

    def _samples(self) -> Iterator[Sample]:
        for read in self.reads:
            try:
                yield from list(read())
            except Exception as error:
                log.warning("a gauge could not be read", reason=f"{type(error).__name__}: {error}")


def _make(metric: Metric) -> Any:
    """Unregistered, so that two threads may make the same one: whoever comes second is forgotten."""
    if metric.kind == "histogram":
        return prometheus_client.Histogram(
            metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=None
        )
    kind = prometheus_client.Counter if metric.kind == "counter" else prometheus_client.Gauge
    return kind(metric.name, metric.help, metric.labels, registry=None)
