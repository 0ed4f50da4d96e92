"""Objects that ask for their status to be restored: a server ignores the status of a create."""

from typing import Any

import pytest

from schemas.errors import TransientError
from schemas.kubernetes import Object, ResourceType
from tests.support.objects import definition, make
from workers.adapters.twins.cluster import MemoryCluster
from workers.manifests.restore.apply_wave import Wave, apply_wave

GROUP = "example.com"
LICENSES = ResourceType(GROUP, "v1", "License", "licenses", namespaced=True)


def cluster(*, subresource: bool = True, kind: type[MemoryCluster] = MemoryCluster) -> MemoryCluster:
    made = definition("licenses", "License", GROUP)
    if subresource:
        made["spec"]["versions"][0]["subresources"] = {"status": {}}
    return kind([made, make("Namespace", "shop")])


def wave(asks: str = "true") -> Wave:
    annotations = {"velero.io/restore-status": asks}
    captured = make(
        "License", "gold", "shop", f"{GROUP}/v1", annotations=annotations, status={"seats": 3}, spec={"x": 1}
    )
    return Wave("r", "b", [captured])


def live(on: MemoryCluster) -> Object:
    return on.get(LICENSES, "shop", "gold")


@pytest.mark.parametrize("subresource", [True, False])
def test_the_status_comes_back_whether_it_is_a_subresource_or_not(subresource: bool) -> None:
    on = cluster(subresource=subresource)
    outcome = apply_wave(wave(), on)
    assert (outcome.created, outcome.errors, outcome.later) == (1, [], [])
    assert live(on)["status"] == {"seats": 3}


def test_who_does_not_ask_gets_none() -> None:
    on = cluster()
    apply_wave(wave("false"), on)
    assert "status" not in live(on)


def test_the_status_comes_back_after_a_failure_in_between_and_is_not_written_over_later() -> None:
    class Failing(MemoryCluster):
        failures = 1

        def patch(self, *arguments: Any, **more: Any) -> Object:
            if self.failures:
                self.failures -= 1
                raise TransientError("busy")
            return super().patch(*arguments, **more)

    on = cluster(kind=Failing)
    assert len(apply_wave(wave(), on).later) == 1
    assert apply_wave(wave(), on).created == 1
    assert live(on)["status"] == {"seats": 3}
    on.patch(LICENSES, "shop", "gold", {"status": {"seats": 4}}, status=True)
    assert apply_wave(wave(), on).created == 1
    assert live(on)["status"] == {"seats": 4}
