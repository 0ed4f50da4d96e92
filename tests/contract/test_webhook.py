"""Notifications over real HTTP: what arrives, what is refused, and where nothing may go."""

import json
import socket
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from deploy.local.ports import free_ports
from schemas import events as e
from schemas import news as said
from schemas import webhook
from schemas.errors import Code
from schemas.notification import AppriseTarget, PingTarget, WebhookTarget
from tests.support.mail_sink import mail_sink
from tests.support.receiver import receiver
from workers.adapters.notifiers import addresses, chat, ping
from workers.adapters.notifiers import webhook as hooks

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
KEY = "the secret"
EVENT: e.AnyEvent = e.wrap(e.BackupCompleted(backup="shop-bcdfg", app="shop"), source="tests", time=NOW)
NEWS = said.news(EVENT)


def _hook(url: str, key: str = KEY, *, private: bool = True) -> WebhookTarget:
    return WebhookTarget(name="ops", url=SecretStr(url), key=SecretStr(key), allow_private=private)


def test_a_signed_event_arrives_as_it_was_told() -> None:
    with receiver(KEY) as hook:
        assert hooks.send(_hook(hook.url), NEWS).response == 204
        assert hook.events == [json.loads(e.encode(EVENT))]
        hooks.send(_hook(hook.url, "another secret"), NEWS)
        assert (len(hook.events), hook.forged) == (1, 1)


def test_a_digest_arrives_as_a_batch_of_events() -> None:
    failed: e.AnyEvent = e.wrap(e.BackupFailed(backup="other", errors=1), source="tests", time=NOW)
    with receiver(KEY) as hook:
        hooks.send(_hook(hook.url), said.digest("d", [EVENT, failed], NOW))
        batch: Any = hook.events[0]
        assert [each["id"] for each in batch] == [EVENT.id, failed.id]


@pytest.mark.parametrize("id_", ["nächtlich→1", "a\r\nX-Evil: 1"])
def test_an_event_arrives_whatever_its_id_is(id_: str) -> None:
    strange: e.AnyEvent = EVENT.model_copy(update={"id": id_})
    with receiver(KEY) as hook:
        assert hooks.send(_hook(hook.url), said.news(strange)).status == "delivered"
        assert (len(hook.events), hook.forged) == (1, 0)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        *[(code, "busy") for code in (500, 503, 429, 408)],
        *[(code, "refused") for code in (401, 403, 404, 410, 302)],
    ],
)
def test_an_answer_says_whether_trying_again_may_help(code: int, status: str) -> None:
    with receiver(KEY) as hook:
        hook.answers = [code]
        answer = hooks.send(_hook(hook.url), NEWS)
        assert (answer.status, answer.response) == (status, code)
        assert str(code) in str(answer.reason)
        assert hook.events == []


def test_a_redirect_is_not_followed() -> None:
    with receiver(KEY) as inside, receiver(KEY) as outside:
        outside.answers, outside.location = [307], inside.url
        assert hooks.send(_hook(outside.url), NEWS).status == "refused"
        assert inside.asked == []


def test_a_receiver_that_is_away_is_a_matter_of_time_and_its_url_is_not_told() -> None:
    url = f"http://user:pass@127.0.0.1:{free_ports(1)[0]}/token-in-path?key=secret"
    answer = hooks.send(_hook(url), NEWS)
    assert answer.status == "busy"
    assert str(answer.reason).startswith("could not notify 127.0.0.1")
    assert not any(word in str(answer.reason) for word in ("pass", "token", "secret"))


# Forged and replayed webhooks, as a receiver meets them.


def test_what_is_genuine_and_fresh_is_believed() -> None:
    body, now = b'{"id": "e"}', 1_800_000_000
    assert webhook.verify(KEY, body, webhook.sign(KEY, now, body), now + webhook.FRESH)


@pytest.mark.parametrize(
    ("body", "signature", "after"),
    [
        (b'{"id": "f"}', webhook.sign(KEY, 1_000_000, b'{"id": "e"}'), 0),  # another body
        (b'{"id": "e"}', webhook.sign("another key", 1_000_000, b'{"id": "e"}'), 0),
        (b'{"id": "e"}', webhook.sign(KEY, 1_000_000, b'{"id": "e"}'), 301),  # replayed, later
        (b'{"id": "e"}', webhook.sign(KEY, 1_000_000, b'{"id": "e"}').replace("t=1000000", "t=1000400"), 400),
        (b'{"id": "e"}', webhook.sign(KEY, 1_000_000, b'{"id": "e"}'), -301),  # of a time to come
        (b'{"id": "e"}', webhook.sign(KEY, 1_000_000, b'{"id": "e"}').partition(",")[2], 0),  # without its time
        (b'{"id": "e"}', "", 0),
        (b'{"id": "e"}', "t=1000000,v1=", 0),
        (b'{"id": "e"}', "t=1000000,v0=" + "0" * 64, 0),
        (b'{"id": "e"}', "t=" + "9" * 400 + ",v1=" + "0" * 64, 0),
        (b'{"id": "e"}', "t=\u0661,v1=" + "0" * 64, 0),
    ],
)
def test_what_is_forged_or_replayed_is_not(body: bytes, signature: str, after: int) -> None:
    assert not webhook.verify(KEY, body, signature, 1_000_000 + after)


def test_without_a_key_nothing_is_believed() -> None:
    assert not webhook.verify("", b"x", webhook.sign("", 1, b"x"), 1)


def test_a_receiver_takes_both_keys_while_they_change() -> None:
    old, new = (webhook.sign(key, 1_000_000, b"x") for key in ("old", "new"))
    both = f"{old},{new.partition(',')[2]}"
    assert [webhook.verify(key, b"x", both, 1_000_000) for key in ("old", "new", "other")] == [True, True, False]


# Where nothing may go.


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "168.63.129.16",
        "[::ffff:169.254.169.254]",
        "[::a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "0.0.0.0",  # nobody listens
        "[::]",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
@pytest.mark.parametrize("private", [True, False])
def test_nobody_is_notified_at_metadata_and_what_is_no_server(host: str, private: bool) -> None:
    answer = hooks.send(_hook(f"http://{host}/latest/meta-data", private=private), NEWS)
    assert (answer.status, answer.reason and answer.reason.code) == ("refused", Code.ADDRESS_REFUSED)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "[fd12::1]",
    ],
)
def test_private_addresses_need_leave(host: str) -> None:
    answer = hooks.send(_hook(f"http://{host}:9/", private=False), NEWS)
    assert (answer.status, answer.reason and answer.reason.code) == ("refused", Code.ADDRESS_REFUSED)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888"])
def test_public_addresses_need_none(address: str) -> None:
    assert addresses.allowed(address, 443, False) == address


def test_a_name_is_looked_up_once_and_that_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that gives another address the second time gains nothing."""
    asked: list[str] = []

    def rebinding(host: str, port: int, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if asked.count("rebind.example") <= 1 else "169.254.169.254"
        address = address if host == "rebind.example" else host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with receiver(KEY) as hook:
        assert hooks.send(_hook(f"http://rebind.example:{hook.port}/hook"), NEWS).status == "delivered"
        assert hook.asked == [("POST", "/hook", f"rebind.example:{hook.port}")]
        assert asked.count("rebind.example") == 1
        assert hooks.send(_hook(f"http://rebind.example:{hook.port}/hook"), NEWS).status == "refused"
        assert len(hook.asked) == 1


def test_of_several_addresses_one_that_is_allowed_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80)) for each in ("169.254.169.254", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert addresses.allowed("two.example", 80, True) == "127.0.0.1"


# Pings.


def test_a_ping_tells_success_failure_and_beginning() -> None:
    failed: e.AnyEvent = e.wrap(e.BackupFailed(backup="shop-bcdfg", errors=1), source="tests", time=NOW)
    begun: e.AnyEvent = e.wrap(e.BackupLicensed(backup="shop-bcdfg"), source="tests", time=NOW)
    with receiver("") as server:
        base = server.url.removesuffix("/hook")
        urls = {which: SecretStr(f"{base}/{which}") for which in ("success_url", "fail_url", "start_url")}
        target = PingTarget(name="switch", allow_private=True, **urls)
        for event in (begun, EVENT, failed):
            assert ping.send(target, said.news(event)).status == "delivered"
        assert [path for _, path, _ in server.asked] == ["/start_url", "/success_url", "/fail_url"]
        quiet = PingTarget(name="switch", allow_private=True, success_url=urls["success_url"])
        assert ping.send(quiet, said.news(failed)).response is None
        assert len(server.asked) == 3


def test_a_ping_goes_nowhere_else_either() -> None:
    target = PingTarget(name="switch", success_url=SecretStr("http://127.0.0.1:9/"))
    assert ping.send(target, NEWS).status == "refused"


# Apprise.


def _chat(url: str, *, private: bool = True) -> AppriseTarget:
    return AppriseTarget(name="chat", url=SecretStr(url), allow_private=private)


def test_apprise_tells_a_server_that_its_url_names() -> None:
    with receiver("") as server:
        chat.send(_chat(f"json://127.0.0.1:{server.port}/hook"), NEWS)
        assert [path for _, path, _ in server.asked] == ["/hook"]


def test_apprise_sends_mail() -> None:
    with mail_sink() as sink:
        url = f"mailto://127.0.0.1:{sink.port}/ops@example.com?from=snapline@example.com&mode=insecure"
        assert chat.send(_chat(url), NEWS).status == "delivered"
        assert "Subject: backup shop-bcdfg completed" in sink.mails[0]
        assert chat.send(_chat(url, private=False), NEWS).status == "refused"
        assert len(sink.mails) == 1


def test_apprise_is_busy_when_nobody_takes_it() -> None:
    answer = chat.send(_chat(f"json://user:pass@127.0.0.1:{free_ports(1)[0]}/token"), NEWS)
    assert (answer.status, str(answer.reason)) == ("busy", "could not notify json: it was not taken")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "syslog://here",
        "dbus://here",
        "gnome://here",
        "windows://here",
        "apprise://127.0.0.1/token",
        "mqtt://127.0.0.1/topic",
        "json://127.0.0.1/?redirect=yes",
        "jsons://127.0.0.1/?REDIRECT=yes",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?template=/etc/passwd",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?template=http://169.254.169.254/",
        "mailto://u:p@127.0.0.1:25?from=a@b.example&pgp=yes&pgpkey=/etc/passwd",
        "json://?",
    ],
)
def test_apprise_reads_no_files_and_runs_no_programs(url: str) -> None:
    answer = chat.send(_chat(url), NEWS)
    assert (answer.status, answer.reason and answer.reason.code) == ("refused", Code.NOTIFICATION_INVALID)


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1/",
        "xml://localhost/",
        "forms://10.0.0.1/",
        "ntfy://192.168.0.1/topic",
        "gotify://127.0.0.1/tokentokentoken",
        "mailto://u:p@example.com?smtp=10.0.0.1",
    ],
)
def test_apprise_speaks_to_no_private_server_without_leave(url: str) -> None:
    answer = chat.send(_chat(url, private=False), NEWS)
    assert (answer.status, answer.reason and answer.reason.code) == ("refused", Code.ADDRESS_REFUSED)


def test_apprise_speaks_to_metadata_never() -> None:
    answer = chat.send(_chat("json://169.254.169.254/latest"), NEWS)
    assert (answer.status, answer.reason and answer.reason.code) == ("refused", Code.ADDRESS_REFUSED)
