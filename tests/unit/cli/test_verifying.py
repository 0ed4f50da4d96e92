"""`snapline verify`, and what is shown of how good backups are."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner, Result

from producers.actions import answers
from producers.actions.verification import verification, verify
from producers.cli import shapes
from producers.cli.main import cli
from schemas import events as e
from schemas import keys
from schemas.errors import Invalid, NotFound
from schemas.job import backup, request_uuid
from schemas.messages import Message
from schemas.records import Check, RestoreTested, Verified
from tests.support.front import NOON, Front
from workers.jobs import ledger

LOST = Message(code="Damaged", text="a chunk is lost")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "BEAT", 0.001)


def _run(front: Front, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments], obj=front.session)


def _checked(front: Front, name: str, depth: e.Depth, *problems: Message, request: str = "q", hours: int = 0) -> None:
    known = ledger.find(front.store, keys.verified(backup(name)), Verified) or Verified()
    check = Check(at=NOON + timedelta(hours=hours), seconds=1.5, request=request, problems=list(problems))
    ledger.put(front.store, keys.verified(backup(name)), Verified(checks={**known.checks, depth: check}))


def test_what_is_asked_for_is_published(front: Front) -> None:
    front.back_up("a")
    said = json.loads(_run(front, "verify", "a", "--depth", "sample", "--within", "7d", "-o", "json").stdout)
    assert (said["name"], said["status"]) == ("a", "Requested")
    _run(front, "verify", "--app", "shop")
    named, newest = (event.data for event in front.bus.published)
    assert named == e.BackupVerifyRequested(
        backup="a", destination="default", depth="sample", within_seconds=7 * 24 * 3600.0
    )
    assert newest == e.BackupVerifyRequested(app="shop", destination="default")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("nope",), NotFound),
        (("running",), Invalid),
        (("a", "--app", "shop"), Invalid),
        (("a", "--within", "0s"), Invalid),
    ],
)
def test_what_cannot_be_verified_is_refused_before_anything_is_asked_for(
    front: Front, arguments: tuple[str, ...], error: type[Exception]
) -> None:
    front.back_up("a")
    front.begin("running")
    assert isinstance(_run(front, "verify", *arguments).exception, error)
    assert front.bus.published == []


@pytest.mark.parametrize(("problems", "code", "status"), [((), 0, "Verified"), ((LOST,), 1, "VerificationFailed")])
def test_who_waits_hears_what_was_found(
    front: Front, problems: tuple[Message, ...], code: int, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "SILENCE", 0.0)
    front.back_up("a")
    _checked(front, "a", "full", *problems, request=request_uuid("snapline", "tests", "mine"))
    done = _run(front, "verify", "a", "--wait", "--id", "mine", "-o", "json")
    assert done.exit_code == code, done.exception
    said = json.loads(done.stdout)
    TypeAdapter(shapes.COMMANDS["verify"]).validate_python(said)
    assert (said["status"], said["problems"]) == (status, list(map(str, problems)))
    assert _run(front, "verify", "a", "--wait", "--timeout", "0.05").exit_code == 124


def test_an_answer_of_the_line_is_believed_and_no_other(front: Front) -> None:
    front.back_up("a")
    requested = verify(front.session, "")
    answer = e.BackupVerified(backup="a", request=requested.event.id)
    told: Any = e.wrap(answer, source="workers", time=requested.event.time, cause=requested.event)
    front.bus.memory.publish(told)
    assert verification(front.session, requested, patience=60) == answer


def test_lists_and_descriptions_show_what_is_known(front: Front) -> None:
    front.back_up("a", "b", "c")
    _checked(front, "a", "full", LOST)
    _checked(front, "a", "structure", hours=1)
    _checked(front, "b", "sample")
    tested = RestoreTested(at=NOON, seconds=12.5, restore="b-test-x")
    ledger.put(front.store, keys.test_restored(backup("b")), tested)
    front.store.put("verified/c.json", b"{}")
    front.objects.put("verified/c.json", b"none of ours")
    for _ in range(2):  # read, and then from what is kept
        listed = {row["name"]: row for row in json.loads(_run(front, "get", "backups", "-o", "json").stdout)}
        assert {name: (row["verification"], row["depth"]) for name, row in listed.items()} == {
            "a": ("failed", "full"),
            "b": ("passed", "sample"),
            "c": (None, None),
        }
        assert listed["b"]["restore_seconds"] == 12.5
    shown = _run(front, "get", "backups", "-o", "wide").stdout
    assert "LAST VERIFIED" in shown.upper()
    _checked(front, "a", "full", hours=2)
    [again] = [row for row in json.loads(_run(front, "get", "backups", "-o", "json").stdout) if row["name"] == "a"]
    assert again["verification"] == "passed"
    described = json.loads(_run(front, "describe", "backup", "a", "-o", "json").stdout)
    assert [each["depth"] for each in described["verifications"]] == ["structure", "full"]
    failed = RestoreTested(at=NOON, seconds=3, problems=[LOST])
    ledger.put(front.store, keys.test_restored(backup("a")), failed)
    text = _run(front, "describe", "backup", "a").stdout
    assert "structure: passed" in text
    assert "a chunk is lost" in text
    unsure = json.loads(_run(front, "describe", "backup", "c", "-o", "json").stdout)
    assert any("verified/c.json" in warning for warning in unsure["warnings"])
