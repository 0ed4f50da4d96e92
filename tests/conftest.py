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


@pytest.fixture(autouse=True, scope="session")
def quiet_pika() -> None:
    """Every step of a connection that fails is an error to pika; failing tests would show hundreds."""
    logging.getLogger("pika").setLevel(logging.CRITICAL)
