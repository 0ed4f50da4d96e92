"""An application is registered by a Secret, and read back from it unchanged."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.application import Application, from_secret, to_secret
from schemas.errors import Invalid

SHOP = Application(
    slug="shop", name="Shop", version="1.2.3", sequence=4, namespaces=["shop", "shop-db"], license="a: 1", backup="b: 2"
)

dns_labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
texts = st.text(st.characters(codec="utf-8"), min_size=1)


def test_the_secret_is_labelled_as_an_application_and_for_full_snapshots() -> None:
    secret = to_secret(SHOP, "console")
    assert secret["metadata"] == {
        "name": "snapline-application-shop",
        "namespace": "console",
        "labels": {"snapline.dev/application": "shop", "kots.io/kotsadm": "true", "kots.io/backup": "velero"},
    }
    assert base64.b64decode(secret["data"]["license"]) == b"a: 1"


@given(
    app=st.builds(
        Application,
        slug=dns_labels,
        name=texts,
        version=st.text(st.characters(codec="utf-8")),
        sequence=st.integers(0, 10**18 - 1),
        namespaces=st.lists(dns_labels, max_size=3),
        license=st.none() | texts,
        backup=st.none() | texts,
    )
)
def test_an_application_survives_its_secret(app: Application) -> None:
    assert from_secret(to_secret(app, "console")) == app


def test_a_secret_written_by_hand_may_leave_out_all_but_the_label() -> None:
    assert from_secret({"metadata": {"labels": {"snapline.dev/application": "shop"}}}) == Application(
        slug="shop", name="shop"
    )


def test_string_data_and_spaced_namespaces_are_read() -> None:
    labels = {"snapline.dev/application": "shop"}
    secret = {"metadata": {"labels": labels}, "stringData": {"namespaces": "shop, shop-db\n", "sequence": 7}}
    app = from_secret(secret)
    assert (app.namespaces, app.sequence) == (["shop", "shop-db"], 7)


@pytest.mark.parametrize("slug", ["", "Shop", "-shop", "shop-", "shop.x", "a" * 64, "shop\n", "../shop"])
def test_a_slug_is_a_dns_label(slug: str) -> None:
    with pytest.raises(Invalid, match="DNS label"):
        Application(slug=slug, name="Shop")
    with pytest.raises(Invalid, match="DNS label"):
        from_secret({"metadata": {"labels": {"snapline.dev/application": slug}}})


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ({"license": "%"}, "data.license"),
        ({"license": "/////w=="}, "data.license"),
        ({"license": 5}, "data.license"),
        ({"sequence": base64.b64encode(b"four").decode()}, "data.sequence"),
        ({"sequence": base64.b64encode(b"-1").decode()}, "data.sequence"),
        ({"namespaces": base64.b64encode(b"Not_A_Namespace").decode()}, "namespace"),
        ([], "data"),
    ],
)
def test_a_broken_secret_is_refused_with_the_place(data: Any, where: str) -> None:
    with pytest.raises(Invalid, match=where):
        from_secret({"metadata": {"labels": {"snapline.dev/application": "shop"}}, "data": data})


def test_the_license_is_not_shown_by_accident() -> None:
    assert "a: 1" not in repr(SHOP)
