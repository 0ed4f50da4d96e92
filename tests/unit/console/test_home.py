"""`/`: the verdict, each application, what is not covered, and what can be done about it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from producers.access.identity import Identity
from producers.console.rendering import environment
from schemas import application, events, keys
from schemas.application import Application
from schemas.errors import TransientError
from schemas.job import backup
from schemas.kubernetes import CLAIMS, NAMESPACES, SECRETS
from schemas.messages import Message
from schemas.records import AppRef, BackupRequest, Check, Coverage, RestoreTested, Verified
from tests.support.console import Console
from tests.support.front import NOON, volume
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.ports import StoredObject

BACKUP = "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: b}\nspec: {includedNamespaces: [shop]}\n"
COVERS = [Coverage(owner="console", namespaces=["snapline-console"]), Coverage(owner="shop", namespaces=["shop"])]


def register(console: Console, slug: str, name: str = "") -> None:
    cluster, where = console.front.cluster, console.front.session.settings.console_namespace
    if where not in {each["metadata"]["name"] for each in cluster.list(NAMESPACES)}:
        cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": where}})
    app = Application(slug=slug, name=name or slug, namespaces=["shop"], backup=BACKUP)
    cluster.create(SECRETS, application.to_secret(app, where))


def back_up(console: Console, name: str, *slugs: str, **more: object) -> None:
    console.front.begin(name)
    console.front.finish(name, apps=[AppRef(slug=slug) for slug in slugs], covers=COVERS, **more)


def verify(console: Console, name: str) -> None:
    check = Check(at=NOON, seconds=3, request="q")
    ledger.put(console.front.store, keys.verified(backup(name)), Verified(checks={"full": check}))


class Away(MemoryObjectStore):
    """A store that may stop to answer."""

    away = False

    def list(self, prefix: str) -> Iterator[StoredObject]:
        if self.away:
            raise TransientError("the bucket could not be listed: connection refused")
        return super().list(prefix)


def test_everything_is_backed_up(tmp_path: Path) -> None:
    console = Console(tmp_path, now=NOON + timedelta(hours=1))
    register(console, "shop", "The Shop")
    back_up(console, "instance-1", "shop")
    verify(console, "instance-1")
    tested = RestoreTested(at=NOON, seconds=95)
    ledger.put(console.front.store, keys.test_restored(backup("instance-1")), tested)
    page = console.get("/")
    assert "Everything is backed up." in page.text
    assert "<title>Everything is backed up · Snapline</title>" in page.html
    assert "The Shop shop" in page.text
    assert "60 min, no objective" in page.text
    assert "1 min 35 s" in page.text
    assert 'aria-label="The Shop, last 30 days: 1 completed"' in page.html
    assert "Every volume that holds data is in a good snapshot." in page.text


def test_a_full_snapshot_without_one_application_is_good_for_the_others(tmp_path: Path) -> None:
    console = Console(tmp_path, now=NOON + timedelta(hours=1))
    register(console, "shop")
    register(console, "wiki")
    why = Message(code="HookFailed", text="shop/db-0: the script failed", subject="shop/db-0")
    wiki = Coverage(owner="wiki", namespaces=["wiki"])
    console.front.begin("instance-1")
    apps = [AppRef(slug="shop"), AppRef(slug="wiki")]
    console.front.finish("instance-1", apps=apps, covers=[*COVERS, wiki], status="PartiallyFailed", errors=[why])
    page = console.get("/")
    assert "Not everything is backed up: shop has no good snapshot." in page.text
    assert "the script failed" in page.text
    assert "/activity/jobs/backup/instance-1" in page.html
    assert "1 application and the Admin Console have a good snapshot" in page.text


def test_when_the_store_does_not_answer_the_last_known_is_shown_with_its_time(tmp_path: Path) -> None:
    store = Away()
    console = Console(tmp_path, now=NOON + timedelta(hours=1), store=store)
    register(console, "shop", "The Shop")
    back_up(console, "instance-1", "shop")
    console.get("/")
    store.away, console.now = True, NOON + timedelta(hours=2)
    page = console.get("/")
    assert "It cannot be said whether everything is backed up: destination default cannot be read." in page.text
    assert "What is shown below was read on 23 Nov 2026, 13:00 UTC" in page.text
    assert "connection refused" in page.text
    assert "The Shop" in page.text
    store.away, console.now = False, NOON + timedelta(hours=3)
    assert "cannot be said" not in console.get("/").text


def test_a_store_that_never_answered_leaves_a_page_that_says_so(tmp_path: Path) -> None:
    store = Away()
    store.away = True
    page = Console(tmp_path, store=store).get("/")
    assert "It cannot be said whether everything is backed up" in page.text
    assert "Applications" not in page.text


def test_nothing_is_set_up(tmp_path: Path) -> None:
    page = Console(tmp_path, directory=None).get("/")
    assert "Nothing is backed up yet: there is no destination." in page.text
    assert "Configure snapshot settings" in page.text


def test_what_is_under_way_can_be_followed(tmp_path: Path) -> None:
    console = Console(tmp_path)
    ledger.begin(console.front.store, backup("instance-1"))
    asked = BackupRequest(name="instance-1", request="q", event_id="e", requested_at=NOON)
    ledger.create(console.front.store, keys.request(backup("instance-1")), asked)
    page = console.get("/")
    assert 'href="/snapshots/details/instance-1">Follow it' in page.html


def test_a_volume_that_nothing_covers_is_included_by_a_form(tmp_path: Path) -> None:
    console = Console(tmp_path)
    register(console, "shop")
    back_up(console, "instance-1", "shop", volumes=[volume()])
    cluster = console.front.cluster
    cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    metadata = {"namespace": "shop", "name": "cache"}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {}}
    cluster.create(CLAIMS, claim)
    cluster.patch(CLAIMS, "shop", "cache", {"status": {"phase": "Bound"}}, status=True)
    page = console.get("/")
    assert "Not everything is backed up: 1 volume in shop is in no snapshot." in page.text
    assert 'value="shop/cache"' in page.html
    refused = console.post("/not-covered/include", {"volume": "shop/cache"}, 400)
    assert "no pod mounts shop/cache" in refused.text
    assert "Not everything is backed up" in refused.text
    assert "nothing was chosen" in console.post("/not-covered/leave-out", {}, 400).text
    assert console.post("/not-covered/leave-out", {"volume": "shop/cache"}).location == "/?done=left-out"
    assert "1 volume is left out for good" in console.get("/").text


def test_a_snapshot_is_read_back_by_a_form(tmp_path: Path) -> None:
    console = Console(tmp_path)
    register(console, "shop")
    back_up(console, "instance-1", "shop")
    assert "have never been read back" in console.get("/").text
    assert console.post("/verify", {"name": "instance-1"}).location == "/?done=verify"
    asked = console.front.bus.published[-1].data
    assert isinstance(asked, events.BackupVerifyRequested)
    assert asked.backup == "instance-1"
    assert console.post("/verify", {"name": "nothing"}, 404).location == ""


@pytest.mark.parametrize("path", ["/not-covered/include", "/not-covered/leave-out"])
def test_who_may_not_configure_includes_nothing(tmp_path: Path, path: str) -> None:
    console = Console(tmp_path, who=Identity("o", "operator"))
    assert console.post(path, {"volume": "shop/cache"}, 403)
    granted = Console(tmp_path, who=Identity("a", "cluster-admin", frozenset({"shop"})))
    assert granted.post(path, {"volume": "shop/cache"}, 403)


def test_who_may_see_one_application_sees_nothing_of_the_others(tmp_path: Path) -> None:
    console = Console(tmp_path, who=Identity("s", "support", frozenset({"shop"})))
    register(console, "shop", "The Shop")
    register(console, "secret-project", "Secret Project")
    back_up(console, "instance-1", "shop", "secret-project")
    page = console.get("/")
    assert "The Shop" in page.text
    assert "secret" not in page.html.casefold()
    assert "Admin Console" not in page.text
    assert "/verify" not in page.html


def test_twenty_applications_are_shown_and_all_on_demand(tmp_path: Path) -> None:
    console = Console(tmp_path)
    slugs = [f"app-{index:03}" for index in range(30)]
    for slug in slugs:
        register(console, slug)
    back_up(console, "instance-1", *slugs)
    assert console.get("/").html.count('class="strip"') == 20
    assert "Show all 31" in console.get("/").text
    assert console.get("/", all="1").html.count('class="strip"') == 31
    for slug in (f"new-{index:03}" for index in range(40)):
        register(console, slug)
    console.now += timedelta(minutes=1)
    page = console.get("/")
    assert page.html.count('class="strip"') == 20
    assert "40 need a look; these are the worst." in page.text
    assert len(page.html) < 100_000


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "x" * 2000]
)
def test_hostile_names_are_only_names(tmp_path: Path, name: str) -> None:
    console = Console(tmp_path)
    register(console, "shop", name)
    assert environment().from_string("{{ name }}").render(name=name) in console.get("/").html
    refused = console.post("/not-covered/include", {"volume": f"{name}/{name}"}, 404)
    assert "<script>alert" not in refused.html
    assert "<img" not in refused.html
