"""`/license`: what is signed, whether that can be believed, and nothing that is secret."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deploy.local.license_authority import Authority, create_authority, sign_license
from producers.access.identity import Identity
from schemas import application
from schemas.application import Application
from schemas.errors import TransientError
from schemas.kubernetes import NAMESPACES, SECRETS, Object, ResourceType
from tests.support.console import ADMIN, Console
from tests.support.front import NOON


@cache
def authority() -> Authority:
    """Making keys takes a while."""
    return create_authority()


@cache
def stranger() -> Authority:
    """Whom nobody trusts."""
    return create_authority()


def console(tmp: Path, *, keys: bool = True, who: Identity = ADMIN) -> Console:
    folder = tmp / "keys"
    folder.mkdir()
    for id_, pem in authority().trusted.items():
        (folder / f"{id_}.pem").write_bytes(pem)
    made = Console(tmp, who=who, now=NOON, **({"license_keys": folder} if keys else {}))
    where = {"metadata": {"name": made.front.session.settings.console_namespace}}
    made.front.cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", **where})
    return made


def register(of: Console, slug: str, text: str | None, name: str = "") -> None:
    app = Application(slug=slug, name=name or slug, license=text)
    of.front.cluster.create(SECRETS, application.to_secret(app, of.front.session.settings.console_namespace))


def signed(slug: str, by: Callable[[], Authority] = authority, **more: Any) -> str:
    return sign_license(by(), app_slug=slug, **more)


def test_a_good_license_says_what_is_signed(tmp_path: Path) -> None:
    of = console(tmp_path)
    register(of, "shop", signed("shop", customer="ACME"), "The Shop")
    page = of.get("/license")
    assert "The Shop" in page.text
    assert "Allow Snapshots On" in page.text
    assert "Customer ACME" in page.text
    assert "Expires Never" in page.text
    assert "Signature Good" in page.text


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (lambda: None, "Missing"),
        (lambda: "kind: License", "Damaged"),
        (lambda: signed("shop", stranger), "Signature is wrong"),
        (lambda: signed("wiki"), "Of another application"),
        (lambda: signed("shop", allow_snapshots=False), "Not allowed"),
    ],
)
def test_one_that_allows_nothing_says_why(tmp_path: Path, text: Callable[[], str | None], word: str) -> None:
    of = console(tmp_path)
    register(of, "shop", text())
    page = of.get("/license")
    assert word in page.text
    assert "Valid" not in page.text


def test_one_that_ends_soon_or_has_ended_stands_before_the_others(tmp_path: Path) -> None:
    of = console(tmp_path)
    register(of, "a-good", signed("a-good"))
    register(of, "b-soon", signed("b-soon", expires_at=(NOON + timedelta(days=20)).isoformat()))
    register(of, "c-over", signed("c-over", expires_at=(NOON - timedelta(days=1)).isoformat()))
    text = of.get("/license").text
    assert text.index("c-over") < text.index("b-soon") < text.index("a-good")
    assert "Expired" in text
    assert "Expires soon" in text
    assert "in 20 d" in text


def test_without_keys_nobody_can_tell_and_nothing_is_claimed(tmp_path: Path) -> None:
    of = console(tmp_path, keys=False)
    register(of, "shop", signed("shop", customer="ACME"))
    page = of.get("/license")
    assert "Nobody can tell here whether the licenses are good" in page.text
    assert "ACME" not in page.text


def test_no_id_and_no_signature_is_on_the_page(tmp_path: Path) -> None:
    of = console(tmp_path)
    text = signed("shop", license_id="very-secret-id")
    register(of, "shop", text)
    html = of.get("/license").html
    assert "very-secret-id" not in html
    assert text.partition("signature:")[2].strip()[:40] not in html


def test_who_may_see_one_application_sees_no_other_license(tmp_path: Path) -> None:
    of = console(tmp_path, who=Identity("s", "support", frozenset({"shop"})))
    register(of, "shop", signed("shop"))
    register(of, "unseen-app", signed("unseen-app"))
    page = of.get("/license")
    assert "shop" in page.text
    assert "unseen-app" not in page.html


def test_a_cluster_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of = console(tmp_path)

    def away(type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> list[Object]:
        raise TransientError("the API server does not answer")

    monkeypatch.setattr(of.front.cluster, "list", away)
    assert "The licenses could not be read the API server does not answer" in of.get("/license").text


def test_hostile_names_are_only_names(tmp_path: Path) -> None:
    of = console(tmp_path)
    register(of, "shop", signed("shop", customer="<script>alert(1)</script>"), '"><img src=x>')
    html = of.get("/license").html
    assert "<script>alert" not in html
    assert "<img" not in html
