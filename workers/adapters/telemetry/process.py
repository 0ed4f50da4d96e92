"""What one process says of itself, as one value: whoever touches the world hands it through here."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from schemas import metrics as m
from schemas.errors import SnaplineError
from schemas.events import AnyEvent
from schemas.settings import Settings
from workers.ports import ObjectStore

if TYPE_CHECKING:
    from workers.adapters.telemetry.metering import Meter
    from workers.adapters.telemetry.told import Told
    from workers.adapters.telemetry.tracing import Traces

Requested = Callable[[str, str, float], None]
"""Is told of a request to the API server: method, status or `none`, seconds."""


@dataclass(frozen=True)
class Telemetry:
    """Metrics if there is a `meter`, spans if there are `traces`. Without, everything is as if nobody looked."""

    meter: "Meter | None" = None
    traces: "Traces | None" = None

    @cached_property
    def told(self) -> "Told | None":
        """What counts the events that are told."""
        if self.meter is None:
            return None
        from workers.adapters.telemetry.told import Told

        return Told(self.meter)

    def publishing(self, event: AnyEvent) -> AbstractContextManager[AnyEvent]:
        """Around the publishing of an event, which is the one that the context yields."""
        counted = nullcontext(event) if self.told is None else _counted(event, self.told)
        return counted if self.traces is None else _both(counted, self.traces.sending(event))

    def store(self, destination: str, store: ObjectStore) -> ObjectStore:
        """The store of a destination, with its requests counted."""
        if self.meter is None:
            return store
        from workers.adapters.telemetry.stores import MeasuredStore

        return MeasuredStore(store, destination, self.meter)

    @property
    def requested(self) -> Requested | None:
        """What requests to the API server are told to; None if nobody counts them."""
        meter = self.meter
        if meter is None:
            return None

        def requested(method: str, code: str, seconds: float) -> None:
            meter.add(m.API_REQUESTS, method, code)
            meter.observe(m.API_SECONDS, seconds, method)

        return requested


OFF = Telemetry()
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def telemetry(settings: Settings, service: str, environ: Mapping[str, str] = os.environ) -> Telemetry:
    """That of a process with these settings: metrics, if they can be asked for, and traces, if `environ` says where
    they go. `service` is what the process is called in these."""
    wanted = exported(environ)
    if not settings.probe_address and not wanted:
        return OFF
    # Some hundredths of a second for each, for whoever is looked at.
    return Telemetry(_meter() if settings.probe_address else None, _traces(service) if wanted else None)


def exported(environ: Mapping[str, str]) -> bool:
    """Whether traces go anywhere, by the variables of OpenTelemetry's SDK."""
    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none"
    return not off and any(environ.get(name) for name in ENDPOINTS)


def _meter() -> "Meter":
    from workers.adapters.telemetry.metering import Meter

    return Meter()


def _traces(service: str) -> "Traces | None":
    """None, and a warning, where they cannot be made: whoever works goes on without."""
    try:
        from workers.adapters.telemetry.tracing import start

        return start(service)
    except Exception as error:
        import structlog

        structlog.get_logger("traces").warning("there are no traces", reason=f"{type(error).__name__}: {error}")
        return None


@contextmanager
def _both(counted: AbstractContextManager[AnyEvent], traced: AbstractContextManager[AnyEvent]) -> Iterator[AnyEvent]:
    with traced as event, counted:
        yield event


@contextmanager
def _counted(event: AnyEvent, told: "Told") -> Iterator[AnyEvent]:
    began = time.perf_counter()
    try:
        yield event
    except SnaplineError:
        told.meter.add(m.NOT_TOLD, event.type)
        raise
    told.meter.observe(m.PUBLISH_SECONDS, time.perf_counter() - began)
    told.count(event)
