"""Messages of the first version stay readable, and what is written now fits the schemas that its readers had.

`python -m tests.unit.upgrade.test_frozen_messages` writes a sample and a schema for each event that has none yet; what
is there is never changed.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no types of its own
import pytest

from schemas import events as e
from schemas import generate
from tests.support.fullest import fullest

SAMPLES = Path(__file__).parents[2] / "samples" / "messages-v1"
SCHEMAS = SAMPLES / "schemas"
FROZEN = sorted(path.stem for path in SAMPLES.glob("*.json"))
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

each = pytest.mark.parametrize("type_", FROZEN)


def sample(type_: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{type_}.json").read_text())
    return found


def fits(document: Any, type_: str) -> None:
    """Raises ValidationError if a reader of the first version would not take it."""
    jsonschema.validate(document, json.loads((SCHEMAS / f"{type_}.json").read_text()))


def written(data: dict[str, Any], type_: str) -> dict[str, Any]:
    """What goes over the wire now for such an event."""
    event = e.KINDS[type_].model_validate_json(json.dumps(data))
    wrapped = e.wrap(event, id="x", source="tests", time=datetime(2026, 11, 26, tzinfo=UTC))
    document: dict[str, Any] = json.loads(e.encode(wrapped))
    return document


@each
def test_a_message_of_the_first_version_is_read_with_all_that_it_says(type_: str) -> None:
    document = sample(type_)
    fits(document, type_)
    event = e.parse(json.dumps(document).encode())
    assert event.type == type_
    said = event.data.model_dump(mode="json")
    assert {name: said[name] for name in document["data"]} == document["data"]
    assert (event.id, event.causationid, event.correlationid) == ("an id", "a cause", "a request")


@each
def test_what_is_written_now_was_read_then(type_: str) -> None:
    frozen, kind = sample(type_)["data"], e.KINDS[type_]
    fits(written(frozen, type_), type_)
    required = {name: frozen[name] for name, field in kind.model_fields.items() if field.is_required()}
    fits(written(required, type_), type_)
    if type_ not in e.REQUESTS:  # whose readers refuse new fields by name; they are written where they are used alone
        fits(written(fullest(kind), type_), type_)


@each
def test_an_attribute_that_is_new_is_no_matter_to_a_reader_of_then_or_now(type_: str) -> None:
    document = sample(type_) | {"traceparent": TRACEPARENT}
    fits(document, type_)
    assert e.parse(json.dumps(document).encode()).type == type_


def test_every_event_has_a_frozen_sample_and_no_event_is_gone() -> None:
    assert set(FROZEN) == set(e.KINDS), "python -m tests.unit.upgrade.test_frozen_messages"
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(FROZEN)


def test_a_field_that_a_request_does_not_use_is_not_written() -> None:
    document = written({"app": "shop"}, e.BackupRequested.type)
    assert document["data"] == {"app": "shop"}


def main() -> None:
    """Freezes what is new."""
    SCHEMAS.mkdir(parents=True, exist_ok=True)
    for type_, kind in e.KINDS.items():
        if (path := SAMPLES / f"{type_}.json").exists():
            continue
        event = kind.model_validate_json(json.dumps(fullest(kind)))
        body = {
            "specversion": "1.0",
            "id": "an id",
            "source": "tests",
            "type": type_,
            "time": "2026-11-26T12:00:00Z",
            "datacontenttype": "application/json",
            "causationid": "a cause",
            "correlationid": "a request",
            "data": event.model_dump(mode="json"),
        }
        path.write_text(json.dumps(body, indent=1) + "\n")
        (SCHEMAS / f"{type_}.json").write_text(json.dumps(generate.schema(kind), indent=1) + "\n")


if __name__ == "__main__":
    main()
