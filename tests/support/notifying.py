"""The step `notify` over twins: targets, what they answer, and what they were told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from schemas import events as e
from schemas.news import News
from schemas.notification import Target, WebhookTarget
from tests.support.sealed import sealed
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import Answer, ObjectStore
from workers.steps import notify

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
AWAY = Answer("busy")


def hook(name: str = "ops", **rule: Any) -> WebhookTarget:
    """A webhook."""
    return WebhookTarget(name=name, url=SecretStr("https://example.com/x"), **rule)


@dataclass
class Desk:
    """`told` has target and id of all that arrived; `answers` are those still to come, by target, then all is well."""

    targets: list[Target] = field(default_factory=lambda: [hook()])
    now: datetime = NOW
    told: list[tuple[str, str]] = field(default_factory=list)
    news: list[News] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    killed_at: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        self.objects = MemoryObjectStore(lambda: self.now)
        self.store: ObjectStore = sealed(self.objects)

    def send(self, target: Target, news: News) -> Answer:
        """See `notify.NotifyNeeds`."""
        waiting = self.answers.get(target.name, [])
        answer = waiting.pop(0) if waiting else Answer("delivered", response=204)
        if answer.status == "delivered":
            self.told.append((target.name, news.id))
            self.news.append(news)
        return answer

    @property
    def needs(self) -> notify.NotifyNeeds:
        """For the step."""
        known = MemoryDestinations({"default": (self.store, None)})  # type: ignore[dict-item]  # it asks for no other
        return notify.NotifyNeeds(known, lambda: self.targets, self.send, self.log.append, lambda: self.now)

    def hear(self, event: e.Event) -> list[e.Event]:
        """What it yields."""
        return list(notify.notify(e.wrap(event, source="tests", time=self.now), self.needs))

    def tick(self, after: timedelta = timedelta(0)) -> list[e.Event]:
        """What it yields when so much time has passed."""
        self.now += after
        wrapped = e.wrap(e.TickMinute(minute=f"{self.now:%Y-%m-%dT%H:%MZ}"), source="tests", time=self.now)
        return list(notify.tick(wrapped, self.needs))
