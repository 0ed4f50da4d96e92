"""What is told of a broker's address, and what fits into a message's properties."""

import socket
import threading

import pika
import pytest

from schemas.errors import Invalid, TransientError
from workers.adapters.broker import Publisher, connection


@pytest.mark.parametrize("url", ["", "//user:pa55@host", "user:pa55@host", "http://user:pa55@host", "amqp:user:pa55"])
def test_what_is_no_amqp_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Invalid, match="not an AMQP URL") as refused:
        connection.parameters(url)
    assert "pa55" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "port"), [("amqp://h", 5672), ("amqps://h", 5671), ("amqp://h:1", 1), ("amqps://u:p@h:2/v", 2)]
)
def test_an_address_is_told_with_the_port_that_is_used(url: str, port: int) -> None:
    assert connection.where(url) == f"RabbitMQ at h:{port}"
    assert connection.parameters(url).port == port


@pytest.mark.parametrize("text", ["x" * 300, "ü" * 200, "a" + "😀" * 100])
def test_long_ids_are_cut_to_the_bytes_of_a_short_string(text: str) -> None:
    properties = Publisher("amqp://h", "tests").properties({}, message_id=text, type_="t", correlation_id=text)
    for cut in (properties.message_id, properties.correlation_id):
        assert text.startswith(cut)
        assert 250 < len(cut.encode()) <= 255
    properties.encode()


@pytest.mark.parametrize("scheme", ["amqp", "amqps"])
def test_a_server_that_is_no_broker_is_a_passing_failure(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_refuse, args=(server,), daemon=True).start()
        where = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(TransientError, match=f"could not reach RabbitMQ at {where}") as failed:
            connection.connect(f"{scheme}://user:pa55@{where}")
    assert "pa55" not in str(failed.value)


def test_a_server_that_says_nothing_is_a_passing_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pika.URLParameters, "DEFAULT_STACK_TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(TransientError, match="could not reach"):
        connection.connect(f"amqp://user:pa55@127.0.0.1:{server.getsockname()[1]}")


def _refuse(server: socket.socket) -> None:
    client, _ = server.accept()
    with client:
        client.recv(1000)
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
