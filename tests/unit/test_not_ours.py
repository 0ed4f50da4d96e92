"""A restore fills what it has created, and nothing that somebody else has made in the meantime."""

from schemas import events as e
from schemas.kubernetes import CLAIMS
from tests.support.objects import claim, make, on_claim, opted_in, pod
from tests.support.restores import CONSOLE, Restoring, app, label

DB = pod("db-0", CONSOLE, labels=label("shop"), annotations=opted_in("data"), volumes={"data": on_claim("data")})


def test_a_claim_that_somebody_made_while_the_restore_was_under_way_keeps_what_is_in_it() -> None:
    captured = [claim("data", CONSOLE, labels=label("shop")), DB]
    restored = Restoring(captured, [app("shop")], live=[make("ConfigMap", "c", CONSOLE)], claims=[(CONSOLE, "data")])
    restored.request()
    restored.prepare()
    restored.undeploy()
    restored.cluster.create(CLAIMS, {"metadata": {"name": "data", "namespace": CONSOLE}, "spec": {"volumeName": "pv"}})
    [asked] = [said for said in restored.apply("_", "shop") if isinstance(said, e.VolumesMountRequested)]
    restored.start_helpers("data")
    [said] = restored.mount(asked)
    assert isinstance(said, e.VolumesRestoreFailed)
    assert "made by somebody else" in str(said.reason)
