"""What commands share: settings, adapters, and where notes go."""

from functools import lru_cache
from os import environ
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from producers.cli.render import Output
from schemas.destination import Destination
from schemas.errors import NotFound
from schemas.settings import Settings, from_environment
from workers.adapters import configured
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
    return configured.cluster(settings())


@lru_cache(maxsize=1)
def store() -> ObjectStore:
    """The destination's bucket."""
    return configured.store(destination())


@lru_cache(maxsize=1)
def destination() -> Destination:
    """Of the environment, else the stored one. Raises Invalid."""
    return configured.destination(settings(), cluster)


def repository() -> "VolumeRepository":
    """The destination's volume repository. Raises NotFound where there is none, Denied."""
    # A third of a second of imports, which most commands do not need.
    from workers.repository import VolumeRepository
    from workers.repository.format import keyring
    from workers.repository.format.master_key import derive

    master = keyring.unlock(store(), destination().passphrase.get_secret_value())
    if master is None:
        raise NotFound("there is no repository in this destination yet; the first backup makes it")
    found = settings()
    cache = configured.index_cache(found)
    return VolumeRepository(store(), derive(master), cache=cache, level=found.compression_level)
