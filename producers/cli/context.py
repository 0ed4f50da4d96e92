"""What commands share: settings, adapters, and where notes go."""

from functools import lru_cache
from os import environ
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console

from producers.cli.render import Output
from schemas.destination import Destination
from schemas.errors import Code, NotFound
from schemas.events import DEFAULT_DESTINATION
from schemas.settings import Settings, from_environment
from workers.adapters.cache_directory import cache_directory
from workers.adapters.destinations import ConfiguredDestinations
from workers.ports import Cluster, ObjectStore

if TYPE_CHECKING:
    from workers.repository import VolumeRepository

notes = Console(stderr=True, highlight=False)
"""Progress and remarks; results go to standard output."""

OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How results are printed.")]


@lru_cache(maxsize=1)
def settings() -> Settings:
    """From the environment. Raises Invalid."""
    return from_environment(environ)


def url() -> str:
    """The broker's URL."""
    return settings().amqp_url.get_secret_value()


@lru_cache(maxsize=1)
def cluster() -> Cluster:
    """The Kubernetes API."""
    # Half a second of imports, which who gives the destination by the environment does not need.
    from workers.adapters.cluster import connect

    return connect(settings().kubeconfig)


@lru_cache(maxsize=1)
def destinations() -> ConfiguredDestinations:
    """Where backups go. Their repositories must be there already."""
    return ConfiguredDestinations(settings(), cluster, _open_repository)


def store() -> ObjectStore:
    """The objects of the default destination."""
    return destinations().store(DEFAULT_DESTINATION)


def destination() -> Destination:
    """The default destination. Raises NotFound, Invalid."""
    return destinations().destination(DEFAULT_DESTINATION)


def repository() -> "VolumeRepository":
    """The default destination's volume repository. Raises NotFound where there is none, Denied."""
    return cast("VolumeRepository", destinations().repository(DEFAULT_DESTINATION))


def _open_repository(store: ObjectStore, passphrase: str) -> "VolumeRepository":
    # A third of a second of imports, which most commands do not need.
    from workers.repository import VolumeRepository
    from workers.repository.format import keyring
    from workers.repository.format.master_key import derive

    master = keyring.unlock(store, passphrase)
    if master is None:
        raise NotFound("there is no repository in this destination yet", code=Code.NO_REPOSITORY)
    found = settings()
    return VolumeRepository(store, derive(master), cache=cache_directory(found), level=found.compression_level)
