"""Dramatiq's own Prometheus metrics, kept in this process: no second server, no files that processes share."""

import os
from typing import Any

import prometheus_client  # before dramatiq's own, which would make it keep its values in files
from dramatiq import Broker
from dramatiq.middleware.prometheus import Prometheus

from workers.deliveries import Again

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST
FILES = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")


class Metrics(Prometheus):
    """The stock middleware, for a process with one queue. A message that waits is no error; all else that an actor
    raises is one."""

    def __init__(self) -> None:
        super().__init__()
        self._registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self._registry)

    @property
    def forks(self) -> list[Any]:
        """No exposition server: the probe serves the text."""
        return []

    def after_process_boot(self, broker: Broker) -> None:
        """See dramatiq. Its metrics register with a registry that it does not keep; ours reads them too."""
        super().after_process_boot(broker)  # type: ignore[no-untyped-call]
        for name in FILES:
            os.environ.pop(name, None)
        for metric in vars(self).values():
            if isinstance(metric, prometheus_client.metrics.MetricWrapperBase):
                self._registry.register(metric)

    def after_worker_shutdown(self, *_: object) -> None:
        """Nothing: what is in memory ends with the process."""

    def after_process_message(
        self, broker: Broker, message: Any, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """See dramatiq."""
        waits = isinstance(exception, Again) and not exception.counted
        raised = None if waits else exception
        super().after_process_message(broker, message, result=result, exception=raised)  # type: ignore[no-untyped-call]

    def text(self) -> bytes:
        """All metrics, in Prometheus' text format."""
        return prometheus_client.generate_latest(self._registry)
