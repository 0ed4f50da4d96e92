"""Fronts open no store where clouds keep metadata and credentials, whatever the server is called."""

import socket
from typing import Any

import pytest

from producers.reaching import open_store
from producers.session import Session
from schemas.destination import AzureDestination, Destination, GcsDestination, S3Destination
from schemas.errors import Invalid
from schemas.settings import Settings
from tests.support.sealed import PASSPHRASE
from workers.adapters import stores

FORBIDDEN = (
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fd00:ec2::254",
    "fe80::1",
    "100.100.100.200",
    "168.63.129.16",
)


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Destination]:
    """What was opened, in place of that."""
    found: list[Destination] = []
    monkeypatch.setattr(stores, "open_store", lambda destination, ca=None: found.append(destination))
    return found


def named(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every name stands for these."""

    def looked_up(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)


def s3(endpoint: str) -> S3Destination:
    return S3Destination.model_validate({"name": "d", "bucket": "b", "endpoint": endpoint, "passphrase": PASSPHRASE})


@pytest.mark.parametrize("address", FORBIDDEN)
def test_a_name_for_the_address_of_metadata_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch, opened: list[Destination]
) -> None:
    named(monkeypatch, address)
    with pytest.raises(Invalid, match=r"no store is at store\.example"):
        open_store(s3("https://store.example:9000"))
    assert opened == []


def test_one_such_address_among_others_is_enough(monkeypatch: pytest.MonkeyPatch, opened: list[Destination]) -> None:
    named(monkeypatch, "203.0.113.9", "169.254.169.254")
    with pytest.raises(Invalid):
        open_store(s3("http://store.example"))
    assert opened == []


@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"])
def test_the_address_itself_is_refused(host: str, opened: list[Destination]) -> None:
    with pytest.raises(Invalid):
        open_store(s3(f"http://{host}/latest"))
    assert opened == []


@pytest.mark.parametrize("address", ["10.0.0.7", "127.0.0.1", "192.168.1.9", "203.0.113.9"])
def test_a_store_in_a_private_network_is_opened(
    address: str, monkeypatch: pytest.MonkeyPatch, opened: list[Destination]
) -> None:
    named(monkeypatch, address)
    open_store(s3("https://store.example"))
    assert len(opened) == 1


def test_a_name_that_is_not_known_now_is_for_the_store_to_tell(
    monkeypatch: pytest.MonkeyPatch, opened: list[Destination]
) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    open_store(s3("https://store.example"))
    assert len(opened) == 1


def test_other_providers_endpoints_are_looked_at_as_well(
    monkeypatch: pytest.MonkeyPatch, opened: list[Destination]
) -> None:
    named(monkeypatch, "169.254.169.254")
    known = {"name": "d", "endpoint": "http://store.example", "passphrase": PASSPHRASE}
    gcs = GcsDestination.model_validate({**known, "bucket": "backups"})
    azure = AzureDestination.model_validate({**known, "container": "backups", "storage_account": "account"})
    for destination in (gcs, azure):
        with pytest.raises(Invalid):
            open_store(destination)
    assert opened == []


def test_every_front_opens_stores_so(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "169.254.169.254")
    with Session(Settings.model_validate({}), "tests") as session, pytest.raises(Invalid):
        session.open_store(s3("https://store.example"))
