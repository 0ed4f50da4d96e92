"""Every application is restored by itself: one that is stuck neither stops the others nor loses anything."""

from typing import Any

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import Code, NotYet
from schemas.kubernetes import CLAIMS, CONFIG_MAPS, PODS, Object, ResourceType
from schemas.messages import Message
from schemas.records import OwnerEnded
from tests.support.objects import claim, definition, make, on_claim, opted_in, owner, pod
from tests.support.restores import CONSOLE, RESTORE, UNDEPLOY_PATIENCE, Restoring, app, label
from workers.jobs import ledger
from workers.steps import restore_undeploy

STUCK = {"finalizers": ["example.com/never"]}
LATE = {"kots.io/deletion-phase": "1"}
APPS = [app("shop"), app("blog")]


def config(name: str, slug: str, text: str, **metadata: Any) -> Object:
    return make("ConfigMap", name, CONSOLE, labels=label(slug), data={"text": text}, metadata=metadata)


def two(text: str, **stuck: Any) -> list[Object]:
    """Two applications in the console's namespace; the shop may be stuck."""
    return [
        config("shop-a", "shop", text),
        config("shop-b", "shop", text, **stuck),
        config("blog", "blog", text),
    ]


def planned(captured: list[Object], live: list[Object], **rest: Any) -> Restoring:
    restored = Restoring(captured, APPS, live, **rest)
    restored.request()
    restored.prepare()
    return restored


def text(restored: Restoring, name: str) -> str:
    return str(restored.cluster.get(CONFIG_MAPS, CONSOLE, name)["data"]["text"])


def past_patience(restored: Restoring, slug: str) -> list[e.Event]:
    with pytest.raises(NotYet):
        restored.undeploy(slug)
    restored.now += UNDEPLOY_PATIENCE * 2
    return restored.undeploy(slug)


def test_one_that_is_stuck_is_put_back_as_it_was_and_the_other_is_restored_meanwhile() -> None:
    restored = planned(two("old"), two("new", **STUCK))
    with pytest.raises(NotYet, match="console/shop-b"):
        restored.undeploy("shop")
    restored.undeploy("_", "blog")
    assert restored.apply("_", "blog") == [e.RestoreApplied(restore="r", owner=owner) for owner in ("_", "blog")]
    assert text(restored, "blog") == "old"
    assert restored.finalize() == [], "the shop is not accounted for"
    assert past_patience(restored, "shop") == [e.RestoreApplied(restore="r", owner="shop")]
    assert text(restored, "shop-a") == "new"
    [told] = restored.finalize()
    assert isinstance(told, e.RestorePartiallyFailed)
    assert restored.final
    [error] = restored.final.errors
    assert error.code == Code.NOT_DELETED
    assert error.subject == "shop"
    assert "example.com/never" in str(error)
    assert "put back" in str(error)


def test_a_restore_of_which_nobody_got_anything_has_failed() -> None:
    restored = planned(two("old")[:2], two("new", **STUCK)[:2])
    restored.undeploy("_")
    restored.apply("_")
    past_patience(restored, "shop")
    [told] = restored.finalize()
    assert isinstance(told, e.RestoreFailed)


def test_what_was_not_deleted_yet_is_not_touched_where_an_earlier_phase_is_stuck() -> None:
    widgets = definition("widgets", "Widget", "x.example.com")
    held = make("Widget", "held", CONSOLE, "x.example.com/v1", labels=label("shop"), metadata=STUCK)
    gone = make("Widget", "gone", CONSOLE, "x.example.com/v1", labels=label("shop"))
    live = [widgets, held, gone, *two("new")]
    restored = planned([widgets, held, gone, *two("old")], live)
    uid = restored.cluster.get(CONFIG_MAPS, CONSOLE, "shop-a")["metadata"]["uid"]
    past_patience(restored, "shop")
    assert restored.cluster.get(CONFIG_MAPS, CONSOLE, "shop-a")["metadata"]["uid"] == uid
    types = {type_.kind: type_ for type_ in restored.cluster.discover().types}
    assert [found["metadata"]["name"] for found in restored.cluster.list(types["Widget"], CONSOLE)] == ["gone", "held"]


def test_putting_back_brings_no_pods_that_controllers_make() -> None:
    db = make("StatefulSet", "db", CONSOLE, "apps/v1", labels=label("shop"), spec={})
    objects = [
        db,
        pod("db-0", CONSOLE, labels=label("shop"), owners=[owner(db)]),
        pod("bare", CONSOLE, labels=label("shop")),
    ]
    held = config("held", "shop", "new", **STUCK)
    restored = planned([*objects, held], [*objects, held])
    past_patience(restored, "shop")
    types = {type_.kind: type_ for type_ in restored.cluster.discover().types}
    assert [found["metadata"]["name"] for found in restored.cluster.list(types["Pod"], CONSOLE)] == ["bare"]
    assert list(restored.cluster.list(types["StatefulSet"], CONSOLE))


def test_an_end_that_was_put_back_stays_so_when_the_step_is_run_again() -> None:
    restored = planned(two("old"), two("new", **STUCK))
    past_patience(restored, "shop")
    restored.cluster.patch(CONFIG_MAPS, CONSOLE, "shop-b", {"metadata": {"finalizers": None}})
    assert restored.undeploy("shop") == [e.RestoreApplied(restore="r", owner="shop")]
    assert restored.apply("shop") == [e.RestoreApplied(restore="r", owner="shop")]
    assert text(restored, "shop-a") == "new"
    assert ledger.read(restored.store, keys.owner_ended(RESTORE, "shop"), OwnerEnded).given_up


def test_a_claim_that_will_not_go_is_not_filled_and_the_rest_is_restored() -> None:
    held = claim("held", CONSOLE, labels=label("shop"), metadata=STUCK)
    free = claim("free", CONSOLE, labels=label("shop"))
    users = [
        pod(f"{name}-0", CONSOLE, labels=label("shop"), annotations=opted_in("d"), volumes={"d": on_claim(name)})
        for name in ("held", "free")
    ]
    objects = [held, free, *users, *two("old")[:2]]
    restored = planned(objects, objects, claims=[(CONSOLE, "held"), (CONSOLE, "free")])
    given_up, prepared = past_patience(restored, "shop")
    assert isinstance(given_up, e.VolumesRestoreFailed)
    assert given_up.volume == "console/held"
    assert prepared == e.RestorePrepared(restore="r", owner="shop")
    restored.undeploy("_")
    with pytest.raises(NotYet, match="share"):
        restored.apply("shop")
    restored.apply("_")
    restored.cluster.patch(CLAIMS, CONSOLE, "held", {"metadata": {"finalizers": None}})
    [asked] = restored.apply("shop")
    assert isinstance(asked, e.VolumesMountRequested)
    assert asked.pod == "console/free-0"


def test_no_phase_waits_for_a_claim_whose_workload_comes_later() -> None:
    """A claim stays while a pod mounts it, as on a server; its vendor has the workload deleted late."""
    db = make("StatefulSet", "db", CONSOLE, "apps/v1", labels=label("shop"), spec={}, annotations=LATE)
    db_0 = pod(
        "db-0",
        CONSOLE,
        labels=label("shop"),
        owners=[owner(db)],
        annotations=opted_in("d"),
        volumes={"d": on_claim("data")},
    )
    protected = {"finalizers": ["kubernetes.io/pvc-protection"]}
    objects = [db, db_0, claim("data", CONSOLE, labels=label("shop"), metadata=protected), *two("old")[:2]]
    made: list[Restoring] = []

    def protect(type_: ResourceType, _: Object) -> None:
        """Lets the claim go when no pod is left."""
        cluster = made[0].cluster if made else None
        if cluster and type_ != CLAIMS and not list(cluster.list(PODS, CONSOLE)) and list(cluster.list(CLAIMS)):
            cluster.patch(CLAIMS, CONSOLE, "data", {"metadata": {"finalizers": None}})

    restored = Restoring(objects, APPS, claims=[(CONSOLE, "data")], changed=protect)
    made.append(restored)
    restored.request()
    restored.prepare()
    assert restored.undeploy("shop") == [e.RestorePrepared(restore="r", owner="shop")]
    assert list(restored.cluster.list(CLAIMS, CONSOLE)) == []


def test_a_step_that_fails_for_good_ends_its_owner_alone() -> None:
    restored = planned(two("old"), two("new"))
    restored.undeploy("_", "shop")
    restored.apply("_", "shop")
    asked: Any = e.wrap(e.RestoreUndeployRequested(restore="r", owner="blog"), source="tests", time=restored.now)
    reason = Message(code="Denied", text="may not delete configmaps")
    needs = restore_undeploy.UndeployNeeds(restored.destinations, restored.cluster, UNDEPLOY_PATIENCE, restored.clock)
    assert list(restore_undeploy.give_up(asked, reason, needs)) == [e.RestoreApplied(restore="r", owner="blog")]
    [told] = restored.finalize()
    assert isinstance(told, e.RestorePartiallyFailed)
    assert (text(restored, "shop-a"), text(restored, "blog")) == ("old", "new")
    assert restored.final
    assert str(restored.final.errors[0]) == "blog is not, or not wholly, restored: may not delete configmaps"
