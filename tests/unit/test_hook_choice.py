"""Which hooks a pod gets around its copy: every rule of Velero's for annotations and for the Backup's hooks."""

from typing import Any

import pytest

from schemas.kubernetes import Object
from schemas.records import HookPlan
from schemas.velero import Hooks, ResourceHooks
from tests.support.objects import pod
from workers.hooks.choose import hooks_of

PRE, POST, LEGACY = "pre.hook.backup.velero.io", "post.hook.backup.velero.io", "hook.backup.velero.io"


def _spec(**fields: Any) -> list[ResourceHooks]:
    """Hooks of a Backup; without a `pre` or `post`, a pre hook that runs `spec`."""
    if not fields.keys() & {"pre", "post"}:
        fields["pre"] = [{"exec": {"command": ["spec"]}}]
    return Hooks.model_validate({"resources": [{"name": "h", **fields}]}).resources


def _exec(*command: str, **fields: Any) -> dict[str, Any]:
    return {"exec": {"command": list(command), **fields}}


def _commands(hooks: list[HookPlan]) -> list[list[str]]:
    return [hook.command for hook in hooks]


def _only(annotated: Object) -> HookPlan:
    [hook] = hooks_of(annotated, []).pre
    return hook


@pytest.mark.parametrize(
    ("written", "command"),
    [
        ('["/scripts/backup.sh"]', ["/scripts/backup.sh"]),
        ('["sh", "-c", "sync; echo done"]', ["sh", "-c", "sync; echo done"]),
        ("/scripts/backup.sh", ["/scripts/backup.sh"]),
        ("/usr/bin/freeze --now", ["/usr/bin/freeze --now"]),  # no shell: one program of that name
        ('["not JSON', ['["not JSON']),
        ('["a", 1]', ['["a", 1]']),
        (' ["a"]', [' ["a"]']),  # the first character decides
    ],
)
def test_a_command_is_a_json_array_or_one_program(written: str, command: list[str]) -> None:
    assert _only(pod("p", annotations={f"{PRE}/command": written})).command == command


def test_annotations_choose_for_each_phase_by_itself() -> None:
    annotations = {f"{PRE}/command": "freeze", f"{POST}/command": "thaw", f"{POST}/on-error": "Fail"}
    chosen = hooks_of(pod("p", annotations=annotations), [])
    assert (_commands(chosen.pre), _commands(chosen.post)) == ([["freeze"]], [["thaw"]])
    assert [hook.on_error for hook in (*chosen.pre, *chosen.post)] == ["Continue", "Fail"]
    assert {hook.source for hook in (*chosen.pre, *chosen.post)} == {"annotation"}


def test_the_older_annotations_mean_before_and_the_newer_ones_win() -> None:
    older = {f"{LEGACY}/command": "old", f"{LEGACY}/timeout": "7s", f"{LEGACY}/container": "main"}
    chosen = hooks_of(pod("p", annotations=older), [])
    assert (_commands(chosen.pre), chosen.post) == ([["old"]], [])
    assert chosen.pre[0].timeout_seconds == 7
    assert _commands(hooks_of(pod("p", annotations={**older, f"{PRE}/command": "new"}), []).pre) == [["new"]]


def test_without_a_command_the_other_annotations_ask_for_nothing() -> None:
    assert hooks_of(pod("p", annotations={f"{PRE}/timeout": "5m", f"{PRE}/command": ""}), []).pre == []


@pytest.mark.parametrize(
    ("written", "seconds", "told"),
    [
        (None, 30, False),
        ("10m", 600, False),
        ("1h30m", 5400, False),
        ("1.5s", 1.5, False),
        ("0s", 30, False),
        ("30", 30, True),
        ("soon", 30, True),
        ("-5s", 30, True),
    ],
)
def test_a_timeout_is_a_go_duration_and_30_seconds_if_it_is_none(
    written: str | None, seconds: float, told: bool
) -> None:
    annotated = pod("p", annotations={f"{PRE}/command": "a", **({f"{PRE}/timeout": written} if written else {})})
    chosen = hooks_of(annotated, [])
    assert chosen.pre[0].timeout_seconds == seconds
    assert [f"({written!r})" in str(warning) for warning in chosen.warnings] == ([True] if told else [])
    specified = hooks_of(pod("p"), _spec(pre=[_exec("a", **({"timeout": written} if written else {}))]))
    assert specified.pre[0].timeout_seconds == seconds
    assert bool(specified.warnings) == told


@pytest.mark.parametrize(
    ("written", "on_error", "told"),
    [(None, "Continue", False), ("Continue", "Continue", False), ("Fail", "Fail", False), ("fail", "Continue", True)],
)
def test_on_error_goes_on_unless_it_says_fail(written: str | None, on_error: str, told: bool) -> None:
    annotated = pod("p", annotations={f"{PRE}/command": "a", **({f"{PRE}/on-error": written} if written else {})})
    chosen = hooks_of(annotated, [])
    assert (chosen.pre[0].on_error, bool(chosen.warnings)) == (on_error, told)


CONTAINERS = {
    "containers": [{"name": "first"}, {"name": "second"}],
    "initContainers": [{"name": "setup"}, {"name": "sidecar", "restartPolicy": "Always"}],
}


@pytest.mark.parametrize(
    ("asked", "container", "refused"),
    [
        (None, "first", ""),
        ("second", "second", ""),
        ("sidecar", "sidecar", ""),
        ("setup", "setup", "the pod has no container setup"),
        ("absent", "absent", "the pod has no container absent"),
    ],
)
def test_a_hook_runs_in_the_first_container_or_the_one_it_names(
    asked: str | None, container: str, refused: str
) -> None:
    annotations = {f"{PRE}/command": "a", **({f"{PRE}/container": asked} if asked else {})}
    annotated = _only(pod("p", annotations=annotations, spec=CONTAINERS))
    [specified] = hooks_of(pod("p", spec=CONTAINERS), _spec(pre=[_exec("a", container=asked)])).pre
    assert (annotated.container, annotated.refused) == (container, refused)
    assert (specified.container, specified.refused) == (container, refused)


def test_an_empty_command_is_refused() -> None:
    assert _only(pod("p", annotations={f"{PRE}/command": "[]"})).refused == "its command is empty"


LABELS = {"app": "db"}


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({}, True),
        ({"includedNamespaces": ["shop"]}, True),
        ({"includedNamespaces": ["other"]}, False),
        ({"includedNamespaces": ["*"]}, True),
        ({"includedNamespaces": ["sh*"]}, True),
        ({"excludedNamespaces": ["shop"]}, False),
        ({"includedNamespaces": ["*"], "excludedNamespaces": ["shop"]}, False),
        ({"includedResources": ["pods"]}, True),
        ({"includedResources": ["po"]}, True),
        ({"includedResources": ["Pod", "services"]}, True),
        ({"includedResources": ["*"]}, True),
        ({"includedResources": ["deployments"]}, False),
        ({"excludedResources": ["pods"]}, False),
        ({"excludedResources": ["secrets"]}, True),
        ({"labelSelector": {"matchLabels": {"app": "db"}}}, True),
        ({"labelSelector": {"matchLabels": {"app": "web"}}}, False),
        ({"labelSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["db"]}]}}, True),
        ({"labelSelector": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}}, False),
        ({"labelSelector": {}}, True),
    ],
)
def test_hooks_of_the_backup_match_by_namespace_resource_and_label(fields: dict[str, Any], matches: bool) -> None:
    assert bool(hooks_of(pod("p", labels=LABELS), _spec(**fields)).pre) == matches


def test_hooks_of_the_backup_run_in_the_order_of_the_list() -> None:
    resources = [
        *_spec(pre=[_exec("1"), _exec("2")], post=[_exec("8")]),
        *_spec(includedNamespaces=["other"], pre=[_exec("no")]),
        *_spec(pre=[_exec("3", onError="Fail", timeout="1m", container="main")], post=[_exec("9")]),
    ]
    chosen = hooks_of(pod("p"), resources)
    assert _commands(chosen.pre) == [["1"], ["2"], ["3"]]
    assert _commands(chosen.post) == [["8"], ["9"]]
    assert (chosen.pre[2].on_error, chosen.pre[2].timeout_seconds, chosen.pre[2].source) == ("Fail", 60, "h")


@pytest.mark.parametrize(
    ("annotations", "pre", "post"),
    [
        ({f"{PRE}/command": "own"}, [["own"]], [["spec-post"]]),
        ({f"{LEGACY}/command": "own"}, [["own"]], [["spec-post"]]),
        ({f"{POST}/command": "own"}, [["spec-1"], ["spec-2"]], [["own"]]),
        ({}, [["spec-1"], ["spec-2"]], [["spec-post"]]),
    ],
)
def test_an_annotation_takes_the_place_of_all_the_backups_hooks_of_its_phase(
    annotations: dict[str, str], pre: list[list[str]], post: list[list[str]]
) -> None:
    resources = _spec(pre=[_exec("spec-1"), _exec("spec-2")], post=[_exec("spec-post")])
    chosen = hooks_of(pod("p", annotations=annotations), resources)
    assert (_commands(chosen.pre), _commands(chosen.post)) == (pre, post)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_gets_none(phase: str) -> None:
    chosen = hooks_of(pod("p", phase=phase, annotations={f"{PRE}/command": "a"}), _spec())
    assert (chosen.pre, chosen.post, chosen.warnings) == ([], [], [])
