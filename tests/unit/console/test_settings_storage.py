"""The settings page, destinations: what is typed is tried before it replaces, stays when it is wrong, and is never a
secret in the page."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from producers.access.identity import Identity
from producers.actions import destinations as actions
from producers.console.forms.storage import KINDS
from schemas.destination import AzureDestination, Destination, GcsDestination, NfsDestination, S3Destination, parse
from schemas.errors import Denied
from schemas.kubernetes import SECRETS
from tests.support.console import TOKEN, Console, Page
from tests.support.sealed import PASSPHRASE

PATH = "/snapshots/settings"
SECRET = "hunter2-of-the-bucket"
S3 = {
    "kind": "other",
    "name": "default",
    "bucket": "backups",
    "region": "eu-central-1",
    "endpoint": "https://s3.example.com",
    "prefix": "prod",
    "access_key_id": "KEY",
    "secret_access_key": SECRET,
    "passphrase": PASSPHRASE,
}


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """Nothing is stored yet."""
    return Console(tmp_path, directory=None)


@pytest.fixture
def stored(console: Console) -> Console:
    """One destination is."""
    console.post(f"{PATH}/storage", S3)
    return console


def destination(console: Console, name: str = "default") -> Destination:
    return actions.described(console.front.session, name)


def update(console: Console, status: int = 303, **changes: str) -> Page:
    """The form as the page has it: secrets are empty."""
    without = {key: value for key, value in S3.items() if key not in ("secret_access_key", "passphrase")}
    return console.post(f"{PATH}/storage", {**without, **changes}, status)


# --- by KOTS' names


def test_the_card_has_the_names_that_scripts_know(stored: Console) -> None:
    page = stored.get(PATH)
    for name in (
        "snapshots-storage-settings-card",
        "storage-destination",
        "aws-bucket",
        "aws-region",
        "aws-prefix",
        "aws-use-instance-role",
        "aws-access-key-id",
        "aws-secret-access-key",
        "snapshot-hostpath-input",
        "update-storage-settings-button",
    ):
        assert page.has(name)
    assert page.test_id("update-storage-settings-button") == "Update storage settings"
    assert not page.has("storage-settings-updated-confirmation")
    assert '<option value="other" selected>Other S3-Compatible Storage' in page.html


def test_what_was_stored_is_confirmed_beside_the_button(console: Console) -> None:
    answer = console.post(f"{PATH}/storage", S3)
    assert answer.location == f"{PATH}?destination=default&done=storage"
    assert console.get(answer.location).test_id("storage-settings-updated-confirmation") == "Settings updated"


KIND_FIELDS = {
    "aws": ({"bucket": "b", "region": "eu-west-1", "access_key_id": "K", "secret_access_key": SECRET}, "s3://b/"),
    "azure": ({"bucket": "c", "storage_account": "backups1", "client_id": "I", "client_secret": SECRET}, "azure://"),
    "gcp": ({"bucket": "b", "service_account_json": SECRET}, "gs://b/"),
    "other": (
        {"bucket": "b", "endpoint": "http://h:9", "access_key_id": "K", "secret_access_key": SECRET},
        "at http://h",
    ),
    "internal": ({}, "s3://ours/"),
    "nfs": ({"nfs_server": "10.0.0.1", "nfs_path": "/export"}, "nfs://10.0.0.1/export"),
    "hostpath": ({"hostpath": "/mnt/backups"}, "/mnt/backups"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_destination_is_stored_and_shown_as_that_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    fields, place = KIND_FIELDS[kind]
    ours: dict[str, Any] = {"s3_bucket": "ours", "s3_endpoint": "http://s3:8333"} if kind == "internal" else {}
    monkeypatch.setenv("SNAPLINE_S3_SECRET_ACCESS_KEY", SECRET)
    console = Console(tmp_path, directory=None, **ours)
    name = "beside" if kind == "internal" else "default"  # the environment gives the default one there
    console.post(f"{PATH}/storage", {"kind": kind, "name": name, "passphrase": PASSPHRASE, **fields})
    page = console.get(PATH, destination=name)
    assert f'<option value="{kind}" selected>' in page.html
    assert place in page.text
    assert destination(console, name).passphrase.get_secret_value() == PASSPHRASE


def test_every_kind_is_tried_above() -> None:
    assert KIND_FIELDS.keys() == KINDS.keys()


def test_a_role_takes_the_place_of_keys_and_keys_that_of_the_role(stored: Console) -> None:
    update(stored, kind="aws", use_instance_role="on")
    found = destination(stored)
    assert isinstance(found, S3Destination)
    assert (found.access_key_id, found.secret_access_key.get_secret_value(), found.endpoint) == ("", "", "")
    assert update(stored, 422, kind="aws").text.count("this is needed") == 1  # the secret key; the other was typed


def test_of_an_account_of_google_there_is_the_key_or_the_name(console: Console) -> None:
    given = {"kind": "gcp", "name": "default", "bucket": "b", "passphrase": PASSPHRASE}
    console.post(f"{PATH}/storage", {**given, "use_instance_role": "on", "service_account": "a@b"})
    found = destination(console)
    assert isinstance(found, GcsDestination)
    assert found.service_account == "a@b"
    console.post(f"{PATH}/storage", {**given, "service_account_json": SECRET, "service_account": "a@b"})
    found = destination(console)
    assert isinstance(found, GcsDestination)
    assert (found.service_account, found.service_account_json.get_secret_value()) == ("", SECRET)


def test_azure_has_the_fields_of_kots(console: Console) -> None:
    fields = {
        "bucket": "c",
        "storage_account": "backups1",
        "resource_group": "g",
        "subscription_id": "s",
        "tenant_id": "t",
        "client_id": "i",
        "client_secret": SECRET,
        "cloud_name": "AzureChinaCloud",
    }
    console.post(f"{PATH}/storage", {"kind": "azure", "name": "default", "passphrase": PASSPHRASE, **fields})
    found = destination(console)
    assert isinstance(found, AzureDestination)
    assert (found.container, found.resource_group, found.cloud_name) == ("c", "g", "AzureChinaCloud")


def test_an_export_is_mounted_under_its_name_unless_it_is_said_where(console: Console) -> None:
    given = {"kind": "nfs", "name": "nas", "nfs_server": "h", "nfs_path": "/e", "passphrase": PASSPHRASE}
    console.post(f"{PATH}/storage", given)
    found = destination(console, "nas")
    assert isinstance(found, NfsDestination)
    assert found.path == "/var/lib/snapline/nas"


def test_for_a_directory_it_says_how_every_worker_comes_to_see_it(console: Console) -> None:
    given = {"kind": "nfs", "name": "default", "nfs_server": "h", "nfs_path": "/e<b>", "passphrase": PASSPHRASE}
    console.post(f"{PATH}/storage", given)
    page = console.get(PATH)
    assert "Get instructions" in page.text
    assert "mount /var/lib/snapline/default" in page.text
    assert "/e<b>" not in page.html


# --- what stays, and what begins anew


def test_a_secret_that_is_left_empty_stays_and_a_field_that_is_emptied_does_not(stored: Console) -> None:
    update(stored, prefix="", region="us-west-2")
    found = destination(stored)
    assert isinstance(found, S3Destination)
    assert (found.secret_access_key.get_secret_value(), found.passphrase.get_secret_value()) == (SECRET, PASSPHRASE)
    assert (found.prefix, found.region) == ("", "us-west-2")


def test_a_reference_stays_until_a_value_takes_its_place(console: Console) -> None:
    session = console.front.session
    fields = {"provider": "s3", "bucket": "b", "endpoint": "http://h", "access_key_id": "K", "passphrase": PASSPHRASE}
    actions.keep(session, parse({**fields, "references": {"secret_access_key": "env:PATH"}}))
    page = console.get(PATH)
    assert "Kept in env:PATH. What is typed here takes its place." in page.text
    update(console, endpoint="http://h", bucket="b", access_key_id="K2")
    assert destination(console).references == {"secret_access_key": "env:PATH"}
    update(console, endpoint="http://h", bucket="b", secret_access_key=SECRET)
    assert destination(console).references == {}


def test_what_was_typed_stays_after_an_error_and_nothing_is_stored(stored: Console) -> None:
    page = update(stored, 422, endpoint="http//s3.example.com", bucket="other-bucket", secret_access_key="new-secret")
    assert "“http//s3.example.com” is no address: it must begin with https:// or http://" in page.text
    assert 'value="http//s3.example.com"' in page.html
    assert 'value="other-bucket"' in page.html
    assert "s3://backups/prod" in destination(stored).place


def test_a_secret_that_was_typed_beside_a_mistake_is_not_asked_for_again(console: Console) -> None:
    page = console.post(f"{PATH}/storage", {**S3, "bucket": ""}, 422)
    assert "as typed before" in page.html
    token = page.html.split('name="held" value="', 1)[1].split('"', 1)[0]
    update(console, held=token)
    found = destination(console)
    assert isinstance(found, S3Destination)
    assert found.secret_access_key.get_secret_value() == SECRET


def test_nor_is_it_there_for_somebody_else_or_for_long(console: Console) -> None:
    page = console.post(f"{PATH}/storage", {**S3, "bucket": ""}, 422)
    token = page.html.split('name="held" value="', 1)[1].split('"', 1)[0]
    console.access.who = Identity("mallory", "cluster-admin")
    assert "this is needed" in update(console, 422, held=token).text


@pytest.mark.parametrize("field", ["passphrase", "access_key_id", "secret_access_key", "bucket", "endpoint"])
def test_what_is_needed_is_said_beside_the_field(console: Console, field: str) -> None:
    page = console.post(f"{PATH}/storage", {**S3, field: ""}, 422)
    assert f'id="storage-{field}-error"' in page.html
    assert console.front.session.destinations.names() == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "ftp://h",
        "http://",
        "javascript:alert(1)",
        "http://user:pass@h",
        "http://h?x=1",
        "http://h:99999",
        "http://[::1",
    ],
)
def test_what_is_no_address_of_a_server_is_refused_before_it_is_asked(console: Console, endpoint: str) -> None:
    page = console.post(f"{PATH}/storage", {**S3, "endpoint": endpoint}, 422)
    assert 'id="storage-endpoint-error"' in page.html
    assert "Last check" not in page.text


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "0xA9FEA9FE",
        "2852039166",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "0.0.0.0",
        "[fd00:ec2::254]",
    ],
)
def test_where_a_cloud_keeps_its_credentials_no_store_is(console: Console, host: str) -> None:
    page = console.post(f"{PATH}/storage", {**S3, "endpoint": f"http://{host}/latest"}, 422)
    assert "no store is at this address" in page.text


@pytest.mark.parametrize("host", ["127.0.0.1:8333", "10.0.0.7", "[fd00::7]:9000", "minio.storage.svc"])
def test_a_store_may_be_in_a_network_of_ones_own(console: Console, host: str) -> None:
    console.post(f"{PATH}/storage", {**S3, "endpoint": f"http://{host}"})


def test_no_kind_at_all_is_refused(console: Console) -> None:
    assert "Choose what kind of destination it is." in console.post(f"{PATH}/storage", {"kind": "ftp"}, 422).text


# --- tried first


class Refusing:
    """In place of a store whose keys are wrong."""

    def __getattr__(self, name: str) -> object:
        def refuse(*_: object, **__: object) -> object:
            raise Denied("could not list check/ in the object store: AccessDenied")

        return refuse


def test_what_does_not_pass_is_not_stored_and_each_line_says_why(stored: Console) -> None:
    stored.front.session.open_store = lambda _: Refusing()  # type: ignore[assignment,return-value]
    page = update(stored, 422, bucket="theirs")
    assert "1 of 2 passed" in page.text
    assert "Nothing was stored: it does not find the place" in page.text
    assert "could not list check/ in the object store: AccessDenied" in page.text
    assert "s3://backups/prod" in destination(stored).place


def test_trying_stores_nothing(console: Console) -> None:
    page = console.post(f"{PATH}/storage", {**S3, "try": "1"}, 200)
    assert "12 of 12 passed" in page.text
    assert "It does all that Snapline needs. Nothing was stored" in page.text
    assert "there is none yet: the first backup makes it" in page.text
    assert 'value="backups"' in page.html
    assert console.front.session.destinations.names() == []


def test_check_now_tries_what_is_stored_and_the_result_stays_in_sight(stored: Console) -> None:
    answer = stored.post(f"{PATH}/destinations/default/check")
    assert "12 of 12 passed" in stored.get(answer.location).text
    assert "12 of 12 passed" in stored.get(PATH).text
    assert "Nothing was stored" not in stored.get(PATH).text


def test_a_check_of_another_place_is_not_shown_for_this_one(stored: Console) -> None:
    stored.post(f"{PATH}/destinations/default/check")
    actions.keep(stored.front.session, destination(stored).model_copy(update={"bucket": "moved"}))
    assert "Last check" not in stored.get(PATH).text


# --- while a snapshot runs


def test_while_a_snapshot_runs_no_other_place_takes_the_name_and_it_says_why(stored: Console) -> None:
    stored.front.begin("instance-abcde")
    assert "backup instance-abcde runs here" in stored.get(PATH).text
    page = update(stored, 422, bucket="elsewhere")
    assert "Nothing was changed: destination default is in use: backup instance-abcde runs there" in page.text
    assert 'value="elsewhere"' in page.html
    assert "s3://backups/prod" in destination(stored).place


def test_new_keys_of_the_same_place_are_stored_all_the_same(stored: Console) -> None:
    stored.front.begin("instance-abcde")
    update(stored, access_key_id="NEW")
    found = destination(stored)
    assert isinstance(found, S3Destination)
    assert found.access_key_id == "NEW"


# --- several


def test_another_one_is_added_made_the_default_and_removed(stored: Console) -> None:
    assert "Add a new destination" in stored.get(f"{PATH}?add=").test_id("snapshots-storage-settings-card")
    stored.post(f"{PATH}/storage", {**S3, "new": "1", "name": "far", "bucket": "far"})
    session = stored.front.session
    assert session.destinations.names() == ["default", "far"]
    stored.post(f"{PATH}/destinations/far/default")
    assert session.destinations.defaults()[0] == "far"
    page = stored.get(f"{PATH}/destinations/default/remove")
    assert "Remove destination" in page.text
    stored.post(f"{PATH}/destinations/default/remove")
    assert session.destinations.names() == ["far"]


def test_a_new_one_takes_no_name_that_is_taken(stored: Console) -> None:
    page = stored.post(f"{PATH}/storage", {**S3, "new": "1", "bucket": "far"}, 422)
    assert "there is a destination default already" in page.text
    assert "s3://backups/prod" in destination(stored).place


def test_before_one_is_removed_it_says_what_stands_there_and_what_needs_it(stored: Console) -> None:
    stored.front.back_up("instance-aaaaa", "instance-bbbbb")
    page = stored.get(f"{PATH}/destinations/default/remove")
    assert "2 snapshots" in page.text.replace("\xa0", " ")
    assert "It is the default destination" in page.text
    assert "Remove destination</button>" not in page.html
    stored.post(f"{PATH}/destinations/default/remove", status=400)
    assert stored.front.session.destinations.names() == ["default"]


def test_what_the_environment_gives_is_shown_and_not_changed(tmp_path: Path) -> None:
    console = Console(tmp_path)
    page = console.get(PATH)
    assert "The environment gives this destination" in page.text
    assert not page.has("update-storage-settings-button")
    page = console.post(f"{PATH}/storage", {**S3, "kind": "hostpath", "hostpath": "/mnt"}, 422)
    assert "The environment gives this destination" in page.text


def test_one_that_cannot_be_read_hides_no_other(stored: Console) -> None:
    stored.post(f"{PATH}/storage", {**S3, "new": "1", "name": "far", "bucket": "far"})
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "snapline-destination-odd",
            "namespace": "snapline-console",
            "labels": {"snapline.dev/destination": "odd"},
        },
        "data": {"provider": "Zm9v"},
    }
    stored.front.cluster.create(SECRETS, secret)
    page = stored.get(PATH)
    assert "Cannot be read" in page.text
    assert "s3://far/prod" in page.text
    assert "What is stored cannot be read" in stored.get(PATH, destination="odd").text


# --- certificates


def authority() -> tuple[bytes, str]:
    """A self-signed certificate, as DER and as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Acme <Root>")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    der = made.public_bytes(serialization.Encoding.DER)
    return der, ssl.DER_cert_to_PEM_cert(der)


@pytest.mark.parametrize("form", ["pem", "der", "pasted"])
def test_an_authority_is_uploaded_or_pasted_and_shown_by_its_name(console: Console, form: str) -> None:
    der, pem = authority()
    file = {"ca_file": ("root.cer", der if form == "der" else pem.encode())} if form != "pasted" else None
    pasted = {"ca_certificate": pem} if form == "pasted" else {}
    answer = console.browser.post(f"{PATH}/storage", data={"csrf": TOKEN, **S3, **pasted}, files=file)
    assert answer.status_code == 303, answer.text
    page = console.get(PATH)
    assert "Now: Acme <Root> , valid until 1 Jan 2027, 00:00 UTC" in page.text
    assert "Acme &lt;Root&gt;" in page.html


def test_an_authority_stays_until_it_is_taken_away(stored: Console) -> None:
    _, pem = authority()
    update(stored, ca_certificate=pem)
    update(stored, ca_certificate=pem, region="eu-west-1")
    found = destination(stored)
    assert isinstance(found, S3Destination)
    assert found.ca_certificate
    update(stored, ca_certificate=pem, ca_remove="on")
    found = destination(stored)
    assert isinstance(found, S3Destination)
    assert not found.ca_certificate


@pytest.mark.parametrize("body", [b"\x00\xff\x00", b"not a certificate", b"-----BEGIN PRIVATE KEY-----\nsecretkey\n"])
def test_what_is_no_certificate_is_refused_and_a_private_key_is_not_shown(console: Console, body: bytes) -> None:
    files = {"ca_file": ("root.key", body)}
    answer = console.browser.post(f"{PATH}/storage", data={"csrf": TOKEN, **S3}, files=files)
    assert answer.status_code == 422
    assert 'id="storage-ca_certificate-error"' in answer.text
    page = console.post(f"{PATH}/storage", {**S3, "ca_certificate": "-----BEGIN PRIVATE KEY-----\nsecretkey"}, 422)
    assert "secretkey" not in answer.text + page.html


# --- who may, and what is in the page


@pytest.mark.parametrize("role", ["operator", "support"])
def test_who_may_not_configure_sees_it_and_changes_nothing(stored: Console, role: str) -> None:
    stored.access.who = Identity("o", role)  # type: ignore[arg-type]
    page = stored.get(PATH)
    assert "s3://backups/prod" in page.text
    assert not page.has("update-storage-settings-button")
    assert "Check now" not in page.text
    for path in (
        "storage",
        "destinations/default/check",
        "destinations/default/default",
        "destinations/default/remove",
    ):
        stored.post(f"{PATH}/{path}", S3, 403)
    stored.get(f"{PATH}/destinations/default/remove", 403)
    assert stored.front.session.destinations.names() == ["default"]


def test_who_has_some_applications_sees_and_changes_nothing_of_destinations(stored: Console) -> None:
    stored.access.who = Identity("o", "cluster-admin", frozenset({"shop"}))
    page = stored.get(PATH)
    assert not page.has("snapshots-storage-settings-card")
    assert "acme" not in page.text
    stored.post(f"{PATH}/storage", S3, 403)
    stored.post(f"{PATH}/destinations/default/check", status=403)


def test_no_secret_is_in_any_page(stored: Console) -> None:
    pages = [
        stored.get(PATH),
        stored.get(f"{PATH}?add="),
        stored.get(f"{PATH}/destinations/default/remove"),
        stored.post(f"{PATH}/storage", {**S3, "try": "1"}, 200),
        stored.post(f"{PATH}/storage", {**S3, "endpoint": "no"}, 422),
    ]
    for page in pages:
        assert SECRET not in page.html
        assert PASSPHRASE not in page.html


@pytest.mark.parametrize(
    "field", ["bucket", "prefix", "region", "endpoint", "access_key_id", "name", "kind", "ca_certificate"]
)
def test_hostile_values_are_text_wherever_they_come_back(console: Console, field: str) -> None:
    hostile = "\"><script>alert(1)</script>'"
    page = console.post(f"{PATH}/storage", {**S3, "passphrase": "", field: hostile}, 422)
    assert "<script>alert" not in page.html


@pytest.mark.parametrize("name", ["..", "%2e%2e%2fx", "A", "x" * 300, "a%00b"])
def test_a_name_that_no_destination_has_is_not_found(stored: Console, name: str) -> None:
    answer = stored.browser.get(f"{PATH}/destinations/{name}/remove")
    assert answer.status_code == 404
