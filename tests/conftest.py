"""For all tests."""

import logging

import pytest
from hypothesis import settings

# No test fails for being slow.
settings.register_profile("snapline", deadline=None)
settings.load_profile("snapline")

pytest_plugins = ["tests.support.rabbitmq", "tests.support.object_store", "tests.support.line"]


def pytest_configure(config: pytest.Config) -> None:
    """One of apprise's services imports a module that Python 3.13 has no more; apprise does without it then."""
    config.addinivalue_line("filterwarnings", "ignore:'imghdr' is deprecated:DeprecationWarning")


LONGEST = ("test_kills_at_records.py", "test_kills.py", "test_broker_loss.py", "test_broken_steps.py")
"""Files that take minutes: they begin first, so that one process does not run them alone in the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever the random order is, the longest files come first."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(autouse=True, scope="session")
def quiet_pika() -> None:
    """Every step of a connection that fails is an error to pika; failing tests would show hundreds."""
    logging.getLogger("pika").setLevel(logging.CRITICAL)
