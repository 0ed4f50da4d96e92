"""A restore that ends in the midst of a deletion leaves nobody without what it has deleted."""

from collections.abc import Callable
from typing import Any

import pytest

from producers.views import jobs as views
from schemas import events as e
from schemas import keys
from schemas.errors import Code, NotYet
from schemas.kubernetes import CLAIMS, CONFIG_MAPS, VOLUMES, Object
from schemas.messages import Message
from schemas.records import OwnerEnded, Undeploy
from tests.support.objects import claim, make, on_claim, opted_in, pod, volume
from tests.support.restores import CONSOLE, PATIENCE, RESTORE, Restoring, app, label
from workers.jobs import endings, ledger
from workers.jobs.at_work import at_work
from workers.steps import restore_apply, restore_undeploy

STUCK = {"finalizers": ["example.com/never"]}
APPS = [app("shop"), app("blog")]
REASON = Message(code="Denied", text="may not delete configmaps")


class Killed(BaseException):
    """The worker dies here."""


def config(name: str, slug: str, text: str, **metadata: Any) -> Object:
    return make("ConfigMap", name, CONSOLE, labels=label(slug), data={"text": text}, metadata=metadata)


def two(text: str, **stuck: Any) -> list[Object]:
    """Two applications, the shop with a workload; its deletion may be stuck."""
    db = make("StatefulSet", "db", CONSOLE, "apps/v1", labels=label("shop"), spec={"replicas": 1})
    held = config("held", "shop", text, annotations={"kots.io/deletion-phase": "1"}, **stuck)
    return [db, config("shop", "shop", text), held, config("blog", "blog", text)]


def planned(captured: list[Object], live: list[Object], **rest: Any) -> Restoring:
    restored = Restoring(captured, APPS, live, **rest)
    restored.request()
    restored.prepare()
    return restored


def there(restored: Restoring) -> dict[str, Any]:
    """What users see of the objects."""
    found = {}
    for type_ in restored.cluster.discover().types:
        for obj in restored.cluster.list(type_, CONSOLE if type_.namespaced else None):
            if obj["kind"] not in ("Namespace",):
                found[f"{obj['kind']}/{obj['metadata']['name']}"] = obj.get("data") or obj.get("spec")
    return found


def let_go(restored: Restoring) -> None:
    """The finalizer's controller has done its work at last."""
    restored.cluster.patch(CONFIG_MAPS, CONSOLE, "held", {"metadata": {"finalizers": None}})


def end(restored: Restoring, how: str) -> None:
    if how == "cancelled":
        restored.cancel()
        [told] = restored.undeploy("shop")
        assert isinstance(told, e.RestoreCancelled)
    else:
        endings.fail(restored.store, RESTORE, restored.now, Message(code=Code.STALLED, text="no progress"))


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_what_was_deleted_is_put_back_and_what_was_restored_stays(how: str) -> None:
    restored = planned(two("old"), two("new", **STUCK))
    with pytest.raises(NotYet, match="console/held"):
        restored.undeploy("shop")
    restored.undeploy("_", "blog")
    restored.apply("_", "blog")
    end(restored, how)
    assert "StatefulSet/db" not in there(restored)
    let_go(restored)
    restored.clear()
    assert there(restored) == {
        "StatefulSet/db": {"replicas": 1},
        "ConfigMap/shop": {"text": "new"},
        "ConfigMap/held": {"text": "new"},
        "ConfigMap/blog": {"text": "old"},
    }
    assert restored.final
    assert [str(warning) for warning in restored.final.warnings] == [
        "shop was not restored; what had been deleted of it is put back"
    ]
    assert not ledger.exists(restored.store, keys.running(RESTORE))


def test_what_is_on_its_way_out_is_waited_for_and_told_at_last() -> None:
    restored = planned(two("old"), two("new", **STUCK))
    with pytest.raises(NotYet):
        restored.undeploy("shop")
    end(restored, "cancelled")
    restored.clear()
    assert there(restored)["StatefulSet/db"] == {"replicas": 1}
    assert there(restored)["ConfigMap/held"] == {"text": "new"}, "the very object: its finalizer keeps it"


def test_nothing_is_put_back_while_somebody_is_at_work() -> None:
    restored = planned(two("old"), two("new", **STUCK))
    with pytest.raises(NotYet):
        restored.undeploy("shop")
    end(restored, "cancelled")
    with at_work(restored.store, RESTORE, "another process"), pytest.raises(NotYet, match="at work"):
        restored.clear()
    assert "StatefulSet/db" not in there(restored)
    assert ledger.exists(restored.store, keys.running(RESTORE))


def test_between_the_deletion_and_the_first_wave_all_is_put_back() -> None:
    restored = planned(two("old"), two("new"))
    restored.undeploy("shop", "blog")
    with pytest.raises(NotYet, match="share"):
        restored.apply("shop")
    assert "ConfigMap/shop" not in there(restored)
    end(restored, "failed")
    restored.clear()
    assert there(restored)["ConfigMap/shop"] == there(restored)["ConfigMap/blog"] == {"text": "new"}


def test_what_has_begun_to_come_back_is_not_mixed_with_what_was_and_that_is_told() -> None:
    restored = planned(two("old"), two("new"))
    restored.undeploy()
    restored.apply("_")
    assert _killed(restored, lambda: restored.apply("shop"), 2)
    restored.apply("blog")
    end(restored, "failed")
    restored.clear()
    assert {"new"} & {str(data.get("text")) for data in there(restored).values()} == set()
    assert restored.final
    assert [str(warning) for warning in restored.final.warnings] == [
        "shop is not wholly restored: the restore ended before it was"
    ]


def test_nothing_is_created_of_whom_nothing_was_deleted() -> None:
    restored = planned(two("old"), two("new"))
    restored.cluster.delete(CONFIG_MAPS, CONSOLE, "shop")
    end(restored, "failed")
    restored.clear()
    assert "ConfigMap/shop" not in there(restored), "somebody else deleted it"
    assert restored.final
    assert restored.final.warnings == []


def test_a_deletion_that_fails_for_good_is_undone_at_once_and_the_others_go_on() -> None:
    restored = planned(two("old"), two("new", **STUCK))
    with pytest.raises(NotYet):
        restored.undeploy("shop")
    needs = restore_undeploy.UndeployNeeds(restored.destinations, restored.cluster, PATIENCE, restored.clock)
    asked: Any = e.wrap(e.RestoreUndeployRequested(restore="r", owner="shop"), source="tests", time=restored.now)
    assert list(restore_undeploy.give_up(asked, REASON, needs)) == [e.RestoreApplied(restore="r", owner="shop")]
    assert there(restored)["StatefulSet/db"] == {"replicas": 1}
    restored.undeploy("_", "blog")
    restored.apply("_", "blog")
    restored.finalize()
    let_go(restored)
    restored.clear()
    assert "ConfigMap/held" not in there(restored), "it was put back before; what went since is no matter of ours"
    assert restored.final
    assert restored.final.status == "PartiallyFailed"


def test_an_application_that_is_given_up_before_its_first_wave_is_put_back_in_the_end() -> None:
    restored = planned(two("old"), two("new"))
    restored.undeploy()
    restored.apply("_", "blog")
    needs = restore_apply.ApplyNeeds(restored.destinations, restored.cluster, "i", PATIENCE, PATIENCE, restored.clock)
    asked: Any = e.wrap(e.RestorePrepared(restore="r", owner="shop"), source="tests", time=restored.now)
    list(restore_apply.give_up(asked, REASON, needs))
    assert ledger.read(restored.store, keys.owner_ended(RESTORE, "shop"), OwnerEnded).given_up
    restored.finalize()
    restored.clear()
    assert there(restored)["ConfigMap/shop"] == {"text": "new"}
    assert there(restored)["ConfigMap/blog"] == {"text": "old"}


# --- claims


def with_claims() -> tuple[list[Object], list[Object]]:
    """An application with a claim on a volume that people made, and one on a provisioner's; and these volumes."""
    claims = [claim("nfs", CONSOLE, "nfs", labels=label("shop")), claim("disk", CONSOLE, "pvc-1", labels=label("shop"))]
    users = [
        pod(f"{name}-0", CONSOLE, labels=label("shop"), annotations=opted_in("d"), volumes={"d": on_claim(name)})
        for name in ("nfs", "disk")
    ]
    made = volume("nfs", claims[0])
    del made["metadata"]["annotations"]
    return [*claims, *users], [made, volume("pvc-1", claims[1])]


def test_claims_are_put_back_and_those_whose_content_went_with_them_are_told() -> None:
    objects, volumes = with_claims()
    restored = planned([*objects, *volumes], [*objects, *volumes], claims=[(CONSOLE, "nfs"), (CONSOLE, "disk")])
    restored.undeploy("shop")
    assert list(restored.cluster.list(CLAIMS, CONSOLE)) == []
    end(restored, "failed")
    for _ in range(2):
        restored.clear()
        assert restored.cluster.get(CLAIMS, CONSOLE, "nfs")["spec"]["volumeName"] == "nfs"
        assert "uid" not in restored.cluster.get(VOLUMES, None, "nfs")["spec"]["claimRef"]
        assert "volumeName" not in restored.cluster.get(CLAIMS, CONSOLE, "disk")["spec"]
    assert restored.final
    assert "a volume that had been deleted is empty" in str(restored.final.warnings[0])
    told = views.restore(restored.store, "r").errors
    assert ["console/disk: the volume was deleted" in str(error) for error in told] == [False, True]


def test_what_cannot_be_read_any_more_is_told_and_holds_up_nobody() -> None:
    restored = planned(two("old"), two("new", **STUCK))
    with pytest.raises(NotYet):
        restored.undeploy("shop")
    end(restored, "failed")
    restored.store.put(ledger.read(restored.store, keys.undeploy(RESTORE), Undeploy).was, b"damaged")
    restored.clear()
    assert not ledger.exists(restored.store, keys.running(RESTORE))
    assert len(views.restore(restored.store, "r").errors) == 2


# --- killed anywhere


def _dying(call: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    """Does what `call` does, and dies after the last of the effects that are left."""

    def run(*arguments: Any, **more: Any) -> Any:
        done = call(*arguments, **more)
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return done

    return run


def _killed(restored: Restoring, step: Callable[[], object], effects: int) -> bool:
    """Runs `step` until it has had so many effects, in the store and in the cluster; whether it died of that."""
    left, holders = [effects], (restored.store, restored.cluster)
    for holder in holders:
        for name in WRITES:
            if call := getattr(holder, name, None):
                setattr(holder, name, _dying(call, left))
    try:
        step()
    except Killed:
        return True
    finally:
        for holder in holders:
            for name in WRITES:
                vars(holder).pop(name, None)
    return False


WRITES = ("create", "put", "patch", "delete")


@pytest.mark.parametrize("at", range(1, 14))
def test_killed_anywhere_in_the_deletion_all_is_put_back(at: int) -> None:
    restored = planned(two("old"), two("new"))
    before = there(restored)
    _killed(restored, lambda: restored.undeploy("shop"), at)
    restored.cancel()
    told = restored.undeploy("shop")
    assert isinstance(told[-1], e.RestoreCancelled)
    restored.clear()
    assert there(restored) == before
    restored.clear()
    assert there(restored) == before


@pytest.mark.parametrize("at", range(1, 14))
def test_killed_anywhere_in_putting_back_it_is_done_in_the_end(at: int) -> None:
    restored = planned(two("old"), two("new"))
    before = there(restored)
    restored.undeploy("shop", "blog")
    end(restored, "failed")
    while _killed(restored, restored.clear, at):
        at += 1
        assert ledger.exists(restored.store, keys.running(RESTORE)) or there(restored) == before
    restored.clear()
    assert there(restored) == before
    assert not ledger.exists(restored.store, keys.running(RESTORE))
    assert views.restore(restored.store, "r").errors == (Message(code=Code.STALLED, text="no progress"),)
