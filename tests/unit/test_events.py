"""The contract: readers forgive what they do not know, and nothing else."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import events as e
from schemas import topology
from schemas.errors import MalformedEvent

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GOOD = {"specversion": "1.0", "id": "x", "source": "s", "type": "backup.requested.v1", "data": {"app": "shop"}}


def _parse(**changes: object) -> e.AnyEvent:
    return e.parse(json.dumps({**GOOD, **changes}).encode())


@given(st.data())
def test_every_event_survives_the_wire(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(e.KINDS.values(), key=lambda kind: kind.type)))
    try:
        told = data.draw(st.from_type(kind))
    except ValidationError:
        reject()  # optional strings are drawn without regard to their lengths
    event = e.wrap(told, id="x", source="s", time=NOW)
    assert e.parse(e.encode(event)) == event


def test_unknown_attributes_are_ignored_and_unknown_fields_of_what_is_told() -> None:
    event = _parse(traceparent="00-abc", type="backup.licensed.v1", data={"backup": "shop-x", "colour": "red"})
    assert event.data == e.BackupLicensed(backup="shop-x")


@pytest.mark.parametrize("type_", sorted(e.REQUESTS))
def test_an_unknown_field_of_a_request_is_refused_by_name(type_: str) -> None:
    data: dict[str, str] = {name: name for name in ("backup", "to") if name in e.KINDS[type_].model_fields}
    assert _parse(type=type_, data=data).type == type_
    with pytest.raises(MalformedEvent, match="there is no field 'ap'"):
        _parse(type=type_, data={**data, "ap": "shop"})


@pytest.mark.parametrize("name", ["id", "source"])
@pytest.mark.parametrize(
    "value", ["x" * (e.MAX_ID + 1), "a\r\nX-Evil: 1", "a\0b", "a\x1b[2J", "a\u2028b", "a\ud800b", "\ud800"]
)
def test_what_a_stranger_is_called_is_short_and_printable(name: str, value: str) -> None:
    with pytest.raises(MalformedEvent):
        _parse(**{name: value})


@pytest.mark.parametrize("value", ["a\nb", "a\0b", "a\ud800b"])
def test_a_name_is_printable(value: str) -> None:
    with pytest.raises(MalformedEvent):
        _parse(data={"app": value})
    with pytest.raises(MalformedEvent):
        _parse(type="backup.licensed.v1", data={"backup": value})


@pytest.mark.parametrize("name", ["subject", "causationid", "correlationid"])
def test_what_travels_along_is_bounded(name: str) -> None:
    with pytest.raises(MalformedEvent, match=name):
        _parse(**{name: "c" * 250_000})


def test_the_longest_request_is_answered_by_events_that_are_read() -> None:
    request = _parse(id="ä" * e.MAX_ID, source="→" * e.MAX_ID, data={"app": "x" * 253})
    told = e.wrap(e.BackupRejected(request=request.id, identified="u", reasons=[]), source="s", time=NOW, cause=request)
    assert e.parse(e.encode(told)) == told
    assert told.id.isascii()
    assert told.correlationid == request.id


def test_a_field_of_the_wrong_type_is_not_made_to_fit() -> None:
    wrong: list[object] = [{"app": 1}, {"app": ["shop"]}, {"app": ""}, {"app": "x" * 254}, [], "shop", None]
    for data in wrong:
        with pytest.raises(MalformedEvent):
            _parse(data=data)


@pytest.mark.parametrize(
    ("type_", "word"),
    [
        (
            "backup.requested.v2",
            "version 'v2' of 'backup.requested' is not known here; this reader knows backup.requested.v1",
        ),
        ("backup.requested", "not known"),
        ("nonsense", "not known"),
        (None, "must be a string"),
        (7, "must be a string"),
    ],
)
def test_a_type_that_is_not_known_is_named(type_: object, word: str) -> None:
    with pytest.raises(MalformedEvent) as error:
        _parse(type=type_)
    assert word in str(error.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"\xff",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"1e999",
        b"NaN",
        b'"\\ud800"',
        b"9" * 10_000,
        b" " * (e.MAX_BODY + 1),
    ],
)
def test_no_body_is_too_strange(body: bytes) -> None:
    with pytest.raises(MalformedEvent):
        e.parse(body)


def test_reasons_never_quote_what_was_sent() -> None:
    with pytest.raises(MalformedEvent) as error:
        _parse(data={"app": {"password": "hunter2"}})
    assert "hunter2" not in str(error.value)


def test_ids_are_derived_from_what_is_said() -> None:
    first = e.VolumesCopyRequested(backup="b", node="n", pod="ns/pod", slice=2)
    assert first.event_id == "volumes.copy.requested.v1/b/ns/pod/2"
    assert first.event_id != first.model_copy(update={"slice": 3}).event_id
    assert e.BackupCompleted(backup="b", errors=0).event_id == "backup.completed.v1/b"


def test_the_correlation_is_handed_on() -> None:
    request = e.wrap(e.BackupRequested(), id="r", source="s", time=NOW)
    first = e.wrap(e.BackupLicensed(backup="b"), source="s", time=NOW, cause=request)
    second = e.wrap(e.BackupPlanned(backup="b", objects=0, pods=0), source="s", time=NOW, cause=first)
    assert (second.correlationid, second.causationid) == ("r", "backup.licensed.v1/b")


def test_every_queue_hears_all_versions_of_its_events() -> None:
    gate = topology.queue("license.gate")
    assert gate.binding_keys == ("backup.requested.*", "restore.requested.*", "backup.test_restore.requested.*")
    assert topology.volumes("n1").binding_keys == ("volumes.copy.requested.*.n1", "volumes.restore.requested.*.n1")
    assert (
        topology.routing_key(e.VolumesCopyRequested(backup="b", node="n1", pod="p")) == "volumes.copy.requested.v1.n1"
    )


def test_names_of_nodes_with_dots_are_bound_as_they_are() -> None:
    queue = topology.volumes("ip-10-0-0-1.ec2.internal")
    event = e.VolumesCopyRequested(backup="b", node="ip-10-0-0-1.ec2.internal", pod="p")
    [binding] = [key for key in queue.binding_keys if key.startswith("volumes.copy")]
    parts, wanted = topology.routing_key(event).split("."), binding.split(".")
    assert len(parts) == len(wanted)
    assert all(want in ("*", part) for part, want in zip(parts, wanted, strict=True))
