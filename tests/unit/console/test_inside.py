"""Look inside: objects with their secrets hidden, files, downloads, two backups side by side, history."""

import base64
import hashlib
import io
import os
import zipfile
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from producers.access.identity import Identity
from schemas import keys
from schemas.job import backup
from tests.support.console import ADMIN, TOKEN, Console
from tests.support.front import NOON, volume
from tests.support.sealed import PASSPHRASE
from tests.support.volumes import copy, volume_of
from workers.manifests.capture.document import Captured, encode_manifest
from workers.repository import open_repository

HOSTILE = "<script>alert(1)</script>"
PASSWORD = "correct horse battery"


def _object(kind: str, namespace: str, name: str, **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": f"{kind}/{namespace}/{name}", "resourceVersion": "7"}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}


def _secret(value: str) -> dict[str, Any]:
    made = _object("Secret", "shop", "db", data={"password": base64.b64encode(value.encode()).decode()})
    made["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": f'{{"data": "{value}"}}'}
    return made


def _seal(console: Console, name: str, objects: list[tuple[str, dict[str, Any]]]) -> str:
    captured = Captured()
    for owner, obj in objects:
        captured.objects.append(obj)
        captured.owners[obj["metadata"]["uid"]] = [owner]
    plain = encode_manifest(captured)
    key = keys.manifest(backup(name), hashlib.sha256(plain).hexdigest())
    console.front.store.put(key, open_repository(console.front.objects, PASSPHRASE).seal(plain, key))
    return key


def _objects(password: str, *more: tuple[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("shop", _secret(password)),
        ("shop", _object("Pod", "shop", "db-0")),
        ("shop", _object("ConfigMap", "shop", "hostile", data={"x": HOSTILE})),
        ("console", _object("Secret", "snapline-console", "admin", data={"p": "cGxhaW4="})),
        *more,
    ]


@pytest.fixture
def console(two: Console) -> Console:
    """The administrator is signed in."""
    two.access.who = ADMIN
    return two


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Console:
    """Two backups, `first` and `second`: of the console, of `shop`, and of `blog`. Nobody changes them."""
    tmp_path = tmp_path_factory.mktemp("inside")
    made = Console(tmp_path / "front")
    root = tmp_path / "source"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "app.conf").write_text("one")
    (root / HOSTILE.replace("/", "")).write_text("h")
    (root / os.fsdecode(b"\xff")).write_text("no text")
    os.utime(root / "etc" / "app.conf", (1_000_000, 1_000_000))
    repository = open_repository(made.front.objects, PASSPHRASE)
    apps = [{"slug": "shop"}, {"slug": "blog"}]
    kept = [volume(volume_of(copy(repository, root)))]
    made.front.finish(
        "first",
        manifest=_seal(made, "first", _objects("old")),
        apps=apps,
        volumes=kept,
        requested_at=NOON - timedelta(1),
    )
    (root / "etc" / "app.conf").write_text("two!")
    blog = ("blog", _object("Service", "blog", "web"))
    kept = [volume(volume_of(copy(repository, root))), volume("w", "logs", "blog")]
    made.front.finish("second", manifest=_seal(made, "second", _objects(PASSWORD, blog)), apps=apps, volumes=kept)
    return made


DB = urlencode({"kind": "Secret", "namespace": "shop", "name": "db"})


def test_objects_stand_under_their_owners_and_kinds(console: Console) -> None:
    page = console.get("/snapshots/inside/second")
    assert "5 objects and 2 volumes" in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Admin Console" in page.text
    assert "shop/db" in page.text
    found = console.get("/snapshots/inside/second", q="service")
    assert "blog/web" in found.text
    assert "shop/hostile" not in found.text
    assert "Nothing matches" in console.get("/snapshots/inside/second", q="zzz").text


def test_the_values_of_a_secret_are_not_in_the_page_nor_in_the_file(console: Console) -> None:
    for address in (f"/snapshots/inside/second/object?{DB}", f"/snapshots/inside/second/yaml?{DB}"):
        shown = console.browser.get(address).text
        assert "hidden, 21 bytes" in shown
        assert PASSWORD not in shown
        assert base64.b64encode(PASSWORD.encode()).decode() not in shown


def test_revealing_takes_a_form_and_the_right(console: Console) -> None:
    asked = {"kind": "Secret", "namespace": "shop", "object": "db"}
    assert (
        base64.b64encode(PASSWORD.encode()).decode() in console.post("/snapshots/inside/second/reveal", asked, 200).html
    )
    assert console.browser.get("/snapshots/inside/second/reveal").status_code == 405
    for who in (
        Identity("o", "operator"),
        Identity("s", "support"),
        Identity("b", "cluster-admin", frozenset({"blog"})),
    ):
        console.access.who = who
        answer = console.browser.post("/snapshots/inside/second/reveal", data={"csrf": TOKEN, **asked})
        assert answer.status_code in (403, 404), who
        assert PASSWORD not in answer.text


def test_what_somebody_has_called_things_is_text(console: Console) -> None:
    asked = urlencode({"kind": "ConfigMap", "namespace": "shop", "name": "hostile"})
    for address in (
        f"/snapshots/inside/second/object?{asked}",
        f"/snapshots/inside/second?{urlencode({'q': HOSTILE})}",
        "/snapshots/inside/second/files?volume=shop/data",
        f"/snapshots/compare?{urlencode({'before': HOSTILE, 'after': ''})}",
    ):
        page = console.get(address)
        assert "<script>alert" not in page.html, address


def test_files_are_listed_and_taken_out(console: Console) -> None:
    top = console.get("/snapshots/inside/second/files", volume="shop/data")
    assert "etc" in top.text
    below = console.get("/snapshots/inside/second/files", volume="shop/data", path="etc")
    assert "app.conf" in below.text
    got = console.browser.get("/snapshots/inside/second/file", params={"volume": "shop/data", "path": "etc/app.conf"})
    assert (got.status_code, got.text) == (200, "two!")
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''app.conf"
    odd = base64.b64encode(b"\xff").decode()
    assert odd in top.html.replace("%3D", "=").replace("%2F", "/")
    assert console.browser.get(f"/snapshots/inside/second/file?volume=shop/data&path64={odd}").text == "no text"
    made = console.browser.get("/snapshots/inside/second/zip", params={"volume": "shop/data", "path": "etc"})
    assert zipfile.ZipFile(io.BytesIO(made.content)).read("app.conf") == b"two!"


@pytest.mark.parametrize("path", ["../secret", "etc/../../x", "nowhere", "etc"])
def test_no_path_leads_out_of_a_volume(console: Console, path: str) -> None:
    got = console.browser.get("/snapshots/inside/second/file", params={"volume": "shop/data", "path": path})
    assert got.status_code in (400, 404)
    assert "attachment" not in got.headers.get("content-disposition", "")


@pytest.mark.parametrize("asked", ["volume=shop/data&path64=%25%25", "volume=nowhere/data", "volume="])
def test_what_cannot_be_asked_is_said(console: Console, asked: str) -> None:
    got = console.browser.get(
        f"/snapshots/inside/second/files?{'volume=shop/data&' if 'path64' in asked else ''}{asked}"
    )
    assert got.status_code in (400, 404)


def test_two_backups_side_by_side(console: Console) -> None:
    page = console.get("/snapshots/compare", before="first", after="second", volume="shop/data")
    assert "Added Service blog/web" in page.text
    assert "Changed Secret shop/db" in page.text
    assert "hidden, 3 bytes, before" in page.text
    assert "hidden, 21 bytes, after" in page.text
    assert "ConfigMap" not in page.text
    assert "Changed etc/app.conf" in page.text


def test_the_history_of_an_object_and_of_a_file(console: Console) -> None:
    page = console.get(f"/snapshots/inside/second/history?{DB}")
    assert page.text.index("second") < page.text.index("first")
    assert "Changed" in page.text
    page = console.get("/snapshots/inside/second/file-history", volume="shop/data", path="etc/app.conf")
    assert "4 bytes" in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "12 Jan 11:46" not in page.text
    assert "Changed" in page.text


def test_who_is_granted_one_application_sees_what_is_its_own(console: Console) -> None:
    console.access.who = Identity("o", "operator", frozenset({"shop"}))
    page = console.get("/snapshots/inside/second")
    assert "shop/db" in page.text
    assert "blog/web" not in page.text
    assert "Admin Console" not in page.text
    assert "blog/logs" not in page.text
    asked = urlencode({"kind": "Service", "namespace": "blog", "name": "web"})
    assert console.browser.get(f"/snapshots/inside/second/object?{asked}").status_code == 404
    assert console.browser.get("/snapshots/inside/second/file?volume=blog/logs&path=x").status_code == 404
    assert "blog" not in console.get("/snapshots/compare", before="first", after="second").text


def test_support_may_look_but_take_nothing_out(console: Console) -> None:
    console.access.who = Identity("s", "support")
    assert "Download" not in console.get("/snapshots/inside/second/files", volume="shop/data").text
    got = console.browser.get("/snapshots/inside/second/file", params={"volume": "shop/data", "path": "etc/app.conf"})
    assert got.status_code == 403


def test_a_backup_that_is_not_there_is_said(console: Console) -> None:
    assert "nobody" in console.get("/snapshots/inside/nobody", 404).text
