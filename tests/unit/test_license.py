"""A license allows snapshots only where its signed data says so."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local import license_authority as issue
from deploy.local.license_authority import V1, V2, Authority, edited, sign_license, with_signature_parts
from schemas.errors import Invalid
from schemas.license import Verdict, load_trusted_keys, verdict, verify

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LICENSE_ID = "2SecretLicenseIdOfTheCustomer"
REPOSITORY = Path(__file__).parents[2]
REAL = Path(os.environ.get("SNAPLINE_REAL_LICENSES") or REPOSITORY.parent / "shared" / "reference" / "license")

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


# --- the matrix


@both_versions
def test_a_valid_license_is_allowed(authority: Authority, api_version: str) -> None:
    text = sign_license(authority, api_version=api_version, app_slug="shop", customer="Ada Ltd")
    assert judge(authority, text, "shop") == Verdict(
        True, "allowed", "The license of Ada Ltd allows snapshots.", customer="Ada Ltd", app_slug="shop"
    )
    assert verify(text, authority.trusted).api_version == api_version


@both_versions
def test_a_license_without_allow_snapshots_is_refused(authority: Authority, api_version: str) -> None:
    said = judge(authority, sign_license(authority, api_version=api_version, allow_snapshots=False, customer="Ada Ltd"))
    assert (said.allowed, said.code, said.customer) == (False, "snapshots_not_licensed", "Ada Ltd")
    assert said.reason == "This license does not allow snapshots (Allow Snapshots is off for Ada Ltd)."


@both_versions
@pytest.mark.parametrize(
    ("expires_at", "code"),
    [
        (None, "allowed"),
        ("", "allowed"),
        ("2026-05-01T12:00:00Z", "allowed"),
        ("2026-05-01T11:59:59Z", "expired"),
        ("2026-05-01T13:59:59+02:00", "expired"),
        ("2026-05-01T11:59:59.123456789Z", "expired"),
        ("2026-05-02", "allowed"),
        ("2026-05-01", "expired"),
        ("soon", "malformed"),
        (20260601, "malformed"),
        (True, "malformed"),
    ],
)
def test_a_license_holds_until_it_expires(authority: Authority, api_version: str, expires_at: Any, code: str) -> None:
    said = judge(authority, sign_license(authority, api_version=api_version, expires_at=expires_at))
    assert (said.code, said.allowed) == (code, code == "allowed")


@pytest.mark.parametrize("text", [None, "", " \n\t"])
def test_no_license_is_no_license(authority: Authority, text: str | None) -> None:
    said = judge(authority, text)
    assert (said.allowed, said.code) == (False, "no_license")


def test_a_license_for_another_application_is_refused(authority: Authority) -> None:
    said = judge(authority, sign_license(authority, app_slug="shop"), "bank")
    assert (said.allowed, said.code, said.app_slug) == (False, "wrong_application", "shop")
    assert said.reason == "This license is for the application 'shop', not for 'bank'."


def test_without_an_expected_slug_any_application_will_do(authority: Authority) -> None:
    assert judge(authority, sign_license(authority, app_slug="shop")).allowed


@both_versions
def test_a_key_that_is_not_trusted_is_unknown(authority: Authority, api_version: str) -> None:
    said = verdict(sign_license(authority, api_version=api_version), {}, NOW)
    assert (said.allowed, said.code, said.customer) == (False, "unknown_key", "")
    assert authority.key_id in said.reason


def test_a_trusted_key_that_is_no_key_is_unknown(authority: Authority) -> None:
    assert verdict(sign_license(authority), {authority.key_id: b"?"}, NOW).code == "unknown_key"


@both_versions
def test_a_stranger_with_the_same_key_id_is_refused(
    authority: Authority, stranger: Authority, api_version: str
) -> None:
    said = judge(authority, sign_license(stranger, api_version=api_version, customer="Mallory"))
    assert (said.allowed, said.code, said.customer) == (False, "bad_signature", "")


# --- tampering


@both_versions
def test_changed_signed_data_is_a_bad_signature(authority: Authority, api_version: str) -> None:
    text = sign_license(authority, api_version=api_version, allow_snapshots=False)
    forged = issue.license_document(api_version=api_version)
    assert judge(authority, with_signature_parts(text, licenseData=issue.base64_json(forged))).code == "bad_signature"


@both_versions
def test_an_application_key_that_nobody_vouches_for_is_a_bad_signature(
    authority: Authority, stranger: Authority, api_version: str
) -> None:
    mixed = Authority(authority.key_id, stranger.global_key, authority.app_key)
    own_key = issue.public_pem(stranger.app_key).decode()
    assert judge(authority, sign_license(mixed, api_version=api_version)).code == "bad_signature"
    text = sign_license(authority, api_version=api_version)
    assert judge(authority, with_signature_parts(text, publicKey=own_key)).code == "bad_signature"


@both_versions
def test_the_signed_data_decides_when_the_yaml_was_edited(authority: Authority, api_version: str) -> None:
    text = sign_license(authority, api_version=api_version, allow_snapshots=False, app_slug="shop", customer="Ada Ltd")
    said = judge(authority, edited(text, isSnapshotSupported=True, appSlug="bank", customerName="Mallory"), "shop")
    assert (said.code, said.customer, said.app_slug) == ("snapshots_not_licensed", "Ada Ltd", "shop")
    assert [note.split()[0] for note in said.notes] == ["spec.appSlug", "spec.customerName", "spec.isSnapshotSupported"]


def test_an_edited_expiry_changes_nothing_and_is_noted(authority: Authority) -> None:
    expired = sign_license(authority, expires_at="2020-01-01T00:00:00Z")
    longer = {"expires_at": {"title": "expires_at", "value": "2099-01-01T00:00:00Z", "valueType": "String"}}
    said = judge(authority, edited(expired, entitlements=longer))
    assert said.code == "expired"
    assert said.notes == (
        "spec.entitlements.expires_at.value differs from the signed license; the signed value is used",
    )


def test_a_removed_expiry_changes_nothing(authority: Authority) -> None:
    assert judge(authority, edited(sign_license(authority, expires_at="2020-01-01"), entitlements={})).code == "expired"


def test_notes_name_fields_never_values(authority: Authority) -> None:
    text = sign_license(authority, license_id=LICENSE_ID, entitlements={"token": "hunter2"})
    said = judge(authority, edited(text, licenseID="2Other", entitlements={"token": {"value": "hunter3"}}))
    assert said.allowed
    assert len(said.notes) == 4  # licenseID, and the token's title, value and type
    assert not any(secret in str(said) for secret in (LICENSE_ID, "2Other", "hunter"))


def test_many_differences_are_counted_and_unprintable_names_are_quoted(authority: Authority) -> None:
    extra = {f"field{i:02}": "x" for i in range(30)} | {"\x1b[31m": "x"}
    said = judge(authority, edited(sign_license(authority), **extra))
    assert said.allowed
    assert said.notes[-1] == "11 more fields differ from the signed license"
    assert all(note.isprintable() for note in said.notes)


def test_fields_that_kots_does_not_know_may_be_missing_from_the_yaml(authority: Authority) -> None:
    document = yaml.safe_load(sign_license(authority, spec={"isKotsInstallEnabled": True}))
    del document["spec"]["isKotsInstallEnabled"]
    assert judge(authority, yaml.safe_dump(document)).notes == ()
    del document["spec"]["isSnapshotSupported"]
    said = judge(authority, yaml.safe_dump(document))
    assert said.allowed
    assert [note.split()[0] for note in said.notes] == ["spec.isSnapshotSupported"]


def test_an_edited_api_version_does_not_choose_the_weaker_hash(authority: Authority) -> None:
    text = sign_license(authority, api_version=V2).replace(V2, V1)
    said = judge(authority, text)
    assert said.code == "allowed"
    assert said.notes == ("apiVersion differs from the signed license; the signed value is used",)
    assert verify(text, authority.trusted).api_version == V2


def test_a_v1beta2_license_signed_with_md5_only_is_refused(authority: Authority) -> None:
    document = issue.license_document(api_version=V2)
    text = sign_license(authority, api_version=V1)
    signature = issue.signature_of(authority, json.dumps(document).encode(), V1)
    assert judge(authority, edited(text, signature=signature)).code == "bad_signature"


# --- entitlements


@both_versions
def test_entitlements_of_every_type_verify(authority: Authority, api_version: str) -> None:
    values = {"seats": 1232435, "beta": True, "tier": "gold", "empty": "", "off": False, "zero": 0}
    assert judge(authority, sign_license(authority, api_version=api_version, entitlements=values)).allowed


def test_a_license_without_entitlement_signatures_is_valid(authority: Authority) -> None:
    assert judge(authority, sign_license(authority, entitlements={"seats": 5}, sign_entitlements=False)).allowed


@both_versions
def test_a_wrong_entitlement_signature_is_a_bad_signature(authority: Authority, api_version: str) -> None:
    version = "v2" if api_version == V2 else "v1"
    for_five = issue.sign(authority.app_key, b"5", issue.hash_of(api_version))
    for wrong in (for_five, "%"):
        seats = {"title": "Seats", "value": 500, "signature": {version: wrong}}
        spec = {"entitlements": {"seats": seats}}
        said = judge(authority, sign_license(authority, api_version=api_version, spec=spec))
        assert said.code == "bad_signature"
        assert "'seats'" in said.reason


@both_versions
def test_an_integer_that_reads_as_a_float_is_signed_as_an_integer(authority: Authority, api_version: str) -> None:
    version = "v2" if api_version == V2 else "v1"
    signature = issue.sign(authority.app_key, b"1232435", issue.hash_of(api_version))
    entitlements = {"seats": {"value": 1.232435e06, "valueType": "Integer", "signature": {version: signature}}}
    text = sign_license(authority, api_version=api_version, spec={"entitlements": entitlements})
    assert judge(authority, text.replace("1232435.0", "1.232435e+06")) == judge(authority, text)
    assert judge(authority, text).allowed
    assert judge(authority, text).notes == ()


# --- trusted keys


def test_trusted_keys_are_named_by_their_files(authority: Authority) -> None:
    pem = issue.public_pem(authority.global_key)
    files = {"key-abc.pem": pem, "def.pem": pem, "README.md": b"no key", "valid.yaml": b"no key"}
    assert load_trusted_keys(files) == {"abc": pem, "def": pem}
    assert load_trusted_keys(authority.trusted_files) == authority.trusted


def test_a_key_file_that_is_no_key_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match=r"'key-abc\.pem' is not an RSA public key"):
        load_trusted_keys({"key-abc.pem": b"-----BEGIN PUBLIC KEY-----\n"})


def test_two_keys_with_one_id_are_refused(authority: Authority, stranger: Authority) -> None:
    one, other = (issue.public_pem(each.global_key) for each in (authority, stranger))
    with pytest.raises(Invalid, match="'abc'"):
        load_trusted_keys({"key-abc.pem": one, "abc.pem": other})


# --- licenses that a vendor issued


@pytest.fixture(scope="session")
def vendor_keys() -> dict[str, bytes]:
    if not REAL.is_dir():
        pytest.skip(f"no vendor's licenses: set SNAPLINE_REAL_LICENSES to their folder ({REAL} is not there)")
    return load_trusted_keys({path.name: path.read_bytes() for path in REAL.glob("*.pem")})


def real(name: str) -> str:
    return (REAL / name).read_text()


def test_a_real_license_is_allowed(vendor_keys: dict[str, bytes]) -> None:
    said = verdict(real("valid.yaml"), vendor_keys, NOW, "my-app")
    assert (said.code, said.customer, said.app_slug, said.notes) == ("allowed", "Test Customer", "my-app", ())


def test_a_real_license_expires(vendor_keys: dict[str, bytes]) -> None:
    assert verdict(real("valid.yaml"), vendor_keys, datetime(2030, 7, 28, tzinfo=UTC)).code == "expired"


def test_a_real_license_with_changed_signed_data_is_a_bad_signature(vendor_keys: dict[str, bytes]) -> None:
    assert verdict(real("invalid-signature.yaml"), vendor_keys, NOW).code == "bad_signature"


def test_a_real_license_with_another_id_outside_keeps_its_signed_data(vendor_keys: dict[str, bytes]) -> None:
    """KOTS reports this as a warning too: the signed part of the file was not touched."""
    said = verdict(real("invalid-changed-licenseID.yaml"), vendor_keys, NOW, "my-app")
    assert (said.code, said.notes) == (
        "allowed",
        ("spec.licenseID differs from the signed license; the signed value is used",),
    )


def test_a_real_v1beta2_license_is_judged_by_its_own_global_key(vendor_keys: dict[str, bytes]) -> None:
    """It was signed with a vendor's test key, which its folder need not hold."""
    known = "test-global-key-id" in vendor_keys
    said = verdict(real("valid-v1beta2.yaml"), vendor_keys, datetime(2025, 6, 1, tzinfo=UTC), "test-app")
    assert said.code == ("snapshots_not_licensed" if known else "unknown_key")
