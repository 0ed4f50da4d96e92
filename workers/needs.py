"""What the steps of one process need: adapters, made from its settings when first asked for."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property

from schemas import license
from schemas.errors import Invalid
from schemas.settings import Settings
from workers.adapters.cache_directory import cache_directory
from workers.adapters.cancel_broadcasts import CancelBroadcasts
from workers.adapters.destinations import ConfiguredDestinations
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
        """The cluster of SNAPLINE_KUBECONFIG, else the one around us, else kubectl's default. Raises Invalid."""
        # Half a second of imports, which a node worker with its own destination never needs.
        from workers.adapters.cluster import connect

        return connect(self.settings.kubeconfig)

    @cached_property
    def destinations(self) -> Destinations:
        """Where backups go."""
        return ConfiguredDestinations(self.settings, lambda: self.cluster, self._open_repository)

    def _open_repository(self, store: ObjectStore, passphrase: str) -> Repository:
        level = self.settings.compression_level
        return open_repository(store, passphrase, cache=cache_directory(self.settings), level=level)

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
