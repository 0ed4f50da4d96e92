"""The hooks of restored pods, by their annotations: every rule of Velero's."""

from typing import Any

import pytest

from schemas.records import RestoreHookPlan
from tests.support.objects import pod
from workers.hooks.restore_choose import exec_hook, init_container, with_init_container
from workers.manifests.restore.holding_pods import waiting_pod

EXEC, INIT = "post.hook.restore.velero.io", "init.hook.restore.velero.io"


def _hook(**annotations: str) -> tuple[RestoreHookPlan, list[str]]:
    """The hook of a pod with a command and these further annotations, and the warnings."""
    written = {f"{EXEC}/{name.replace('_', '-')}": value for name, value in {"command": "load", **annotations}.items()}
    hook, warnings = exec_hook(pod("p", annotations=written, spec={"containers": [{"name": "one"}, {"name": "two"}]}))
    assert hook
    return hook, list(map(str, warnings))


def test_without_a_command_there_is_no_hook() -> None:
    assert exec_hook(pod("p", annotations={f"{EXEC}/container": "one"})) == (None, [])


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({}, {"command": ["load"], "container": "one", "on_error": "Continue", "timeout_seconds": 30}),
        ({}, {"wait_seconds": None, "wait_for_ready": False, "source": "annotation", "refused": ""}),
        ({"command": '["psql", "-f", "/dump"]'}, {"command": ["psql", "-f", "/dump"]}),
        ({"command": "psql -f /dump"}, {"command": ["psql -f /dump"]}),
        ({"container": "two"}, {"container": "two", "refused": ""}),
        ({"container": "three"}, {"container": "three", "refused": "the pod has no container three"}),
        ({"on_error": "Fail"}, {"on_error": "Fail"}),
        ({"exec_timeout": "5m"}, {"timeout_seconds": 300}),
        ({"wait_timeout": "1h"}, {"wait_seconds": 3600}),
        ({"wait_timeout": "0s"}, {"wait_seconds": None}),
        ({"wait_for_ready": "true"}, {"wait_for_ready": True}),
        ({"wait_for_ready": "1"}, {"wait_for_ready": True}),
        ({"wait_for_ready": "false"}, {"wait_for_ready": False}),
    ],
)
def test_a_hook_after_the_restore_is_read_from_annotations(
    annotations: dict[str, str], expected: dict[str, Any]
) -> None:
    hook, warnings = _hook(**annotations)
    assert {name: getattr(hook, name) for name in expected} == expected
    assert warnings == []


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"exec_timeout": "soon"}, {"timeout_seconds": 30}),
        ({"wait_timeout": "never"}, {"wait_seconds": None}),
        ({"wait_for_ready": "perhaps"}, {"wait_for_ready": False}),
        ({"on_error": "Stop"}, {"on_error": "Continue"}),
    ],
)
def test_what_makes_no_sense_counts_as_not_given_and_is_told(
    annotations: dict[str, str], expected: dict[str, Any]
) -> None:
    hook, warnings = _hook(**annotations)
    assert {name: getattr(hook, name) for name in expected} == expected
    assert len(warnings) == 1


def _init(**annotations: str) -> dict[str, Any] | None:
    written = {f"{INIT}/{name.replace('_', '-')}": value for name, value in annotations.items()}
    return init_container(pod("p", annotations=written), "r")


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"command": "load"}, None),
        ({"container_image": "tool:1", "container_name": "load"}, {"name": "load", "image": "tool:1"}),
        (
            {"container_image": "tool:1", "container_name": "load", "command": '["sh", "-c", "load"]', "timeout": "5m"},
            {"name": "load", "image": "tool:1", "command": ["sh", "-c", "load"]},
        ),
    ],
)
def test_an_init_container_needs_an_image(annotations: dict[str, str], expected: dict[str, Any] | None) -> None:
    assert _init(**annotations) == expected


def test_an_init_container_without_a_name_gets_one_that_stays_the_same() -> None:
    first, again = _init(container_image="tool:1"), _init(container_image="tool:1")
    assert first == again
    assert first
    assert len(first["name"]) == len("velero-restore-init-") + 8


def test_it_comes_after_the_wait_for_files_and_before_the_pods_own() -> None:
    captured = pod("p", volumes={"v": {"emptyDir": {}}}, spec={"initContainers": [{"name": "own"}]})
    changed = waiting_pod(with_init_container(captured, {"name": "load", "image": "i"}), ["v"], "busybox", 60)
    assert [each["name"] for each in changed["spec"]["initContainers"]] == ["snapline-wait", "load", "own"]
    assert [each["name"] for each in captured["spec"]["initContainers"]] == ["own"]


def test_one_that_an_earlier_restore_has_left_goes() -> None:
    left = [{"name": "velero-restore-init-0a1b2c3d"}, {"name": "load", "image": "old"}, {"name": "own"}]
    changed = with_init_container(pod("p", spec={"initContainers": left}), {"name": "load", "image": "new"})
    assert changed["spec"]["initContainers"] == [{"name": "load", "image": "new"}, {"name": "own"}]
