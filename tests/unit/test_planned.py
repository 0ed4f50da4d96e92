"""What a restore tells before it touches anything."""

from producers.cli.planned import MANY, lines
from schemas import events as e
from schemas.messages import Message
from workers.jobs.progress import MOST_NAMES


def _said(destination: str = "default", **fields: object) -> str:
    planned = {"restore": "b-r", "replaced": 12, "objects": 1, "volumes": 0, **fields}
    return "\n".join(lines(e.RestorePlanned.model_validate(planned), destination))


def test_numbers_newer_objects_what_stays_and_the_way_back() -> None:
    said = _said(
        newer=["cronjobs.batch shop/late"],
        left_alone=[Message(code="LeftAlone", text="claim shop/other stays")],
        snapshot="b-r-before",
    )
    assert said.splitlines() == [
        "b-r deletes 12 objects, creates 1 object and fills 0 volumes",
        "deleted and not brought back, as they came after the backup:",
        "  cronjobs.batch shop/late",
        "left alone:",
        "  claim shop/other stays",
        "what is deleted is backed up first, as b-r-before",
        "`snapline restore --rollback b-r` goes back to that, once this restore has ended",
    ]


def test_the_way_back_leads_to_the_same_destination() -> None:
    assert "`snapline restore --rollback b-r --destination nas`" in _said("nas", snapshot="b-r-before")


def test_without_a_safety_snapshot_it_says_so_where_something_is_deleted() -> None:
    assert "no safety snapshot is taken" in _said()
    assert "safety snapshot" not in _said(replaced=0)


def test_where_the_event_has_no_room_for_all_it_says_where_they_are() -> None:
    assert MANY == MOST_NAMES
    said = _said(newer=[f"pods shop/{number}" for number in range(MANY)])
    assert "and perhaps more: `snapline describe restore b-r`" in said
