"""What commands share: settings, adapters, and where notes go."""

from functools import lru_cache
from os import environ
from typing import Annotated

import typer
from rich.console import Console

from producers.show.render import Output
from schemas.settings import Settings, from_environment
from workers.adapters import configured
from workers.ports import Cluster, ObjectStore

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
    return configured.store(configured.destination(settings(), cluster))
