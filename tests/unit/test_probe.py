"""The probe answers a kubelet and Prometheus, on whatever address it is given."""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence

import pytest

from schemas.errors import Invalid
from schemas.settings import from_environment
from workers.adapters.telemetry import probe
from workers.adapters.telemetry.probe import Health


def _health(dead: Sequence[str] = (), hung: Sequence[str] = (), *, consuming: bool = True) -> Health:
    return Health(lambda: list(dead), lambda: list(hung), lambda: consuming, lambda: b"messages 1\n")


@pytest.mark.parametrize(
    ("path", "health", "status"),
    [
        ("/live", _health(), 200),
        ("/ready", _health(), 200),
        ("/live", _health(consuming=False), 200),
        ("/ready", _health(consuming=False), 503),
        ("/live", _health(["worker"]), 503),
        ("/ready", _health(["worker"]), 503),
        ("/live", _health(hung=["worker"]), 503),
        ("/ready", _health(hung=["worker"]), 503),
        ("/", _health(), 404),
    ],
)
def test_a_worker_is_live_while_its_threads_are_and_ready_while_it_consumes(
    path: str, health: Health, status: int
) -> None:
    answered, kind, body = probe.answer(path, health)
    assert answered == status
    assert kind == "application/json"
    assert json.loads(body)


@pytest.mark.parametrize(
    ("address", "asked"), [("127.0.0.1:0", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.1"), ("[::]:0", "127.0.0.1")]
)
def test_it_can_be_reached_where_it_listens(address: str, asked: str) -> None:
    with probe.serving(address, _health()) as listening:
        port = listening.rpartition(":")[2]
        with urllib.request.urlopen(f"http://{asked}:{port}/metrics?x=1") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
            assert answer.read() == b"messages 1\n"
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"http://{asked}:{port}/nope")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://{asked}:{port}/live")


def test_an_address_that_is_taken_is_said_to_be() -> None:
    with probe.serving("127.0.0.1:0", _health()) as taken, pytest.raises(Invalid, match="cannot listen"):
        probe.serving(taken, _health()).__enter__()


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1:9808", ("127.0.0.1", 9808)), ("[::]:1", ("::", 1)), ("worker:65535", ("worker", 65535))],
)
def test_addresses_are_understood(address: str, expected: tuple[str, int]) -> None:
    assert probe.parse(address) == expected
    assert from_environment({"SNAPLINE_PROBE_ADDRESS": address}).probe_address == address


@pytest.mark.parametrize("address", ["9808", ":9808", "::1:9808", "host:", "host:x", "[::1]", "http://host:1"])
def test_what_is_no_address_is_refused_by_the_settings(address: str) -> None:
    with pytest.raises(Invalid, match="probe_address"):
        from_environment({"SNAPLINE_PROBE_ADDRESS": address})
    with pytest.raises(Invalid, match="HOST:PORT"):
        probe.parse(address)


def test_a_port_that_cannot_be_is_refused() -> None:
    with pytest.raises(Invalid, match="HOST:PORT"):
        probe.parse("host:65536")
