"""KOTS' routes about where snapshots are stored."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas import destination as destinations
from schemas.kubernetes import SECRETS
from tests.support import api
from tests.support.api import Site

PATH = "/api/v1/snapshots/settings"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with api.site(tmp_path, directory=None) as made:
        yield made


def stored(site: Site) -> destinations.Destination:
    namespace = site.front.session.settings.console_namespace
    return destinations.from_secret(site.front.cluster.get(SECRETS, namespace, destinations.secret_name("default")))


def test_a_bucket_is_tried_stored_and_shown_without_its_secrets(site: Site) -> None:
    other = {"region": "eu-1", "accessKeyID": "K", "secretAccessKey": "topsecret", "endpoint": "https://s3.example.com"}
    body = {"bucket": "backups", "path": "/prod", "other": other, "passphrase": "correct horse"}
    said = site.said("PUT", PATH, json=body)
    assert said["store"] == {
        "provider": "s3",
        "bucket": "backups",
        "path": "prod",
        "endpoint": "https://s3.example.com",
        "region": "eu-1",
    }
    assert "topsecret" not in str(said)
    kept = stored(site)
    assert isinstance(kept, destinations.S3Destination)
    again = {**body, "passphrase": "", "other": {**other, "secretAccessKey": "--- REDACTED ---"}}
    site.said("PUT", PATH, json=again)
    assert stored(site) == kept


def test_a_directory_is_told_how_to_be_mounted(site: Site) -> None:
    nfs = {"nfs": {"server": "nas.example.com", "path": "/exports/backups"}}
    answer = site.ask("POST", "/api/v1/snapshots/filesystem/instructions", json=nfs)
    assert (answer.status_code, answer.headers["content-type"][:10]) == (200, "text/plain")
    assert "nas.example.com:/exports/backups" in answer.text


def test_what_is_none_of_the_kinds_is_refused(site: Site) -> None:
    site.refused("PUT", PATH, 422, json={"bucket": "backups"})
    site.refused("PUT", PATH, 400, json={"bucket": "", "aws": {"useInstanceRole": True}})
    site.refused("PUT", PATH, 403, "operator", json={})


def test_without_a_destination_there_is_no_store(site: Site) -> None:
    said = site.said("GET", PATH, "support")
    assert (said["store"], said["isVeleroRunning"], said["kotsadmNamespace"]) == (None, False, "snapline-console")
