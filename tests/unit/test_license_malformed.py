"""Whatever is handed in as a license, the answer is a verdict: never a traceback, never a secret."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.local import license_authority as issue
from deploy.local.license_authority import V1, V2, Authority, edited, sign_license, with_signature_parts
from schemas.errors import Invalid
from schemas.license import LicenseInvalid, Verdict, read_license, verdict, verify

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LICENSE_ID = "2SecretLicenseIdOfTheCustomer"

both_versions = pytest.mark.parametrize("api_version", [V1, V2])


@pytest.fixture(scope="session")
def authority() -> Authority:
    return issue.create_authority()


@pytest.fixture(scope="session")
def stranger() -> Authority:
    """Another authority that gives its key the same id."""
    return issue.create_authority()


def judge(authority: Authority, text: str | None, app_slug: str | None = None, now: datetime = NOW) -> Verdict:
    return verdict(text, authority.trusted, now, app_slug)


BOMB = "\n".join(["a: &a [x,x]", *(f"{n}: &{n} [*{m},*{m}]" for m, n in zip("abcdefgh", "bcdefghi", strict=True))])


@pytest.mark.parametrize(
    "text",
    [
        "\x00\x01\xff\xfe",
        "\ud800",
        "just text",
        "- a\n- b",
        "a: b\n---\nc: d",
        "[" * 100_000,
        "{a: " * 50_000,
        "- " * 100_000,
        "a: [" + "x, " * 400_000 + "]",
        BOMB,
        "? [a]\n: b",
        "a: &x [*x]",
        "!!python/object/apply:os.system ['false']",
        f"apiVersion: {V1}\nkind: License",
        f"apiVersion: {V1}\nkind: License\nspec: [1]",
        f"apiVersion: {V1}\nkind: License\nspec: {{signature: [1]}}",
        "apiVersion: kots.io/v1beta9\nkind: License\nspec: {signature: AAAA}",
        "apiVersion: [kots.io/v1beta1]\nkind: License\nspec: {signature: AAAA}",
        "apiVersion: v1\nkind: Secret\nspec: {signature: AAAA}",
        "a: " + "1" * 200_000,
        "when: 2026-99-99",
    ],
    ids=lambda text: ascii(text[:30]),
)
def test_what_is_no_license_is_malformed(authority: Authority, text: str) -> None:
    said = judge(authority, text)
    assert (said.allowed, said.code, said.customer) == (False, "malformed", "")
    with pytest.raises(Invalid):
        read_license(text) and verify(text, authority.trusted)


@pytest.mark.parametrize("tail", ["x: &a [1]\ny: *a\n", "x: " + "[" * 25 + "]" * 25 + "\n", "#" * 1_000_000])
def test_a_valid_license_with_aliases_deep_nesting_or_padding_is_malformed(authority: Authority, tail: str) -> None:
    text = sign_license(authority)
    assert judge(authority, text).allowed
    assert judge(authority, text + tail).code == "malformed"


@both_versions
def test_a_character_changed_in_the_signature_is_a_bad_signature(authority: Authority, api_version: str) -> None:
    text = sign_license(authority, api_version=api_version)
    signature = yaml.safe_load(text)["spec"]["signature"]
    for at in range(20, len(signature) - 20, 97):
        changed = signature[:at] + ("A" if signature[at] != "A" else "B") + signature[at + 1 :]
        edit = edited(text, signature=changed)
        # The edit may hit the key's id, or a bit of base64 padding, which changes no byte of what is signed.
        unchanged = judge(authority, edit).allowed and verify(edit, authority.trusted) == verify(
            text, authority.trusted
        )
        assert judge(authority, edit).code in ("bad_signature", "unknown_key") or unchanged


def test_an_unsigned_license_is_a_bad_signature(authority: Authority) -> None:
    text = yaml.safe_dump(issue.license_document())
    assert judge(authority, text).code == "bad_signature"
    with pytest.raises(LicenseInvalid, match="not signed"):
        read_license(text)


@pytest.mark.parametrize("nested", ["[" * 100_000, "[1]", "null", '"text"', "1" * 5000, "{", ""])
def test_a_signature_that_cannot_be_read_is_a_bad_signature(authority: Authority, nested: str) -> None:
    encoded = base64.b64encode(nested.encode()).decode()
    text = sign_license(authority)
    assert judge(authority, edited(text, signature=encoded or "=")).code == "bad_signature"
    assert judge(authority, with_signature_parts(text, keySignature=encoded)).code == "bad_signature"


@pytest.mark.parametrize("wrong", [7, [], {}, True, "ü", "\ud800"])
@pytest.mark.parametrize("field", ["licenseData", "innerSignature", "publicKey", "licenseSignature", "keySignature"])
def test_wrong_types_inside_the_signature_are_a_bad_signature(authority: Authority, field: str, wrong: Any) -> None:
    assert judge(authority, with_signature_parts(sign_license(authority), **{field: wrong})).code == "bad_signature"


@pytest.mark.parametrize(
    "spec",
    [
        {"isSnapshotSupported": "true"},
        {"isSnapshotSupported": 1},
        {"appSlug": 7},
        {"licenseID": []},
        {"entitlements": [1]},
        {"entitlements": {"x": "y"}},
        {"entitlements": {"x": {"value": ["y"]}}},
        {"entitlements": {"x": {"value": 1, "signature": {"v1": 5}}}},
    ],
    ids=str,
)
def test_signed_data_of_the_wrong_type_is_malformed(authority: Authority, spec: dict[str, Any]) -> None:
    assert judge(authority, sign_license(authority, sign_entitlements=False, spec=spec)).code == "malformed"


def test_null_in_signed_data_is_absent(authority: Authority) -> None:
    spec = {"entitlements": None, "customerName": None, "isAirgapSupported": None}
    said = judge(authority, sign_license(authority, sign_entitlements=False, spec=spec))
    assert (said.code, said.notes) == ("allowed", ())


def test_unknown_signed_fields_are_tolerated(authority: Authority) -> None:
    assert judge(authority, sign_license(authority, spec={"isNewKotsUiEnabled": True, "later": {"x": [1]}})).allowed


def test_no_reason_holds_the_license_id_or_a_signature(authority: Authority, stranger: Authority) -> None:
    texts = [sign_license(signer, license_id=LICENSE_ID) for signer in (authority, stranger)]
    texts.append(sign_license(authority, license_id=LICENSE_ID, allow_snapshots=False))
    texts += [edited(texts[0], signature=value) for value in (texts[0][:40], "x", "")]
    for text in texts:
        said = str(judge(authority, text))
        assert LICENSE_ID not in said
        assert "eyJ" not in said  # how every signature begins
    assert LICENSE_ID not in repr(verify(texts[0], authority.trusted))
    assert "signature" not in repr(read_license(texts[0]))


def test_a_time_without_a_zone_is_misuse(authority: Authority) -> None:
    with pytest.raises(RuntimeError, match="time zone"):
        judge(authority, None, now=datetime(2026, 5, 1))


unhurried = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@unhurried
@given(text=st.text())
def test_any_text_gets_a_verdict(text: str) -> None:
    said = verdict(text, {}, NOW)
    assert not said.allowed
    assert said.code in ("malformed", "no_license")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@unhurried
@given(spec=st.dictionaries(st.sampled_from(["signature", "appSlug", "entitlements", "x"]), JSON))
def test_any_spec_gets_a_verdict(spec: dict[str, Any]) -> None:
    text = json.dumps({"apiVersion": V1, "kind": "License", "spec": spec})
    assert verdict(text, {}, NOW).code in ("malformed", "bad_signature", "unknown_key")


@unhurried
@given(data=st.data())
def test_a_license_with_any_character_changed_is_never_more_than_it_was(
    authority: Authority, data: st.DataObject
) -> None:
    text = sign_license_once(authority)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.characters(codec="utf-8")) + text[at + 1 :]
    said = judge(authority, changed, "sample-app")
    assert not said.allowed
    assert said.customer in ("", "Test Customer")


_signed: dict[str, str] = {}


def sign_license_once(authority: Authority) -> str:
    """A license without Allow Snapshots, signed once for all examples."""
    return _signed.setdefault("text", sign_license(authority, allow_snapshots=False))
