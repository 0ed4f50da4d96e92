"""One private S3 server for the tests of a session, and a prefix of its own for each test."""

import uuid
from collections.abc import Iterator

import pytest

from deploy.local import seaweedfs
from workers.adapters.stores.s3 import S3ObjectStore


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[seaweedfs.SeaweedFS]:
    """A server that nobody kills."""
    with seaweedfs.start(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture
def s3(s3_server: seaweedfs.SeaweedFS) -> S3ObjectStore:
    """An empty prefix."""
    return S3ObjectStore(s3_server.destination(prefix=uuid.uuid4().hex))
