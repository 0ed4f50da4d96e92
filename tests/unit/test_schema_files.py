"""The files for other languages say what the models say."""

import json
import re
from pathlib import Path

import yaml

import schemas
from schemas import events as e
from schemas import generate, topology
from schemas.rights import RESTORES, UPKEEP

HERE = Path(schemas.__file__).parent
EVENTS_MD = (HERE / "EVENTS.md").read_text()


def test_the_committed_files_are_those_that_would_be_written() -> None:
    assert generate.stale(HERE) == [], "run `snapline schema` and commit what it writes"


def test_writing_removes_what_is_no_more(tmp_path: Path) -> None:
    generate.write(tmp_path)
    assert generate.stale(tmp_path) == []
    (tmp_path / "json" / "backup.wished.v1.json").write_text("{}")
    (tmp_path / "json" / "backup.requested.v1.json").write_text("{}")
    assert {path.name for path in generate.stale(tmp_path)} == {"backup.wished.v1.json", "backup.requested.v1.json"}
    generate.write(tmp_path)
    assert not (tmp_path / "json" / "backup.wished.v1.json").exists()


def test_the_schemas_of_requests_alone_allow_no_field_that_there_is_not() -> None:
    strict = {name for name, kind in e.KINDS.items() if '"additionalProperties": false' in _of(kind)}
    assert strict == e.REQUESTS


def _of(kind: type[e.Event]) -> str:
    return json.dumps(generate.schema(kind)["$defs"][kind.__name__])


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    text = (HERE / "asyncapi.yaml").read_text()
    document = yaml.safe_load(text)
    for reference in re.findall(r"\$ref: '?([^'\n]+)'?", text):
        file, _, path = reference.strip().partition("#/")
        if file:
            assert (HERE / file).exists(), reference
            continue
        found = document
        for part in path.split("/"):
            found = found[part]


def test_the_asyncapi_document_has_every_event_and_every_queue() -> None:
    document = yaml.safe_load((HERE / "asyncapi.yaml").read_text())
    assert set(document["components"]["messages"]) == set(e.KINDS)
    heard = {f"{queue.name}.{kind.type}" for queue in topology.QUEUES.values() for kind in queue.hears}
    assert heard <= set(document["operations"])


def test_the_table_of_events_is_complete() -> None:
    rows = re.findall(r"^\| `([a-z_.]+\.v\d+)` \|([^|]*)\|([^|]*)\|([^|]*)\|$", EVENTS_MD, re.MULTILINE)
    assert {row[0] for row in rows} == set(e.KINDS)
    marks = ("**anybody**", "**who may**")
    asking = {marked: {name for name, by, *_ in rows if by.strip() == marked} for marked in marks}
    limited = {kind.type for kind in (*RESTORES, *UPKEEP)}
    assert asking == {"**anybody**": e.REQUESTS - limited, "**who may**": limited}
    for name, _, heard_by, data in rows:
        expected = {q.name for q in topology.QUEUES.values() if e.KINDS[name] in q.hears}
        expected |= {"volumes.NODE"} if e.KINDS[name] in topology.volumes("n").hears else set()
        assert set(filter(None, heard_by.strip().split(", "))) == expected, name
        if "the same" not in data:
            named = set(re.findall(r"`(\w+)\??`", re.sub(r"\(.*?\)", "", data)))
            assert named == set(e.KINDS[name].model_fields), name


def test_the_examples_are_good_events() -> None:
    documents = re.findall(r"```json\n(.*?)```", EVENTS_MD, re.DOTALL)
    assert documents
    for document in documents:
        assert e.parse(document.encode()).type in e.REQUESTS
    data = re.findall(r"^echo '(.*?)' \| snapline publish (\S+) ", EVENTS_MD, re.MULTILINE)
    assert data
    for said, type_ in data:
        assert e.kind_of(type_).model_validate_json(said)


def test_every_schema_names_its_type() -> None:
    for name in e.KINDS:
        schema = json.loads((HERE / "json" / f"{name}.json").read_text())
        assert schema["properties"]["type"]["const"] == name
        assert {"id", "source", "data"} <= set(schema["required"])
