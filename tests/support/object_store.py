"""One private server of each kind for the tests of a session, and a prefix of its own for each test."""

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from deploy.local import seaweedfs
from schemas.destination import AzureDestination
from workers.adapters.stores import open_store
from workers.adapters.stores.s3 import S3ObjectStore
from workers.ports import ObjectStore

if TYPE_CHECKING:
    from tests.support.google_storage import GoogleStorage


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[seaweedfs.SeaweedFS]:
    """A server that nobody kills."""
    with seaweedfs.start(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture
def s3(s3_server: seaweedfs.SeaweedFS) -> S3ObjectStore:
    """An empty prefix."""
    return S3ObjectStore(s3_server.destination(prefix=uuid.uuid4().hex))


@pytest.fixture(scope="session")
def gcs_server() -> "Iterator[GoogleStorage]":
    """A Google Cloud Storage that nobody kills."""
    from tests.support import google_storage  # here, as most tests need no SDK of Google's

    with google_storage.serving() as server:
        yield server


@pytest.fixture
def gcs(gcs_server: "GoogleStorage") -> ObjectStore:
    """An empty prefix."""
    return open_store(gcs_server.destination(prefix=uuid.uuid4().hex))


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureDestination]:
    """A container of an Azure Blob Storage that nobody kills."""
    from deploy.local import azurite  # here, as most tests need no SDK of Azure's

    if azurite.program() is None:
        pytest.skip("Azurite is not installed: `deploy/local/setup` found no npm, or could not reach its registry")
    with azurite.serving(tmp_path_factory.mktemp("azurite")) as destination:
        yield destination


@pytest.fixture
def azure(azure_server: AzureDestination) -> ObjectStore:
    """An empty prefix; lists come by a hundred."""
    from workers.adapters.stores.azure import AzureObjectStore

    return AzureObjectStore(azure_server.model_copy(update={"prefix": uuid.uuid4().hex}), page=100)
