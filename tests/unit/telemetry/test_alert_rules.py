"""Alert rules and dashboard use metrics that there are; each alert is tried out, and has its section of the runbook."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from typer.core import TyperGroup

from producers.cli.main import cli
from schemas import metrics as m

ROOT = Path(__file__).parents[3]
MONITORING = ROOT / "deploy" / "monitoring"
RULES = [
    rule for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
TRIED = [
    test
    for file in sorted(MONITORING.glob("*_test.yaml"))
    for test in yaml.safe_load(file.read_text())["tests"]
    if "promql_expr_test" in test
]
RUNBOOK = (ROOT / "deploy" / "RUNBOOK.md").read_text()
ALERTS = RUNBOOK.partition("## Alerts\n")[2].partition("\n## ")[0]
SECTIONS = {part.partition("\n")[0]: part for part in ALERTS.split("\n### ")[1:]}
SERIES = {name: metric for metric in m.metrics() for name in m.series(metric)}


def _names(expression: str) -> set[str]:
    return set(re.findall(r"snapline_[a-z_]+", expression))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_and_labels_that_there_are(rule: dict[str, Any]) -> None:
    names = _names(rule["expr"])
    assert names <= set(SERIES)
    labels = {label for name in names for label in SERIES[name].labels} | {"instance", "job"}
    grouped = re.findall(r"\b(?:by|on|group_left) \(([a-z, ]*)\)", rule["expr"])
    said = {label.strip() for each in grouped for label in each.split(",") if label.strip()}
    said |= set(re.findall(r"[{,]\s*([a-z]+)\s*[=!]", rule["expr"]))
    said |= set(re.findall(r"\$labels\.([a-z]+)", json.dumps(rule["annotations"])))
    assert said <= labels


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_has_a_section_of_the_runbook(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"].endswith((".", "{{ $labels.error }}."))
    assert rule["annotations"]["runbook_url"] == f"deploy/RUNBOOK.md#{rule['alert'].lower()}"
    assert "```" in SECTIONS[rule["alert"]]


def test_nothing_else_has_a_section() -> None:
    assert list(SECTIONS) == [rule["alert"] for rule in RULES]


def test_each_alert_is_seen_to_fire_and_seen_to_be_silent() -> None:
    for rule in RULES:
        tries = [
            each["exp_samples"] for test in TRIED for each in test["promql_expr_test"] if rule["alert"] in each["expr"]
        ]
        assert any(tries), f"nobody has seen {rule['alert']} fire"
        assert not all(tries), f"nobody has seen {rule['alert']} be silent"


PANELS = [
    panel for panel in json.loads((MONITORING / "dashboard.json").read_text())["panels"] if panel["type"] != "row"
]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_shows_metrics_and_labels_that_there_are(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        names = _names(target["expr"])
        assert names <= set(SERIES)
        labels = {label for name in names for label in SERIES[name].labels} | {"instance", "le"}
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels
        grouped = re.findall(r"\bby \(([a-z, ]*)\)", target["expr"])
        assert {label.strip() for each in grouped for label in each.split(",")} <= labels


def test_panels_fill_the_rows_and_lie_over_no_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells
        assert place["x"] + place["w"] <= 24
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def _commands() -> list[str]:
    blocks = "".join(re.findall(r"^```\n(.*?)^```", ALERTS, re.MULTILINE | re.DOTALL))
    lines = [line.partition("  #")[0].strip() for line in blocks.splitlines()]
    inline = [" ".join(found.split()) for found in re.findall(r"`((?:snapline|kubectl|rabbitmqctl) [^`]+)`", ALERTS)]
    return sorted({*lines, *inline})


def test_every_command_of_the_runbook_is_one_that_there_is() -> None:
    for command in _commands():
        program, *arguments = shlex.split(command)
        if program == "snapline":
            _parse(typer.main.get_command(cli), arguments)
        else:
            assert program in ("kubectl", "rabbitmqctl", "timedatectl"), command


def _parse(command: Any, arguments: list[str]) -> None:
    """Raises what Typer raises for what it does not understand. Nothing is run."""
    context = command.context_class(command)
    while isinstance(command, TyperGroup) and not arguments[0].startswith("-"):
        found = command.get_command(context, arguments[0])
        assert found is not None, f"there is no command {arguments[0]}"
        command, arguments = found, arguments[1:]
        context = command.context_class(command, parent=context)
    command.make_context(command.name, list(arguments), parent=context.parent)


def test_the_workloads_that_it_names_are_those_of_the_manifests() -> None:
    documents = [
        document
        for file in sorted((ROOT / "deploy" / "parts").rglob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text())
        if document and "kind" in document
    ]
    there = {
        f"{document['kind'].lower()}s/{document['metadata']['name']}"
        for document in documents
        if "metadata" in document
    }
    named = set(re.findall(r"\b((?:deployment|daemonset|statefulset)s/[a-z-]+)", ALERTS))
    assert named
    assert named <= there


@pytest.fixture(scope="module")
def promtool() -> str:
    """Debian's."""
    found = subprocess.run([ROOT / "deploy/local/promtool"], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip(f"there is no promtool, and it cannot be had: {found.stderr.strip()[-300:]}")
    return found.stdout.strip()


@pytest.mark.timeout(900)
def test_prometheus_own_tool_takes_the_rules_and_sees_each_alert_fire_and_be_silent(promtool: str) -> None:
    rules, tests = str(MONITORING / "alerts.yaml"), [str(path) for path in sorted(MONITORING.glob("*_test.yaml"))]
    for command in (["check", "rules", rules], ["test", "rules", *tests]):
        done = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
