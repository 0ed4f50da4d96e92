"""Is the live object what would be restored?"""

from typing import Any

from schemas.kubernetes import Object
from tests.support.objects import claim, make, pod
from workers.manifests.restore.compare import merge_service_account, same
from workers.manifests.restore.sanitise import sanitise


def wanted(obj: Object) -> Object:
    new = sanitise(obj, restore="r1", backup="b1")
    assert new is not None
    return new


def test_an_object_is_the_same_as_its_own_backup_whatever_the_server_has_set() -> None:
    service = make("Service", "web", "shop", spec={"clusterIP": "10.0.0.7", "ports": [{"port": 80, "nodePort": 31000}]})
    live = make("Service", "web", "shop", uid="new", spec={"clusterIP": "10.0.0.9", "ports": [{"port": 80}]})
    assert same(live, wanted(service))
    assert same(claim("data", volume="pv-2"), wanted(claim("data", volume="pv-1")))


def test_what_an_earlier_restore_put_on_it_makes_no_difference() -> None:
    labels = {"velero.io/restore-name": "r0", "velero.io/backup-name": "b0"}
    assert same(make("ConfigMap", "c", "shop", labels=labels), wanted(make("ConfigMap", "c", "shop")))


def test_absent_null_and_empty_are_the_same() -> None:
    live = make("ConfigMap", "c", "shop", labels={}, annotations=None, data=None)
    assert same(live, wanted(make("ConfigMap", "c", "shop", data={})))


def test_a_different_content_is_a_difference() -> None:
    assert not same(
        make("ConfigMap", "c", "shop", data={"a": "1"}), wanted(make("ConfigMap", "c", "shop", data={"a": "2"}))
    )
    assert not same(make("ConfigMap", "c", "shop", labels={"a": "1"}), wanted(make("ConfigMap", "c", "shop")))
    assert not same(make("ConfigMap", "c", "shop", data={"a": ""}), wanted(make("ConfigMap", "c", "shop")))


def test_comparing_changes_neither() -> None:
    live, new = pod("web"), wanted(pod("web"))
    before = repr((live, new))
    same(live, new)
    assert repr((live, new)) == before


def account(**rest: Any) -> Object:
    return make("ServiceAccount", "web", "shop", **rest)


def test_an_account_gets_what_it_lacks_and_loses_nothing() -> None:
    live = account(labels={"a": "live"}, secrets=[{"name": "web-token-abcde"}])
    backup = account(
        labels={"a": "backup", "b": "1"},
        annotations={"role": "x"},
        secrets=[{"name": "extra"}],
        imagePullSecrets=[{"name": "registry"}],
    )
    assert merge_service_account(live, wanted(backup)) == {
        "metadata": {"labels": {"b": "1"}, "annotations": {"role": "x"}},
        "secrets": [{"name": "web-token-abcde"}, {"name": "extra"}],
        "imagePullSecrets": [{"name": "registry"}],
    }


def test_an_account_that_has_all_is_left_alone() -> None:
    live = account(imagePullSecrets=[{"name": "registry"}, {"name": "more"}])
    assert merge_service_account(live, wanted(account(imagePullSecrets=[{"name": "registry"}]))) is None
