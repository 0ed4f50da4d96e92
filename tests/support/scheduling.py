"""Which of several processes runs which tests: a file at a time, as its tests may share what they have started."""

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

LONGEST = (
    *("test_kills_at_records.py", "test_broker_loss.py", "test_kills.py", "test_broken_steps.py", "test_line.py"),
    *("test_clocks.py", "test_odd_input.py", "test_directory_destination.py", "test_readme.py", "test_flood.py"),
    *("test_cli_repository.py", "test_schedule_years.py", "test_accounts.py", "test_duplicates.py", "test_cli.py"),
    *("test_retention.py", "test_object_store_contract.py", "test_store_loss.py", "test_copies.py", "test_pruning.py"),
    *("test_concurrency.py", "test_cluster_loss.py", "test_object_store_faults.py", "test_foreign_client.py"),
    *("test_lost_tree.py", "test_line_model.py", "test_killed.py", "test_hook_run.py", "test_model.py"),
)
"""Files that take long: they begin first, so that one process does not run them alone in the end."""
SHARE_NOTHING = frozenset({"test_kills_at_records.py", "test_broker_loss.py", "test_kills.py", "test_broken_steps.py"})
"""Files whose tests take long, and each start all that they need."""


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """File by file, but for those whose tests can go to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return nodeid if file.rpartition("/")[2] in SHARE_NOTHING else file

    def remove_node(self, node: Any) -> str | None:
        """The test in which a process has died. It has failed, and the next process goes on after it: pytest-xdist
        would have each die in it, until it gives up and leaves the rest out."""
        left = [
            (unit, test) for unit in self.assigned_work[node].values() for test, is_done in unit.items() if not is_done
        ]
        if not left:
            return super().remove_node(node)  # type: ignore[no-any-return]
        unit, died_in = left[0]
        unit[died_in] = True
        super().remove_node(node)
        return died_in  # type: ignore[no-any-return]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """See pytest-xdist."""
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever the random order is, the longest files come first."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))
