"""For how long: KOTS' number and unit, and the form in which they are stored."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from schemas import events as e
from schemas import ttl
from schemas.errors import Invalid
from schemas.messages import Message
from schemas.retention import Rules
from schemas.velero import parse_backup
from workers.retention import expiry
from workers.retention.rules import Known

KOTS = [
    (1, "seconds", "1s"),
    (1000, "seconds", "1000s"),
    (3, "minutes", "3m"),
    (5, "hours", "5h"),
    (2, "days", "48h"),
    (1, "weeks", "168h"),
    (1, "months", "720h"),
    (2, "years", "17532h"),
]


@pytest.mark.parametrize(("quantity", "unit", "stored"), KOTS)
def test_a_number_and_a_unit_are_stored_as_kots_does_and_read_back(quantity: int, unit: str, stored: str) -> None:
    assert ttl.stored(quantity, unit) == stored
    assert ttl.quantity_and_unit(stored) == (quantity, unit)


def test_what_is_read_back_is_of_the_longest_unit_that_fits() -> None:
    assert ttl.quantity_and_unit(ttl.stored(30, "weeks")) == (7, "months")
    assert ttl.quantity_and_unit("7200s") == (2, "hours")
    assert ttl.quantity_and_unit("721h") == (721, "hours")
    assert ttl.quantity_and_unit("720h0m0s") == (1, "months")
    assert (ttl.in_words("720h"), ttl.in_words("48h")) == ("1 month", "2 days")


@pytest.mark.parametrize("quantity", [0, -1, -720, 10**13])
def test_nothing_less_than_nothing_and_too_much_are_refused(quantity: int) -> None:
    with pytest.raises(Invalid, match="cannot be kept"):
        ttl.stored(quantity, "hours")


@pytest.mark.parametrize(
    "text", ["", "0", "0h", "-1h", "720", "1 fortnight", "h", "x" * 500, "9" * 400 + "h", "-1 month"]
)
def test_what_is_no_length_of_time_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(Invalid) as error:
        ttl.written(text)
    assert len(str(error.value)) < 250


@pytest.mark.parametrize(
    ("text", "stored"),
    [("720h", "720h"), ("1 month", "720h"), ("30 Days", "720h"), ("2weeks", "336h"), ("30d", "30d"), (" 90m ", "90m")],
)
def test_people_may_write_either(text: str, stored: str) -> None:
    assert ttl.written(text) == stored
    assert ttl.length(ttl.written(text)) > timedelta(0)


def test_a_request_with_a_wrong_one_breaks_the_contract() -> None:
    assert e.BackupRequested(ttl="720h").ttl == "720h"
    for wrong in ("0s", "-1h", "a month"):
        with pytest.raises(ValidationError):
            e.BackupRequested(ttl=wrong)


def test_a_request_goes_before_rules_these_before_the_backup_resource_and_zero_there_is_nothing() -> None:
    ruled = expiry.Kept("3h", [])
    assert expiry.kept("1h", ruled, ("shop", "2h")).ttl == "1h"
    assert expiry.kept(None, ruled, ("shop", "2h")).ttl == "3h"
    assert expiry.kept(None, None, ("shop", "2h")).ttl == "2h"
    for nothing in (None, "0", "0s", "0h0m0s"):
        assert expiry.kept(None, None, ("shop", nothing)) == (None, [])
    ttl_, notes = expiry.kept(None, None, ("shop", "a month"))
    assert ttl_ is None
    assert "shop: spec.ttl" in notes[0].text


def test_a_schedule_goes_before_its_application_and_what_cannot_be_read_gives_no_ttl() -> None:
    rules = {"instance": Rules(ttl="1h"), "app/shop": Rules(ttl="2h"), "schedule/nightly": Rules(ttl="3h")}
    doubt = Message(code="RetentionInvalid", text="it cannot be read")

    def ttl_of(app: str | None, schedule: str | None, unreadable: dict[str, Message] | None = None) -> str | None:
        kept = expiry.by_rules(e.BackupRequested(app=app, schedule=schedule), Known(rules, unreadable or {}))
        return kept.ttl if kept else None

    assert [ttl_of(None, None), ttl_of("shop", None), ttl_of("shop", "nightly")] == ["1h", "2h", "3h"]
    assert ttl_of("blog", "other") is None
    assert ttl_of("shop", None, {"app/shop": doubt}) is None
    kept = expiry.by_rules(e.BackupRequested(), Known(rules, {"": doubt}))
    assert kept == (None, [doubt])


def test_the_ttl_of_a_backup_resource_is_read() -> None:
    text = "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: b}\nspec: {ttl: 720h0m0s}\n"
    assert parse_backup(text).ttl == "720h0m0s"
