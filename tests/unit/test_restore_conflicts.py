"""What could not be created again is found before anything is deleted for it."""

from typing import Any

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import Code
from schemas.kubernetes import CONFIG_MAPS, SERVICES, Object
from schemas.records import Undeploy
from tests.support.objects import claim, definition, make, pod, volume
from tests.support.restores import CONSOLE, RESTORE, Restoring, app, label
from workers.jobs import ledger

CONFIG = make("ConfigMap", "c", CONSOLE, labels=label("shop"))
BLOG = make("ConfigMap", "blog", CONSOLE, labels=label("blog"))


def service(name: str, port: int, slug: str = "shop", **rest: Any) -> Object:
    """A Service that asks for a node port."""
    asked: Any = {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {"f:nodePort": {}}}}}
    metadata = {"managedFields": [{"manager": "kubectl", "fieldsV1": asked}]}
    spec = {"ports": [{"port": 80, "protocol": "TCP", "nodePort": port}]}
    return make("Service", name, rest.pop("namespace", CONSOLE), labels=label(slug), spec=spec, metadata=metadata)


def provisioned(name: str, storage: str) -> Object:
    return claim(name, CONSOLE, labels=label("shop"), spec={"storageClassName": storage})


def hand_made(of: Object) -> Object:
    made = volume("nfs", of)
    del made["metadata"]["annotations"]
    return made


OLD = claim("data", CONSOLE, "nfs", labels=label("shop"))
STRANGER = claim("stranger", CONSOLE, "nfs")
WIDGET = make("Widget", "w", CONSOLE, "x.example.com/v1", labels=label("shop"))
WIDGETS = definition("widgets", "Widget", "x.example.com")


@pytest.mark.parametrize(
    ("captured", "live", "words"),
    [
        (
            [service("web", 30080)],
            [service("other", 30080, "blog")],
            "port 30080 is taken by Service console/other",
        ),
        ([provisioned("data", "fast")], [], "no StorageClass fast"),
        ([OLD, hand_made(OLD)], [hand_made(STRANGER)], "claim console/stranger has it"),
        ([WIDGETS, WIDGET], [], "does not know x.example.com/v1 Widget"),
    ],
    ids=["port", "class", "volume", "kind"],
)
def test_an_application_that_could_not_be_created_again_is_not_touched(
    captured: list[Object], live: list[Object], words: str
) -> None:
    shop = app("shop", "{excludedResources: [customresourcedefinitions]}")
    restored = Restoring([CONFIG, *captured], [shop], [CONFIG, *live], of="shop")
    restored.request(scope="applications", app="shop")
    [told] = restored.prepare()
    assert isinstance(told, e.RestoreFailed)
    assert told.reason
    assert told.reason.code == Code.CONFLICT
    assert words in str(told.reason)
    assert ledger.find(restored.store, keys.undeploy(RESTORE), Undeploy) is None
    assert restored.cluster.get(CONFIG_MAPS, CONSOLE, "c")


def test_the_others_are_restored_all_the_same() -> None:
    captured = [CONFIG, BLOG, service("web", 30080)]
    newer = make("ConfigMap", "newer", CONSOLE, labels=label("shop"))
    live = [CONFIG, BLOG, service("other", 30080, "nobody"), newer]
    restored = Restoring(captured, [app("shop"), app("blog")], live)
    restored.request()
    planned, *asked = restored.prepare()
    assert isinstance(planned, e.RestorePlanned)
    assert [message.code for message in planned.left_alone] == [Code.CONFLICT]
    assert [one.owner for one in asked if isinstance(one, e.OwnerEvent)] == ["_", "blog"]
    restored.undeploy()
    restored.apply()
    restored.finalize()
    assert restored.final
    assert restored.final.status == "PartiallyFailed"
    assert "shop is not restored, and nothing of it deleted" in str(restored.final.errors[0])
    there = [found["metadata"]["name"] for found in restored.cluster.list(CONFIG_MAPS, CONSOLE)]
    assert there == ["blog", "c", "newer"]


def test_where_nothing_would_be_lost_as_much_as_can_be_is_created() -> None:
    live = [make("Namespace", CONSOLE), service("other", 30080, "nobody")]
    restored = Restoring([CONFIG, provisioned("data", "fast"), service("web", 30080)], [app("shop")], live)
    restored.request()
    planned, *_ = restored.prepare()
    assert isinstance(planned, e.RestorePlanned)
    restored.undeploy()
    restored.apply()
    assert restored.cluster.get(CONFIG_MAPS, CONSOLE, "c")


def test_an_applications_own_ports_and_those_that_the_server_chose_are_no_conflict() -> None:
    chosen = make("Service", "auto", CONSOLE, labels=label("shop"), spec={"ports": [{"port": 80, "nodePort": 30081}]})
    taken = service("other", 30081, "nobody")
    moved = service("moved", 30080)
    live = [CONFIG, chosen, taken, service("newer", 30080)]
    restored = Restoring([CONFIG, service("web", 30082), chosen, moved], [app("shop")], live)
    restored.request()
    planned, *_ = restored.prepare()
    assert isinstance(planned, e.RestorePlanned)
    assert "services console/newer" in planned.newer
    restored.undeploy()
    restored.apply()
    assert restored.cluster.get(SERVICES, CONSOLE, "moved")["spec"]["ports"][0]["nodePort"] == 30080


def test_a_claim_that_was_not_bound_asks_for_no_class() -> None:
    pending = {**provisioned("data", "fast"), "status": {"phase": "Pending"}}
    restored = Restoring([CONFIG, pending, pod("p", CONSOLE, labels=label("shop"))], [app("shop")])
    restored.request()
    assert isinstance(restored.prepare()[0], e.RestorePlanned)
