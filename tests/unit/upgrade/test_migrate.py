"""`snapline migrate` says of all that is stored whether it is of this version, and changes nothing."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from producers.actions import schedules
from producers.cli.exits import Exit
from producers.cli.main import cli
from producers.views.upgrade import Standing, looked_at
from producers.views.upgrade.parts import of_format, worst
from schemas import application, keys
from schemas.application import LABEL, Application
from schemas.job import backup
from schemas.kubernetes import NAMESPACES, SECRETS
from schemas.records import BackupRecord
from tests.support.front import NOON, Front
from tests.support.sealed import repository_in
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.repository.format.layout import FIRST_KEY

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture
def front(tmp_path: Path) -> Front:
    """A repository, a backup, an application and a schedule."""
    made = Front(tmp_path)
    namespace = {"name": made.session.settings.console_namespace}
    made.cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": namespace})
    repository_in(made.objects)
    record = BackupRecord(name="good", request="q", status="Completed", requested_at=NOON, completed_at=NOON)
    ledger.create(made.store, keys.final(backup("good")), record)
    shop = Application(slug="shop", name="Shop")
    made.cluster.create(SECRETS, application.to_secret(shop, made.session.settings.console_namespace))
    schedules.put(made.session, "nightly", "@daily")
    return made


def _run(front: Front, *arguments: str) -> tuple[int, dict[tuple[str, str], str]]:
    done = CliRunner().invoke(cli, ["migrate", *arguments, "-o", "json"], obj=front.session)
    return done.exit_code, {(part["where"], part["what"]): part["standing"] for part in json.loads(done.stdout)}


def test_what_this_version_has_stored_is_of_this_version(front: Front) -> None:
    code, found = _run(front, "--check")
    assert code == Exit.OK
    assert found == {
        ("cluster", "applications"): "current",
        ("cluster", "destinations"): "current",
        ("cluster", "schedules"): "current",
        ("default", "repository"): "current",
        ("default", "records of jobs"): "current",
    }
    assert [part.count for part in looked_at(front.session)] == [1, 0, 1, 1, 1]


def _say_format(front: Front, number: int) -> None:
    fields = json.loads(front.objects.get(FIRST_KEY))
    front.objects.put(FIRST_KEY, json.dumps({**fields, "format": number}).encode())


def _repository(front: Front) -> str:
    [part] = [part for part in looked_at(front.session) if part.what == "repository"]
    return part.standing


def test_a_repository_of_a_newer_format_is_named(front: Front) -> None:
    _say_format(front, 9)
    assert _repository(front) == "newer"


def test_a_repository_of_an_earlier_format_is_named(tmp_path: Path) -> None:
    frozen, objects = SAMPLES / "repository-v1" / "objects", MemoryObjectStore()
    for path in frozen.rglob("*"):
        if path.is_file():
            objects.put(str(path.relative_to(frozen)), path.read_bytes())
    assert _repository(Front(tmp_path, objects, passphrase=SecretStr("frozen in 2026"))) == "older"


def test_older_is_no_reason_to_refuse_and_newer_is(front: Front) -> None:
    front.session.repository()  # opened as long as it can be, as by who runs meanwhile
    _say_format(front, 1)
    assert (_run(front, "--check")[0], _run(front)[0]) == (Exit.FAILED, Exit.OK)
    _say_format(front, 9)
    assert (_run(front, "--check")[0], _run(front)[0]) == (Exit.REJECTED, Exit.REJECTED)


def test_a_record_of_a_newer_format_is_named_and_refused(front: Front) -> None:
    key = keys.final(backup("newer"))
    front.store.put(key, b'{"format": 2, "name": "newer"}')
    code, found = _run(front, "--check")
    assert (code, found["default", "records of jobs"]) == (Exit.REJECTED, "newer")
    [text] = [part.text for part in looked_at(front.session) if part.what == "records of jobs"]
    assert key in text


def test_an_object_of_the_cluster_that_cannot_be_read_is_named(front: Front) -> None:
    labels = {LABEL: "NOT A SLUG"}
    broken = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "broken", "labels": labels}}
    broken["metadata"]["namespace"] = front.session.settings.console_namespace  # type: ignore[index]
    front.cluster.create(SECRETS, broken)
    code, found = _run(front, "--check")
    assert (code, found["cluster", "applications"]) == (Exit.FAILED, "unreadable")


def test_looking_changes_nothing(front: Front) -> None:
    before = {found.key: found.etag for found in front.objects.list("")}
    _run(front, "--check")
    _run(front)
    assert {found.key: found.etag for found in front.objects.list("")} == before


@pytest.mark.parametrize(
    ("found", "standing"),
    [(1, "older"), (2, "current"), (3, "newer"), (0, "unreadable"), ("2", "unreadable"), (True, "unreadable")],
)
def test_a_format_number_says_how_it_stands(found: object, standing: Standing) -> None:
    assert of_format(found, 2) == standing


def test_the_worst_counts() -> None:
    assert worst([]) == "current"
