"""notify: whom it tells what, once each, and what it remembers of that."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from schemas import events as e
from schemas import keys, notification
from schemas.errors import Code, Damaged, Invalid, TransientError
from schemas.messages import Message
from schemas.notification import AppriseTarget, KubernetesTarget, PingTarget, Target
from schemas.records import NotificationDelivery
from schemas.settings import Settings
from tests.support.dying import Dying, Killed
from tests.support.notifying import AWAY, NOW, Desk, hook
from workers.jobs import ledger
from workers.ports import Answer
from workers.steps import notify

DONE = e.BackupCompleted(backup="shop-bcdfg", app="shop")
HALF = e.BackupPartiallyFailed(backup="shop-bcdfg", app="shop", errors=1)
LOST = e.BackupFailed(backup="instance-bcdfg", errors=1)
FAILING = e.DestinationFailing(since=NOW, reason=Message(code="Transient", text="it is away"))


def _ids(told: list[e.Event]) -> list[str]:
    return [event.event_id for event in told]


@pytest.mark.parametrize(
    ("rule", "event", "told"),
    [
        ({}, DONE, True),
        ({}, FAILING, True),
        ({"events": ["backup.*"]}, FAILING, False),
        ({"events": ["restore.*", "destination.failing"]}, FAILING, True),
        ({"events": ["backup.completed.v1"]}, DONE, True),
        ({"events": ["backup.failed"]}, DONE, False),
        ({"apps": ["shop"]}, DONE, True),
        ({"apps": ["wiki"]}, DONE, False),
        ({"apps": ["wiki"]}, LOST, True),  # of everything, so of that, too
        ({"severity": "warning"}, DONE, False),
        ({"severity": "warning"}, HALF, True),
        ({"severity": "error"}, HALF, False),
        ({"severity": "error"}, LOST, True),
    ],
)
def test_a_target_is_told_what_its_rule_asks_for(rule: dict[str, Any], event: e.Event, told: bool) -> None:
    desk = Desk([hook(**rule)])
    desk.hear(event)
    assert bool(desk.told) == told


def test_every_target_is_told_once_however_often_the_event_comes() -> None:
    desk = Desk([hook("a"), hook("b")])
    first, second = desk.hear(DONE), desk.hear(DONE)
    assert [name for name, _ in desk.told] == ["a", "b"]
    assert _ids(first) == _ids(second)
    assert all(isinstance(event, e.NotificationDelivered) for event in first)


def test_who_is_busy_is_tried_again_and_the_others_are_not() -> None:
    desk = Desk([hook("a"), hook("b")], answers={"a": [AWAY, AWAY]})
    for _ in range(2):
        with pytest.raises(TransientError):
            desk.hear(DONE)
    desk.hear(DONE)
    assert [name for name, _ in desk.told] == ["b", "a"]
    kept = ledger.read(desk.store, keys.notification("backup.completed.v1/shop-bcdfg", "a"), NotificationDelivery)
    assert (kept.attempts, kept.status, kept.response) == (3, "delivered", 204)
    assert json.loads(kept.body)["data"]["backup"] == "shop-bcdfg"


def test_who_refuses_is_not_asked_again_and_that_is_told() -> None:
    no = Answer("refused", Message(code=Code.INVALID, text="it answered 404"), 404)
    desk = Desk(answers={"ops": [no]})
    for _ in range(2):
        [told] = desk.hear(DONE)
        assert isinstance(told, e.NotificationFailed)
        assert str(told.reason) == "it answered 404"
    assert desk.told == []


def test_what_nobody_has_taken_for_a_day_is_told_as_failed() -> None:
    desk = Desk([hook("a"), hook("b")], answers={"a": [AWAY]})
    with pytest.raises(TransientError):
        desk.hear(DONE)
    wrapped: e.AnyEvent = e.wrap(DONE, source="tests", time=NOW)
    [told] = notify.give_up(wrapped, Message(code="Transient", text="tried long enough"), desk.needs)
    assert told == e.NotificationFailed(
        event=wrapped.id, target="a", reason=Message(code="Transient", text="tried long enough")
    )
    assert ledger.read(desk.store, keys.notification(wrapped.id, "a"), NotificationDelivery).status == "failed"


def test_a_beginning_is_for_pings_that_have_a_word_for_it() -> None:
    urls = {"success_url": SecretStr("https://example.com/x"), "start_url": SecretStr("https://example.com/x/start")}
    quiet = PingTarget(name="quiet", success_url=urls["success_url"])
    desk = Desk([hook(), KubernetesTarget(name="events"), quiet, PingTarget(name="switch", **urls)])
    desk.hear(e.BackupLicensed(backup="shop-bcdfg"))
    assert [name for name, _ in desk.told] == ["switch"]
    assert desk.log == []
    desk.hear(e.AlarmResolved(alarm="backup.overdue.v1", about="shop", since=NOW))
    assert [name for name, _ in desk.told] == ["switch", "ops", "events"]


def test_the_records_of_earlier_versions_are_of_what_was_delivered() -> None:
    desk = Desk()
    desk.store.create(keys.notification(DONE.event_id, "ops"), b'{"format":1}')
    [told] = desk.hear(DONE)
    assert (desk.told, told) == ([], e.NotificationDelivered(event=DONE.event_id, target="ops"))


# Where nothing can be remembered.


class Away:
    """A store that nobody reaches."""

    def __getattr__(self, _: str) -> Any:
        raise TransientError("the store is away")


class Unopened:
    """A store whose records nobody can read or write, as with a wrong passphrase."""

    def get(self, key: str, *_: object) -> bytes:
        raise Damaged(f"{key} was not sealed for this place")

    def __getattr__(self, _: str) -> Any:
        return lambda *_: iter(())


@pytest.mark.parametrize("store", [Away, Unopened])
def test_an_alarm_does_not_wait_for_the_store_that_it_is_about(store: Any) -> None:
    desk = Desk([hook("a"), hook("b", digest="daily")])
    desk.store = store()
    assert len(desk.hear(FAILING)) == 2
    assert [name for name, _ in desk.told] == ["a", "b"]


def test_how_a_job_ended_waits_for_its_store() -> None:
    desk = Desk()
    desk.store = Away()
    with pytest.raises(TransientError):
        desk.hear(DONE)
    assert desk.told == []


def test_news_of_a_destination_that_is_no_more_is_told() -> None:
    desk = Desk()
    desk.hear(DONE.model_copy(update={"destination": "gone"}))
    assert len(desk.told) == 1


# Digests.


def _digest(desk: Desk) -> list[str]:
    """The subjects of the events in the last digest."""
    return [event.data.subject or "" for event in desk.news[-1].events]


def test_a_digest_collects_what_happens_and_is_sent_once_when_it_is_due() -> None:
    desk = Desk([hook(digest="15m")])
    assert desk.hear(DONE) == []
    desk.tick(timedelta(minutes=10))
    desk.hear(LOST)
    desk.hear(LOST)
    assert desk.told == []
    [told] = desk.tick(timedelta(minutes=5))
    assert isinstance(told, e.NotificationDelivered)
    assert _digest(desk) == ["shop-bcdfg", "instance-bcdfg"]
    assert desk.news[-1].title == "2 events, the worst of them an error"
    assert desk.tick(timedelta(minutes=15)) == []
    assert desk.hear(DONE) == []  # which it has
    assert desk.tick(timedelta(minutes=15)) == []
    assert len(desk.told) == 1
    assert [each.key for each in desk.objects.list(keys.DIGESTS)] == []


def test_a_digest_that_is_not_taken_is_tried_every_minute_for_a_day() -> None:
    desk = Desk([hook(digest="daily")], answers={"ops": [AWAY] * 3})
    desk.hear(DONE)
    assert desk.tick(timedelta(hours=12)) == []
    desk.hear(LOST)  # comes with the next one
    assert desk.tick(timedelta(minutes=1)) == []
    desk.answers["ops"] = [Answer("busy", Message(code="Transient", text="it answered 503"))] * 9
    [told] = desk.tick(timedelta(days=1))
    assert isinstance(told, e.NotificationFailed)
    assert str(told.reason) == "it answered 503"
    desk.answers = {}
    desk.tick()
    assert _digest(desk) == ["instance-bcdfg"]


def test_the_digest_of_a_target_that_is_gone_goes_as_well() -> None:
    desk = Desk([hook(digest="15m")])
    desk.hear(DONE)
    desk.targets = []
    [told] = desk.tick(timedelta(hours=1))
    assert isinstance(told, e.NotificationFailed)
    assert list(desk.objects.list(keys.DIGESTS)) == []


def test_a_tick_that_can_look_nowhere_is_left_to_the_next() -> None:
    desk = Desk()
    desk.store = Away()
    assert desk.tick() == []
    assert desk.log


@pytest.mark.parametrize("number", range(1, 40))
def test_who_is_killed_anywhere_tells_every_event_and_the_same_news_under_the_same_id(number: int) -> None:
    """One target at once, and one by digests; between telling and writing that down, there is a second time."""
    desk = Desk([hook("now"), hook("later", digest="15m")])
    whole: Any = desk.store
    desk.store = Dying(whole, number)
    works: list[Callable[[], object]] = [
        lambda: desk.hear(DONE),
        lambda: desk.hear(LOST),
        lambda: desk.tick(timedelta(minutes=15)),
    ]
    for work in works:
        try:
            work()
        except Killed:
            desk.store = whole
            work()
    desk.store = whole
    desk.tick(timedelta(hours=1))
    desk.tick(timedelta(hours=1))
    assert {id_ for name, id_ in desk.told if name == "now"} == {DONE.event_id, LOST.event_id}
    digests = {news.id: news for (name, _), news in zip(desk.told, desk.news, strict=True) if name == "later"}
    collected = [event.id for news in digests.values() for event in news.events]
    assert sorted(collected) == sorted([DONE.event_id, LOST.event_id])
    assert len(desk.told) <= len(set(desk.told)) + 1
    assert [each.key for each in desk.objects.list(keys.DIGESTS)] == []


# Targets.


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "webhook", "url": "ftp://example.com"},
        {"kind": "webhook", "url": "https://"},
        {"kind": "webhook", "url": "https://example.com:x/secret"},
        {"kind": "webhook"},
        {"kind": "fax"},
        {},
        {"kind": "webhook", "url": "https://example.com", "name": "Nächtlich"},
        {"kind": "webhook", "url": "https://example.com", "severity": "fatal"},
        {"kind": "webhook", "url": "https://example.com", "events": []},
        {"kind": "webhook", "url": "https://example.com", "apps": ["Shop"]},
        {"kind": "webhook", "url": "https://example.com", "digest": "soon"},
        {"kind": "ping", "success_url": "https://example.com", "digest": "daily"},
        {"kind": "ping", "fail_url": "https://example.com", "success_url": ""},
        {"kind": "kubernetes", "digest": "daily"},
        {"kind": "apprise", "url": "secret"},
    ],
)
def test_a_target_that_is_wrong_is_refused_without_its_secrets(fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as error:
        notification.parse({"name": "ops", **fields})
    assert error.value.code == Code.NOTIFICATION_INVALID
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "target",
    [
        hook(events=["backup.*", "license.*"], apps=["shop", "wiki"], severity="warning", digest="0 7 * * 1-5"),
        hook(key=SecretStr("k"), allow_private=True),
        AppriseTarget(name="chat", url=SecretStr("slack://a/b/c")),
        PingTarget(name="switch", success_url=SecretStr("https://example.com/x")),
        KubernetesTarget(name="events"),
    ],
)
def test_a_target_is_kept_in_a_secret_and_comes_back(target: Target) -> None:
    assert notification.from_secret(notification.to_secret(target, "console")) == target


def test_each_url_of_the_environment_is_a_target() -> None:
    settings = Settings(webhook_urls="https://a.example/1, http://b.example:80/2", webhook_secret=SecretStr("k"))
    a, b = notification.from_settings(settings)
    assert (a.name.partition("#")[0], b.place, b.key.get_secret_value()) == ("a.example", "http://b.example", "k")
    with pytest.raises(Invalid, match="SNAPLINE_WEBHOOK_URLS"):
        notification.from_settings(Settings(webhook_urls="not a url"))
