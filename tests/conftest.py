"""For all tests."""

import logging

import pytest
from hypothesis import settings

# No test fails for being slow.
settings.register_profile("snapline", deadline=None)
settings.load_profile("snapline")

pytest_plugins = [
    "tests.support.scheduling",
    "tests.support.rabbitmq",
    "tests.support.object_store",
    "tests.support.line",
]
UNCOUNTED = frozenset(
    {
        *("test_line_model.py", "test_broken_steps.py", "test_schedule_years.py", "test_model.py", "test_fuzz.py"),
        *("test_fuzz_store.py", "test_lost_tree.py", "test_whole_blocks.py", "test_changing_files.py", "test_alarm.py"),
        *("test_pruning.py", "test_concurrency.py", "test_odd_input.py", "test_readme.py"),
        *("test_kills_at_records.py", "test_kills.py", "test_broker_loss.py", "test_store_loss.py", "test_line.py"),
        *(
            "test_clocks.py",
            "test_duplicates.py",
            "test_flood.py",
            "test_retention.py",
            "test_directory_destination.py",
        ),
    }
)
"""Files whose tests do what others do, a thousand times or as a whole line: coverage, which would double what they
cost, is counted without them."""


def pytest_configure(config: pytest.Config) -> None:
    """One of apprise's services imports a module that Python 3.13 has no more; apprise does without it then."""
    config.addinivalue_line("filterwarnings", "ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Has pytest-cov pause."""
    for item in items:
        if item.path.name in UNCOUNTED:
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(autouse=True, scope="session")
def quiet_pika() -> None:
    """Every step of a connection that fails is an error to pika; failing tests would show hundreds."""
    logging.getLogger("pika").setLevel(logging.CRITICAL)
