"""The destination: names below a prefix, the Secret that keeps it, and where it is looked for."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from schemas import destination as destinations
from schemas.destination import Destination
from schemas.errors import Invalid
from schemas.kubernetes import NAMESPACES, SECRETS
from schemas.settings import from_environment
from workers.adapters import configured
from workers.adapters.twins.cluster import MemoryCluster
from workers.ports import Cluster

FULL = Destination(
    bucket="backups",
    endpoint="https://s3.example.com",
    region="eu-central-1",
    prefix="site/1",
    access_key_id="AKIA",
    secret_access_key=SecretStr("hunter2"),
    passphrase=SecretStr("open sesame"),
)


@pytest.mark.parametrize("given_", ["a/b", "/a/b/", "a//b", "//a/b"])
def test_a_prefix_has_no_slashes_too_many(given_: str) -> None:
    assert Destination(bucket="b", prefix=given_).prefix == "a/b"


@pytest.mark.parametrize("given_", ["", "/", "//"])
def test_an_empty_prefix_is_the_whole_bucket(given_: str) -> None:
    assert Destination(bucket="b", prefix=given_).prefix == ""


def test_a_destination_has_a_bucket() -> None:
    with pytest.raises(ValidationError, match="no name"):
        Destination(bucket="")


def test_its_secrets_are_not_printed() -> None:
    assert "hunter2" not in repr(FULL)
    assert "open sesame" not in f"{FULL} {FULL.model_dump()}"


def test_the_secret_is_labelled_and_lies_in_the_consoles_namespace() -> None:
    secret = destinations.to_secret(FULL, "console")
    assert secret["metadata"] == {
        "name": "snapline-destination",
        "namespace": "console",
        "labels": {"snapline.dev/destination": "default"},
    }
    assert base64.b64decode(secret["data"]["secret_access_key"]) == b"hunter2"


@given(prefix=st.text(max_size=20), key=st.text(max_size=20), passphrase=st.text(max_size=20))
def test_what_a_secret_keeps_comes_back(prefix: str, key: str, passphrase: str) -> None:
    chosen = Destination(
        bucket="b", prefix=prefix, access_key_id=key, secret_access_key=SecretStr(key), passphrase=SecretStr(passphrase)
    )
    assert destinations.from_secret(destinations.to_secret(chosen, "console")) == chosen


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "bucket"),
        ({"endpoint": base64.b64encode(b"x").decode()}, "bucket"),
        ({"bucket": "hunter2!"}, "base64"),
        ({"bucket": base64.b64encode(b"\xff").decode()}, "base64"),
        ({"bucket": None}, "base64"),
    ],
)
def test_a_broken_secret_is_invalid_and_its_data_is_not_shown(data: object, words: str) -> None:
    with pytest.raises(Invalid, match=words) as error:
        destinations.from_secret({"data": data})
    assert "snapline storage set" in str(error.value)
    assert "hunter2" not in str(error.value)


def test_the_environment_names_a_destination_or_none() -> None:
    assert destinations.from_settings(from_environment({"SNAPLINE_S3_ENDPOINT": "http://s3:8333"})) is None
    environment = {
        "SNAPLINE_S3_ENDPOINT": "https://s3.example.com/",
        "SNAPLINE_S3_BUCKET": "backups",
        "SNAPLINE_S3_REGION": "eu-central-1",
        "SNAPLINE_S3_PREFIX": "/site/1/",
        "SNAPLINE_S3_ACCESS_KEY_ID": "AKIA",
        "SNAPLINE_S3_SECRET_ACCESS_KEY": "hunter2",
        "SNAPLINE_PASSPHRASE": "open sesame",
    }
    assert destinations.from_settings(from_environment(environment)) == FULL


def test_the_environment_goes_before_the_secret_and_needs_no_cluster() -> None:
    def no_cluster() -> Cluster:
        raise AssertionError("asked for a cluster")

    settings = from_environment({"SNAPLINE_S3_BUCKET": "mine"})
    assert configured.destination(settings, no_cluster).bucket == "mine"


def test_without_a_bucket_in_the_environment_the_stored_destination_counts() -> None:
    settings, cluster = from_environment({"SNAPLINE_CONSOLE_NAMESPACE": "console"}), MemoryCluster()
    cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "console"}})
    with pytest.raises(Invalid, match="snapline storage set"):
        configured.destination(settings, lambda: cluster)
    cluster.create(SECRETS, destinations.to_secret(FULL, "console"))
    assert configured.destination(settings, lambda: cluster) == FULL
