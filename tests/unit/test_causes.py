"""Why there was no answer: in plain words, and without the names of libraries."""

import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from schemas.destination import S3Destination
from schemas.errors import SnaplineError, TransientError
from schemas.kubernetes import NAMESPACES
from workers.adapters.broker import connection
from workers.adapters.causes import cause, its_word
from workers.adapters.cluster import connect
from workers.adapters.stores.s3 import S3ObjectStore

LIBRARIES = re.compile(r"[A-Z][a-z]+[A-Z]\w*(Error|Pool|Exception)|AMQP[A-Z]\w+|Errno|object at|urllib3|pika|botocore")


@pytest.fixture
def nobody() -> str:
    """A place where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


def test_of_the_broker(nobody: str) -> None:
    with pytest.raises(TransientError, match="nobody listens there") as refused:
        connection.connect(f"amqp://u:p@{nobody}/")
    assert not LIBRARIES.search(str(refused.value))


def test_of_the_api_server(nobody: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        f"current-context: a\ncontexts: [{{name: a, context: {{cluster: c, user: u}}}}]\n"
        f"clusters: [{{name: c, cluster: {{server: 'http://{nobody}'}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
    )
    with pytest.raises(TransientError, match="nobody listens there") as refused:
        connect(tmp_path / "config").get(NAMESPACES, None, "x")
    assert not LIBRARIES.search(str(refused.value))


def test_of_an_s3_server(nobody: str) -> None:
    secret = SecretStr("s")
    store = S3ObjectStore(
        S3Destination(bucket="b", endpoint=f"http://{nobody}", access_key_id="k", secret_access_key=secret)
    )
    with pytest.raises(TransientError, match="nobody listens there") as refused:
        store.get("x")
    assert not LIBRARIES.search(str(refused.value))


def test_what_is_underneath_counts() -> None:
    assert cause(RuntimeError(OSError(RuntimeError(TimeoutError())))) == "it did not answer in time"
    assert cause(RuntimeError(socket.gaierror(-2, "x"))) == "nobody knows that name"
    assert cause(OSError(113, "No route to host")) == "No route to host"
    assert cause(RuntimeError("AMQPConnectionError")) == "there was no answer"


class Stranger(BaseHTTPRequestHandler):
    """No store: it answers each request with something that is not ours to show."""

    def do_GET(self) -> None:
        body = b"<Error><Code>root:x:0:0 &lt;b&gt;</Code><Message>its token is s3cr3t</Message></Error>"
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def test_what_a_server_says_that_is_no_store_is_not_repeated() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        place = f"http://127.0.0.1:{server.server_port}"
        fields = {"bucket": "b", "endpoint": place, "access_key_id": "K", "secret_access_key": "S"}
        store = S3ObjectStore(S3Destination.model_validate(fields))
        with pytest.raises(SnaplineError) as refused:
            list(store.names(""))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert str(refused.value).endswith("the server answered 400")


@pytest.mark.parametrize("said", ["", "two words", "<b>", "x" * 65, "a\nb", None, 7, "-a"])
def test_only_a_word_is_a_servers_word(said: object) -> None:
    assert its_word(said) == ""
    assert its_word("SlowDown") == "SlowDown"
