"""A change of images asks for one backup, whoever sees it; a rollout that is held goes on in every ending."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from producers.watch_upgrades import run
from producers.watch_upgrades.run import SOURCE, Patience
from producers.watch_upgrades.watching import Watching
from producers.watch_upgrades.workloads import HOLD, LABEL, SAID, SINCE
from schemas.errors import Code, TransientError
from schemas.job import asked_for, request_uuid
from schemas.kubernetes import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES
from schemas.messages import Message
from schemas.records import BackupRejection
from tests.support.front import NOON, Front
from workers.jobs import ledger, rejections

PATIENCE = Patience(timedelta(seconds=5), timedelta(minutes=30))
START = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Site:
    """A cluster with one labelled Deployment, and somebody who watches it."""

    def __init__(self, front: Front, *, held: bool) -> None:
        self.front, self.now, self.seen = front, START, Watching()
        self.front.cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        annotations = {"deployment.kubernetes.io/revision": "1", **({HOLD: "true"} if held else {})}
        self.create("web", annotations)

    def create(self, name: str, annotations: dict[str, str], **spec: Any) -> None:
        self.front.cluster.create(
            DEPLOYMENTS,
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {
                    "name": name,
                    "namespace": "shop",
                    "labels": {LABEL: "shop"},
                    "annotations": annotations,
                },
                "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:1"}]}}, **spec},
            },
        )

    def patch(self, image: str, name: str = "web", **spec: Any) -> None:
        pod = {"spec": {"containers": [{"name": "web", "image": image}]}}
        self.front.cluster.patch(DEPLOYMENTS, "shop", name, {"spec": {"template": pod, **spec}})

    def look(self, seconds: float = 0, seen: Watching | None = None) -> list[str]:
        """After so many seconds; the ids of what was asked for."""
        self.now += timedelta(seconds=seconds)
        before = len(self.front.bus.published)
        run.look(self.front.session, seen or self.seen, PATIENCE, self.now)
        return [event.id for event in self.front.bus.published[before:]]

    @property
    def paused(self) -> bool:
        return bool(self.front.cluster.get(DEPLOYMENTS, "shop", "web")["spec"].get("paused"))

    @property
    def annotations(self) -> dict[str, str]:
        found: dict[str, str] = self.front.cluster.get(DEPLOYMENTS, "shop", "web")["metadata"]["annotations"]
        return found

    def request(self, id_: str) -> str:
        return request_uuid("snapline", SOURCE, id_)

    def end(self, id_: str, status: str) -> str:
        name = asked_for("backup", "shop", self.request(id_)).name
        self.front.finish(name, request=self.request(id_), status=status)
        return name


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(Front(tmp_path), held=False)


@pytest.fixture
def gated(tmp_path: Path) -> Site:
    return Site(Front(tmp_path), held=True)


def test_a_new_image_asks_for_one_backup_when_all_is_quiet(site: Site) -> None:
    assert site.look() == []
    assert site.look(60) == []
    site.patch("web:2")
    assert site.look(1) == []
    site.patch("web:3")
    assert site.look(4) == []
    assert site.look(4) == []  # five seconds from the last change
    [id_] = site.look(2)
    assert id_.startswith("upgrade/shop/")
    [asked] = site.front.bus.published
    assert (asked.source, getattr(asked.data, "app", None)) == (SOURCE, "shop")
    assert site.look(60) == []


def test_several_who_watch_ask_for_the_same(site: Site) -> None:
    other = Watching()
    site.look()
    site.look(seen=other)
    site.patch("web:2")
    site.look(1)
    site.look(1, seen=other)
    assert site.look(6) == site.look(6, seen=other) != []


def test_an_upgrade_of_several_workloads_is_one_and_a_later_one_is_another(site: Site) -> None:
    site.create("worker", {})
    site.look()
    site.patch("web:2")
    site.look(1)
    site.patch("web:2", "worker")
    site.look(1)
    [first] = site.look(6)
    for image in ("web:1", "web:2"):  # back, and forth again: the same images are another upgrade
        site.patch(image)
        site.patch(image, "worker")
        site.look(1)
        [later] = site.look(6)
        assert later != first


def test_what_is_no_upgrade_asks_for_nothing(site: Site) -> None:
    site.look()
    site.front.cluster.patch(DEPLOYMENTS, "shop", "web", {"spec": {"replicas": 3}})
    site.create("unlabelled", {})
    site.front.cluster.patch(DEPLOYMENTS, "shop", "unlabelled", {"metadata": {"labels": {LABEL: None}}})
    assert (site.look(1), site.look(10)) == ([], [])


def test_a_labelled_config_map_counts_by_its_data(site: Site) -> None:
    metadata = {"name": "release", "namespace": "shop", "labels": {LABEL: "shop"}}
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"version": "1"}}
    site.front.cluster.create(CONFIG_MAPS, made)
    site.look()
    site.front.cluster.patch(CONFIG_MAPS, "shop", "release", {"data": {"version": "2"}})
    site.look(1)
    assert len(site.look(6)) == 1


def _held(gated: Site) -> str:
    """The id of the request, while the rollout is held."""
    gated.look()
    gated.patch("web:2", paused=True)
    gated.look(1)
    [id_] = gated.look(6)
    assert gated.paused
    assert gated.annotations[SINCE]
    gated.look(60)
    assert gated.paused
    return id_


@pytest.mark.parametrize("status", ["Completed", "PartiallyFailed", "Failed", "Cancelled"])
def test_a_held_rollout_goes_on_when_the_backup_has_ended_however(gated: Site, status: str) -> None:
    name = gated.end(_held(gated), status)
    assert gated.look(1) == []
    assert not gated.paused
    assert gated.annotations[SAID] == f"{name}: {status}"
    assert SINCE not in gated.annotations
    assert gated.look(60) == []


def test_it_goes_on_when_the_backup_was_refused(gated: Site) -> None:
    id_ = _held(gated)
    job = asked_for("backup", "shop", gated.request(id_))
    reasons = [Message(code=Code.LICENSE_REFUSED, text="the license has expired")]
    refused = BackupRejection(
        name=job.name, request=gated.request(id_), event_id=id_, rejected_at=NOON, reasons=reasons
    )
    rejections.create(gated.front.store, job, refused)
    gated.look(1)
    assert not gated.paused
    assert gated.annotations[SAID] == "not backed up: the license has expired"


def test_it_is_never_held_for_ever_not_even_where_nobody_can_look(gated: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _held(gated)

    def away(*_: object) -> None:
        raise TransientError("the store is away")

    monkeypatch.setattr(ledger, "finished_backup", away)
    gated.look(1700)
    assert gated.paused
    gated.look(100)
    assert not gated.paused
    assert gated.annotations[SAID].startswith("not backed up: no backup had ended")


def test_who_begins_to_watch_anew_finds_what_is_held(gated: Site) -> None:
    id_ = _held(gated)
    anew = Watching()
    gated.look(seen=anew)
    assert gated.look(6, seen=anew) == [id_]
    gated.end(id_, "Completed")
    gated.look(1, seen=anew)
    assert not gated.paused


def test_a_first_install_is_not_held(gated: Site) -> None:
    gated.front.cluster.patch(
        DEPLOYMENTS,
        "shop",
        "web",
        {"metadata": {"annotations": {"deployment.kubernetes.io/revision": None}}, "spec": {"paused": True}},
    )
    assert gated.look() == []
    assert not gated.paused


def test_a_paused_deployment_that_is_not_to_be_held_stays_as_it_is(site: Site) -> None:
    site.look()
    site.patch("web:2", paused=True)
    site.look(1)
    [id_] = site.look(6)
    site.end(id_, "Completed")
    site.look(1)
    assert site.paused
