"""Before there is a destination: what is missing for a first snapshot; and the card of the dashboard."""

from pathlib import Path

import pytest

from producers.access.identity import Identity
from producers.actions import destinations, objects, schedules
from producers.console.snapshots_card import SnapshotsCard, snapshots_card
from producers.views.settings.readiness import ReadyPart, readiness
from schemas import topology
from schemas.destination import parse
from schemas.errors import TransientError
from schemas.kubernetes import CONFIG_MAPS, NODES
from schemas.schedule import Schedule, to_config_map
from tests.support.console import Console
from tests.support.front import NOON
from tests.support.sealed import PASSPHRASE, repository_in

PATH = "/snapshots/settings"
NAS = {"provider": "directory", "name": "default", "path": "/mnt/<nas>", "passphrase": PASSPHRASE}


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """Nothing is there but a broker that answers."""
    return Console(tmp_path, directory=None)


def complete(console: Console) -> None:
    """All is there that a snapshot takes."""
    front = console.front
    front.cluster.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-a"}})
    front.bus.listening = {*topology.QUEUES, "volumes.node-a"}
    destinations.keep(front.session, parse(NAS))
    repository_in(front.objects)


def parts(console: Console) -> dict[str, ReadyPart]:
    return {each.what: each for each in readiness(console.front.session)}


def test_without_a_destination_the_page_begins_with_what_is_missing(console: Console) -> None:
    page = console.get(PATH)
    assert "Nothing is backed up yet: there is no destination." in page.text
    assert page.has("configure-snapshots-modal")
    assert "None is stored yet" in page.test_id("velero-status-box")
    assert not page.has("velero-is-installed-message")
    assert 'value="default"' in page.html


def test_where_all_is_there_it_is_said_when_asked_for_alone(console: Console) -> None:
    complete(console)
    assert not console.get(PATH).has("configure-snapshots-modal")
    page = console.get(f"{PATH}?configure=true")
    assert "All is there that a snapshot takes" in page.test_id("velero-is-installed-message")
    assert {each.state for each in parts(console).values()} == {"ok"}
    assert "<nas>" not in page.html


def test_queues_and_nodes_without_a_worker_are_named(console: Console) -> None:
    complete(console)
    console.front.bus.listening = {*topology.QUEUES} - {"license.gate"}
    found = parts(console)
    assert found["Workers"] == ReadyPart(
        "Workers", "bad", "Nobody listens on license.gate: what is asked for waits there"
    )
    assert found["Nodes"] == ReadyPart("Nodes", "bad", "No worker copies the volumes on node-a")


def test_of_many_names_the_first_are_said(console: Console) -> None:
    assert "and 6 more" in parts(console)["Workers"].said


def test_what_cannot_be_asked_is_said_and_hides_nothing(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    complete(console)

    def away(queue: str) -> int:
        raise TransientError("could not reach <RabbitMQ>")

    monkeypatch.setattr(console.front.bus, "listeners", away)
    page = console.get(f"{PATH}?configure=true")
    assert "could not reach <RabbitMQ>" in page.test_id("velero-status-box")
    assert "<RabbitMQ>" not in page.html
    assert parts(console)["Destination"].state == "ok"


def test_a_passphrase_that_does_not_open_the_repository_is_said(console: Console) -> None:
    complete(console)
    destinations.keep(console.front.session, parse({**NAS, "passphrase": "another"}))
    assert parts(console)["Repository"].state == "bad"


def test_who_has_some_applications_sees_nothing_of_it(console: Console) -> None:
    console.access.who = Identity("o", "operator", frozenset({"shop"}))
    assert not console.get(f"{PATH}?configure=true").has("configure-snapshots-modal")


# --- the card of the dashboard


def card(console: Console) -> SnapshotsCard:
    return snapshots_card(console.front.session, NOON)


def test_the_card_says_where_snapshots_go_and_when_the_next_is_due(console: Console) -> None:
    complete(console)
    assert card(console) == SnapshotsCard(True, "Host Path", "/mnt/<nas>")
    schedules.put(console.front.session, None, "0 2 * * *")
    assert card(console).next
    said = console.get("/").test_id("dashboard-snapshots-card")
    for words in (
        "Snapshots Enabled",
        "Host Path",
        "Start snapshot",
        "Start a Partial snapshot",
        "Start a Full snapshot",
        "Learn about the difference",
        "Snapshot settings",
        "See all snapshots",
    ):
        assert words in said


def test_without_a_destination_the_card_is_disabled(console: Console) -> None:
    assert card(console) == SnapshotsCard(enabled=False)


def test_a_schedule_that_cannot_be_read_is_said_on_the_card(console: Console) -> None:
    complete(console)
    schedules.put(console.front.session, None, "0 2 * * *")
    odd = to_config_map(Schedule(name="instance", expression="0 2 * * *"), "snapline-console")
    objects.apply(console.front.cluster, CONFIG_MAPS, {**odd, "data": {"expression": "odd"}})
    assert "is not a schedule" in card(console).problem


def test_a_cluster_that_does_not_answer_is_said_on_the_card(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> list[str]:
        raise TransientError("could not reach the cluster")

    monkeypatch.setattr(console.front.session.destinations, "defaults", away)
    assert card(console).problem == "could not reach the cluster"
    assert "could not reach the cluster" in console.get(PATH).text


# --- what does not answer


def test_a_cluster_that_is_away_is_said_on_each_card(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    complete(console)

    def away(*_: object, **__: object) -> object:
        raise TransientError("could not list Secrets: the API server does not answer")

    monkeypatch.setattr(console.front.cluster, "list", away)
    monkeypatch.setattr(console.front.cluster, "get", away)
    text = console.get(PATH).text
    for what in ("destinations", "schedules", "retention policy", "targets of notifications"):
        assert f"The {what} cannot be shown" in text
    assert "the API server does not answer" in text
    assert console.get(f"{PATH}?configure=true").has("velero-status-box")


def test_a_store_that_is_away_hides_no_setting(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    complete(console)
    schedules.put(console.front.session, None, "0 2 * * *")

    def away(*_: object, **__: object) -> object:
        raise TransientError("could not list running/ in the object store: it did not answer in time")

    for asked in ("list", "names", "get"):
        monkeypatch.setattr(console.front.objects, asked, away)
    page = console.get(PATH)
    assert "The store does not answer as it should" in page.text
    assert "What would be deleted in default cannot be told" in page.text
    assert page.has("update-storage-settings-button")
    assert page.test_id("snapshots-schedule-human-readable-cron-expression") == "At 02:00 AM"
    page = console.get(f"{PATH}/destinations/default/remove")
    assert "It cannot be said which snapshots stand there." in page.text
    console.post(f"{PATH}/destinations/default/remove", status=400)
