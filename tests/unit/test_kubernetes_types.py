"""The kinds with names, and the kinds that twins serve, are the same kinds."""

from schemas import kubernetes
from schemas.kubernetes import ResourceType
from workers.adapters.twins.types import BUILTIN

SERVED = [served.type for served in BUILTIN]


def test_every_named_kind_is_one_that_clusters_have() -> None:
    named = [value for value in vars(kubernetes).values() if isinstance(value, ResourceType)]
    assert len(named) > 10
    assert [type_ for type_ in named if type_ not in SERVED] == []


def test_no_kind_is_served_twice() -> None:
    assert len({type_.group_resource for type_ in SERVED}) == len(SERVED)


def test_kinds_have_the_names_that_velero_and_kubectl_use() -> None:
    assert (kubernetes.PODS.api_version, kubernetes.PODS.group_resource) == ("v1", "pods")
    assert (kubernetes.DEPLOYMENTS.api_version, kubernetes.DEPLOYMENTS.group_resource) == (
        "apps/v1",
        "deployments.apps",
    )
