"""Stores as fronts open them: people type where they are, and our servers stand where theirs do not reach."""

from pathlib import Path
from urllib.parse import urlsplit

from schemas.destination import AzureDestination, Destination, GcsDestination, S3Destination
from schemas.errors import Invalid
from workers.adapters import stores
from workers.ports import ObjectStore

PORTS = {"http": 80, "https": 443}


def open_store(destination: Destination, ca: Path | None = None) -> ObjectStore:
    """As `stores.open_store`, but for a server at an address where clouds keep metadata and credentials, whatever it is
    called: raises Invalid for that. A name is looked up each time that a store is opened."""
    if isinstance(destination, S3Destination | GcsDestination | AzureDestination) and destination.endpoint:
        _check(destination.endpoint)
    return stores.open_store(destination, ca)


def _check(endpoint: str) -> None:
    from workers.adapters.notifiers import addresses  # it takes a while, and most commands open no such store

    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 443)
    except ValueError:
        return  # which the store's SDK says better
    if host and (why := addresses.refused(host, port)):
        raise Invalid(f"no store is at {host}: its address is {why}")
