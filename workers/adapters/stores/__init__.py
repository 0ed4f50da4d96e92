"""The port `ObjectStore`, one file or folder for each provider, and `open_store`, which knows them all."""

from pathlib import Path

from schemas.destination import AzureDestination, Destination, DirectoryDestination, GcsDestination, S3Destination
from schemas.errors import Code, Invalid
from workers.ports import ObjectStore


def open_store(destination: Destination, ca: Path | None = None) -> ObjectStore:
    """The store of a destination; nothing is asked of it yet. `ca` is a PEM file of the authorities that a server is
    believed by; None means the well-known ones. Raises Invalid, and Denied for half a pair of keys."""
    # Each SDK is imported when a destination of its provider is first opened: boto3 alone takes a third of a second.
    match destination:
        case S3Destination():
            from workers.adapters.stores.s3 import S3ObjectStore

            return S3ObjectStore(destination, ca)
        case GcsDestination() | AzureDestination():
            raise Invalid(f"there is no adapter for {destination.provider}", code=Code.DESTINATION_INVALID)
        case DirectoryDestination():
            from workers.adapters.stores.directory import DirectoryObjectStore

            return DirectoryObjectStore(destination)
