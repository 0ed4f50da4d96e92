"""A test restore: into a namespace of its own, checked, removed whatever comes, with what it is a copy of untouched."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import Invalid, NotFound, NotYet
from schemas.job import backup
from schemas.kubernetes import CLAIMS, DEPLOYMENTS, NAMESPACES, NETWORK_POLICIES, PODS, SERVICES, VOLUMES, Object
from schemas.records import RestoreTest, RestoreTested
from tests.support.objects import claim, make, on_claim, opted_in, pod, volume
from tests.support.restores import CONSOLE, PATIENCE, UNDEPLOY_PATIENCE, Restoring, app, label
from workers.adapters.twins.commands import Ended
from workers.jobs import endings, ledger
from workers.manifests.kube.objects import name_of
from workers.steps import restore_clear, restore_finalize
from workers.verification import probe
from workers.verification.probe import Target


class Killed(BaseException):
    """The process dies here."""


DATA = claim("data", labels=label("shop"))
STATUS = {"readyReplicas": 1}
MOUNTED = {"data": on_claim("data")}
CAPTURED = [
    make("Namespace", CONSOLE),
    make("Namespace", "shop"),
    make("Deployment", "web", "shop", "apps/v1", labels=label("shop"), spec={"replicas": 1}, status=STATUS),
    make("Service", "web", "shop", labels=label("shop"), spec={"selector": {"app": "web"}, "ports": [{"port": 80}]}),
    make("ClusterRole", "shop", None, "rbac.authorization.k8s.io/v1", labels=label("shop")),
    DATA,
    volume("pv-data", DATA),
    pod(
        "data-0",
        labels=label("shop") | {"app": "web"},
        annotations=opted_in("data"),
        volumes={"data": on_claim("data")},
    ),
]


class Trial:
    """A test restore of the shop, which runs beside it; a worker dies at the change of number `dies_at`."""

    def __init__(self, dies_at: int = 0, objects: Sequence[Object] = CAPTURED, **test: Any) -> None:
        self.restoring = Restoring(list(objects), [app("shop", namespaces=["shop"])], claims=[("shop", "data")])
        self.before = self._shop()
        self.left, self.within = dies_at, 0
        self.told: list[e.Event] = []
        self.restoring.answer = Ended(stdout=b"HTTP/1.1 200 OK")
        self.restoring.request(scope="applications", test=RestoreTest(namespace="trial", **test), backup="b")
        for target, names in (
            (self.restoring.objects, ("put", "create", "delete")),
            (self.restoring.cluster, ("create", "patch", "delete")),
        ):
            for name in names:
                setattr(target, name, self._dying(getattr(target, name)))

    def run(self) -> None:
        """To its end, by workers that die and come again."""
        for _ in range(60):
            try:
                if self._once():
                    return
            except NotYet:
                self.restoring.now += timedelta(seconds=5)
            except Killed:
                continue
        raise AssertionError("it has not ended")

    @property
    def tested(self) -> RestoreTested | None:
        return ledger.find(self.restoring.store, keys.test_restored(backup("b")), RestoreTested)

    def there(self) -> list[str]:
        """The namespaces, but for those that were there before."""
        names = {name_of(found)[1] for found in self.restoring.cluster.list(NAMESPACES)}
        return sorted(names - {CONSOLE, "shop"})

    def untouched(self) -> bool:
        return self._shop() == self.before

    def clear(self) -> list[e.Event]:
        restoring = self.restoring
        ended = endings.ended(restoring.store, restoring.job)
        assert ended
        needs = restore_clear.ClearNeeds(restoring.destinations, restoring.cluster, restoring.clock, UNDEPLOY_PATIENCE)
        return list(restore_clear.clear(restoring.event(ended), needs))

    def finalize(self) -> None:
        restoring = self.restoring
        needs = restore_finalize.FinalizeRestoreNeeds(
            restoring.destinations, restoring.cluster, PATIENCE, restoring.clock, "busybox"
        )
        for owner in restoring.plan.owners:
            asked = restoring.event(e.RestoreApplied(restore=restoring.job.name, owner=owner))
            list(restore_finalize.finalize(asked, needs))

    def _once(self) -> bool:
        """All steps, each of which does what is missing."""
        restoring = self.restoring
        if restoring.final is None:
            restoring.prepare()
            if restoring.final is None:
                restoring.undeploy()
                restoring.apply()
                restoring.start_helpers("data")
                restoring.fill(*(each.key for each in restoring.plan.volumes))
                restoring.apply()
                self._kubelet()
                self.finalize()
        self.told += self.clear()
        return True

    def _kubelet(self) -> None:
        """Workloads become ready, and pods run."""
        cluster = self.restoring.cluster
        for found in list(cluster.list(DEPLOYMENTS, "trial")):
            status = {**STATUS, "observedGeneration": found["metadata"]["generation"]}
            cluster.patch(DEPLOYMENTS, "trial", name_of(found)[1], {"status": status}, status=True)
        for found in list(cluster.list(PODS, "trial")):
            ready = [{"name": c["name"], "ready": True, "state": {"running": {}}} for c in found["spec"]["containers"]]
            status = {"phase": "Running", "podIP": "10.0.0.7", "containerStatuses": ready}
            cluster.patch(PODS, "trial", name_of(found)[1], {"spec": {"nodeName": "node-a"}})
            cluster.patch(PODS, "trial", name_of(found)[1], {"status": status}, status=True)

    def _shop(self) -> list[Object]:
        """All that is not the test's own."""
        cluster = self.restoring.cluster
        found = [obj for type_ in cluster.discover().types for obj in cluster.list(type_)]
        ours = ("trial", "trial-shop")
        return [obj for obj in found if name_of(obj)[0] not in ours and name_of(obj)[1] not in ours]

    def _dying(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def or_die(*given: Any, **named: Any) -> Any:
            self.left -= not self.within  # what the server does by itself goes on
            if self.left == 0:
                self.left -= 1
                raise Killed
            self.within += 1
            try:
                return do(*given, **named)
            finally:
                self.within -= 1

        return or_die


def test_it_is_restored_beside_what_is_there_checked_and_removed() -> None:
    trial = Trial(check_command=["check"], probe="web:80/health")
    seen: list[list[str]] = []
    finalize = trial.finalize

    def looking() -> None:
        cluster = trial.restoring.cluster
        seen.append([*trial.there(), *(name_of(each)[1] for each in cluster.list(PODS, "trial"))])
        assert [name_of(each)[1] for each in cluster.list(NETWORK_POLICIES, "trial")] == ["snapline-test-restore"]
        assert cluster.get(CLAIMS, "trial", "data")["spec"].get("volumeName") is None
        finalize()

    trial.finalize = looking  # type: ignore[method-assign]
    trial.run()
    assert seen[0][:2] == ["trial", "data-0"]
    assert trial.restoring.final
    assert trial.restoring.final.status == "Completed", trial.restoring.final.errors
    assert trial.restoring.ran == ["snapline-probe", "data-0"]
    assert (trial.there(), trial.untouched()) == ([], True)
    [told] = trial.told
    assert isinstance(told, e.BackupTestRestored)
    assert trial.tested
    assert (told.seconds, trial.tested.problems) == (trial.tested.seconds, [])


@pytest.mark.parametrize("how", ["command", "probe", "no such service", "no probe", "nobody ready"])
def test_a_check_that_does_not_pass_is_told_and_all_is_removed(how: str) -> None:
    ways: dict[str, dict[str, Any]] = {
        "command": {"check_command": ["check"]},
        "probe": {"probe": "web:80"},
        "no such service": {"probe": "nope:80"},
        "no probe": {"probe": "169.254.169.254:80/latest"},
        "nobody ready": {"check_command": ["check"], "check_in": "nobody"},
    }
    trial = Trial(timeout_seconds=60, **ways[how])
    trial.restoring.answer = Ended(exit_code=1)
    trial.run()
    assert trial.restoring.final
    assert trial.restoring.final.status == "PartiallyFailed"
    [told] = trial.told
    assert isinstance(told, e.BackupTestRestoreFailed)
    assert told.reason.code == "CheckFailed"
    assert (trial.there(), trial.untouched()) == ([], True)


def test_a_service_that_leads_elsewhere_is_never_asked() -> None:
    trial = Trial(probe="web:80")
    finalize = trial.finalize

    def leading_elsewhere() -> None:
        trial.restoring.cluster.patch(SERVICES, "trial", "web", {"spec": {"selector": None, "clusterIP": "10.0.0.1"}})
        finalize()

    trial.finalize = leading_elsewhere  # type: ignore[method-assign]
    trial.run()
    assert trial.restoring.ran == []
    assert trial.tested
    assert "lead anywhere" in str(trial.tested.problems[0])


def test_what_is_not_ready_in_time_fails_it() -> None:
    trial = Trial(timeout_seconds=30)
    trial._kubelet = lambda: None  # type: ignore[method-assign]
    trial.run()
    assert trial.tested
    assert "not ready after 0:00:30" in str(trial.tested.problems[0])
    assert trial.there() == []


def test_what_was_not_ready_when_it_was_backed_up_fails_nothing() -> None:
    broken = make("Deployment", "broken", "shop", "apps/v1", labels=label("shop"), spec={"replicas": 1}, status={})
    trial = Trial(objects=[*CAPTURED, broken])
    kubelet = trial._kubelet

    def all_but_one() -> None:
        kubelet()
        with suppress(NotFound):
            trial.restoring.cluster.patch(DEPLOYMENTS, "trial", "broken", {"status": {"readyReplicas": 0}}, status=True)

    trial._kubelet = all_but_one  # type: ignore[method-assign]
    trial.run()
    assert trial.restoring.final
    assert (trial.restoring.final.status, trial.restoring.final.errors) == ("Completed", [])
    assert "not when it was backed up" in str(trial.restoring.final.warnings[0])


def test_a_namespace_that_is_there_already_is_left_alone() -> None:
    trial = Trial()
    trial.restoring.cluster.create(NAMESPACES, make("Namespace", "trial"))
    trial.run()
    assert trial.restoring.final
    assert trial.restoring.final.status == "Failed"
    assert trial.there() == ["trial"]
    assert trial.tested
    assert "already" in str(trial.tested.problems[0])


def test_one_that_is_cancelled_says_nothing_of_the_backup_and_leaves_nothing() -> None:
    trial = Trial()
    trial.restoring.prepare()
    trial.restoring.undeploy()
    trial.restoring.apply()
    trial.restoring.cancel()
    trial.restoring.apply()
    trial.run()
    assert (trial.there(), trial.untouched(), trial.told, trial.tested) == ([], True, [], None)


def test_a_namespace_that_does_not_go_is_told() -> None:
    trial = Trial()
    trial.restoring.prepare()
    trial.restoring.undeploy()
    trial.restoring.apply()
    held = make("ConfigMap", "held", "trial", metadata={"finalizers": ["example.com/stays"]})
    trial.restoring.cluster.create(
        next(type_ for type_ in trial.restoring.cluster.discover().types if type_.kind == "ConfigMap"), held
    )
    with pytest.raises(AssertionError, match="it has not ended"):
        trial.run()
    trial.restoring.now += UNDEPLOY_PATIENCE
    trial.run()
    assert trial.tested
    assert trial.tested.problems[0].code == "NotRemoved"
    assert not ledger.exists(trial.restoring.store, keys.running(trial.restoring.job))


def test_volumes_that_would_stay_behind_go_too() -> None:
    trial = Trial()
    trial.restoring.prepare()
    trial.restoring.undeploy()
    trial.restoring.apply()
    made = trial.restoring.cluster.get(CLAIMS, "trial", "data")
    trial.restoring.cluster.create(VOLUMES, volume("pv-new", made, reclaim="Retain"))
    trial.restoring.cluster.patch(CLAIMS, "trial", "data", {"spec": {"volumeName": "pv-new"}})
    trial.run()
    left = trial.restoring.cluster.get(VOLUMES, None, "pv-new")
    assert left["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    assert trial.restoring.cluster.get(VOLUMES, None, "pv-data")["spec"]["persistentVolumeReclaimPolicy"] == "Delete"


@pytest.mark.parametrize("dies_at", range(1, 50))
def test_wherever_a_worker_dies_it_comes_to_the_same_end(dies_at: int) -> None:
    trial = Trial(dies_at, check_command=["check"], probe="web:80")
    trial.run()
    assert trial.restoring.final
    assert trial.restoring.final.status == "Completed", trial.restoring.final.errors
    assert (trial.there(), trial.untouched()) == ([], True)
    assert trial.tested
    assert trial.tested.problems == []
    assert {type(each) for each in trial.told} <= {e.BackupTestRestored}
    assert not ledger.exists(trial.restoring.store, keys.running(trial.restoring.job))


def test_an_end_that_is_told_again_changes_no_newer_result() -> None:
    trial = Trial()
    trial.run()
    assert trial.tested
    newer = trial.tested.model_copy(update={"restore": "newer"})
    ledger.put(trial.restoring.store, keys.test_restored(backup("b")), newer)
    assert trial.clear() == []
    assert trial.tested == newer


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("web:80", Target("web", 80, "/")),
        ("web:8080/a?b=c", Target("web", 8080, "/a?b=c")),
        ("http://web:80/x", Target("web", 80, "/x")),
        ("shop/web:80/x", Target("web", 80, "/x", "shop")),
    ],
)
def test_a_probe_names_a_service(text: str, asked: Target) -> None:
    assert probe.target(text) == asked


@pytest.mark.parametrize(
    "text",
    [
        *("", "web", "web:0", "web:65536", "web:x", "web:80 /", "web:80/a b", "web:80/\r\nHost: x", "https://web:443"),
        *("10.0.0.1:80", "[::1]:80", "web.kube-system.svc:80", "user@web:80", "web:80@evil.example.com/", "a/b/web:80"),
    ],
)
def test_nothing_else_is_a_probe(text: str) -> None:
    with pytest.raises(Invalid):
        probe.target(text)
