"""For the tests of a session: Snapline as pods of the cluster, where an image can be brought into its nodes."""

import os
from collections.abc import Iterator

import pytest

from tests.support.pod_images import LOAD_IMAGE
from tests.support.pods import Installation, installed

FIRST = ("test_overlays", "test_cluster_contract", "test_exec_contract")
"""Modules that need no pods: they run while those start, which takes two minutes; the first has them start."""
LAST = "test_disaster"
"""The module after which there is another installation, which the others do not know."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever the order of the others is."""
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))
    items.sort(key=lambda item: item.path.stem == LAST)


@pytest.fixture(scope="session")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation | None]:
    """The workers of all tests, as pods, which may have yet to start; None where they are processes of this machine."""
    if LOAD_IMAGE not in os.environ:
        yield None
        return
    with installed(tmp_path_factory.mktemp("installation")) as made:
        yield made


@pytest.fixture(scope="session")
def installation(applied: Installation | None) -> Installation | None:
    """The same, ready."""
    if applied:
        applied.await_ready()
    return applied
