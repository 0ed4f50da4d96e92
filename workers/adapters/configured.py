"""Settings -> adapters, the same for workers and producers."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

from schemas import destination as destinations
from schemas.destination import Destination
from schemas.errors import Code, Invalid, NotFound
from schemas.kubernetes import SECRETS
from schemas.settings import Settings
from workers.adapters.stores import open_store
from workers.ports import Cluster, ObjectStore


def cluster(settings: Settings) -> Cluster:
    """The cluster of SNAPLINE_KUBECONFIG, else the one around us, else kubectl's default. Raises Invalid."""
    # Half a second of imports, which a node worker with its own destination never needs.
    from workers.adapters.cluster import connect

    return connect(str(settings.kubeconfig) if settings.kubeconfig else None)


def destination(settings: Settings, cluster_of: Callable[[], Cluster]) -> Destination:
    """The destination of the environment, else the stored one. Raises Invalid if there is neither."""
    if found := destinations.from_settings(settings):
        return found
    try:
        secret = cluster_of().get(SECRETS, settings.console_namespace, destinations.secret_name(destinations.DEFAULT))
    except NotFound:
        raise Invalid("there is no storage destination yet", code=Code.NO_DESTINATION) from None
    return destinations.from_secret(secret)


def index_cache(settings: Settings) -> Path | None:
    """The directory for the copy of the repository's index, which can be written; None where there is none.
    Raises Invalid if SNAPLINE_CACHE cannot."""
    try:
        directory = settings.cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "snapline")
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryFile(dir=directory):
            return directory
    except (OSError, RuntimeError) as error:
        if settings.cache is None:
            return None
        raise Invalid(f"could not write to SNAPLINE_CACHE {settings.cache}: {error}; give another directory") from error


def store(chosen: Destination) -> ObjectStore:
    """The store of a destination."""
    return open_store(chosen)
