"""What snapshots cost, in requests that are counted: they grow with applications and with pods, not with one times the
other. `make scale` counts those of thousands."""

import pytest

from tests.simulation import scale


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("apps", "nodes"), [(20, 3), (60, 24), (120, 24)])
def test_the_records_of_a_full_snapshot_cost_requests_for_each_application_and_for_each_pod(
    apps: int, nodes: int
) -> None:
    """Of 120 applications and 24 nodes 1,600; twice as many if each message after the end released all claims again."""
    full, of_one = scale.measure(apps, nodes, namespaces=1)
    assert full["end"] == of_one["end"] == "backup.completed.v1"
    assert full["store"]["list records"] <= 8 * apps + 6 * nodes + 30
    assert _requests(full["store"]) <= 12 * apps + 25 * nodes + 50
    assert _requests(of_one["store"]) <= 60, "it costs the same however many others there are"


def _requests(counts: dict[str, int]) -> int:
    return sum(number for what, number in counts.items() if what.endswith(" records"))
