"""`POST /events`: who has a token asks for what it may, as itself, and for nothing else."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from producers.actions import event_tokens
from producers.http import body, tokens
from producers.http.app import Needs, application
from producers.http.tokens import Tokens
from producers.views.outside import event_tokens as views
from producers.views.unreadable import Unreadable
from schemas import event_token
from schemas import events as e
from schemas.errors import Code, Denied, Invalid, NotFound, SnaplineError, TransientError
from schemas.event_token import EventToken
from schemas.events import MAX_BODY
from schemas.job import backup
from schemas.kubernetes import SECRETS
from tests.support.asgi import Answer, ask
from tests.support.front import Front
from tests.support.world import World

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
STRUCTURED = {"content-type": "application/cloudevents+json"}
PROBLEM = "application/problem+json"


class Site:
    """The application over twins, with one token for backups; and who asks there."""

    def __init__(self, front: Front) -> None:
        self.front, self.seconds = front, 0.0
        self.token = event_tokens.make(front.session, "ci", ["backup.requested.v1"]).token
        self.fails: SnaplineError | None = None
        self.needs = Needs(Tokens(self._read, lambda: self.seconds), self._publish, "events", lambda: NOW)

    def _read(self) -> Iterator[EventToken]:
        for each in views.read(self.front.session.cluster, self.front.session.settings.console_namespace):
            assert not isinstance(each, Unreadable)
            yield each

    def _publish(self, event: e.AnyEvent) -> None:
        if self.fails:
            raise self.fails
        self.front.bus.publish(event)

    def post(self, event: Any, token: str | None = None, **more: Any) -> Answer:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        headers = {"authorization": f"Bearer {token or self.token}", **STRUCTURED, **more.pop("headers", {})}
        return ask(application(self.needs), "POST", "/events", headers=headers, body=[body], **more)

    @property
    def published(self) -> list[e.AnyEvent]:
        return self.front.bus.published


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(Front(tmp_path))


def event(**fields: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "nightly-7",
        "source": "ci/pipeline",
        "type": "backup.requested.v1",
        "data": {"app": "shop"},
        **fields,
    }


def refused(answer: Answer, status: int) -> str:
    """The detail of a problem."""
    assert (answer.status, answer.headers["content-type"]) == (status, PROBLEM)
    said = answer.json()
    assert said["status"] == status
    assert said["type"] == "about:blank"
    return str(said["detail"])


def test_a_request_is_published_as_the_tokens_and_the_answer_names_the_job(site: Site) -> None:
    answer = site.post(event())
    assert answer.status == 202
    said = answer.json()
    [asked] = site.published
    assert (asked.id, asked.source, asked.data) == ("nightly-7", "http/ci/ci/pipeline", e.BackupRequested(app="shop"))
    assert {key: said[key] for key in ("id", "source", "type", "kind")} == {
        "id": "nightly-7",
        "source": "http/ci/ci/pipeline",
        "type": "backup.requested.v1",
        "kind": "backup",
    }
    world = World()
    world.register("shop")
    told = world.request(asked.data, asked.id, asked.source)
    [made] = [event.job for event in told if isinstance(event, e.BackupLicensed)]
    assert made != backup(said["name"])  # as somebody else has sent it
    site.needs = Needs(site.needs.tokens, site.needs.publish, "somebody", site.needs.now)
    assert made == backup(site.post(event()).json()["name"])


def test_the_same_again_is_the_same_job_and_another_tokens_is_not(site: Site) -> None:
    first, again = site.post(event()), site.post(event())
    assert first.body == again.body
    assert len({asked.id for asked in site.published}) == 1
    other = event_tokens.make(site.front.session, "cron", ["backup.requested.v1"]).token
    site.seconds += tokens.FRESH
    assert site.post(event(), other).json()["name"] != first.json()["name"]


def test_binary_mode_is_read_as_well(site: Site) -> None:
    headers = {
        "content-type": "application/json; charset=utf-8",
        "ce-specversion": "1.0",
        "ce-id": "n%C3%A4chtlich",
        "ce-source": "curl",
        "ce-type": "backup.requested.v1",
    }
    answer = site.post({"app": "shop"}, headers=headers)
    assert answer.status == 202
    [asked] = site.published
    assert (asked.id, asked.source, asked.data) == ("nächtlich", "http/ci/curl", e.BackupRequested(app="shop"))


@pytest.mark.parametrize(
    ("headers", "hint"),
    [
        ({"authorization": ""}, "Authorization: Bearer"),
        ({"authorization": "Basic Y2k6eA=="}, "Authorization: Bearer"),
        ({"authorization": "Bearer "}, "Authorization: Bearer"),
        ({"authorization": "Bearer nobody"}, "not known"),
        ({"authorization": f"Bearer {'x' * 9000}"}, "not known"),
    ],
)
def test_without_a_good_token_nothing_is_read(site: Site, headers: dict[str, str], hint: str) -> None:
    answer = site.post(b"not even JSON", headers=headers)
    assert hint in refused(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert site.published == []


def test_the_hash_that_is_kept_is_no_token(site: Site) -> None:
    [kept] = site.needs.tokens.known()
    assert "not known" in refused(site.post(event(), kept.digest), 401)


@pytest.mark.parametrize("type_", sorted(e.KINDS.keys() - e.REQUESTS))
def test_nobody_can_tell_what_snapline_tells_itself(site: Site, type_: str) -> None:
    said = ask(
        application(site.needs),
        "POST",
        "/events",
        headers={"authorization": f"Bearer {site.token}", **STRUCTURED},
        body=[json.dumps(event(type=type_, data={"backup": "shop-bcdfg", "node": "n", "pod": "a/b"})).encode()],
    )
    assert said.status in (400, 403)
    assert site.published == []


def test_a_forged_end_of_a_backup_is_refused_as_such(site: Site) -> None:
    forged = event(type="backup.completed.v1", data={"backup": "shop-bcdfg"})
    assert "only requests are taken here" in refused(site.post(forged), 403)


def test_a_token_asks_for_its_own_types_only(site: Site) -> None:
    wanted = event(type="restore.requested.v1", data={"backup": "shop-bcdfg"})
    assert "token ci may not ask for restore.requested.v1" in refused(site.post(wanted), 403)
    other = event_tokens.make(site.front.session, "drill", ["restore.requested.v1"]).token
    site.seconds += tokens.FRESH
    answer = site.post(wanted, other)
    assert (answer.status, answer.json()["kind"], answer.json()["name"][:11]) == (202, "restore", "shop-bcdfg-")


def test_what_is_asked_for_of_the_repository_makes_no_job(site: Site) -> None:
    other = event_tokens.make(site.front.session, "upkeep", ["repository.prune.requested.v1"]).token
    site.seconds += tokens.FRESH
    answer = site.post(event(type="repository.prune.requested.v1", data={}), other)
    assert (answer.status, answer.json()["kind"], answer.json()["name"]) == (202, None, None)


@pytest.mark.parametrize(
    ("body", "headers", "status", "hint"),
    [
        (b"", {}, 400, "not JSON"),
        (b"[" * 100_000, {}, 400, "not JSON"),
        (b"[]", {}, 400, "not a CloudEvent"),
        (b"{}", {}, 400, "not a CloudEvent"),
        (json.dumps(event(type="backup.requested.v9")).encode(), {}, 400, "version"),
        (json.dumps(event(data={"ap": "shop"})).encode(), {}, 400, "no field"),
        (json.dumps(event(data={"app": "a\\nb"})).replace("\\\\n", "\\n").encode(), {}, 400, "printable"),
        (json.dumps(event(id="x" * 256)).encode(), {}, 400, "limit"),
        (json.dumps(event(id="a\nb")).encode(), {}, 400, "printable"),
        (json.dumps(event(source="x" * 250)).encode(), {}, 400, "are the limit here"),
        (json.dumps(event()).encode(), {"content-type": "text/plain"}, 415, "content type"),
        (json.dumps([event()]).encode(), {"content-type": "application/cloudevents-batch+json"}, 415, "one event"),
        (json.dumps(event()).encode(), {"content-type": "application/json; charset=utf-16"}, 415, "UTF-8"),
        (b"{", {"content-type": "application/json", "ce-specversion": "1.0"}, 400, "not JSON"),
        (b"{}", {"content-type": "application/json", "ce-specversion": "1.0"}, 400, "type"),
    ],
)
def test_a_bad_event_is_refused_in_plain_words(
    site: Site, body: bytes, headers: dict[str, str], status: int, hint: str
) -> None:
    assert hint in refused(site.post(body, headers=headers), status)
    assert site.published == []


def test_a_huge_body_is_refused_before_it_is_read(site: Site) -> None:
    declared = site.post(b"", headers={"content-length": str(MAX_BODY + 1)})
    assert "longer than" in refused(declared, 413)
    assert "longer than" in refused(site.post(b"", headers={"content-length": "9" * 5000}), 413)
    assert "longer than" in refused(site.post(b"", headers={"content-length": "-1"}), 413)
    headers = {"authorization": f"Bearer {site.token}", **STRUCTURED}
    endless = ask(application(site.needs), "POST", "/events", headers=headers, body=[b"x" * 65536] * 5, hangs=True)
    assert "longer than" in refused(endless, 413)


def test_a_body_that_does_not_come_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PATIENCE", 0.05)
    assert "did not come" in refused(site.post(b"{", hangs=True), 408)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/events", 405), ("POST", "/", 404), ("GET", "/x", 404)]
)
def test_there_is_nothing_else(site: Site, method: str, path: str, status: int) -> None:
    answer = ask(application(site.needs), method, path)
    assert "POST /events" in refused(answer, status)
    if status == 405:
        assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(("error", "status"), [(TransientError("no answer from 10.0.0.7"), 503), (Denied("no"), 502)])
def test_a_broker_that_does_not_take_it_is_said_and_where_it_is_is_not(
    site: Site, error: SnaplineError, status: int
) -> None:
    site.fails = error
    answer = site.post(event())
    assert "10.0.0.7" not in refused(answer, status)
    assert ("retry-after" in answer.headers) == (status == 503)


def test_while_tokens_cannot_be_read_nobody_is_let_in(site: Site) -> None:
    assert site.post(event()).status == 202

    def away() -> Iterator[EventToken]:
        raise TransientError("the API server is away")

    site.needs = Needs(Tokens(away, lambda: 0.0), site.needs.publish, "events", site.needs.now)
    answer = site.post(event())
    assert "looked up" in refused(answer, 503)
    assert len(site.published) == 1


def test_a_token_that_was_deleted_or_made_anew_is_soon_no_longer_good(site: Site) -> None:
    anew = event_tokens.make(site.front.session, "ci", ["backup.requested.v1"]).token
    site.seconds += tokens.FRESH
    assert site.post(event()).status == 401
    assert site.post(event(), anew).status == 202
    event_tokens.forget(site.front.session, "ci")
    site.seconds += tokens.FRESH
    assert site.post(event(), anew).status == 401
    with pytest.raises(NotFound) as caught:
        event_tokens.forget(site.front.session, "ci")
    assert caught.value.code == Code.NO_SUCH_EVENT_TOKEN


def test_only_its_hash_is_kept(site: Site) -> None:
    [secret] = site.front.session.cluster.list(SECRETS, site.front.session.settings.console_namespace)
    assert site.token not in json.dumps(secret)
    assert event_token.from_secret(secret).digest == event_token.digest_of(site.token)
    assert event_token.from_secret(secret).digest not in repr(event_token.from_secret(secret))


@pytest.mark.parametrize("name", ["", "A", "a b", "a/b", "x" * 41, "-a"])
def test_a_name_that_would_be_odd_in_a_source_is_refused(site: Site, name: str) -> None:
    with pytest.raises(Invalid):
        event_tokens.make(site.front.session, name, ["backup.requested.v1"])


def test_a_token_is_for_requests_only(site: Site) -> None:
    with pytest.raises(Invalid, match="nothing that can be asked for"):
        event_tokens.make(site.front.session, "a", ["backup.completed.v1"])


def test_a_secret_that_is_none_of_ours_is_passed_over(site: Site) -> None:
    made = event_token.to_secret(event_token.make("b", ["backup.requested.v1"], "t"), "snapline-console")
    site.front.cluster.create(SECRETS, {**made, "data": {"types": "!"}})
    found = views.event_tokens(site.front.session)
    assert [type(each) for each in found] == [views.EventTokenView, Unreadable]
