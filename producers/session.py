"""One process's settings and adapters, each made when first asked for. Made once by a front, and passed along."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, cast

from producers import reaching
from producers.event_feed import EventFeed
from schemas import metrics as m
from schemas.destination import Destination
from schemas.errors import Code, Invalid, NotFound, SnaplineError
from schemas.events import THE_DEFAULT
from schemas.rights import Rights, rights
from schemas.settings import Settings
from workers.adapters.cache_directory import cache_directory
from workers.adapters.destinations import ConfiguredDestinations
from workers.adapters.telemetry.process import Telemetry, telemetry
from workers.ports import Cluster, ObjectStore

if TYPE_CHECKING:
    from producers.bus import Bus
    from workers.repository import VolumeRepository


SILENT = 600.0
"""Seconds without a beat after which a loop that has a beat hangs: it waits for nobody that long."""


class Session:
    """Safe for threads. `source` is what its events say they are from. Close it to let go of the broker."""

    def __init__(
        self,
        settings: Settings,
        source: str,
        *,
        bus: "Bus | None" = None,
        cluster: Cluster | None = None,
        open_store: Callable[[Destination], ObjectStore] | None = None,
    ) -> None:
        """`bus`, `cluster` and `open_store` are in place of what the settings would give."""
        self.settings, self.source = settings, source
        self.events = EventFeed(lambda since, stop: self.bus.read_log(since, stop))
        self._bus, self._cluster = bus, cluster
        self.open_store = open_store or partial(reaching.open_store, ca=settings.s3_ca)
        self._lock = threading.Lock()
        self._beat: float | None = None

    @property
    def bus(self) -> "Bus":
        """RabbitMQ. Raises Invalid for a URL that is none."""
        with self._lock:
            if self._bus is None:
                # A fifth of a second of imports, which whoever only looks into the store does not need.
                from producers.bus import RabbitMQ

                around = self.telemetry.publishing
                self._bus = RabbitMQ(self.settings.broker_url, self.source, self.rights, around)
            return self._bus

    @property
    def cluster(self) -> Cluster:
        """The Kubernetes API. Raises Invalid where there is none."""
        with self._lock:
            if self._cluster is None:
                # Half a second of imports, which whoever gives the destination by the environment does not need.
                from workers.adapters.cluster import connect

                self._cluster = connect(self.settings.kubeconfig, self.telemetry.requested)
            return self._cluster

    @cached_property
    def telemetry(self) -> Telemetry:
        """What this process says of itself."""
        return telemetry(self.settings, self.source.replace("/", "."))

    @cached_property
    def rights(self) -> Rights:
        """Whose events are believed, and who may ask for what."""
        return rights(self.settings)

    @cached_property
    def destinations(self) -> ConfiguredDestinations:
        """Where backups go. Their repositories must be there already."""
        return ConfiguredDestinations(
            self.settings,
            lambda: self.cluster,
            self._open_repository,
            open_store=self.open_store,
            measured=self.telemetry.store,
        )

    def named(self, destination: str) -> str:
        """The name itself; for `THE_DEFAULT`, that of the default destination. Raises as the cluster."""
        return destination or self.destinations.defaults()[0]

    def named_if_known(self, destination: str) -> str:
        """As `named`; `THE_DEFAULT` as it is where nobody here can say: who takes up the request knows it."""
        try:
            return self.named(destination)
        except SnaplineError:
            return destination

    def destination(self, name: str = THE_DEFAULT) -> Destination:
        """What is known of a destination, its secrets included. Raises NotFound (`NoDestination`), Invalid."""
        return self.destinations.destination(self.named(name))

    def store(self, name: str = THE_DEFAULT) -> ObjectStore:
        """The objects of a destination. Raises NotFound (`NoDestination`), Invalid."""
        return self.destinations.store(self.named(name))

    def repository(self, name: str = THE_DEFAULT) -> "VolumeRepository":
        """The volume repository of a destination. Raises NotFound where there is none, Denied for a passphrase that
        does not open it."""
        return cast("VolumeRepository", self.destinations.repository(self.named(name)))

    def cache(self) -> Path | None:
        """The directory for copies of what the store has; None where none can be written."""
        try:
            return cache_directory(self.settings)
        except Invalid:
            return None

    def trusted_keys(self) -> Mapping[str, bytes] | None:
        """The license keys in the configured folder; None if no folder is. Raises Invalid."""
        folder = self.settings.license_keys
        if folder is None:
            return None
        # Some hundredths of a second, for cryptography that most commands do not need.
        from workers.adapters import license_keys

        return license_keys.trusted_keys(folder)

    def close(self) -> None:
        """Ends the event feed and the connection to the broker."""
        self.events.close()
        if self._bus is not None:
            self._bus.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open_repository(self, store: ObjectStore, passphrase: str) -> "VolumeRepository":
        # A third of a second of imports, which most commands do not need.
        from workers.repository import VolumeRepository
        from workers.repository.format import keyring

        found = keyring.find(store, passphrase)
        if found is None:
            raise NotFound("there is no repository in this destination yet", code=Code.NO_REPOSITORY)
        level = self.settings.compression_level
        return VolumeRepository(store, found.keys, cache=cache_directory(self.settings), level=level)

    @contextmanager
    def looked_at(self) -> Iterator[None]:
        """Health and metrics are served while the context lasts, where the settings ask for it. Raises Invalid for an
        address at which nobody can listen."""
        meter = self.telemetry.meter
        if meter is None:
            yield
            return
        # Some milliseconds of imports, which commands that end at once do not need.
        from workers.adapters.telemetry import probe

        meter.watch(self._log_lag)
        with probe.serving(self.settings.probe_address, probe.of_producer(meter.text, self._hung)):
            yield

    def beat(self) -> None:
        """Says that the work goes on. Who has said so once, and then not for `SILENT`, hangs."""
        self._beat = time.monotonic()

    def _hung(self) -> list[str]:
        silent = self._beat is not None and time.monotonic() - self._beat > SILENT
        return ["main"] if silent else []

    def _log_lag(self) -> list[m.Sample]:
        """What is known of the event log, once anybody listens to it."""
        lost, lag = self.events.lost_since, self.events.lag
        said = [m.Sample(m.LOG_READABLE, lost is None)] if self.events.listened else []
        return said if lag is None else [*said, m.Sample(m.LOG_LAG, lag.total_seconds())]
