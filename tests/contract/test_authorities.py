"""Servers whose certificates a private authority has signed: believed with its file, and refused without."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from schemas.destination import S3Destination
from schemas.errors import Invalid, NotFound, TransientError
from schemas.settings import from_environment
from workers.adapters.broker import connection
from workers.adapters.stores import open_store

AWAY = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A PEM file with the certificate of 127.0.0.1, which has signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@contextmanager
def _server(certificate: Path, heard: list[bytes]) -> Iterator[int]:
    """Hears what each client says first that believes in it, and answers that nothing is there; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(client, server_side=True) as secured:
                    heard.append(secured.recv(1000))
                    secured.sendall(AWAY)
            except OSError:
                continue

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def test_a_broker_is_believed_by_its_authority_alone(certificate: Path) -> None:
    heard: list[bytes] = []
    with _server(certificate, heard) as port:
        url = f"amqps://u:p@127.0.0.1:{port}/%2F"
        with pytest.raises(TransientError, match="could not reach"):
            connection.connect(from_environment({"SNAPLINE_AMQP_URL": url}).broker_url)
        assert heard == []
        settings = from_environment({"SNAPLINE_AMQP_URL": url, "SNAPLINE_AMQP_CA": str(certificate)})
        with pytest.raises(TransientError, match="could not reach"):  # it is no broker, but it was spoken to
            connection.connect(settings.broker_url)
        assert heard == [b"AMQP\x00\x00\x09\x01"]


def test_a_store_is_believed_by_its_authority_alone(certificate: Path) -> None:
    heard: list[bytes] = []
    with _server(certificate, heard) as port:
        there = S3Destination.model_validate(
            {
                "bucket": "b",
                "endpoint": f"https://127.0.0.1:{port}",
                "access_key_id": "k",
                "secret_access_key": "s",
            }
        )
        with pytest.raises(TransientError):
            open_store(there).get("a")
        assert heard == []
        with pytest.raises(NotFound):
            open_store(there, certificate).get("a")
        assert heard[0].startswith(b"GET /b/a HTTP/1.1")


def test_a_destination_brings_the_authority_of_its_server(certificate: Path) -> None:
    heard: list[bytes] = []
    own = certificate.read_text().partition("-----BEGIN PRIVATE")[0]
    with _server(certificate, heard) as port:
        fields = {"bucket": "b", "endpoint": f"https://127.0.0.1:{port}", "access_key_id": "k", "ca_certificate": own}
        store = open_store(S3Destination.model_validate({**fields, "secret_access_key": "s"}))
        for _ in range(2):
            with pytest.raises(NotFound):
                store.get("a")
    assert heard[1].startswith(b"GET /b/a HTTP/1.1")
    with pytest.raises(ValidationError, match="private key"):
        S3Destination.model_validate({**fields, "ca_certificate": certificate.read_text()})
    with pytest.raises(ValidationError, match="no PEM"):
        S3Destination.model_validate({**fields, "ca_certificate": "hello"})


def test_a_file_of_authorities_that_cannot_be_read_is_a_wrong_setting(tmp_path: Path) -> None:
    given = {"SNAPLINE_AMQP_URL": "amqps://h?heartbeat=5", "SNAPLINE_AMQP_CA": str(tmp_path / "none.pem")}
    with pytest.raises(Invalid, match=r"none\.pem"):
        connection.parameters(from_environment(given).broker_url)


def test_an_url_without_tls_needs_no_authority() -> None:
    settings = from_environment({"SNAPLINE_AMQP_URL": "amqp://u:p@h/%2F", "SNAPLINE_AMQP_CA": "/ca.pem"})
    assert connection.parameters(settings.broker_url).virtual_host == "/"
