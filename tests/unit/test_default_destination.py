"""The default destination: said in one place, chosen by name, and never a reason to do the same twice."""

from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from producers.actions import destinations as actions
from producers.cli.main import cli
from producers.views.destinations import destinations as listed
from schemas import default_destination as schemas
from schemas import events as e
from schemas import keys
from schemas.destination import DirectoryDestination
from schemas.errors import Code, Invalid, NotFound, TransientError
from schemas.job import Job
from schemas.kubernetes import CONFIG_MAPS
from schemas.records import BackupRequest
from schemas.settings import from_environment
from tests.support.front import Front
from tests.support.sealed import repository_in, sealed
from tests.support.world import World
from tests.unit.test_destinations import World as Places
from tests.unit.test_destinations import bucket
from workers.adapters.destinations import DEFAULT_FRESH_FOR
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.ports import Cluster, ObjectStore, Repository
from workers.steps import maintain

NAS = DirectoryDestination(name="nas", path="/mnt/nas")


@pytest.fixture
def front(tmp_path: Path) -> Front:
    """Its environment gives no destination, and two are stored."""
    front = Front(tmp_path, directory=None)
    for each in (NAS, DirectoryDestination(path="/mnt/first")):
        actions.keep(front.session, each)
    return front


@pytest.fixture
def world() -> World:
    """With an application."""
    world = World()
    world.register("shop")
    return world


def another(world: World, *defaults: str) -> ObjectStore:
    """A second destination, `nas`; `defaults` have been the default one, the latest first."""
    objects = MemoryObjectStore()
    repository: Repository = repository_in(objects)
    store = sealed(objects, repository)
    known = {"default": (world.store, world.repository), "nas": (store, repository)}
    world.destinations = MemoryDestinations(known, defaults)
    return store


def asked(world: World, **fields: str) -> e.BackupLicensed:
    [told] = world.request(e.BackupRequested.model_validate(fields))
    assert isinstance(told, e.BackupLicensed)
    return told


# --- where it is said


def test_without_a_choice_it_is_the_one_called_default(front: Front) -> None:
    assert front.session.destinations.defaults() == ["default"]
    assert [(each.name, each.is_default) for each in listed(front.session)] == [("default", True), ("nas", False)]


def test_a_choice_is_one_object_and_tells_what_was_chosen_before(front: Front) -> None:
    done = CliRunner().invoke(cli, ["set", "default-destination", "nas"], obj=front.session)
    assert (done.exit_code, "go to nas from now on" in done.stderr) == (0, True)
    [kept] = front.cluster.list(CONFIG_MAPS)
    assert kept["data"] == {"default": "nas", "former": "default"}
    later = Front(Path("/"), directory=None)
    later.session._cluster = front.cluster
    assert later.session.destinations.defaults() == ["nas", "default"]
    assert [each.name for each in listed(later.session) if each.is_default] == ["nas"]


def test_what_is_not_there_cannot_be_the_default(front: Front) -> None:
    with pytest.raises(NotFound) as error:
        actions.set_default(front.session, "nope")
    assert error.value.code == Code.NO_DESTINATION
    assert list(front.cluster.list(CONFIG_MAPS)) == []


def test_the_environments_destination_stays_the_default_of_its_process(tmp_path: Path) -> None:
    front = Front(tmp_path)
    actions.keep(front.session, NAS)
    with pytest.raises(Invalid) as error:
        actions.set_default(front.session, "nas")
    assert error.value.code == Code.DESTINATION_GIVEN
    assert front.session.destinations.defaults() == ["default"]


def test_a_config_map_that_names_nothing_stops_what_names_no_destination() -> None:
    for data in (None, {}, {"default": ""}, {"default": "No/name"}, {"default": "nas", "former": "../x"}):
        with pytest.raises(Invalid):
            schemas.from_config_map({"data": data})


def test_few_earlier_ones_are_kept_and_none_twice() -> None:
    before: list[str] = []
    for name in ["a", "b", "a", "c", "d", "e", "f", "g"]:
        made = schemas.to_config_map(name, before, "console")
        before = schemas.from_config_map(made)
    assert before == ["g", "f", "e", "d", "c", "a"]


def test_a_change_is_seen_soon_and_while_the_cluster_is_away_the_last_one_counts() -> None:
    places = Places()
    places.keep(bucket())
    found = places.destinations()
    assert found.defaults() == ["default"]
    places.cluster.create(CONFIG_MAPS, schemas.to_config_map("nas", ["default"], "snapline-console"))
    places.now += DEFAULT_FRESH_FOR
    assert found.defaults() == ["nas", "default"]
    places.away = True
    places.now += DEFAULT_FRESH_FOR
    assert found.defaults() == ["nas", "default"]
    with pytest.raises(TransientError):
        places.destinations().defaults()


def test_with_a_destination_in_the_environment_no_cluster_is_asked(tmp_path: Path) -> None:
    places = Places()
    places.away = True
    settings = from_environment({"SNAPLINE_DIRECTORY": str(tmp_path)})
    assert places.destinations(settings).defaults() == ["default"]


# --- where jobs go


def test_what_names_none_goes_to_the_default_and_is_recorded_by_its_name(world: World) -> None:
    store = another(world, "nas", "default")
    told = asked(world)
    assert told.destination == "nas"
    record = ledger.read(store, keys.request(told.job), BackupRequest)
    assert (record.destination, list(world.store.list("backups/"))) == ("nas", [])


def test_what_names_one_goes_there_whatever_the_default_is(world: World) -> None:
    another(world, "nas", "default")
    assert asked(world, destination="default").destination == "default"


def test_a_request_that_comes_again_after_another_default_was_chosen_is_the_same_job(world: World) -> None:
    """A scheduler that starts anew says once more what was due last."""
    first = asked(world)
    store = another(world, "nas", "default")
    assert world.request(e.BackupRequested()) == [first]
    assert list(store.list("running/")) == []


def test_an_earlier_default_that_cannot_be_asked_holds_up_nothing(world: World) -> None:
    another(world, "nas", "gone", "default")
    assert asked(world).destination == "nas"


def test_a_rejection_stands_where_it_was_said(world: World) -> None:
    [first] = world.request(e.BackupRequested(app="nope"))
    store = another(world, "nas", "default")
    assert world.request(e.BackupRequested(app="nope")) == [first]
    assert list(store.list("rejected/")) == []


def test_a_deletion_goes_on_where_it_has_begun(world: World) -> None:
    told = world.backup()[-1]
    assert isinstance(told, e.BackupPartiallyFailed)
    request = e.wrap(e.BackupDeleteRequested(backup=told.backup), id="d", source="tests", time=world.now)
    list(maintain.delete(request, maintain.MaintainNeeds(world.destinations, moment=timedelta(0))))
    another(world, "nas", "default")
    world.now += timedelta(minutes=1)
    [gone] = maintain.delete(request, maintain.MaintainNeeds(world.destinations, moment=timedelta(0)))
    assert isinstance(gone, e.BackupDeleted)
    assert (gone.destination, gone.job) == ("default", Job("backup", told.backup))


def test_what_could_not_be_done_is_told_of_the_default(world: World) -> None:
    another(world, "nas", "default")
    needs = maintain.MaintainNeeds(world.destinations, moment=timedelta(0))
    request = e.wrap(e.BackupDeleteRequested(backup="a"), id="d", source="tests", time=world.now)
    [failed] = maintain.delete(request, needs)
    assert isinstance(failed, e.BackupDeleteFailed)
    assert failed.destination == "nas"
    [refused] = maintain.not_deleted(request, failed.reason, needs)
    assert refused == failed


# --- what fronts ask for


def test_a_front_names_the_destination_that_it_will_look_into(front: Front) -> None:
    actions.set_default(front.session, "nas")
    assert CliRunner().invoke(cli, ["backup"], obj=front.session).exit_code == 0
    assert [event.data for event in front.bus.published] == [e.BackupRequested(destination="nas")]


def test_a_front_without_a_cluster_leaves_it_to_the_line(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_cluster(*_: object) -> Cluster:
        raise Invalid("there is no kubeconfig")

    monkeypatch.setattr(front.session.destinations, "_cluster", no_cluster)
    assert CliRunner().invoke(cli, ["backup"], obj=front.session).exit_code == 0
    assert [event.data for event in front.bus.published] == [e.BackupRequested()]


def test_an_empty_name_is_a_mistake(front: Front) -> None:
    done = CliRunner().invoke(cli, ["delete", "backup", "a", "--yes", "--destination", ""], obj=front.session)
    assert (done.exit_code, front.bus.published) == (2, [])
