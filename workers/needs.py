"""What the steps of one process need: adapters, made from its settings when first asked for."""

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

import structlog

from schemas.errors import Invalid, SnaplineError
from schemas.events import AnyEvent, JobEvent
from schemas.messages import Message, shortened
from schemas.news import News
from schemas.notification import Target
from schemas.rights import Rights, rights
from schemas.settings import Settings
from workers.adapters import license_keys, notifiers
from workers.adapters.broker import Publisher, queue_state, queue_states, sure_states
from workers.adapters.broker.signatures import Signatures, signatures
from workers.adapters.cache_directory import cache_directory
from workers.adapters.cancel_broadcasts import CancelBroadcasts
from workers.adapters.destinations import ConfiguredDestinations
from workers.adapters.notification_targets import ConfiguredTargets
from workers.adapters.stores.room import file_system_room
from workers.adapters.telemetry.process import Telemetry, telemetry
from workers.adapters.volume_files import KubeletVolumes
from workers.alarms.overdue import Remembered
from workers.jobs import ledger
from workers.jobs.background import Background
from workers.jobs.locks import Locks
from workers.jobs.queueing import Queueing
from workers.jobs.slicing import Slicing
from workers.jobs.store_time import StoreTime
from workers.patience import Patience
from workers.ports import (
    Answer,
    Cancellations,
    Cluster,
    Destinations,
    ObjectStore,
    QueueState,
    Repository,
    Room,
    VolumeFiles,
)
from workers.repository import open_repository
from workers.retention.finals import Finals


class Needs:
    """The adapters of one process, made from its settings when first asked for, and its clock."""

    def __init__(self, settings: Settings, service: str = "worker") -> None:
        """`service` is what the process is called in traces."""
        self.settings, self.service = settings, f"snapline.{service}"
        self.stopping = threading.Event()  # set when the process is asked to stop
        self.now: Callable[[], datetime] = StoreTime(lambda: self.destinations.store(self.destinations.defaults()[0]))

    @cached_property
    def rights(self) -> Rights:
        """Who may ask for what."""
        return rights(self.settings)

    @cached_property
    def signatures(self) -> Signatures:
        """Whose signed requests are believed, and who must sign. Raises Invalid."""
        return signatures(self.settings, self.now)

    @cached_property
    def publisher(self) -> Publisher:
        """To put events on the bus; one connection for all threads."""
        return Publisher(self.settings.broker_url, "snapline/worker", around=self.telemetry.publishing)

    @cached_property
    def telemetry(self) -> Telemetry:
        """What this process says of itself."""
        return telemetry(self.settings, self.service)

    def tell(self, event: AnyEvent) -> None:
        """Puts an event on the bus. Raises TransientError, Denied."""
        self.publisher.publish(event)

    def queue_state(self, queue: str) -> QueueState | None:
        """How it is with the queue; None if the broker does not say."""
        try:
            return queue_state(self.settings.broker_url, queue)
        except SnaplineError:
            return None

    def sure_states(self, queues: Sequence[str]) -> Mapping[str, QueueState]:
        """The same, looked at again where they seem empty; nothing if the broker does not say."""
        try:
            return sure_states(self.settings.broker_url, queues)
        except SnaplineError:
            return {}

    def queue_states(self, queues: list[str]) -> dict[str, QueueState]:
        """How it is with each of the queues that are there. Raises TransientError, Denied."""
        return queue_states(self.settings.broker_url, queues)

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster of SNAPLINE_KUBECONFIG, else the one around us, else kubectl's default. Raises Invalid."""
        # Half a second of imports, which a node worker with its own destination never needs.
        from workers.adapters.cluster import connect

        return connect(self.settings.kubeconfig, self.telemetry.requested)

    @cached_property
    def destinations(self) -> Destinations:
        """Where backups go."""
        return self.configured_destinations

    @cached_property
    def configured_destinations(self) -> ConfiguredDestinations:
        """The same, with what is known of each."""
        return ConfiguredDestinations(
            self.settings, lambda: self.cluster, self._open_repository, measured=self.telemetry.store
        )

    def _open_repository(self, store: ObjectStore, passphrase: str) -> Repository:
        level = self.settings.compression_level
        return open_repository(store, passphrase, cache=cache_directory(self.settings), level=level)

    @cached_property
    def patience(self) -> Patience:
        """How long what fails is tried again."""
        return Patience(timedelta(seconds=self.settings.patience_seconds), self.now, self._resting)

    def _resting(self, event: AnyEvent, rest: timedelta, why: Message) -> None:
        if isinstance(event.data, JobEvent):
            what = getattr(event.data, "volume", "") or getattr(event.data, "pod", "")
            failure = shortened(why).model_copy(update={"subject": what})
            ledger.rest(self.destinations.store(event.data.destination), event.data.job, rest, failure)

    @cached_property
    def queueing(self) -> Queueing:
        """How jobs wait in line."""
        return Queueing(timedelta(seconds=self.settings.queue_seconds), lambda: uuid.uuid4().hex)

    @cached_property
    def cancellations(self) -> Cancellations:
        """The cancel broadcasts."""
        return CancelBroadcasts(self.settings.broker_url, self.stopping)

    @cached_property
    def volume_files(self) -> VolumeFiles:
        """The volumes of this node's pods."""
        return KubeletVolumes(self.settings.kubelet_pods)

    @cached_property
    def slicing(self) -> Slicing:
        """When a slice ends."""
        return Slicing(self.settings.slice_length, self.stopping.is_set, self.cancellations)

    @cached_property
    def background(self) -> Background:
        """The work of this process that outlasts its messages."""
        return Background(self.settings.slice_length, self.stopping.is_set)

    @cached_property
    def finals(self) -> Finals:
        """What this process knows of finished backups."""
        return Finals()

    @cached_property
    def locks(self) -> Locks:
        """Which pods and volumes this process works on."""
        return Locks()

    @cached_property
    def notification_targets(self) -> ConfiguredTargets:
        """Whom to notify. Raises Invalid for URLs of the environment that are none."""
        return ConfiguredTargets(self.settings, lambda: self.cluster)

    def send_news(self, target: Target, news: News) -> Answer:
        """Notifies one target."""
        return notifiers.send(target, news, lambda: self.cluster, self.settings.console_namespace)

    @cached_property
    def remembered_backups(self) -> Remembered:
        """What this process has read of final records."""
        return {}

    def room(self, destination: str) -> Room | None:
        """How much room a destination has; None if it cannot say. Raises as opening it, TransientError."""
        path = getattr(self.configured_destinations.destination(destination), "path", None)
        return file_system_room(path) if path else None

    def log_news(self, line: str) -> None:
        """Tells the log what has happened."""
        structlog.get_logger("notify").info("notification", news=line)

    def trusted_keys(self) -> Mapping[str, bytes]:
        """The license keys that are in the configured folder now. Raises Invalid."""
        folder = self.settings.license_keys
        if folder is None:
            raise Invalid("SNAPLINE_LICENSE_KEYS is not set; give the folder of the trusted `<key id>.pem` files")
        return license_keys.trusted_keys(folder)
