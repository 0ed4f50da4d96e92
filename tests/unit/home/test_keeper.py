"""Home is read again when it has grown old, by either clock, and when somebody has changed something."""

from datetime import timedelta
from pathlib import Path

from producers.views.home.keeper import FRESH, Keeper
from tests.support.front import NOON, Front


def test_home_is_read_again_once_it_is_old(tmp_path: Path) -> None:
    seconds, now = [0.0], [NOON]
    front = Front(tmp_path)
    keeper = Keeper(front.session, lambda: now[0], clock=lambda: seconds[0])
    first = keeper.home()
    assert keeper.home() is first
    seconds[0] += FRESH.total_seconds()
    second = keeper.home()
    assert second is not first
    now[0] += FRESH
    third = keeper.home()
    assert third is not second
    now[0] -= timedelta(hours=1)
    fourth = keeper.home()
    assert fourth is not third
    keeper.forget()
    assert keeper.home() is not fourth
