"""Which volumes are copied, and that none that ought to be is passed over in silence."""

from typing import Any

import pytest

from schemas.kubernetes import Object
from schemas.records import PodPlan, VolumePlan
from tests.support.objects import claim, on_claim, opted_in, pod, volume
from workers.manifests.capture.volume_plan import Planned, plan_volumes

EMPTY: dict[str, Any] = {"emptyDir": {}}
DATA = claim("data", volume="pv-1", uid="claim-uid")


def plan(*objects: Object, default: bool = False) -> tuple[list[PodPlan], list[str], list[str]]:
    """Pods, and the texts of warnings and errors."""
    planned: Planned = plan_volumes(list(objects), default)
    return planned.pods, [str(each) for each in planned.warnings], [str(each) for each in planned.errors]


def copied(*objects: Object, default: bool = False) -> dict[str, list[str]]:
    return {each.key: [v.name for v in each.volumes] for each in plan(*objects, default=default)[0]}


def test_a_claim_is_found_below_the_name_of_its_volume() -> None:
    db = pod("db-0", annotations=opted_in("data"), volumes={"data": on_claim("data")}, uid="pod-uid")
    pods, warnings, errors = plan(db, DATA, volume("pv-1", DATA))
    found = VolumePlan(name="data", kind="claim", directory="pv-1", claim="data", claim_uid="claim-uid")
    assert pods == [PodPlan(namespace="shop", name="db-0", uid="pod-uid", node="node-a", volumes=[found])]
    assert (warnings, errors) == ([], [])


def test_an_empty_dir_is_found_below_its_own_name() -> None:
    web = pod("web", annotations=opted_in("scratch"), volumes={"scratch": EMPTY})
    assert plan(web)[0][0].volumes == [VolumePlan(name="scratch", kind="emptyDir", directory="scratch")]


def test_volumes_that_did_not_opt_in_are_not_copied() -> None:
    assert plan(pod("web", volumes={"scratch": EMPTY, "data": on_claim("data")}), DATA) == ([], [], [])


def test_spaces_in_the_list_are_ignored_with_a_warning() -> None:
    web = pod("web", annotations={"backup.velero.io/backup-volumes": "a, b,,"}, volumes={"a": EMPTY, "b": EMPTY})
    pods, warnings, errors = plan(web)
    assert [v.name for v in pods[0].volumes] == ["a", "b"]
    assert "spaces" in warnings[0]
    assert errors == []


def test_by_default_all_data_is_copied_but_what_opts_out() -> None:
    volumes = {
        "data": on_claim("data"),
        "scratch": EMPTY,
        "cache": EMPTY,
        "host": {"hostPath": {"path": "/"}},
        "secret": {"secret": {"secretName": "s"}},
        "config": {"configMap": {"name": "c"}},
        "kube-api-access-x7k2p": {"projected": {"sources": []}},
        "info": {"downwardAPI": {}},
        "snapline-wait": EMPTY,
    }
    web = pod("web", annotations={"backup.velero.io/backup-volumes-excludes": "cache"}, volumes=volumes)
    assert plan(web, DATA, default=True)[1:] == ([], [])
    assert copied(web, DATA, default=True) == {"shop/web": ["data", "scratch"]}


def test_a_shared_claim_is_copied_once_with_the_first_pod_by_name() -> None:
    pods = [
        pod(name, annotations=opted_in("data", "own"), volumes={"data": on_claim("data"), "own": EMPTY})
        for name in "cab"
    ]
    assert copied(*pods, DATA) == {"shop/c": ["own"], "shop/a": ["data", "own"], "shop/b": ["own"]}


def test_a_shared_claim_goes_with_a_pod_that_runs_and_selects_it() -> None:
    early = pod("a", "shop", "Pending", annotations=opted_in("data"), volumes={"data": on_claim("data")})
    silent = pod("b", volumes={"data": on_claim("data")})
    speaking = pod("c", annotations=opted_in("data"), volumes={"data": on_claim("data")})
    pods, _, errors = plan(early, silent, speaking, DATA)
    assert [each.name for each in pods] == ["c"]
    assert errors == []


def test_a_claim_that_a_pod_mounts_twice_is_copied_once() -> None:
    db = pod("db", annotations=opted_in("x", "y"), volumes={"x": on_claim("data"), "y": on_claim("data")})
    assert copied(db, DATA) == {"shop/db": ["x"]}


def test_claims_of_the_same_name_in_two_namespaces_are_two() -> None:
    pods = [pod("db", ns, annotations=opted_in("data"), volumes={"data": on_claim("data")}) for ns in ("a", "b")]
    assert copied(*pods, claim("data", "a"), claim("data", "b")) == {"a/db": ["data"], "b/db": ["data"]}


def test_units_come_in_the_order_of_the_objects() -> None:
    pods = [pod(name, annotations=opted_in("s"), volumes={"s": EMPTY}) for name in "zay"]
    assert list(copied(*pods)) == ["shop/z", "shop/a", "shop/y"]


UNBOUND = claim("data")
UNBOUND["status"]["phase"] = "Pending"
BLOCK = claim("data", spec={"volumeMode": "Block"})
ON_HOST = volume("pv-data", spec={"hostPath": {"path": "/data"}})


@pytest.mark.parametrize(
    ("changes", "others", "words"),
    [
        ({"phase": "Pending"}, [DATA], "the pod is Pending, not Running"),
        ({"phase": "Unknown"}, [DATA], "the pod is Unknown, not Running"),
        ({"spec": {"nodeName": None}}, [DATA], "not Running"),
        ({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, [DATA], "being deleted"),
        ({}, [], "its claim data is not in the backup"),
        ({}, [UNBOUND], "is not bound"),
        ({}, [BLOCK], "raw block device"),
        ({}, [claim("data"), ON_HOST], "on a hostPath volume"),
        ({"volumes": {"data": {"hostPath": {"path": "/data"}}}}, [], "hostPath volumes are never copied"),
        ({"volumes": {"data": {"nfs": {"server": "x"}}}}, [], r"of this kind \(nfs\) cannot be copied"),
        ({"volumes": {"other": EMPTY}}, [], "the pod has no volume of that name"),
        ({"volumes": {}, "spec": {"volumes": [{"name": "data", **EMPTY}]}}, [], "no container of the pod mounts it"),
    ],
)
def test_a_selected_volume_that_cannot_be_copied_is_an_error(
    changes: dict[str, Any], others: list[Object], words: str
) -> None:
    given = {"annotations": opted_in("data"), "volumes": {"data": on_claim("data")}, **changes}
    pods, _, errors = plan(pod("db", **given), *others)
    assert pods == []
    (error,) = errors
    assert error.startswith("Pod shop/db, volume data, was not copied: ")
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(error)


def test_one_bad_volume_does_not_keep_the_others_from_being_copied() -> None:
    web = pod("web", annotations=opted_in("scratch", "missing"), volumes={"scratch": EMPTY})
    pods, _, errors = plan(web)
    assert [v.name for v in pods[0].volumes] == ["scratch"]
    assert len(errors) == 1


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_pods_that_have_ended_are_passed_over_with_a_word_about_their_claims(phase: str) -> None:
    job = pod("job", "shop", phase, annotations=opted_in("data"), volumes={"data": on_claim("data")})
    pods, warnings, errors = plan(job, DATA)
    assert (pods, warnings) == ([], [])
    assert errors == ["Pod shop/job, volume data, was not copied: the pod has ended"]
    again = pod("job-2", "shop", phase, annotations=opted_in("data"), volumes={"data": on_claim("data")})
    assert len(plan(job, again, DATA)[2]) == 1, "a claim is told once"
    heir = pod("heir", annotations=opted_in("data"), volumes={"data": on_claim("data")})
    assert plan(job, heir, DATA)[1:] == ([], [])


def test_in_the_default_mode_a_claim_of_a_pod_that_has_ended_is_a_warning() -> None:
    job = pod("job", "shop", "Succeeded", volumes={"data": on_claim("data"), "scratch": EMPTY})
    pods, warnings, errors = plan(job, DATA, default=True)
    assert (pods, errors) == ([], [])
    assert warnings == ["Pod shop/job, volume data, was not copied: the pod has ended"]
    heir = pod("heir", volumes={"data": on_claim("data")})
    assert plan(job, heir, DATA, default=True)[1:] == ([], [])


def test_a_volume_that_shows_objects_is_noted_not_copied() -> None:
    web = pod("web", annotations=opted_in("config"), volumes={"config": {"configMap": {"name": "c"}}})
    pods, warnings, errors = plan(web)
    assert (pods, errors) == ([], [])
    assert "captured as such" in warnings[0]


def test_a_volume_that_only_an_init_container_mounts_is_copied() -> None:
    mount = {"name": "data", "mountPath": "/data"}
    spec = {"containers": [{"name": "main"}], "initContainers": [{"name": "init", "volumeMounts": [mount]}]}
    db = pod("db", annotations=opted_in("data"), volumes={"data": on_claim("data")}, spec=spec)
    assert copied(db, DATA) == {"shop/db": ["data"]}
