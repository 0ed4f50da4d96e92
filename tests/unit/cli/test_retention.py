"""Rules are set, shown, and tried before they are set; the preview says of each backup that it goes, or why not."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from producers.actions import applications, holds, schedules
from producers.cli.main import cli
from producers.views.retention import preview
from schemas import retention as schema
from schemas.errors import Code, Invalid, NotFound
from schemas.kubernetes import CONFIG_MAPS
from tests.support.front import NOON, Front
from tests.unit.test_actions import LICENSE


@pytest.fixture
def front(tmp_path: Path) -> Front:
    made = Front(tmp_path)
    for days in range(1, 6):
        name = f"instance-{days}"
        made.begin(name)
        made.finish(name, requested_at=NOON - timedelta(days=days))
    applications.register(made.session, "shop", license=LICENSE)
    schedules.put(made.session, "nightly", "@daily")
    return made


def _run(front: Front, words: str) -> Result:
    return CliRunner().invoke(cli, ["retention", *words.split()], obj=front.session)


def _outcomes(front: Front, words: str = "") -> dict[str, str]:
    rows = json.loads(_run(front, f"preview {words} -o json").stdout)
    return {row["name"]: row["outcome"] for row in rows}


def test_rules_are_set_shown_and_forgotten(front: Front) -> None:
    assert _run(front, "set --keep-last 3 --keep-daily 7 --min-age 24h").exit_code == 0
    assert _run(front, "set --app shop --ttl 720h").exit_code == 0
    assert _run(front, "set --schedule nightly --preset ladder --keep-yearly -1").exit_code == 0
    shown = {row["scope"]: row for row in json.loads(_run(front, "show -o json").stdout)}
    assert list(shown) == ["app/shop", "instance", "schedule/nightly"]
    assert (shown["instance"]["keep_last"], shown["instance"]["min_age"], shown["instance"]["ttl"]) == (3, "24h", None)
    assert shown["app/shop"]["ttl"] == "720h"
    assert (shown["schedule/nightly"]["keep_weekly"], shown["schedule/nightly"]["keep_yearly"]) == (5, -1)
    assert "last 3, daily 7, younger than 1 day" in _run(front, "show").stdout
    assert _run(front, "set --keep-last 1").exit_code == 0
    assert json.loads(_run(front, "show -o json").stdout)[1]["min_age"] is None, "they are set as a whole"
    assert "the rules of instance are gone" in _run(front, "remove").stderr
    gone = _run(front, "remove").exception
    assert isinstance(gone, NotFound)
    assert gone.code == Code.NO_SUCH_RETENTION


def test_rules_are_tried_before_they_are_set(front: Front) -> None:
    assert set(_outcomes(front).values()) == {"stays"}
    tried = _outcomes(front, "--keep-last 2")
    assert [name for name, outcome in tried.items() if outcome == "goes"] == ["instance-3", "instance-4", "instance-5"]
    assert set(_outcomes(front).values()) == {"stays"}
    _run(front, "set --keep-last 2")
    assert _outcomes(front) == tried
    assert "3 of 5 go; nothing is deleted by looking" in _run(front, "preview").stderr


def test_the_preview_says_why_each_stays(front: Front) -> None:
    holds.hold(front.session, "instance-5", "audit")
    front.begin("instance-6")
    _run(front, "set --keep-last 2")
    why = {each.name: "; ".join(each.reasons) for each in preview(front.session)}
    assert why["instance-6"] == "under way"
    assert why["instance-1"] == "last good one of the console; last"
    assert why["instance-2"] == "last"
    assert why["instance-3"] == "no rule keeps it"
    assert why["instance-5"].startswith("held by snapline since ")
    assert why["instance-5"].endswith(": audit")


@pytest.mark.parametrize(
    "words",
    [
        "set",
        "set --app nope --keep-last 1",
        "set --schedule nope --keep-last 1",
        "set --app shop --schedule nightly --keep-last 1",
        "set --preset none",
        "set --ttl 0h",
        "set --keep-within -1h",
        "set --keep-last 1 --time-zone Mars",
        "set --keep-last 100000000",
        "set --keep-last 1 --min-age soon",
        "preview --time-zone Mars",
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_set(front: Front, words: str) -> None:
    done = _run(front, words)
    assert isinstance(done.exception, Invalid | NotFound), words
    assert json.loads(_run(front, "show -o json").stdout) == []


def test_rules_that_cannot_be_read_are_told_and_let_nothing_go(front: Front) -> None:
    _run(front, "set --keep-last 2")
    [obj] = front.cluster.list(CONFIG_MAPS, front.session.settings.console_namespace, schema.LABEL)
    front.cluster.patch(
        CONFIG_MAPS, obj["metadata"]["namespace"], obj["metadata"]["name"], {"data": {"keep_last": "some"}}
    )
    shown = _run(front, "show")
    assert "nothing of instance goes: the retention of 'instance' is wrong" in shown.stderr
    assert "`snapline retention set` replaces it" in shown.stderr
    assert set(_outcomes(front).values()) == {"stays"}
