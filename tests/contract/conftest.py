"""The clusters that are tested: in memory, the emulated API server, and with SNAPLINE_E2E_KUBECONFIG a real one."""

import os
import uuid
from collections.abc import Iterator

import pytest

from deploy.local import emulator
from schemas.kubernetes import NAMESPACES
from tests.support.local_commands import run_here
from workers.adapters.cluster import connect
from workers.adapters.twins.cluster import MemoryCluster
from workers.ports import Cluster

REAL = "SNAPLINE_E2E_KUBECONFIG"


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulator.Emulator]:
    with emulator.start(tmp_path_factory.mktemp("kubernetes")) as running:
        yield running


@pytest.fixture(scope="module", params=["memory", "emulated", "real"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    if request.param == "memory":
        return MemoryCluster(run=run_here)
    if request.param == "emulated":
        return connect(str(request.getfixturevalue("emulated").kubeconfig))
    if REAL not in os.environ:
        pytest.skip(f"{REAL} is not set")
    return connect(os.environ[REAL])


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"contract-{uuid.uuid4().hex[:8]}"
    cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    cluster.delete(NAMESPACES, None, name)
