"""Objects from a cluster with older, or newer, versions of their kinds."""

from typing import Any

import pytest

from schemas import events as e
from schemas.errors import Code
from schemas.kubernetes import CONFIG_MAPS, Object, ResourceType
from tests.support.objects import definition, make
from tests.support.restores import CONSOLE, Restoring, app, label
from workers.adapters.twins.cluster import MemoryCluster
from workers.manifests.restore.apply_wave import Outcome, Wave, apply_wave
from workers.manifests.restore.conflicts import conflicts

SHOP = make("Namespace", "shop")
OLD_PATH = {"path": "/", "backend": {"serviceName": "web", "servicePort": 80}}


def created(obj: Object, *there: Object) -> tuple[Outcome, Object]:
    """What a wave makes of the object, and what there is of it then."""
    cluster = MemoryCluster([SHOP, *there])
    outcome = apply_wave(Wave("r", "b", [obj]), cluster)
    group = obj["apiVersion"].rpartition("/")[0]
    found = [type_ for type_ in cluster.discover().types if (type_.group, type_.kind) == (group, obj["kind"])]
    return outcome, next(cluster.list(found[0]), {})


@pytest.mark.parametrize(
    ("api", "kind", "spec", "becomes", "changed"),
    [
        ("batch/v1beta1", "CronJob", {"schedule": "@daily"}, "batch/v1", {"schedule": "@daily"}),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", {"maxReplicas": 3}, "autoscaling/v2", {"maxReplicas": 3}),
        (
            "policy/v1beta1",
            "PodDisruptionBudget",
            {"selector": {"matchLabels": {"a": "b"}}, "maxUnavailable": 1},
            "policy/v1",
            {"selector": {"matchLabels": {"a": "b"}}, "maxUnavailable": 1},
        ),
        (
            "policy/v1beta1",
            "PodDisruptionBudget",
            {"selector": {}, "minAvailable": 1},
            "policy/v1",
            {"minAvailable": 1},
        ),
        (
            "networking.k8s.io/v1beta1",
            "Ingress",
            {"backend": {"serviceName": "all", "servicePort": "http"}, "rules": [{"http": {"paths": [OLD_PATH]}}, {}]},
            "networking.k8s.io/v1",
            {
                "defaultBackend": {"service": {"name": "all", "port": {"name": "http"}}},
                "rules": [
                    {
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "ImplementationSpecific",
                                    "backend": {"service": {"name": "web", "port": {"number": 80}}},
                                }
                            ]
                        }
                    },
                    {},
                ],
            },
        ),
    ],
    ids=["cron job", "autoscaler", "budget", "budget of nothing", "ingress"],
)
def test_what_says_the_same_in_another_version_is_created_in_that(
    api: str, kind: str, spec: dict[str, Any], becomes: str, changed: dict[str, Any]
) -> None:
    old = make(kind, "x", "shop", api, spec=spec)
    assert list(conflicts([old], (), MemoryCluster())) == []
    outcome, live = created(old)
    assert (outcome.created, outcome.errors, outcome.later) == (1, [], [])
    assert (live["apiVersion"], live["spec"]) == (becomes, changed)
    assert old["spec"] == spec


def test_an_object_of_a_version_that_the_server_has_too_is_created_as_it_is() -> None:
    both = definition("widgets", "Widget", "x.example.com")
    both["spec"]["versions"].append({"name": "v1beta1", "served": True})
    old = make("Widget", "w", "shop", "x.example.com/v1beta1", size=3)
    cluster = MemoryCluster([SHOP, both])
    assert list(conflicts([old], (), cluster)) == []
    assert apply_wave(Wave("r", "b", [old]), cluster).created == 1
    type_ = ResourceType("x.example.com", "v1beta1", "Widget", "widgets", namespaced=True)
    assert cluster.get(type_, "shop", "w")["size"] == 3
    assert apply_wave(Wave("r2", "b", [old]), cluster).existing == 1


def test_what_fits_no_version_is_told_and_created_in_none() -> None:
    old = make("HorizontalPodAutoscaler", "x", "shop", "autoscaling/v2beta1", spec={})
    outcome, live = created(old)
    words = "the cluster has HorizontalPodAutoscaler of autoscaling in version v2 only, not v2beta1"
    assert [str(each).partition(": ")[2] for each in outcome.later] == [words]
    assert live == {}
    assert [why for _, why in conflicts([old], (), MemoryCluster())] == [words]


def version(of: Object, name: str) -> Object:
    of["spec"]["versions"][0]["name"] = name
    return of


def test_that_is_found_before_anything_is_deleted() -> None:
    then = version(definition("widgets", "Widget", "x.example.com"), "v1beta1")
    widget = make("Widget", "w", CONSOLE, "x.example.com/v1beta1", labels=label("shop"))
    config = make("ConfigMap", "c", CONSOLE, labels=label("shop"))
    restored = Restoring(
        [then, widget, config], [app("shop")], [definition("widgets", "Widget", "x.example.com"), config]
    )
    restored.request(scope="applications", app="shop")
    [told] = restored.prepare()
    assert isinstance(told, e.RestoreFailed)
    assert told.reason
    assert told.reason.code == Code.CONFLICT
    assert "Widget of x.example.com in version v1 only, not v1beta1" in str(told.reason)
    assert restored.cluster.get(CONFIG_MAPS, CONSOLE, "c")


def test_where_the_backup_brings_the_definition_its_versions_count() -> None:
    then = version(definition("widgets", "Widget", "x.example.com"), "v1beta1")
    objects = [make("Widget", "w", "shop", f"x.example.com/{name}") for name in ("v1beta1", "v1")]
    found = [(obj["apiVersion"], why) for obj, why in conflicts([then, *objects], (), MemoryCluster([SHOP]))]
    assert found == [("x.example.com/v1", "the cluster has Widget of x.example.com in version v1beta1 only, not v1")]
