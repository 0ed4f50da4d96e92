"""Credentials that are kept elsewhere: found where the destination says, renewed, and copied nowhere."""

import base64
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from producers.actions import keys
from producers.cli.main import cli
from schemas import destination as destinations
from schemas import secret_references as references
from schemas.destination import AzureDestination, Destination, S3Destination
from schemas.errors import Code, Invalid, NotFound
from schemas.kubernetes import CONFIG_MAPS, NAMESPACES, SECRETS, SERVICES, Object
from schemas.settings import Settings
from tests.support.front import Front
from tests.support.sealed import PASSPHRASE
from tests.unit.test_destinations import World, bucket
from workers.adapters.destinations import FRESH_FOR, ConfiguredDestinations

CONSOLE = "snapline-console"
S3 = ("configure", "aws-s3", "--bucket", "b", "--name", "s3")


def secret(name: str, **data: str) -> Object:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": CONSOLE}, "data": encoded}


@pytest.fixture
def front(tmp_path: Path) -> Front:
    """With a Secret that somebody else keeps."""
    front = Front(tmp_path)
    front.cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CONSOLE}})
    kept = {"access_key_id": "AKIA", "secret_access_key": "hunter2", "passphrase": PASSPHRASE}
    front.cluster.create(SECRETS, secret("vault", **kept, cloud="hunter3"))
    return front


def storage(front: Front, *arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["storage", *arguments], obj=front.session, input=stdin)


def kept(front: Front, name: str) -> dict[str, str]:
    data = front.cluster.get(SECRETS, CONSOLE, destinations.secret_name(name))["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


# --- what may be written


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("vault", "secret:vault/passphrase"),
        ("vault/cloud", "secret:vault/cloud"),
        ("secret:vault/cloud", "secret:vault/cloud"),
        ("vault.one/tls.crt", "secret:vault.one/tls.crt"),
        ("env:AWS_SECRET", "env:AWS_SECRET"),
        ("env:SNAPLINE_PASSPHRASE", "env:SNAPLINE_PASSPHRASE"),
    ],
)
def test_a_reference_says_all_that_it_means(text: str, full: str) -> None:
    found = references.parse(text, "passphrase")
    assert str(found) == full
    assert references.parse(full) == found


@pytest.mark.parametrize("text", ["", "vault/a b", "Vault", "../x/y", "env:", "env:A-B", "env:SNAPLINE_MINE", "a/b/c"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"env:VARIABLE|`env:`|its settings"):
        references.parse(text, "passphrase")


def test_only_credentials_are_kept_elsewhere() -> None:
    with pytest.raises(Invalid, match="no credential"):
        destinations.parse({"provider": "s3", "bucket": "b", "references": {"bucket": "env:B"}})
    assert AzureDestination.may_be_referred_to() == ["passphrase", "client_secret", "account_key"]


def test_the_secret_of_a_destination_has_what_it_refers_to_and_no_value() -> None:
    chosen = bucket(access_key_id="k")
    chosen = chosen.model_copy(update={"references": {"passphrase": "env:P"}})
    stored = destinations.to_secret(chosen, CONSOLE)
    assert base64.b64decode(stored["data"]["passphrase.from"]) == b"env:P"
    assert "passphrase" not in stored["data"]
    assert destinations.from_secret(stored).references == {"passphrase": "env:P"}


# --- what is stored


def test_a_whole_secret_gives_the_pair_of_keys(front: Front) -> None:
    done = storage(front, *S3, "--secret", "vault", "--passphrase-secret", "vault")
    assert done.exit_code == 0, done.stdout
    assert {key: text for key, text in kept(front, "s3").items() if key.endswith(".from")} == {
        "access_key_id.from": "secret:vault/access_key_id",
        "secret_access_key.from": "secret:vault/secret_access_key",
        "passphrase.from": "secret:vault/passphrase",
    }
    found = front.session.destination("s3")
    assert isinstance(found, S3Destination)
    assert (found.access_key_id, found.secret_access_key.get_secret_value()) == ("AKIA", "hunter2")
    shown = json.loads(storage(front, "show", "s3", "-o", "json").stdout)
    assert (shown["passphrase_is_set"], shown["references"]["passphrase"]) == (True, "secret:vault/passphrase")


def test_a_key_of_a_secret_gives_the_one_that_nobody_may_see(front: Front) -> None:
    done = storage(front, *S3, "--access-key-id", "K", "--secret", "vault/cloud", stdin=f"{PASSPHRASE}\n")
    assert done.exit_code == 0, done.stdout
    found = front.session.destination("s3")
    assert isinstance(found, S3Destination)
    assert (found.access_key_id, found.secret_access_key.get_secret_value()) == ("K", "hunter3")
    assert found.passphrase.get_secret_value() == PASSPHRASE


def test_the_environment_may_have_it(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_PASSPHRASE", PASSPHRASE)
    done = storage(front, *S3, "--instance-role", "--passphrase-secret", "env:THE_PASSPHRASE")
    assert done.exit_code == 0, done.stdout
    assert kept(front, "s3")["passphrase.from"] == "env:THE_PASSPHRASE"


@pytest.mark.parametrize(
    ("where", "words"),
    [("nope", "there is no Secret nope"), ("vault/nope", "has no text under nope"), ("env:NO_SUCH", "has no NO_SUCH")],
)
def test_what_is_not_there_is_said_and_nothing_is_stored(front: Front, where: str, words: str) -> None:
    done = storage(front, *S3, "--instance-role", "--passphrase-secret", where)
    assert isinstance(done.exception, Invalid)
    assert (done.exception.code, words in str(done.exception)) == (Code.SECRET_MISSING, True)
    assert [each["metadata"]["name"] for each in front.cluster.list(SECRETS)] == ["vault"]


def test_a_value_takes_the_place_of_a_reference_and_the_other_way_round(front: Front) -> None:
    assert storage(front, *S3, "--secret", "vault", "--passphrase-secret", "vault").exit_code == 0
    assert storage(front, *S3, "--access-key-id", "K", stdin=f"mine\n{PASSPHRASE}\n").exit_code == 0
    own = kept(front, "s3")
    assert (own["secret_access_key"], own["passphrase"], own["access_key_id"]) == ("mine", PASSPHRASE, "K")
    assert [key for key in own if key.endswith(".from")] == []
    assert storage(front, *S3, "--secret", "vault", "--passphrase-secret", "vault").exit_code == 0
    assert [key for key, text in kept(front, "s3").items() if text in ("mine", PASSPHRASE, "K")] == []


def test_the_role_of_the_machine_takes_the_place_of_keys(front: Front) -> None:
    assert storage(front, *S3, "--secret", "vault", "--passphrase-secret", "vault").exit_code == 0
    assert storage(front, *S3, "--instance-role", "--passphrase-secret", "vault").exit_code == 0
    found = front.session.destination("s3")
    assert isinstance(found, S3Destination)
    assert (found.access_key_id, found.secret_access_key.get_secret_value()) == ("", "")


def test_a_new_passphrase_has_to_go_where_the_old_one_is(front: Front) -> None:
    assert storage(front, *S3, "--secret", "vault", "--passphrase-secret", "vault").exit_code == 0
    front.back_up("a")  # which makes the repository
    assert not keys.rotate(front.session, "another one", destination="s3").is_stored
    assert kept(front, "s3")["passphrase.from"] == "secret:vault/passphrase"


def test_what_is_referred_to_is_renewed() -> None:
    world = World()
    world.keep(bucket().model_copy(update={"references": {"access_key_id": "secret:vault/key"}}))
    world.cluster.create(SECRETS, secret("vault", key="key-1"))
    found = world.destinations()
    store = found.store("default")
    store.put("a", b"1")
    world.cluster.patch(SECRETS, CONSOLE, "vault", {"data": {"key": base64.b64encode(b"key-2").decode()}})
    world.buckets["default"].valid = {"key-2"}
    assert store.get("a") == b"1"
    world.now += FRESH_FOR
    assert found.store("default").get("a") == b"1"


def test_each_process_has_its_own_environment() -> None:
    world = World()
    world.keep(bucket().model_copy(update={"references": {"access_key_id": "env:KEY"}}))

    def process(environ: dict[str, str]) -> ConfiguredDestinations:
        return ConfiguredDestinations(
            Settings(), lambda: world.cluster, world.open_repository, open_store=world.open_store, environ=environ
        )

    process({"KEY": "key-1"}).store("default").put("a", b"1")
    with pytest.raises(Invalid, match="the environment has no KEY"):
        process({}).store("default")


# --- the server that is there


def test_the_environments_own_server_is_the_internal_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPLINE_S3_SECRET_ACCESS_KEY", "hunter2")
    front = Front(tmp_path, directory=None, s3_endpoint="http://s3:8333", s3_bucket="snapline", s3_access_key_id="k")
    done = storage(front, "configure", "internal", "--name", "second", stdin=f"{PASSPHRASE}\n")
    assert done.exit_code == 0, done.stdout
    found: Destination = front.session.destination("second")
    assert isinstance(found, S3Destination)
    assert (found.endpoint, found.prefix, found.access_key_id) == ("http://s3:8333", "second", "k")
    assert kept(front, "second")["secret_access_key.from"] == "env:SNAPLINE_S3_SECRET_ACCESS_KEY"


def test_a_service_offers_the_internal_one(front: Front) -> None:
    labels = {"snapline.dev/internal-storage": "backups"}
    front.cluster.create(
        SERVICES,
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "vault", "namespace": CONSOLE, "labels": labels},
            "spec": {"ports": [{"port": 8333}]},
        },
    )
    done = storage(front, "configure", "internal", "--name", "in", "--passphrase-secret", "vault")
    assert done.exit_code == 0, done.stdout
    found = front.session.destination("in")
    assert isinstance(found, S3Destination)
    assert (found.bucket, found.endpoint) == ("backups", f"http://vault.{CONSOLE}.svc:8333")
    assert found.secret_access_key.get_secret_value() == "hunter2"


def test_without_either_there_is_no_internal_one(front: Front) -> None:
    done = storage(front, "configure", "internal", "--passphrase-secret", "vault")
    assert isinstance(done.exception, NotFound)
    assert done.exception.code == Code.NO_INTERNAL_STORAGE
    assert list(front.cluster.list(CONFIG_MAPS)) == []
