"""What the steps of one process need: adapters, made from its settings when first asked for."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property

from schemas import license
from schemas.destination import Destination
from schemas.errors import Code, Invalid, NotFound
from schemas.events import DEFAULT_DESTINATION
from schemas.settings import Settings
from workers.adapters import configured
from workers.adapters.cancel_broadcasts import CancelBroadcasts
from workers.ports import Cancellations, Cluster, Destinations, ObjectStore, Repository
from workers.repository import open_repository


def now() -> datetime:
    """The clock, UTC."""
    return datetime.now(UTC)


class Needs:
    """The adapters of one process, made from its settings when first asked for."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self.settings = settings
        self.stop = stop

    @cached_property
    def cluster(self) -> Cluster:
        """The Kubernetes API."""
        return configured.cluster(self.settings)

    @cached_property
    def destination(self) -> Destination:
        """Where backups go."""
        return configured.destination(self.settings, lambda: self.cluster)

    @cached_property
    def store(self) -> ObjectStore:
        """The destination's bucket."""
        return configured.store(self.destination)

    @cached_property
    def repository(self) -> Repository:
        """The destination's volume repository."""
        return open_repository(
            self.store,
            self.destination.passphrase.get_secret_value(),
            cache=configured.index_cache(self.settings),
            level=self.settings.compression_level,
        )

    @cached_property
    def destinations(self) -> Destinations:
        """Where backups go."""
        return _OneDestination(self)

    @cached_property
    def cancellations(self) -> Cancellations:
        """The cancel broadcasts."""
        return CancelBroadcasts(self.settings.amqp_url.get_secret_value(), self.stop)

    @cached_property
    def trusted_keys(self) -> Mapping[str, bytes]:
        """The license keys in the configured folder."""
        folder = self.settings.license_keys
        if folder is None:
            raise Invalid("SNAPLINE_LICENSE_KEYS is not set; give the folder of the trusted `<key id>.pem` files")
        try:
            return license.load_trusted_keys({file.name: file.read_bytes() for file in sorted(folder.glob("*.pem"))})
        except OSError as error:
            raise Invalid(f"could not read the license keys in {folder}: {error}") from error


class _OneDestination:
    """The port `Destinations` over the only one that there is."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs

    def names(self) -> list[str]:
        """See the port."""
        return [DEFAULT_DESTINATION]

    def store(self, name: str) -> ObjectStore:
        """See the port."""
        self._check(name)
        return self._needs.store

    def repository(self, name: str) -> Repository:
        """See the port."""
        self._check(name)
        return self._needs.repository

    def _check(self, name: str) -> None:
        if name != DEFAULT_DESTINATION:
            raise NotFound(f"there is no storage destination {name!r:.80}", code=Code.NO_DESTINATION, subject=name)
