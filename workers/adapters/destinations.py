"""The port `Destinations`: what the environment gives, and what the console's namespace keeps as Secrets."""

import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from schemas import default_destination
from schemas import destination as destinations
from schemas.destination import Destination
from schemas.errors import Code, Denied, Invalid, NotFound, TransientError
from schemas.events import DEFAULT_DESTINATION
from schemas.kubernetes import CONFIG_MAPS, SECRETS, Object
from schemas.settings import Settings
from workers.adapters import stores
from workers.adapters.stores.renewing import RenewingStore
from workers.adapters.stores.sealed_records import SealedRecords
from workers.ports import Cluster, ObjectStore, Repository

FRESH_FOR = 30.0
"""Seconds until a Secret is read again. A refusal makes it be read at once."""

DEFAULT_FRESH_FOR = 5.0
"""Seconds until it is asked again which one is the default."""

OpenRepository = Callable[[ObjectStore, str], Repository]
"""Opens the repository of a store by a passphrase."""


class ConfiguredDestinations:
    """Safe for threads. The environment's destination is the default one as long as the process lives; a Secret of
    the same name does not count then.

    What is handed out follows new credentials of the same place by itself. Another place under the same name is
    another store: work that has begun in the old one ends there.
    """

    def __init__(
        self,
        settings: Settings,
        cluster: Callable[[], Cluster],
        open_repository: OpenRepository,
        *,
        open_store: Callable[[Destination], ObjectStore] | None = None,
        clock: Callable[[], float] = time.monotonic,
        environ: Mapping[str, str] = os.environ,
        measured: Callable[[str, ObjectStore], ObjectStore] = lambda _, store: store,
    ) -> None:
        """`cluster` is called only where a Secret is to be read; `environ` has what destinations refer to. `open_store`
        is in place of what the settings would give. `clock` is in seconds, from any moment. `measured` is put around
        each store, by the name of its destination."""
        self._given = destinations.from_settings(settings)
        self._namespace = settings.console_namespace
        self._cluster, self._clock = cluster, clock
        self._open_store = open_store or partial(stores.open_store, ca=settings.s3_ca)
        self._open_repository, self._environ, self._measured = open_repository, environ, measured
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()
        self._defaults: list[str] | None = None
        self._defaults_read_at = 0.0
        self._defaults_lock = threading.Lock()

    def names(self) -> list[str]:
        """See the port. Where there is no cluster to ask, the environment's destination is the only one."""
        given = {DEFAULT_DESTINATION} if self._given else set()
        try:
            secrets = list(self._cluster().list(SECRETS, self._namespace, destinations.LABEL))
        except Invalid:
            if not given:
                raise
            secrets = []
        return sorted(given | {name for secret in secrets if (name := destinations.name_in(secret))})

    def defaults(self) -> list[str]:
        """See the port. The environment's destination is the default one where there is one."""
        if self._given:
            return [DEFAULT_DESTINATION]
        with self._defaults_lock:
            if self._defaults is None or self._clock() - self._defaults_read_at >= DEFAULT_FRESH_FOR:
                self._read_defaults()
            assert self._defaults is not None  # `_read_defaults` sets it, or raises
            return self._defaults

    def look_again(self) -> None:
        """Everything is read anew when it is next asked for: this process has changed it."""
        with self._defaults_lock, self._lock:
            self._defaults_read_at = -math.inf
            for entry in self._entries.values():
                entry.read_at = -math.inf

    def _read_defaults(self) -> None:
        try:
            found: Object | None = self._cluster().get(CONFIG_MAPS, self._namespace, default_destination.CONFIG_MAP)
        except NotFound:
            found = None
        except TransientError:
            if self._defaults is None:
                raise
            return  # the cluster is away; what was the default still is
        self._defaults, self._defaults_read_at = default_destination.from_config_map(found), self._clock()

    def destination(self, name: str) -> Destination:
        """What is known of it now, its secrets included. Raises as `store`."""
        return self._place(name).destination

    def store(self, name: str) -> ObjectStore:
        """See the port."""
        return self._place(name).store

    def repository(self, name: str) -> Repository:
        """See the port."""
        place = self._place(name)
        tried = place.destination
        try:
            return place.repository()
        except (Denied, Invalid):
            renewed = self._place(name, at_once=True)
            if renewed.destination == tried:
                raise
        return renewed.repository()

    def _place(self, name: str, *, at_once: bool = False) -> "_Place":
        """The place of that name. Its Secret is read again if that was last done too long ago."""
        with self._lock:
            entry = self._entries.setdefault(name, _Entry())
        with entry.lock:
            if entry.place is None or at_once or self._clock() - entry.read_at >= FRESH_FOR:
                self._look(name, entry)
            assert entry.place is not None  # `_look` sets it, or raises
            return entry.place

    def _look(self, name: str, entry: "_Entry") -> None:
        entry.read_at = self._clock()
        try:
            found = self._read(name)
        except TransientError:
            if entry.place is None:
                raise
            return  # the cluster is away; what is open works on
        except NotFound:
            with self._lock:
                self._entries.pop(name, None)
            raise
        if entry.place is None or not entry.place.renew(found, lambda to: self._open(name, to)):
            opened = _Opened(found, self._open(name, found))
            entry.place = _Place(opened, lambda: self._look_again(name), self._open_repository)

    def _open(self, name: str, found: Destination) -> ObjectStore:
        return self._measured(name, self._open_store(found))

    def _look_again(self, name: str) -> None:
        self._place(name, at_once=True)

    def _read(self, name: str) -> Destination:
        if name == DEFAULT_DESTINATION and self._given:
            return self._given
        unknown = NotFound(f"there is no storage destination {name!r:.80}", code=Code.NO_DESTINATION, subject=name)
        if not destinations.is_name(name):
            raise unknown
        try:
            secret: Object = self._cluster().get(SECRETS, self._namespace, destinations.secret_name(name))
        except NotFound:
            raise unknown from None
        return destinations.resolved(destinations.from_secret(secret), self._secret, self._environ)

    def _secret(self, name: str) -> Object:
        return self._cluster().get(SECRETS, self._namespace, name)


class _Entry:
    """What is known under a name."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.place: _Place | None = None
        self.read_at = 0.0


@dataclass
class _Opened:
    """A destination as it was read, with what was opened by it."""

    destination: Destination
    store: ObjectStore
    repository: Repository | None = None


class _Place:
    """One place, opened with the credentials that count now."""

    def __init__(self, opened: _Opened, look: Callable[[], None], open_repository: OpenRepository) -> None:
        self.objects = RenewingStore(lambda: self._opened.store, look)
        self.store = SealedRecords(self.objects, self._keys)
        self._opened, self._look, self._open_repository = opened, look, open_repository
        self._opening = threading.Lock()  # never waited for by who reads Secrets: who has it may wait for that

    @property
    def destination(self) -> Destination:
        """As it was last read."""
        return self._opened.destination

    def renew(self, found: Destination, open_store: Callable[[Destination], ObjectStore]) -> bool:
        """Takes over what has changed; False if it is another place."""
        if found.place != self.destination.place:
            return False
        if found != self.destination:
            self._opened = _Opened(found, open_store(found))
        return True

    def _keys(self) -> Repository:
        """The repository, by the passphrase that counts now."""
        tried = self.destination
        try:
            return self.repository()
        except (Denied, Invalid):
            self._look()
            if self.destination == tried:
                raise
        return self.repository()

    def repository(self) -> Repository:
        """The repository there, opened once, and again after a change."""
        with self._opening:
            opened = self._opened
            if opened.repository is None:
                opened.repository = self._open_repository(
                    self.objects, opened.destination.passphrase.get_secret_value()
                )
            return opened.repository
