"""The port `ObjectStore`, one file or folder for each provider, and `open_store`, which knows them all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.destination import (
    AzureDestination,
    Destination,
    DirectoryDestination,
    GcsDestination,
    NfsDestination,
    S3Destination,
)
from schemas.errors import Code, Invalid
from workers.adapters.stores.authorities import with_authorities
from workers.ports import ObjectStore


def open_store(destination: Destination, ca: Path | None = None) -> ObjectStore:
    """The store of a destination; nothing is asked of it yet. `ca` is a PEM file of the authorities that a server is
    believed by; None means the well-known ones. Raises Invalid, and Denied for half a pair of keys."""
    # Each SDK is imported when a destination of its provider is first opened: boto3 alone takes a third of a second.
    match destination:
        case S3Destination():
            from workers.adapters.stores.s3 import S3ObjectStore

            return with_authorities(destination.ca_certificate, ca, lambda file: S3ObjectStore(destination, file))
        case GcsDestination():
            with _extra("gcs"):
                from workers.adapters.stores.gcs import GcsObjectStore

            return GcsObjectStore(destination, ca)
        case AzureDestination():
            with _extra("azure"):
                from workers.adapters.stores.azure import AzureObjectStore

            return AzureObjectStore(destination, ca)
        case NfsDestination():
            from workers.adapters.stores.nfs import open_nfs

            return open_nfs(destination)
        case DirectoryDestination():
            from workers.adapters.stores.directory import DirectoryObjectStore

            return DirectoryObjectStore(destination)


@contextmanager
def _extra(name: str) -> Iterator[None]:
    """While something is imported that only an extra of our package installs. Raises Invalid (`ExtraMissing`)."""
    try:
        yield
    except ImportError as error:
        text = f"the provider {name!r} is not installed here: its library is missing ({error.name})"
        raise Invalid(text, code=Code.EXTRA_MISSING, subject=name) from error
