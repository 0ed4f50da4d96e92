"""The targets of notifications: those of the environment, and those that the console's namespace keeps as Secrets."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

from schemas import notification
from schemas.errors import Invalid, PermanentError, TransientError
from schemas.kubernetes import SECRETS
from schemas.messages import Message, told
from schemas.notification import Target
from schemas.settings import Settings
from workers.ports import Cluster

FRESH_FOR = 10.0
"""Seconds until the Secrets are read again."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class UnreadableTarget:
    """A Secret that is labelled as a target's, and is none."""

    name: str
    problem: Message


def read(cluster: Cluster, console_namespace: str) -> Iterator[Target | UnreadableTarget]:
    """All that the namespace keeps. Raises as the cluster."""
    for secret in cluster.list(SECRETS, console_namespace, notification.LABEL):
        try:
            yield notification.from_secret(secret)
        except Invalid as error:
            yield UnreadableTarget(secret["metadata"]["name"], told(error))


class ConfiguredTargets:
    """Call it for the targets. Safe for threads. While the cluster is away, those count that were there last; where
    there is none, or we may not look, those of the environment."""

    def __init__(
        self, settings: Settings, cluster: Callable[[], Cluster], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` is in seconds, from any moment."""
        self._given = notification.from_settings(settings)
        self._namespace, self._cluster, self._clock = settings.console_namespace, cluster, clock
        self._lock = threading.Lock()
        self._kept: list[Target] | None = None
        self._read_at = 0.0

    def __call__(self) -> list[Target]:
        """Raises TransientError for a cluster that is away from the beginning."""
        with self._lock:
            if self._kept is None or self._clock() - self._read_at >= FRESH_FOR:
                self._look()
            return [*self._given, *(self._kept or ())]

    def _look(self) -> None:
        try:
            found = list(read(self._cluster(), self._namespace))
        except TransientError:
            if self._kept is None:
                raise
            return
        except PermanentError as error:
            log.warning("only the environment's targets are notified", reason=str(error))
            found = []
        for each in found:
            if isinstance(each, UnreadableTarget):
                log.warning("a target is passed over", name=each.name, reason=str(each.problem))
        self._kept = [each for each in found if not isinstance(each, UnreadableTarget)]
        self._read_at = self._clock()
