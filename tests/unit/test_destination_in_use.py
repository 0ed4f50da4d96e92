"""A destination that somebody needs is not changed or removed by mistake, and no job that has begun takes harm."""

from collections import deque
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from producers.actions import destinations as actions
from producers.cli.main import cli
from schemas import events as e
from schemas import keys
from schemas.destination import DirectoryDestination
from schemas.errors import Code, Invalid, NotFound, TransientError
from schemas.job import backup
from schemas.kubernetes import CONFIG_MAPS
from schemas.records import BackupRecord
from schemas.schedule import Schedule, to_config_map
from tests.support.front import Front
from tests.support.sealed import PASSPHRASE, repository_in, sealed
from tests.support.world import World
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.steps import watchdog

NAS = ("configure", "hostpath", "--name", "nas", "--hostpath")


@pytest.fixture
def front(tmp_path: Path) -> Front:
    """Its environment gives no destination; `nas` is stored beside the default one."""
    front = Front(tmp_path, directory=None)
    for name in ("default", "nas"):
        fields = {"name": name, "path": f"/mnt/{name}", "passphrase": PASSPHRASE}
        actions.keep(front.session, DirectoryDestination.model_validate(fields))
    return front


def storage(front: Front, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["storage", *arguments], obj=front.session, input=f"{PASSPHRASE}\n")


def names(front: Front) -> list[str]:
    return front.session.destinations.names()


def refusal(done: Result) -> str:
    assert isinstance(done.exception, Invalid)
    assert done.exception.code == Code.DESTINATION_IN_USE
    return str(done.exception)


# --- before it is changed or removed


def test_what_nobody_needs_is_forgotten(front: Front) -> None:
    assert storage(front, "remove", "nas").exit_code == 0
    assert names(front) == ["default"]


def test_where_jobs_run_nothing_is_removed_without_force(front: Front) -> None:
    front.begin("shop-1")
    assert "backup shop-1 runs there" in refusal(storage(front, "remove", "nas"))
    front.begin("shop-2")
    assert "backup shop-1, backup shop-2 run there" in refusal(storage(front, "remove", "nas"))
    assert names(front) == ["default", "nas"]
    assert storage(front, "remove", "nas", "--force").exit_code == 0
    assert names(front) == ["default"]


def test_nor_where_copies_come_from_or_go_to(front: Front) -> None:
    for key in (keys.wanted_copy(backup("shop-1"), "far"), keys.incoming(backup("shop-2"))):
        front.objects.put(key, b"{}")
        assert "under way" in refusal(storage(front, "remove", "nas"))
        front.objects.delete(key)


@pytest.mark.parametrize("fields", [{"destination": "nas"}, {"copy_to": ("elsewhere", "nas")}])
def test_nor_what_a_schedule_asks_for(front: Front, fields: dict[str, object]) -> None:
    made = Schedule.model_validate({"name": "nightly", "expression": "@daily", **fields})
    front.cluster.create(CONFIG_MAPS, to_config_map(made, "snapline-console"))
    assert "schedule nightly asks for it" in refusal(storage(front, "remove", "nas"))


def test_nor_the_default_one(front: Front) -> None:
    assert "it is the default" in refusal(storage(front, "remove", "default"))
    actions.set_default(front.session, "nas")
    assert storage(front, "remove", "default").exit_code == 0
    assert "it is the default" in refusal(storage(front, "remove", "nas"))


def test_nor_what_nobody_can_look_into(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: str) -> None:
        raise TransientError("no answer")

    monkeypatch.setattr(front.objects, "list", away)
    assert "not known: no answer" in refusal(storage(front, "remove", "nas"))
    assert storage(front, "remove", "nas", "--force").exit_code == 0


def test_another_place_takes_no_name_where_jobs_run(front: Front) -> None:
    front.begin("shop-1")
    assert "backup shop-1 runs there" in refusal(storage(front, *NAS, "/mnt/other"))
    assert storage(front, *NAS, "/mnt/nas").exit_code == 0, "it is the same place"
    assert storage(front, *NAS, "/mnt/other", "--force").exit_code == 0
    assert "/mnt/other" in storage(front, "show", "nas").stdout


# --- if it is changed all the same, or somebody else does it


def elsewhere(world: World) -> MemoryObjectStore:
    """Another place has the name now."""
    objects = MemoryObjectStore()
    repository = repository_in(objects)
    world.destinations = MemoryDestinations({"default": (sealed(objects, repository), repository)})
    return objects


@pytest.mark.parametrize("how", ["changed", "removed"])
def test_a_job_that_has_begun_waits_for_its_place_and_ends_there(how: str) -> None:
    world = World()
    world.register("shop")
    before, [licensed] = world.destinations, world.request(e.BackupRequested(app="shop"))
    other = elsewhere(world) if how == "changed" else MemoryObjectStore()
    if how == "removed":
        world.destinations = MemoryDestinations({})
    with pytest.raises(NotFound):
        list(world.hear(licensed))
    assert [found.key for found in other.list("") if not found.key.startswith("repository/")] == []

    world.destinations = before
    assert licensed in stalled(world)
    waiting = deque([licensed])
    while not isinstance(waiting[0], e.FINAL):
        waiting.extend(world.hear(waiting.popleft()))
    [final] = waiting
    assert isinstance(final, e.BackupEvent)
    assert ledger.read(world.store, keys.final(final.job), BackupRecord).destination == "default"


def stalled(world: World) -> list[e.Event]:
    """What the watchdog tells of jobs that have been still for a while."""
    a_while_ago = timedelta(seconds=-1)
    needs = watchdog.WatchdogNeeds(world.destinations, a_while_ago, world.clock, lambda _: None)
    return list(watchdog.tick(e.wrap(e.TickMinute(minute="m"), source="tests", time=world.now), needs))
