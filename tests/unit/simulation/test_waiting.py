"""Actors that wait for each other outside of the simulation, which nothing could end."""

import threading
from datetime import timedelta

import pytest

from tests.support import simulation
from tests.support.simulation import Simulation


def test_actors_that_wait_for_a_lock_of_each_other_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "PATIENCE", 0.2)
    world, lock = Simulation(0), threading.Lock()

    def act() -> None:
        with lock:
            world.step("holds the lock", sleep=timedelta(hours=1))

    with pytest.raises(AssertionError, match="nobody has handed the baton over"):
        world.run(dict.fromkeys(("first", "second"), act))


def test_actors_that_take_long_but_go_on_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "PATIENCE", 1.5)
    world, rest = Simulation(0), threading.Event()

    def act() -> None:
        for _ in range(5):
            rest.wait(0.4)
            world.step()

    world.run(dict.fromkeys(("first", "second"), act))
