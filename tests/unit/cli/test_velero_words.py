"""What users of KOTS type says the same here."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from producers.cli.main import cli
from tests.support.front import Front
from tests.support.sealed import PASSPHRASE

S3 = ["--bucket", "b", "--path", "/site/1/", "--region", "eu-west-1"]
AZURE = {
    "client-id": "c",
    "client-secret": "-",
    "cloud-name": "AzureUSGovernmentCloud",
    "container": "box",
    "path": "p",
    "resource-group": "g",
    "storage-account": "account1",
    "subscription-id": "s",
    "tenant-id": "t",
}


@pytest.fixture
def front(tmp_path: Path) -> Front:
    (tmp_path / "key.json").write_text("{}")
    return Front(tmp_path, directory=None)


def _said(front: Front, arguments: list[str], stdin: str) -> dict[str, object]:
    """What is stored then."""
    done = CliRunner().invoke(cli, arguments, obj=front.session, input=stdin)
    assert done.exit_code == 0, done.exception or done.stderr
    shown = CliRunner().invoke(cli, ["storage", "show", "-o", "json"], obj=front.session).stdout
    found: dict[str, object] = json.loads(shown)
    return found


@pytest.mark.parametrize("group", ["velero", "storage"])
@pytest.mark.parametrize(
    ("words", "stdin", "expected"),
    [
        (
            ["configure-aws-s3", "access-key", *S3, "--access-key-id", "k", "--secret-access-key", "s"],
            f"{PASSPHRASE}\n",
            {"provider": "s3", "bucket": "b", "prefix": "site/1", "region": "eu-west-1", "access_key_id": "k"},
        ),
        (
            ["configure-aws-s3", "access-key", *S3, "--access-key-id", "k", "--secret-access-key", "-"],
            f"s\n{PASSPHRASE}\n",
            {"access_key_id": "k", "endpoint": ""},
        ),
        (
            ["configure-aws-s3", "instance-role", *S3, "--skip-validation"],
            f"{PASSPHRASE}\n",
            {"access_key_id": "", "bucket": "b"},
        ),
        (
            ["configure-other-s3", *S3, "--endpoint", "https://h", "--access-key-id", "k", "--secret-access-key", "s"],
            f"{PASSPHRASE}\n",
            {"endpoint": "https://h", "region": "eu-west-1"},
        ),
        (
            ["configure-gcp", "service-account", "--bucket", "b", "--json-file", "key.json"],
            f"{PASSPHRASE}\n",
            {"provider": "gcs", "bucket": "b"},
        ),
        (
            ["configure-gcp", "workload-identity", "--bucket", "b", "--service-account", "a@p.example"],
            f"{PASSPHRASE}\n",
            {"provider": "gcs", "service_account": "a@p.example"},
        ),
        (
            ["configure-azure", "service-principle", *(word for k, v in AZURE.items() for word in (f"--{k}", v))],
            f"secret\n{PASSPHRASE}\n",
            {
                "provider": "azure",
                "container": "box",
                "prefix": "p",
                "storage_account": "account1",
                "cloud_name": "AzureUSGovernmentCloud",
            },
        ),
        (
            ["configure-nfs", "--nfs-server", "10.0.0.1", "--nfs-path", "/e", "--force-reset"],
            f"{PASSPHRASE}\n",
            {"provider": "nfs", "server": "10.0.0.1", "export": "/e", "path": "/var/lib/snapline/default"},
        ),
        (["configure-hostpath", "--hostpath", "/mnt"], f"{PASSPHRASE}\n", {"provider": "directory", "path": "/mnt"}),
    ],
)
def test_it_is_configured_as_in_kots(
    front: Front,
    group: str,
    words: list[str],
    stdin: str,
    expected: dict[str, object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    found = _said(front, [group, *words], stdin)
    assert {name: found[name] for name in expected} == expected
    assert found["passphrase_is_set"] is True


def test_instructions_are_printed_as_in_kots(front: Front) -> None:
    _said(front, ["velero", "configure-nfs", "--nfs-server", "nas", "--nfs-path", "/e"], f"{PASSPHRASE}\n")
    done = CliRunner().invoke(cli, ["velero", "print-fs-instructions"], obj=front.session)
    assert "mount /var/lib/snapline/default" in done.stdout


def test_its_help_says_who_sees_a_secret_on_a_command_line() -> None:
    for words in (["velero", "configure-aws-s3", "access-key"], ["velero", "configure-azure", "service-principle"]):
        said = " ".join(CliRunner().invoke(cli, [*words, "-h"]).stdout.split())
        assert "can see it in `ps`" in said
