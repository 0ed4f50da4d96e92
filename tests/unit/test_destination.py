"""The destination: names below a prefix, the Secret that keeps it, and where it is looked for."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from schemas import destination as destinations
from schemas.destination import AzureDestination, DirectoryDestination, GcsDestination, S3Destination
from schemas.errors import Code, Invalid
from schemas.settings import from_environment

FULL = S3Destination(
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
    assert S3Destination(bucket="b", prefix=given_).prefix == "a/b"


@pytest.mark.parametrize("given_", ["", "/", "//"])
def test_an_empty_prefix_is_the_whole_bucket(given_: str) -> None:
    assert S3Destination(bucket="b", prefix=given_).prefix == ""


def test_a_destination_has_a_bucket() -> None:
    with pytest.raises(ValidationError, match="no name"):
        S3Destination(bucket="")


def test_its_secrets_are_not_printed() -> None:
    assert "hunter2" not in repr(FULL)
    assert "open sesame" not in f"{FULL} {FULL.model_dump()}"


def test_the_secret_is_labelled_and_lies_in_the_consoles_namespace() -> None:
    secret = destinations.to_secret(FULL, "console")
    assert secret["metadata"] == {
        "name": "snapline-destination-default",
        "namespace": "console",
        "labels": {"snapline.dev/destination": "default"},
    }
    assert base64.b64decode(secret["data"]["secret_access_key"]) == b"hunter2"


@given(prefix=st.text(max_size=20), key=st.text(max_size=20), passphrase=st.text(max_size=20))
def test_what_a_secret_keeps_comes_back(prefix: str, key: str, passphrase: str) -> None:
    chosen = S3Destination(
        name="second",
        bucket="b",
        prefix=prefix,
        access_key_id=key,
        secret_access_key=SecretStr(key),
        passphrase=SecretStr(passphrase),
    )
    assert destinations.from_secret(destinations.to_secret(chosen, "console")) == chosen


def test_a_secret_keeps_a_directory_too() -> None:
    chosen = DirectoryDestination(name="nfs", path="/mnt/backups", prefix="site", passphrase=SecretStr("open sesame"))
    secret = destinations.to_secret(chosen, "console")
    assert secret["metadata"]["name"] == "snapline-destination-nfs"
    assert secret["metadata"]["labels"] == {"snapline.dev/destination": "nfs"}
    assert destinations.from_secret(secret) == chosen


@pytest.mark.parametrize(
    "chosen",
    [
        GcsDestination(name="gcp", bucket="b", prefix="p", service_account_json=SecretStr('{"private_key": "x"}')),
        GcsDestination(name="gcp", bucket="b", service_account="backups@project.iam.gserviceaccount.com"),
        AzureDestination(
            name="blobs",
            container="c",
            storage_account="backups1",
            resource_group="group",
            subscription_id="sub",
            tenant_id="tenant",
            client_id="client",
            client_secret=SecretStr("hunter2"),
            cloud_name="AzureChinaCloud",
        ),
        AzureDestination(name="blobs", container="c", storage_account="backups1", account_key=SecretStr("hunter2")),
    ],
)
def test_a_secret_keeps_google_and_azure_too(chosen: GcsDestination | AzureDestination) -> None:
    assert destinations.from_secret(destinations.to_secret(chosen, "console")) == chosen
    assert "hunter2" not in f"{chosen!r} {chosen.model_dump()} {chosen.place}"


def test_a_cloud_that_is_not_named_is_the_public_one() -> None:
    given_ = {"provider": "azure", "container": "c", "storage_account": "backups1", "cloud_name": ""}
    chosen = destinations.parse(given_)
    assert isinstance(chosen, AzureDestination)
    assert chosen.cloud_name == "AzurePublicCloud"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "provider"),
        ({"provider": ""}, "provider"),
        ({"provider": "hunter2"}, "provider"),
        ({"provider": "s3", "endpoint": "x"}, "bucket"),
        ({"provider": "gcs", "endpoint": "x"}, "bucket"),
        ({"provider": "gcs", "bucket": ""}, "no name"),
        ({"provider": "azure", "container": "c"}, "storage_account"),
        ({"provider": "azure", "container": "", "storage_account": "backups1"}, "no name"),
        ({"provider": "azure", "container": "c", "storage_account": "Hunter2!"}, "lower-case letters"),
        ({"provider": "azure", "container": "c", "storage_account": "abc", "cloud_name": "hunter2"}, "cloud_name"),
        ({"provider": "directory", "path": "relative/hunter2"}, "begin with a slash"),
    ],
)
def test_a_wrong_secret_is_invalid_and_its_data_is_not_shown(data: dict[str, str] | None, words: str) -> None:
    encoded = data and {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    _is_refused(encoded, words)


@pytest.mark.parametrize("value", ["hunter2!", base64.b64encode(b"\xff").decode(), None])
def test_a_secret_that_is_no_text_is_invalid(value: object) -> None:
    _is_refused({"bucket": value}, "base64")


def _is_refused(data: object, words: str) -> None:
    with pytest.raises(Invalid, match=words) as error:
        destinations.from_secret({"metadata": {"name": "snapline-destination-nfs"}, "data": data})
    assert (error.value.code, error.value.subject) == (Code.DESTINATION_INVALID, "nfs")
    assert "snapline-destination-nfs" in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("name", ["a", "default", "second-2", "a" * 63])
def test_a_name_fits_a_label_and_a_secret(name: str) -> None:
    assert DirectoryDestination(name=name, path="/mnt").name == name


@pytest.mark.parametrize("name", ["", "A", "a.b", "a_b", "-a", "a-", "a/b", "ü", "a" * 64, "a\n"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="name has up to 63"):
        DirectoryDestination(name=name, path="/mnt")


@pytest.mark.parametrize("path", ["", "mnt", "./mnt", "/mnt\0"])
def test_a_directory_is_given_by_its_absolute_path(path: str) -> None:
    with pytest.raises(Invalid, match="begin with a slash"):
        destinations.parse({"provider": "directory", "path": path})


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


def test_the_environment_may_name_a_directory_but_not_a_bucket_too() -> None:
    environment = {"SNAPLINE_DIRECTORY": "/mnt/backups", "SNAPLINE_PASSPHRASE": "open sesame"}
    expected = DirectoryDestination(path="/mnt/backups", passphrase=SecretStr("open sesame"))
    assert destinations.from_settings(from_environment(environment)) == expected
    with pytest.raises(Invalid, match="SNAPLINE_S3_BUCKET and SNAPLINE_DIRECTORY are both set"):
        from_environment(environment | {"SNAPLINE_S3_BUCKET": "backups"})
    with pytest.raises(Invalid, match="begin with a slash"):
        from_environment({"SNAPLINE_DIRECTORY": "backups"})
