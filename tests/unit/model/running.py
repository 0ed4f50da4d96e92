"""Runs the model, always the same few histories or many random ones."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.model import machine

HISTORIES = int(os.environ.get("SNAPLINE_MODEL", "0"))
"""How many random histories to try; without it, always the same few."""


@contextmanager
def quiet() -> Iterator[None]:
    """Steps that are made to fail say so thousands of times."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        yield
    finally:
        structlog.reset_defaults()


def run(histories: int, *phases: Phase) -> None:
    """Raises what the first history raises that shows something wrong, made short if `Phase.shrink` is asked for."""
    with quiet():
        run_state_machine_as_test(
            machine.LineMachine,
            settings=settings(
                max_examples=HISTORIES or histories,
                stateful_step_count=20,
                derandomize=not HISTORIES,
                phases=[Phase.generate, *phases],
                report_multiple_bugs=False,
                deadline=None,
                database=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
