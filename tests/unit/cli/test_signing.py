"""`snapline publish --sign-with`: what is published carries its sender's signature."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner, Result

from producers.cli.main import cli
from schemas import events as e
from schemas import signing
from schemas.errors import Invalid, NotFound
from tests.support.front import Front

KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def front(tmp_path: Path) -> Front:
    (tmp_path / "partner.pem").write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "data.json").write_text('{"app": "shop"}')
    return Front(tmp_path)


def publish(front: Front, folder: Path, *more: str) -> Result:
    words = ["publish", "backup.requested.v1", "-f", str(folder / "data.json"), "-o", "json", *more]
    return CliRunner().invoke(cli, words, obj=front.session)


def test_a_request_is_signed_as_the_file_is_called(front: Front, tmp_path: Path) -> None:
    done = publish(front, tmp_path, "--sign-with", str(tmp_path / "partner.pem"), "--audience", "prod")
    [event] = front.bus.published
    said = signing.parse(front.bus.signatures[json.loads(done.stdout)["id"]])
    assert said.key_id == "partner"
    header, keys = front.bus.signatures[event.id], {"partner": KEY.public_key()}
    assert signing.verify(header, e.encode(event), keys, now=said.created, fresh=1, audience="prod") == "partner"


def test_the_key_may_be_trusted_under_another_name(front: Front, tmp_path: Path) -> None:
    publish(front, tmp_path, "--sign-with", str(tmp_path / "partner.pem"), "--key-id", "ci")
    assert [signing.parse(header).key_id for header in front.bus.signatures.values()] == ["ci"]


def test_without_a_key_nothing_is_signed(front: Front, tmp_path: Path) -> None:
    publish(front, tmp_path)
    assert (len(front.bus.published), front.bus.signatures) == (1, {})


def test_what_cannot_be_signed_is_not_published(front: Front, tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no key")
    wrong = {
        NotFound: ["--sign-with", str(tmp_path / "none.pem")],
        Invalid: ["--sign-with", str(tmp_path / "bad.pem")],
    }
    for kind, words in wrong.items():
        assert isinstance(publish(front, tmp_path, *words).exception, kind)
    assert isinstance(publish(front, tmp_path, "--audience", "prod").exception, Invalid)
    assert front.bus.published == []
