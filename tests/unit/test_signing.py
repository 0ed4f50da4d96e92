"""Requests that are signed: whose signature counts, for whom and how long; and who may carry none but these."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from schemas import events as e
from schemas import signing, topology
from schemas.errors import Invalid, MalformedEvent
from schemas.rights import Rights
from schemas.settings import Settings
from workers.adapters.broker.reading import SENDER, Reader
from workers.adapters.broker.signatures import EVERYBODY, Signatures, signatures, trusted_keys
from workers.deliveries import Again

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
GATE = topology.queue("license.gate")
RIGHTS = Rights(frozenset({"snapline"}), restore=frozenset({"key:partner"}), services={"gate": "license.gate"})


def body(event: e.Event | None = None) -> bytes:
    return e.encode(e.wrap(event or e.BackupRequested(app="shop"), id="1", source="partner/ci", time=NOW))


def signed(of: bytes, key: Ed25519PrivateKey = KEY, **more: Any) -> str:
    return signing.sign(key, "partner", of, **{"created": SECONDS, "audience": "prod", **more})


@dataclass
class Message:
    user_id: str | None = "shovel"
    headers: Mapping[str, Any] = field(default_factory=dict)
    exchange: str = topology.EVENTS
    routing_key: str = "backup.requested.v1"


def reader(required_of: str = "shovel", now: datetime = NOW) -> Reader:
    keys = {"partner": KEY.public_key()}
    return Reader(GATE, RIGHTS, Signatures(keys, frozenset({required_of}), "prod", 900, lambda: now))


def read(of: bytes, message: Message, by: Reader | None = None) -> str:
    return (by or reader()).read(of, message, message).sender


def test_who_has_signed_is_the_sender_whoever_has_carried_it() -> None:
    assert read(body(), Message(headers={signing.HEADER: signed(body())})) == "key:partner"
    assert read(body(), Message("anybody", {signing.HEADER: signed(body())})) == "key:partner"


def test_rights_are_the_keys_and_not_the_carriers() -> None:
    asked = e.RestoreRequested(backup="b")
    assert RIGHTS.refusal("key:partner", asked) is None
    assert RIGHTS.refusal("shovel", asked)


@pytest.mark.parametrize("required_of", ["shovel", EVERYBODY])
def test_who_must_sign_carries_nothing_else(required_of: str) -> None:
    with pytest.raises(MalformedEvent, match="SNAPLINE_SIGNED_USERS"):
        read(body(), Message(), reader(required_of))


def test_others_need_no_signature() -> None:
    assert read(body(), Message("ci")) == "ci"
    assert read(body(), Message("snapline"), reader(EVERYBODY)) == "snapline"


def test_nobody_signs_what_happens_inside() -> None:
    told = e.encode(e.wrap(e.BackupLicensed(backup="b", app=None), source="x", time=NOW))
    message = Message(headers={signing.HEADER: signed(told)}, routing_key="backup.licensed.v1")
    capture = Reader(topology.queue("manifest.capture"), RIGHTS, reader().signatures)
    with pytest.raises(MalformedEvent, match="from inside only"):
        read(told, message, capture)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (signed(body(), OTHER), "not one of the key 'partner'"),
        (signed(body(e.BackupRequested(app="bank"))), "not one of the key 'partner'"),
        (signed(body()).replace(f"created={SECONDS}", f"created={SECONDS - 1}"), "not one of the key"),
        (signed(body()).replace("audience=prod", "audience=test"), "not one of the key"),
        (signing.sign(KEY, "stranger", body(), created=SECONDS, audience="prod"), "not trusted"),
        (signed(body(), audience="test"), "signed for 'test'"),
        (signed(body(), audience=""), "signed for 'nobody by name'"),
        (signed(body(), created=SECONDS - 901), "901 seconds ago"),
        (signed(body(), created=SECONDS + 61), "-61 seconds ago"),
        ("", "is not keyid"),
        (signed(body()) + ";", "is not keyid"),
        (b"bytes", "is not keyid"),
        (7, "is not keyid"),
    ],
)
def test_a_signature_that_does_not_hold_is_refused_with_its_reason(header: object, reason: str) -> None:
    with pytest.raises(MalformedEvent, match=reason):
        read(body(), Message("ci", {signing.HEADER: header}))


@pytest.mark.parametrize("created", [SECONDS - 900, SECONDS, SECONDS + 60])
def test_it_counts_for_as_long_as_it_is_fresh(created: int) -> None:
    assert read(body(), Message(headers={signing.HEADER: signed(body(), created=created)})) == "key:partner"


def test_what_we_give_back_is_not_too_old_however_long_it_rests() -> None:
    message = Message(headers={signing.HEADER: signed(body())})
    arrived = reader().read(body(), message, message)
    again = Message("gate", arrived.headers(Again(timedelta(hours=1), "away"), NOW), topology.WORK, GATE.name)
    assert read(body(), again, reader(now=NOW + timedelta(hours=2))) == "key:partner"


def test_nobody_else_says_that_a_key_has_sent_it() -> None:
    assert read(body(), Message("ci", {SENDER: "key:partner"})) == "ci"


@given(st.binary(max_size=200), st.integers(0, 10**11), st.from_regex(r"[a-z0-9]{0,20}", fullmatch=True))
def test_what_is_signed_is_verified(content: bytes, created: int, audience: str) -> None:
    header = signing.sign(KEY, "k", content, created=created, audience=audience)
    keys = {"k": KEY.public_key()}
    assert signing.verify(header, content, keys, now=created, fresh=1, audience=audience) == "k"
    with pytest.raises(MalformedEvent):
        signing.verify(header, content + b"x", keys, now=created, fresh=1, audience=audience)


def test_an_id_or_audience_that_is_no_name_signs_nothing() -> None:
    for key_id, audience in (("a;b", ""), ("a\nb", ""), ("k", "a b")):
        with pytest.raises(Invalid, match="no name here"):
            signing.sign(KEY, key_id, b"", created=0, audience=audience)


def public(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def test_keys_are_read_from_a_folder_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "partner.pem").write_bytes(public(KEY))
    (tmp_path / "readme").write_text("not a key")
    assert list(trusted_keys(tmp_path)) == ["partner"]
    read_ = signatures(Settings(request_keys=tmp_path, signed_users="a, b"), lambda: NOW)
    assert read_.required_of == {"a", "b"}


@pytest.mark.parametrize("content", [b"", b"nothing", public(X25519PrivateKey.generate())])
def test_what_is_no_key_stops_the_worker(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "partner.pem").write_bytes(content)
    with pytest.raises(Invalid, match="'partner' is not the PEM of an Ed25519"):
        signatures(Settings(request_keys=tmp_path), lambda: NOW)


def test_who_must_sign_without_a_key_that_counts_stops_the_worker(tmp_path: Path) -> None:
    for settings in (Settings(signed_users="a"), Settings(signed_users="a", request_keys=tmp_path)):
        with pytest.raises(Invalid, match="SNAPLINE_REQUEST_KEYS"):
            signatures(settings, lambda: NOW)
    with pytest.raises(Invalid, match="there is no folder"):
        signatures(Settings(request_keys=tmp_path / "none"), lambda: NOW)


def test_signed_where_no_key_is_trusted_is_no_request_of_its_carrier() -> None:
    with pytest.raises(MalformedEvent, match="no key is trusted here"):
        read(body(), Message("ci", {signing.HEADER: signed(body())}), Reader(GATE, RIGHTS))


def test_the_key_of_who_signs_is_an_ed25519_one() -> None:
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert signing.load_private(pem).sign(b"") == KEY.sign(b"")
    for bad in (b"", public(KEY), pem.replace(b"PRIVATE", b"SECRET")):
        with pytest.raises(Invalid, match="openssl genpkey"):
            signing.load_private(bad)


def test_the_signed_bytes_are_as_described() -> None:
    """What another program has to make, spelled out."""
    [key_id, created, audience, text] = [part.partition("=")[2] for part in signed(b"{}").split(";")]
    message = f"snapline-signature-v1\n{key_id}\n{created}\n{audience}\n".encode() + b"{}"
    KEY.public_key().verify(base64.b64decode(text), message)
