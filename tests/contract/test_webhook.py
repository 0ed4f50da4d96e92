"""Notifications over real HTTP."""

import pytest

from deploy.local.ports import free_ports
from schemas.errors import Denied, Invalid, TransientError
from tests.support.receiver import Receiver, receiver
from workers.adapters.notifiers.webhook import post

BODY = b'{"id": "e", "type": "backup.completed.v1"}'


def _post(hook: Receiver, secret: str = "the secret") -> None:
    post(hook.url, BODY, secret=secret, event_id="e")


def test_a_signed_event_arrives_as_it_was_sent() -> None:
    with receiver("the secret") as hook:
        _post(hook)
        assert hook.events == [{"id": "e", "type": "backup.completed.v1"}]
        _post(hook, "another secret")
        assert (len(hook.events), hook.forged) == (1, 1)


@pytest.mark.parametrize("id_", ["nächtlich→1", "a\r\nX-Evil: 1"])
def test_an_event_arrives_whatever_its_id_is(id_: str) -> None:
    with receiver("the secret") as hook:
        post(hook.url, BODY, secret="the secret", event_id=id_)
        assert (len(hook.events), hook.forged) == (1, 0)


@pytest.mark.parametrize(
    ("code", "family"),
    [
        (500, TransientError),
        (503, TransientError),
        (429, TransientError),
        (408, TransientError),
        (401, Denied),
        (403, Denied),
        (404, Invalid),
        (410, Invalid),
        (302, Invalid),
    ],
)
def test_answers_fall_into_the_right_family(code: int, family: type[Exception]) -> None:
    with receiver("the secret") as hook:
        hook.answers = [code]
        with pytest.raises(family, match=str(code)):
            _post(hook)
        assert hook.events == []


def test_a_receiver_that_is_away_is_a_matter_of_time_and_its_url_is_not_told() -> None:
    url = f"http://user:pass@127.0.0.1:{free_ports(1)[0]}/token-in-path?key=secret"
    with pytest.raises(TransientError, match=r"could not notify 127\.0\.0\.1") as error:
        post(url, BODY, secret="s", event_id="e")
    assert not any(word in str(error.value) for word in ("pass", "token", "secret"))
    with pytest.raises(Invalid, match=r"SNAPLINE_WEBHOOK_URLS"):
        post("not a url", BODY, secret="s", event_id="e")
