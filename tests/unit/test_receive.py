"""What becomes of a message, by what its step did."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas import events as e
from schemas.errors import Damaged, Denied, Invalid, NotYet, SnaplineError, TransientError
from schemas.messages import Message
from schemas.messages import told as told_of
from workers.adapters import broker
from workers.deliveries import Again, Delivery, GaveUp, Outcome, Park
from workers.patience import Patience
from workers.receive import Row, receive

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)
REQUEST = e.wrap(e.BackupRequested(), id="r", source="tests", time=NOW)


def _handle(
    step: object, attempt: int = 1, give_up: object = None, failing: timedelta | None = None
) -> tuple[Outcome | None, list[e.AnyEvent]]:
    via = Delivery("license.gate", attempt, "somebody", NOW, NOW - failing if failing else None)
    told: list[e.AnyEvent] = []
    row = Row({e.BackupRequested: step}, give_up)  # type: ignore[dict-item, arg-type]
    try:
        receive(json.loads(e.encode(REQUEST)), row, told.append, via, Patience(now=lambda: NOW))
    except Outcome as outcome:
        return outcome, told
    return None, told


def _raising(error: BaseException) -> object:
    def step(_: e.AnyEvent, __: Delivery) -> Iterator[e.Event]:
        yield e.BackupLicensed(backup="b")
        raise error

    return step


def _give_up(event: e.AnyEvent, reason: Message, _: Delivery) -> Iterator[e.Event]:
    yield e.BackupRejected(request=event.id, reasons=[reason])


def test_what_a_step_yields_is_told_with_its_cause_and_a_derived_id() -> None:
    def step(_: e.AnyEvent, __: Delivery) -> Iterator[e.Event]:
        yield e.BackupLicensed(backup="b")

    outcome, [told] = _handle(step)
    assert outcome is None
    assert (told.id, told.source) == ("backup.licensed.v1/b", "snapline/license.gate")
    assert (told.causationid, told.correlationid, told.subject) == ("r", "r", "b")


def test_waiting_is_not_counted() -> None:
    outcome, told = _handle(_raising(NotYet("for it", timedelta(seconds=5))), attempt=99)
    assert isinstance(outcome, Again)
    assert (outcome.delay, outcome.reason, outcome.counted) == (timedelta(seconds=5), "for it", False)
    assert outcome.anew
    assert len(told) == 1


@pytest.mark.parametrize("error", [TransientError("busy"), RuntimeError("a bug")])
def test_a_passing_failure_is_tried_again_ever_later_and_then_given_up(error: Exception) -> None:
    rests = [_handle(_raising(error), attempt, _give_up, failing=DAY / 2)[0] for attempt in range(1, 10)]
    delays = [rest.delay.total_seconds() for rest in rests if isinstance(rest, Again) and rest.counted]
    assert delays == [1, 5, 15, 60, 300, 900, 3600, 3600, 3600]
    outcome, told = _handle(_raising(error), 30, _give_up, failing=DAY)
    assert isinstance(outcome, GaveUp)
    assert isinstance(told[-1].data, e.BackupRejected)
    assert "tried 30 times in 1 day, 0:00:00" in str(told[-1].data.reasons[0])


@pytest.mark.parametrize("family", [Denied, TransientError])
def test_where_a_server_stands_is_for_our_log_and_for_nobody_who_hears_events(family: type[SnaplineError]) -> None:
    error = family("could not read a", place="bucket 'b' at https://s3.internal")
    outcome, told = _handle(_raising(error), 30, _give_up, failing=DAY)
    assert isinstance(outcome, GaveUp)
    assert "s3.internal" in outcome.reason
    assert isinstance(told[-1].data, e.BackupRejected)
    assert not any("s3.internal" in e.encode(event).decode() for event in told)


def test_what_is_not_worth_so_much_patience_is_given_up_sooner() -> None:
    error = TransientError("not mounted", patience=timedelta(minutes=10))
    outcome, _ = _handle(_raising(error), 5, _give_up, failing=timedelta(minutes=9))
    assert isinstance(outcome, Again)
    outcome, _ = _handle(_raising(error), 5, _give_up, failing=timedelta(minutes=10))
    assert isinstance(outcome, GaveUp)


def test_others_hear_for_how_long_a_message_rests_and_need_not_hear_it() -> None:
    heard: list[tuple[str, timedelta]] = []

    def resting(event: e.AnyEvent, rest: timedelta, why: Message) -> None:
        heard.append((event.id, rest))
        raise TransientError("the store is away")

    patience = Patience(now=lambda: NOW, resting=resting)
    step: Any = _raising(TransientError("busy"))
    with pytest.raises(Again, match="busy"):
        receive(json.loads(e.encode(REQUEST)), Row(step), lambda _: None, Delivery("license.gate", 3), patience)
    assert heard == [("r", timedelta(seconds=15))]


def test_failures_of_which_the_next_message_makes_up_for_all_are_not_tried_again() -> None:
    row = Row({e.BackupRequested: _raising(TransientError("busy"))}, _give_up, patience=timedelta(0))  # type: ignore[dict-item]
    with pytest.raises(GaveUp):
        receive(json.loads(e.encode(REQUEST)), row, lambda _: None, Delivery("license.gate"))


@pytest.mark.parametrize("error", [Invalid("wrong"), Damaged("broken")])
def test_a_lasting_failure_is_given_up_at_once(error: SnaplineError) -> None:
    outcome, told = _handle(_raising(error), 1, _give_up)
    assert isinstance(outcome, GaveUp)
    assert outcome.reason == str(error)
    assert told[-1].data == e.BackupRejected(request="r", reasons=[told_of(error)])


def test_what_nobody_can_record_is_parked() -> None:
    outcome, _ = _handle(_raising(Invalid("wrong")))
    assert isinstance(outcome, Park)
    assert outcome.reason == "wrong"


def test_while_a_failure_cannot_be_recorded_the_message_is_kept() -> None:
    def away(_: e.AnyEvent, __: Message, ___: Delivery) -> Iterator[e.Event]:
        raise TransientError("the store is away")
        yield

    outcome, _ = _handle(_raising(Invalid("wrong")), 1, away)
    assert isinstance(outcome, Again)
    assert not outcome.counted
    assert "wrong" in outcome.reason


def test_a_step_that_cannot_tell_lets_go_of_what_it_holds() -> None:
    held: list[str] = []

    def step(_: e.AnyEvent, __: Delivery) -> Iterator[e.Event]:
        held.append("unit")
        try:
            yield e.BackupLicensed(backup="b")
        finally:
            held.clear()

    def tell(_: e.AnyEvent) -> None:
        raise TransientError("the broker is away") from ValueError(step)

    with pytest.raises(Again):
        receive(json.loads(e.encode(REQUEST)), Row(step), tell, Delivery("license.gate"))
    assert held == []


@pytest.mark.parametrize("refusal", [TransientError("it was not taken"), Denied("no such user")])
@pytest.mark.parametrize("step", ["works", "fails"])
def test_while_the_bus_takes_nothing_the_message_waits_and_nothing_has_failed(
    refusal: SnaplineError, step: str
) -> None:
    """Also not if all that is to be told is a failure, and however often it has been tried."""
    failed: list[Message] = []

    def work(_: e.AnyEvent, __: Delivery) -> Iterator[e.Event]:
        if step == "fails":
            raise Invalid("wrong")
        yield e.BackupLicensed(backup="b")

    def give_up(event: e.AnyEvent, reason: Message, _: Delivery) -> Iterator[e.Event]:
        failed.append(reason)
        yield e.BackupRejected(request=event.id, reasons=[reason])

    def tell(_: e.AnyEvent) -> None:
        raise refusal

    with pytest.raises(Again, match="could not be told") as kept:
        receive(json.loads(e.encode(REQUEST)), Row(work, give_up), tell, Delivery("license.gate", attempt=99))
    assert not kept.value.counted
    assert [reason.text for reason in failed] == (["wrong"] if step == "fails" else [])


def test_progress_that_the_bus_does_not_take_costs_nothing() -> None:
    told: list[e.AnyEvent] = []

    def step(_: e.AnyEvent, __: Delivery) -> Iterator[e.Event]:
        yield e.VolumesProgressed(job="b", volume="ns/v", bytes_done=1, bytes_total=2, files_done=3)
        yield e.BackupLicensed(backup="b")

    def tell(event: e.AnyEvent) -> None:
        if isinstance(event.data, e.VolumesProgressed):
            raise Denied("no such user")
        told.append(event)

    receive(json.loads(e.encode(REQUEST)), Row(step), tell, Delivery("license.gate"))
    assert [event.data for event in told] == [e.BackupLicensed(backup="b")]


def test_a_step_that_takes_too_long_has_failed_and_one_that_is_stopped_has_not() -> None:
    outcome, _ = _handle(_raising(broker.TimeLimitExceeded()))
    assert isinstance(outcome, Again)
    assert outcome.counted
    outcome, told = _handle(_raising(broker.TimeLimitExceeded()), 9, _give_up, failing=DAY)
    assert isinstance(outcome, GaveUp)
    assert "longer than a step may take" in str(told[-1].data)
    outcome, _ = _handle(_raising(broker.Shutdown()), attempt=99)
    assert isinstance(outcome, Again)
    assert not outcome.counted


def test_a_step_gets_the_event_and_how_it_came() -> None:
    got: list[tuple[e.AnyEvent, Delivery]] = []

    def step(event: e.AnyEvent, delivery: Delivery) -> Iterator[e.Event]:
        got.append((event, delivery))
        return iter(())

    _handle(step, attempt=3)
    assert got == [(REQUEST, Delivery("license.gate", 3, "somebody", NOW))]


def test_what_is_no_event_is_parked() -> None:
    with pytest.raises(Park, match="not a CloudEvent"):
        receive({"a": 1}, Row({}), lambda _: None, Delivery("license.gate"))
