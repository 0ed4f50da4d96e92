"""Who has done what is in the event log, and what strangers call things breaks nothing."""

from pathlib import Path

import pytest

from producers.access import audit
from producers.access.identity import Identity
from schemas import events as e
from schemas.errors import TransientError
from tests.support.front import Front

MIRA = Identity("mira", "operator")


def test_an_act_is_told_with_who_what_on_what_and_from_where(tmp_path: Path) -> None:
    front = Front(tmp_path)
    audit.record(front.session, MIRA, "restore", "backup shop-x", address="10.0.0.9")
    [event] = front.bus.audited
    told = event.data
    assert isinstance(told, e.AuditRecorded)
    assert (told.who, told.role, told.act, told.on) == ("mira", "operator", "restore", "backup shop-x")
    assert (told.address, told.outcome) == ("10.0.0.9", "done")
    assert e.parse(e.encode(event)) == event


def test_the_same_act_twice_is_on_record_twice(tmp_path: Path) -> None:
    front = Front(tmp_path)
    for _ in range(2):
        audit.record(front.session, MIRA, "take", "backup")
    assert len({event.id for event in front.bus.audited}) == 2


def test_a_name_that_nobody_has_is_not_written_down(tmp_path: Path) -> None:
    front = Front(tmp_path)
    audit.record(front.session, None, "sign-in", outcome="refused")
    told = front.bus.audited[0].data
    assert isinstance(told, e.AuditRecorded)
    assert (told.who, told.role, told.outcome) == ("(unknown)", "", "refused")


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[31m", "x" * 5000, "\ud800", "<script>"])
def test_any_name_can_be_recorded(tmp_path: Path, name: str) -> None:
    front = Front(tmp_path)
    audit.record(front.session, Identity(name, "support"), "download", name, address=name)
    assert e.parse(e.encode(front.bus.audited[0]))


def test_what_was_done_stays_done_where_the_event_log_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    front = Front(tmp_path)

    def away(_: object) -> None:
        raise TransientError("RabbitMQ does not answer")

    monkeypatch.setattr(front.bus, "publish", away)
    assert audit.record(front.session, MIRA, "take", "backup").act == "take"
