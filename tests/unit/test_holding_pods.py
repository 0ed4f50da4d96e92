"""Pods that hold volumes while they are filled."""

import copy
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from schemas.kubernetes import PODS, Object
from tests.support.objects import make, on_claim, owner, pod
from workers.adapters.twins.cluster import MemoryCluster
from workers.manifests.restore.holding_pods import (
    DONE,
    SCRIPT,
    WAITING,
    helper_pod,
    let_go_command,
    waiting_pod,
    waits_for_files,
)
from workers.manifests.restore.sanitise import sanitise


def web(**rest: Any) -> Object:
    return pod("web-1", volumes={"scratch": {"emptyDir": {}}, "data": on_claim("data")}, **rest)


def wait_container(captured: Object) -> dict[str, Any]:
    container: dict[str, Any] = waiting_pod(captured, ["scratch"], "busybox:1.35", 60)["spec"]["initContainers"][0]
    return container


# --- the waiting pod


def test_the_wait_comes_before_all_other_init_containers() -> None:
    waiting = waiting_pod(web(spec={"initContainers": [{"name": "migrate"}]}), ["scratch"], "busybox:1.35", 60)
    assert [c["name"] for c in waiting["spec"]["initContainers"]] == ["snapline-wait", "migrate"]
    wait = waiting["spec"]["initContainers"][0]
    assert wait["image"] == "busybox:1.35"
    assert [mount["name"] for mount in wait["volumeMounts"]] == ["scratch", "snapline-wait"]
    assert {"name": "SECONDS_TO_WAIT", "value": "60"} in wait["env"]


def test_the_pod_has_no_owner_so_that_its_controller_adopts_it() -> None:
    captured = web(owners=[owner(make("ReplicaSet", "web", "shop", "apps/v1"))])
    assert "ownerReferences" not in waiting_pod(captured, ["scratch"], "i", 60)["metadata"]
    assert "ownerReferences" in captured["metadata"]


def test_the_captured_pod_is_left_as_it_is() -> None:
    captured = web()
    before = copy.deepcopy(captured)
    waiting_pod(captured, ["scratch"], "i", 60)
    assert captured == before


def test_sanitising_keeps_the_wait_that_is_meant_and_its_mark_never_reaches_the_cluster() -> None:
    once = sanitise(waiting_pod(web(), ["scratch"], "i", 60), restore="r1", backup="b1")
    assert once is not None
    assert [c["name"] for c in once["spec"]["initContainers"]] == ["snapline-wait"]
    assert once["metadata"].get("annotations") == {}
    again = sanitise(once, restore="r2", backup="b2")
    assert again is not None
    assert again["spec"]["initContainers"] == []
    assert [volume["name"] for volume in again["spec"]["volumes"]] == ["scratch", "data"]


def test_a_pod_that_was_restored_before_waits_once() -> None:
    twice = waiting_pod(waiting_pod(web(), ["scratch"], "i", 60), ["scratch"], "i", 60)
    assert [c["name"] for c in twice["spec"]["initContainers"]] == ["snapline-wait"]
    assert [volume["name"] for volume in twice["spec"]["volumes"]] == ["scratch", "data", "snapline-wait"]


def test_the_wait_runs_as_the_pods_user_so_that_it_may_clear_up() -> None:
    assert wait_container(web(spec={"securityContext": {"runAsUser": 1000, "runAsGroup": 50}}))["securityContext"] == {
        "runAsUser": 1000,
        "runAsGroup": 50,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert (
        wait_container(web(spec={"securityContext": {"runAsNonRoot": True}}))["securityContext"]["runAsUser"] == 65534
    )
    assert "runAsUser" not in wait_container(web())["securityContext"]


def test_a_pod_waits_when_its_init_container_runs() -> None:
    def state(**states: Any) -> Object:
        return {"status": {"initContainerStatuses": [{"name": "snapline-wait", "state": states}]}}

    assert waits_for_files(state(running={}))
    assert not waits_for_files(state(waiting={}))
    assert not waits_for_files(state(terminated={"exitCode": 0}))
    assert not waits_for_files({})


# --- the script, run by a real shell


def start(tmp_path: Path, seconds: int = 300) -> subprocess.Popen[str]:
    volumes = [tmp_path / "a", tmp_path / "b"]
    for directory in (*volumes, tmp_path / "memory"):
        directory.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "VOLUMES": " ".join(map(str, volumes)),
        "MEMORY": str(tmp_path / "memory"),
        "SECONDS_TO_WAIT": str(seconds),
    }
    return subprocess.Popen(["sh", "-c", SCRIPT], env=environment, stderr=subprocess.PIPE, text=True)


def until(path: Path) -> None:
    deadline = time.monotonic() + 200
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


def test_the_script_ends_when_every_volume_is_done_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with start(tmp_path) as waiting:
        until(tmp_path / "b" / WAITING)
        (tmp_path / "a" / "file").touch()
        (tmp_path / "a" / DONE).touch()
        time.sleep(0.5)
        assert waiting.poll() is None
        (tmp_path / "b" / DONE).touch()
        assert waiting.wait(200) == 0
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file"]
    assert list((tmp_path / "b").iterdir()) == []


def test_the_script_does_not_wait_again_when_the_pod_is_started_anew(tmp_path: Path) -> None:
    with start(tmp_path) as waiting:
        for volume in "ab":
            until(tmp_path / volume / WAITING)
            (tmp_path / volume / DONE).touch()
        assert waiting.wait(200) == 0
    with start(tmp_path) as again:
        assert again.wait(200) == 0


def test_the_script_gives_up_with_a_clear_message(tmp_path: Path) -> None:
    with start(tmp_path, seconds=1) as waiting:
        until(tmp_path / "a" / WAITING)
        (tmp_path / "a" / DONE).touch()
        _, said = waiting.communicate(timeout=200)
    assert waiting.returncode == 1
    assert said.startswith("snapline-wait: no restored data within 1 s for: b;")


def test_the_script_ends_at_once_when_its_pod_is_deleted(tmp_path: Path) -> None:
    with start(tmp_path) as waiting:
        until(tmp_path / "a" / WAITING)
        waiting.terminate()
        assert waiting.wait(200) == 143, "a container's first process does not die of SIGTERM that it does not handle"


def test_what_lets_a_pod_go_is_what_its_script_waits_for(tmp_path: Path) -> None:
    command = [word.replace("/snapline/volumes", str(tmp_path)) for word in let_go_command(["a", "b"])]
    with start(tmp_path) as waiting:
        until(tmp_path / "b" / WAITING)
        subprocess.run(command, check=True)
        assert waiting.wait(200) == 0
    assert list((tmp_path / "a").iterdir()) == []


# --- the helper pod


def helper(template: Object | None = None) -> Object:
    given = web() if template is None else template
    return helper_pod("r1", "shop", "snapline-restore-1", ["data", "more"], given, "busybox:1.35")


def test_a_helper_mounts_the_claims_and_does_nothing() -> None:
    spec = helper()["spec"]
    assert [volume["persistentVolumeClaim"]["claimName"] for volume in spec["volumes"]] == ["data", "more"]
    assert [m["name"] for m in spec["containers"][0]["volumeMounts"]] == [v["name"] for v in spec["volumes"]]
    assert spec["terminationGracePeriodSeconds"] == 0
    assert spec["restartPolicy"] == "Always"
    assert spec["automountServiceAccountToken"] is False
    assert helper()["metadata"]["labels"]["snapline.dev/restore"] == "r1"


def test_a_helper_goes_where_its_pod_may_go_and_best_where_it_was() -> None:
    zone = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": zone}}
    given = {"nodeSelector": {"disk": "ssd"}, "tolerations": [{"operator": "Exists"}], "schedulerName": "mine"}
    spec = helper(web(spec={**given, "affinity": affinity, "securityContext": {"runAsUser": 1}}))["spec"]
    assert given.items() <= spec.items()
    node = spec["affinity"]["nodeAffinity"]
    assert node["requiredDuringSchedulingIgnoredDuringExecution"] == zone
    (preferred,) = node["preferredDuringSchedulingIgnoredDuringExecution"]
    assert preferred["preference"]["matchExpressions"][0]["values"] == ["node-a"]
    assert "securityContext" not in spec
    assert "nodeName" not in spec


def test_helpers_keep_their_pods_distance_under_labels_that_no_service_selects() -> None:
    term = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname"}
    anti = {
        "requiredDuringSchedulingIgnoredDuringExecution": [term],
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}],
    }
    spread = {
        "maxSkew": 1,
        "topologyKey": "zone",
        "labelSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
    }
    affinity = {"podAntiAffinity": anti, "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    captured = web(labels={"app": "db"}, spec={"affinity": affinity, "topologySpreadConstraints": [spread]})
    made = helper(captured)
    (key,) = set(made["metadata"]["labels"]) - {"snapline.dev/restore"}
    assert made["metadata"]["labels"][key] == "db"
    assert "app" not in made["metadata"]["labels"]
    renamed = made["spec"]["affinity"]["podAntiAffinity"]
    required = renamed["requiredDuringSchedulingIgnoredDuringExecution"][0]
    preferred = renamed["preferredDuringSchedulingIgnoredDuringExecution"][0]["podAffinityTerm"]
    assert required == preferred == {**term, "labelSelector": {"matchLabels": {key: "db"}}}
    assert made["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchExpressions"][0]["key"] == key
    assert "podAffinity" not in made["spec"]["affinity"], "what it asks for is not there yet"


def test_a_helper_needs_no_template_and_can_be_created() -> None:
    cluster = MemoryCluster([make("Namespace", "shop")])
    assert cluster.create(PODS, helper({}))["metadata"]["name"] == "snapline-restore-1"
