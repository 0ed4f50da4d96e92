"""`/dead-letters`: by reason; redriven as they are or edited, or dropped, and only by who may."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from producers.access.identity import Identity
from producers.views.dead_letters.groups import grouped, shown
from schemas import events as e
from schemas.errors import TransientError
from tests.support.console import Console
from tests.support.front import NOON, TwinBus
from tests.support.line import until
from workers.adapters.broker import DeadLetter
from workers.adapters.broker.dead_letters import type_of

GATE = "license.gate"


def request(id_: str = "r1", app: str | None = "shop") -> bytes:
    return e.encode(e.wrap(e.BackupRequested(app=app), id=id_, source="ci", time=NOON))


def letter(id_: str, reason: str, body: bytes = b"", sender: str = "ci", queue: str = GATE) -> DeadLetter:
    body = body or request(id_)
    return DeadLetter(queue, id_, type_of(body), reason, sender, f"2026-11-23T12:00:0{id_[-1]}+00:00", len(body), body)


def console(tmp: Path, *letters: DeadLetter, who: Identity | None = None) -> Console:
    made = Console(tmp, who=who) if who else Console(tmp)
    for each in letters:
        made.front.bus.memory._dead[each.queue].append(each)
    return made


def left(of: Console) -> list[str]:
    return [each.id for each in of.front.bus.dead_letters()]


def given_back(of: Console) -> list[tuple[dict[str, object], str]]:
    """What waits in the gate's queue, and whose it is."""
    waiting = of.front.bus.memory._queues[GATE]
    return [(json.loads(each.body), str(each.headers.get("snapline-sender"))) for each in waiting]


def test_those_of_one_reason_stand_together_whatever_they_name() -> None:
    groups = grouped(
        [
            letter("a1", "version 'v9' of 'backup.requested' is not known here"),
            letter("a2", "version 'v8' of 'backup.requested' is not known here"),
            letter("a3", "backup shop-bcdfg stood still 3 times"),
            letter("a4", "backup wiki-cdfgh stood still 12 times"),
            letter("a5", "backup wiki-cdfgh stood still 12 times", queue="notify"),
        ]
    )
    assert [[each.id for each in group.letters] for group in groups] == [["a4", "a3"], ["a2", "a1"], ["a5"]]
    assert groups[2].reason == "backup wiki-cdfgh stood still 12 times"


def test_a_body_is_laid_out_if_it_can_be() -> None:
    assert shown(b'{"a":1}') == '{\n  "a": 1\n}'
    assert shown(b"\xff<x>") == "\N{REPLACEMENT CHARACTER}<x>"
    assert shown(b"[" * 100_000).startswith("[[")


def test_nothing_lies_there(tmp_path: Path) -> None:
    assert "No dead letters" in Console(tmp_path).get("/dead-letters").text


def test_a_group_is_given_back_at_once(tmp_path: Path) -> None:
    of = console(tmp_path, letter("a1", "no 1"), letter("a2", "no 2"), letter("b3", "other"))
    page = of.get("/dead-letters")
    assert "2 messages of license.gate" in page.text
    assert "Redrive all 2" in page.text
    assert (
        of.post("/dead-letters/redrive", {"queue": GATE, "ids": "a1,a2"}).location
        == "/dead-letters?done=redriven&count=2"
    )
    assert left(of) == ["b3"]
    assert "Given back: 2 messages" in of.get("/dead-letters", done="redriven", count="2").text


def test_one_that_has_gone_meanwhile_is_said_and_nothing_is_done(tmp_path: Path) -> None:
    of = console(tmp_path, letter("a1", "no"))
    page = of.post("/dead-letters/redrive", {"queue": GATE, "ids": "a1,a9"}, 404)
    assert "there is no dead letter 'a9'" in page.text
    assert left(of) == ["a1"]
    assert "there is no queue" in of.post("/dead-letters/drop", {"queue": "x", "ids": "a"}, 400).text


def test_dropping_is_asked_before_and_says_what_goes(tmp_path: Path) -> None:
    of = console(tmp_path, letter("a1", "no"), letter("a2", "no"))
    page = of.get("/dead-letters/drop", queue=GATE, ids="a1,a2")
    assert "Drop 2 messages of license.gate ?" in page.text
    assert "This cannot be undone" in page.text
    assert "Keep them" in page.text
    assert left(of) == ["a1", "a2"]
    of.post("/dead-letters/drop", {"queue": GATE, "ids": "a1"})
    assert left(of) == ["a2"]
    assert of.get("/dead-letters/drop", 404, queue=GATE, ids="a1")


def test_an_edit_is_shown_before_it_goes_back_in_the_name_of_its_sender(tmp_path: Path) -> None:
    of = console(tmp_path, letter("a1", "no such application", request(app="shpo")))
    assert "shpo" in of.get("/dead-letters/license.gate/a1").text
    mended = shown(request(app="shop"))
    page = of.post("/dead-letters/license.gate/a1/edit", {"body": mended}, 200)
    assert "<del>" in page.html
    assert "&#34;app&#34;: &#34;shop&#34;" in page.html.partition("<ins>")[2]
    assert left(of) == ["a1"]
    again = {"body": mended, "shown": mended, "again": "yes"}
    assert of.post("/dead-letters/license.gate/a1/edit", again, 200)
    assert left(of) == ["a1"]
    sent = of.post("/dead-letters/license.gate/a1/edit", {"body": mended, "shown": mended})
    assert sent.location == "/dead-letters?done=redriven&count=1"
    assert left(of) == []
    [(body, sender)] = given_back(of)
    assert body["data"]["app"] == "shop"  # type: ignore[index]
    assert sender == "ci"


def test_what_was_changed_since_it_was_shown_is_shown_again(tmp_path: Path) -> None:
    of = console(tmp_path, letter("a1", "no"))
    other = {"body": shown(request(app="wiki")), "shown": shown(request(app="shop"))}
    assert "wiki" in of.post("/dead-letters/license.gate/a1/edit", other, 200).text
    assert left(of) == ["a1"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("not json", "this is not JSON"),
        ("[]", "body is not a CloudEvent"),
        ('{"specversion": "1.0", "type": "nope"}', "event type 'nope' is not known"),
        (request().decode().replace('"shop"', "7"), "data.app"),
        (request().decode().replace('"app"', '"apps"'), "there is no field"),
        (
            e.encode(e.wrap(e.RestoreRequested(backup="b"), id="r", source="s", time=NOON)).decode(),
            "stays one; it cannot become restore.requested.v1",
        ),
        (
            e.encode(e.wrap(e.TickMinute(minute="m"), id="r", source="s", time=NOON)).decode(),
            "license.gate does not hear tick.minute.v1",
        ),
    ],
)
def test_what_the_queue_could_not_handle_does_not_go_back(tmp_path: Path, body: str, why: str) -> None:
    of = console(tmp_path, letter("a1", "no"))
    page = of.post("/dead-letters/license.gate/a1/edit", {"body": body, "shown": body}, 400)
    assert why in page.text
    assert left(of) == ["a1"]
    assert page.html.partition("<textarea")[2].count(body.split(",")[0].replace('"', "&#34;")) == 1


def test_who_may_not_restore_makes_no_restore_of_a_letter(tmp_path: Path) -> None:
    who = Identity("token", "operator", None, frozenset({"view", "dead-letters"}))
    of = console(tmp_path, letter("a1", "no", b"junk"), who=who)
    body = e.encode(e.wrap(e.RestoreRequested(backup="b"), id="r", source="s", time=NOON)).decode()
    assert "may not restore" in of.post("/dead-letters/license.gate/a1/edit", {"body": body, "shown": body}, 400).text
    assert left(of) == ["a1"]


@pytest.mark.parametrize(
    "who", [Identity("s", "support"), Identity("g", "cluster-admin", frozenset({"shop"}))], ids=["support", "granted"]
)
def test_who_may_not_act_on_them_does_not(tmp_path: Path, who: Identity) -> None:
    of = console(tmp_path, letter("a1", "no"), who=who)
    for path in ("/dead-letters/redrive", "/dead-letters/drop", "/dead-letters/license.gate/a1/edit"):
        assert of.post(path, {"queue": GATE, "ids": "a1", "body": "x"}, 403)
    assert of.get("/dead-letters/drop", 403, queue=GATE, ids="a1")
    assert left(of) == ["a1"]
    if who.apps is None:
        page = of.get("/dead-letters/license.gate/a1")
        assert "Redrive" not in page.text
        assert "Drop" not in of.get("/dead-letters").text
    else:
        assert of.get("/dead-letters", 403)
        assert of.get("/dead-letters/license.gate/a1", 403)


class Deaf(TwinBus):
    """A broker that does not answer for one queue, or for all."""

    def __init__(self, *queues: str) -> None:
        super().__init__()
        self.queues = queues

    def dead_letters(self, queue: str | None = None) -> list[DeadLetter]:
        if not self.queues or queue in self.queues:
            raise TransientError("could not read the dead letters: connection refused")
        return super().dead_letters(queue)


def test_what_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    page = Console(tmp_path, bus=Deaf()).get("/dead-letters")
    assert "The dead letters could not be read could not read the dead letters: connection refused" in page.text
    assert "Every message" not in page.text
    page = Console(tmp_path, bus=Deaf("notify")).get("/dead-letters")
    assert "notify could not be looked at" in page.text
    assert "Every message has been handled, as far as could be seen" in page.text


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}"])
def test_hostile_letters_are_only_text(tmp_path: Path, text: str) -> None:
    of = console(tmp_path, letter("a1", text, text.encode(), sender=text))
    pages = [
        of.get("/dead-letters"),
        of.get("/dead-letters/license.gate/a1"),
        of.get("/dead-letters/drop", queue=GATE, ids="a1"),
        of.get("/dead-letters", done="redriven", count=text),
        of.post("/dead-letters/drop", {"queue": text, "ids": "a"}, 400),
        of.post("/dead-letters/license.gate/a1/edit", {"body": text}, 400),
    ]
    for page in pages:
        assert "<script>alert" not in page.html
        assert "<img" not in page.html


def test_the_navigation_has_their_number_for_who_may_look_at_them(tmp_path: Path) -> None:
    of = console(tmp_path, letter("a1", "x"), letter("a2", "y"))
    until(lambda: of.get("/apps").has("dead-letters-count"), "they are counted")
    assert of.get("/apps").test_id("dead-letters-count") == "2"
    of.access.who = Identity("mira", "operator", frozenset({"shop"}))
    assert not of.get("/apps").has("dead-letters-count")


def test_they_are_counted_once_however_many_look(tmp_path: Path) -> None:
    of = console(tmp_path, letter("a1", "x"))
    until(lambda: of.get("/apps").has("dead-letters-count"), "they are counted")
    of.front.bus.memory._dead[GATE].clear()
    for _ in range(5):
        assert of.get("/apps").has("dead-letters-count")
    of.get("/dead-letters")  # where they are looked at, the number is that
    assert not of.get("/apps").has("dead-letters-count")


def test_a_request_does_not_wait_until_they_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go, asked = threading.Event(), []

    def waits(queues: Sequence[str]) -> int:
        asked.append(queues)
        go.wait()
        return 3

    of = console(tmp_path)
    monkeypatch.setattr(of.front.bus, "count_dead_letters", waits)
    assert not of.get("/apps").has("dead-letters-count")
    assert not of.get("/apps").has("dead-letters-count")
    go.set()
    until(lambda: of.get("/apps").has("dead-letters-count"), "they are counted")
    assert len(asked) == 1


def test_where_rabbitmq_is_away_there_is_no_number_and_home_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def away(_: Sequence[str]) -> int:
        tried.set()
        raise TransientError("could not reach RabbitMQ")

    of = console(tmp_path)
    monkeypatch.setattr(of.front.bus, "count_dead_letters", away)
    of.get("/apps")
    assert tried.wait(120)
    assert not of.get("/apps").has("dead-letters-count")
    until(lambda: "RabbitMQ cannot be asked" in of.get("/").text, "home says so")
    assert "could not reach RabbitMQ" in of.get("/").text
    of.access.who = Identity("mira", "operator", frozenset({"shop"}))
    assert "RabbitMQ" not in of.get("/").text
