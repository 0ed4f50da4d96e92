"""What one process says of itself, as one value: whoever touches the world hands it through here."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas import metrics as m
from schemas.errors import SnaplineError
from schemas.events import AnyEvent
from schemas.settings import Settings
from workers.ports import ObjectStore

if TYPE_CHECKING:
    from workers.adapters.telemetry.metering import Meter

Requested = Callable[[str, str, float], None]
"""Is told of a request to the API server: method, status or `none`, seconds."""


@dataclass(frozen=True)
class Telemetry:
    """Metrics if there is a `meter`. Without, everything is as it would be without telemetry."""

    meter: "Meter | None" = None

    def publishing(self, event: AnyEvent) -> AbstractContextManager[AnyEvent]:
        """Around the publishing of an event, which is the one that the context yields."""
        return nullcontext(event) if self.meter is None else _counted(event, self.meter)

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


def telemetry(settings: Settings) -> Telemetry:
    """That of a process with these settings: metrics, if they can be asked for."""
    if not settings.probe_address:
        return OFF
    # Some hundredths of a second, for whoever is looked at.
    from workers.adapters.telemetry.metering import Meter

    return Telemetry(Meter())


@contextmanager
def _counted(event: AnyEvent, meter: "Meter") -> Iterator[AnyEvent]:
    from workers.adapters.telemetry import told

    began = time.perf_counter()
    try:
        yield event
    except SnaplineError:
        meter.add(m.NOT_TOLD, event.type)
        raise
    meter.observe(m.PUBLISH_SECONDS, time.perf_counter() - began)
    told.count(event.data, meter)
