"""What anybody can do, without a command line: what is asked of the bus, the store and the cluster, and the errors."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local.license_authority import create_authority, sign_license
from producers.actions import applications, destinations, events, jobs, keys, schedules, upkeep
from producers.views import schedules as schedule_views
from producers.views import volumes
from producers.views.applications import ApplicationView
from producers.views.applications import applications as all_applications
from producers.views.destinations import DestinationView
from producers.views.destinations import destinations as all_destinations
from producers.views.jobs import find
from producers.views.schedules import ScheduleView
from producers.views.unreadable import Unreadable
from schemas import destination as destination_schemas
from schemas import events as e
from schemas import keys as store_keys
from schemas import schedule as schedule_schemas
from schemas.destination import DirectoryDestination
from schemas.errors import Code, Denied, Invalid, MalformedEvent, NotFound, PermanentError
from schemas.job import Job, backup, restore
from schemas.kubernetes import CONFIG_MAPS, SECRETS, Object
from schemas.messages import Message
from schemas.records import RestoreRecord, RestoreRequest, Tombstone
from tests.support.front import NOON, Front, reject_backup, reject_restore, volume
from tests.support.sealed import PASSPHRASE
from workers.jobs import ledger
from workers.repository import open_repository

AUTHORITY = create_authority()
LICENSE = sign_license(AUTHORITY, app_slug="shop")


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path)


def _stray(kind: str, label: str, name: str, namespace: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": {label: name}},
        "data": {"namespaces": "%%%"},
    }


# --- jobs


def test_a_backup_is_asked_for_and_its_name_is_known(front: Front) -> None:
    first = jobs.take(front.session, "shop", id="mine")
    again = jobs.take(front.session, "shop", id="mine")
    other = jobs.take(front.session, "shop")
    assert first.job == again.job != other.job
    assert (first.job.kind, first.job.name.startswith("shop-")) == ("backup", True)
    assert jobs.take(front.session).job.name.startswith("instance-")
    [event, *_] = front.bus.published
    assert (event.id, event.source, event.data) == (
        "mine",
        "tests",
        e.BackupRequested(app="shop", destination="default"),
    )


def test_a_restore_is_asked_for(front: Front) -> None:
    asked = jobs.restore(front.session, "shop-bcdfg", "applications", "shop")
    jobs.repeat(front.session, asked)
    wanted = e.RestoreRequested(backup="shop-bcdfg", scope="applications", app="shop", destination="default")
    assert [event.data for event in front.bus.published] == [wanted, wanted]
    assert len({event.id for event in front.bus.published}) == 1
    assert asked.job.kind == "restore"


def test_a_running_job_is_cancelled_by_a_marker_and_a_broadcast(front: Front) -> None:
    front.begin("a")
    assert jobs.cancel(front.session, "a") == backup("a")
    assert ledger.cancelled(front.store, backup("a"))
    assert front.bus.cancelled == [backup("a")]


def test_what_has_ended_or_never_was_is_not_cancelled(front: Front) -> None:
    front.back_up("a")
    with pytest.raises(Invalid, match="has ended already") as ended:
        jobs.cancel(front.session, "a")
    assert (ended.value.code, ended.value.subject) == (Code.ALREADY_ENDED, "backup a")
    for name in ("nope", "../a", ""):
        with pytest.raises(NotFound, match="no backup or restore") as unknown:
            jobs.cancel(front.session, name)
        assert unknown.value.code == Code.NO_SUCH_JOB
    assert front.bus.cancelled == []


def test_a_backup_is_asked_to_be_deleted_if_it_is_there(front: Front) -> None:
    front.back_up("a", "b")
    ledger.put(front.store, store_keys.deleted(backup("b")), Tombstone())
    jobs.delete(front.session, "a")
    assert [event.data for event in front.bus.published] == [e.BackupDeleteRequested(backup="a", destination="default")]
    for name in ("b", "nope"):
        with pytest.raises(NotFound) as unknown:
            jobs.delete(front.session, name)
        assert unknown.value.code == Code.NO_SUCH_BACKUP


def test_a_job_is_found_by_its_name(front: Front) -> None:
    front.begin("a")
    assert find(front.store, "a") == Job("backup", "a")


def test_a_restore_carries_its_wishes(front: Front) -> None:
    jobs.restore(front.session, "b", keep_newer=True, safety_snapshot=False, destination="nas")
    [event] = front.bus.published
    assert event.data == e.RestoreRequested(backup="b", keep_newer=True, safety_snapshot=False, destination="nas")


def test_what_cannot_be_asked_for_is_said_and_not_asked(front: Front) -> None:
    asks: tuple[Callable[[], object], ...] = (
        lambda: jobs.take(front.session, ""),
        lambda: jobs.take(front.session, id="x" * 5000),
        lambda: jobs.restore(front.session, ""),
        lambda: jobs.restore(front.session, "b", destination="x" * 300),
    )
    for ask in asks:
        with pytest.raises(Invalid):
            ask()
    assert front.bus.published == []


def test_a_request_that_was_rejected_is_no_backup_to_delete_nor_a_job_to_cancel(front: Front) -> None:
    name = reject_backup(front, "mine", Message(code="No", text="no"))
    assert find(front.store, name) == backup(name)
    with pytest.raises(Invalid, match="has ended already"):
        jobs.cancel(front.session, name)
    with pytest.raises(NotFound, match="was rejected"):
        jobs.delete(front.session, name)
    assert (front.bus.published, front.bus.cancelled) == ([], [])


def _restored(front: Front, name: str, snapshot: str | None, **fields: object) -> None:
    """A finished restore."""
    ended = {"requested_at": NOON, "completed_at": NOON, "request": "q", "backup": "b", "scope": "full"}
    record = RestoreRecord.model_validate(
        {**ended, "name": name, "status": "Completed", "snapshot": snapshot, **fields}
    )
    ledger.create(front.store, store_keys.final(restore(name)), record)


def test_a_rollback_restores_the_safety_snapshot_in_the_scope_of_the_restore(front: Front) -> None:
    _restored(front, "b-r", "b-r-before", scope="applications", app="shop")
    front.back_up("b-r-before")
    asked = jobs.rollback(front.session, "b-r", keep_newer=True, safety_snapshot=False, id="mine")
    assert asked.job.name.startswith("b-r-before-")
    [event] = front.bus.published
    assert (event.id, event.data) == (
        "mine",
        e.RestoreRequested(
            backup="b-r-before",
            scope="applications",
            app="shop",
            keep_newer=True,
            safety_snapshot=False,
            destination="default",
        ),
    )


def test_where_there_is_nothing_to_go_back_to_it_says_why(front: Front) -> None:
    front.back_up("b")
    _restored(front, "without", None)
    _restored(front, "lost", "lost-before")
    _restored(front, "deleted", "deleted-before")
    front.back_up("deleted-before")
    ledger.put(front.store, store_keys.deleted(backup("deleted-before")), Tombstone())
    running = RestoreRequest(name="runs", request="q", event_id="e", requested_at=NOON, backup="b", scope="full")
    ledger.create(front.store, store_keys.request(restore("runs")), running)
    rejected = reject_restore(front, "mine", Message(code="No", text="no"))
    wrong: dict[str, tuple[type[Exception], str]] = {
        "nope": (NotFound, "there is no restore"),
        "../x": (NotFound, "there is no restore"),
        "b": (NotFound, "b is a backup"),
        "without": (Invalid, "took no safety snapshot"),
        "lost": (NotFound, "lost-before of restore lost is no longer there"),
        "deleted": (NotFound, "no longer there"),
        "runs": (Invalid, "still under way"),
        rejected: (Invalid, "was rejected and has replaced nothing"),
    }
    for name, (error, words) in wrong.items():
        with pytest.raises(error, match=words):
            jobs.rollback(front.session, name)
    assert front.bus.published == []


# --- what the console's namespace keeps


def test_an_application_is_registered_changed_and_forgotten(front: Front) -> None:
    made = applications.register(front.session, "shop", license=LICENSE, namespaces=["shop"])
    assert (made.name, made.has_backup_resource, made.snapshots) == ("shop", False, None)
    resource = "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: b}\nspec: {}\n"
    applications.register(front.session, "shop", backup=resource, name="Shop")
    [view] = all_applications(front.session)
    assert isinstance(view, ApplicationView)
    assert (view.name, view.has_backup_resource, view.namespaces) == ("Shop", True, ("shop",))
    applications.forget(front.session, "shop")
    assert all_applications(front.session) == []
    with pytest.raises(NotFound):
        applications.forget(front.session, "shop")


@pytest.mark.parametrize(
    ("trusted", "text", "code"),
    [
        (True, "", "no_license"),
        (False, "", "no_license"),
        (True, "kind: License", "malformed"),
        (False, "kind: License", "malformed"),
        (True, sign_license(AUTHORITY, app_slug="blog"), "wrong_application"),
        (True, sign_license(AUTHORITY, app_slug="shop", allow_snapshots=False), "snapshots_not_licensed"),
        (True, sign_license(AUTHORITY, app_slug="shop", expires_at="2020-01-01"), "expired"),
        (True, sign_license(create_authority("another"), app_slug="shop"), "unknown_key"),
    ],
)
def test_a_license_that_allows_nothing_replaces_no_good_one(
    trusted: bool, text: str, code: str, tmp_path: Path
) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    for name, pem in AUTHORITY.trusted_files.items():
        (folder / name).write_bytes(pem)
    front = Front(tmp_path, license_keys=folder if trusted else None)
    applications.register(front.session, "shop", license=LICENSE)
    before = [each["data"] for each in front.cluster.list(SECRETS)]
    with pytest.raises(Invalid, match=code) as refused:
        applications.register(front.session, "shop", license=text)
    assert (refused.value.code, refused.value.subject) == (Code.LICENSE_USELESS, "shop")
    assert [each["data"] for each in front.cluster.list(SECRETS)] == before
    applications.register(front.session, "shop", license=text, force=True)
    assert [each["data"] for each in front.cluster.list(SECRETS)] != before


def test_without_trusted_keys_a_license_is_taken_as_it_is(front: Front) -> None:
    assert applications.register(front.session, "shop", license=LICENSE).snapshots is None


def test_fields_of_a_backup_resource_that_do_nothing_are_said_by_name() -> None:
    resource = "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: b}\nspec: {includeNamespaces: [shop]}\n"
    [said] = applications.without_effect("shop", resource)
    assert "spec.includeNamespaces" in said.text
    assert "includedNamespaces" in said.text


def test_what_a_new_registration_does_not_name_stays_as_it_was(front: Front) -> None:
    resource = "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: b}\nspec: {}\n"
    first = applications.register(
        front.session,
        "shop",
        license=LICENSE,
        backup=resource,
        name="Shop",
        version="1.0",
        sequence=3,
        namespaces=["shop"],
    )
    assert applications.register(front.session, "shop", license=LICENSE) == first
    with pytest.raises(Invalid, match="holds none of kind Backup"):
        applications.register(front.session, "shop", license=LICENSE, backup="")
    assert applications.register(front.session, "shop", version="1.1").version == "1.1"
    assert applications.register(front.session, "shop").has_backup_resource
    with pytest.raises(Invalid, match="no license"):
        applications.register(front.session, "blog", backup=resource)


def test_applications_are_judged_by_the_trusted_keys(tmp_path: Path) -> None:
    authority = create_authority()
    (tmp_path / "keys").mkdir()
    for name, pem in authority.trusted_files.items():
        (tmp_path / "keys" / name).write_bytes(pem)
    front = Front(tmp_path, license_keys=tmp_path / "keys")
    good = applications.register(front.session, "shop", license=sign_license(authority, app_slug="shop"))
    bad = applications.register(front.session, "other", license=LICENSE, force=True)
    assert good.snapshots is not None
    assert bad.snapshots is not None
    assert (good.snapshots.allowed, bad.snapshots.allowed) == (True, False)


def test_a_wrong_registration_changes_nothing(front: Front) -> None:
    with pytest.raises(Invalid, match="slug"):
        applications.register(front.session, "Not A Slug", license=LICENSE)
    with pytest.raises(Invalid):
        applications.register(front.session, "shop", license=LICENSE, backup="kind: Pod")
    assert all_applications(front.session) == []


def test_a_schedule_of_an_application_that_is_not_there_is_refused(front: Front) -> None:
    with pytest.raises(NotFound) as unknown:
        schedules.put(front.session, "nightly", "@daily", "nope")
    assert unknown.value.code == Code.NO_SUCH_APPLICATION
    assert schedule_views.schedules(front.session) == []


def test_schedules_are_set_shown_and_forgotten(front: Front) -> None:
    applications.register(front.session, "shop", license=LICENSE)
    schedules.put(front.session, "nightly", "0 2 * * *", "shop")
    schedules.put(front.session, "nightly", "@daily", "")
    [view] = schedule_views.schedules(front.session)
    assert isinstance(view, ScheduleView)
    assert (view.name, view.set.expression, view.set.app, view.next[0].due.hour) == ("nightly", "@daily", None, 0)
    schedules.forget(front.session, "nightly")
    with pytest.raises(NotFound):
        schedules.forget(front.session, "nightly")
    with pytest.raises(Invalid, match="five fields"):
        schedules.put(front.session, "x", "often")


def test_a_destination_is_kept_and_forgotten(front: Front, tmp_path: Path) -> None:
    second = DirectoryDestination(name="second", path=str(tmp_path), passphrase=SecretStr(PASSPHRASE))
    destinations.keep(front.session, second)
    views = all_destinations(front.session)
    assert [(view.name, isinstance(view, DestinationView) and view.from_environment) for view in views] == [
        ("default", True),
        ("second", False),
    ]
    assert all(check.ok for check in destinations.try_out(front.session, front.session.destination("second")))
    destinations.forget(front.session, "second")
    with pytest.raises(NotFound) as unknown:
        destinations.forget(front.session, "second")
    assert unknown.value.code == Code.NO_DESTINATION


def test_what_cannot_be_read_is_shown_with_its_problem(front: Front) -> None:
    namespace = front.session.settings.console_namespace
    schedules.put(front.session, "good", "@daily")
    applications.register(front.session, "good", license=LICENSE)
    front.cluster.create(CONFIG_MAPS, _stray("ConfigMap", schedule_schemas.LABEL, "bad", namespace))
    front.cluster.create(SECRETS, _stray("Secret", "snapline.dev/application", "bad", namespace))
    secret = destination_schemas.secret_name("bad")
    front.cluster.create(
        SECRETS,
        _stray("Secret", destination_schemas.LABEL, "bad", namespace)
        | {"metadata": {"name": secret, "namespace": namespace, "labels": {destination_schemas.LABEL: "bad"}}},
    )
    for found in (
        schedule_views.schedules(front.session),
        all_applications(front.session),
        all_destinations(front.session),
    ):
        assert [each.name for each in found if isinstance(each, Unreadable)] == ["bad"]
        assert len(found) == 2


# --- the repository


def test_keys_are_listed_added_rotated_and_removed(front: Front) -> None:
    with pytest.raises(NotFound) as missing:
        keys.add(front.session, "second")
    assert missing.value.code == Code.NO_REPOSITORY
    text = keys.show_recovery_text(front.session)
    with pytest.raises(Invalid, match="not shown again"):
        keys.show_recovery_text(front.session)
    second = keys.add(front.session, "second", "ops")
    assert {each.label for each in keys.listed(front.session)} == {"first", "ops"}
    keys.remove(front.session, second)
    rotated = keys.rotate(front.session, "third")
    assert not rotated.is_stored
    assert [each.id for each in keys.listed(front.session)] == [rotated.id]
    with pytest.raises(Denied) as wrong:
        keys.add(front.session, "fourth")
    assert wrong.value.code == Code.WRONG_PASSPHRASE
    open_repository(front.store, "third").sealed.write(f"repository/volumes/{'0' * 32}", b"x")
    keys.recover(front.session, text, "recovered")
    keys.add(front.session, "fourth")


def test_a_stored_destination_takes_its_new_passphrase(front: Front, tmp_path: Path) -> None:
    stored = DirectoryDestination(name="second", path=str(tmp_path), passphrase=PASSPHRASE)
    destinations.keep(front.session, stored)
    keys.show_recovery_text(front.session, "second")
    assert keys.rotate(front.session, "third", destination="second").is_stored
    secret = front.cluster.get(SECRETS, "snapline-console", destination_schemas.secret_name("second"))
    assert destination_schemas.from_secret(secret).passphrase.get_secret_value() == "third"


def test_upkeep_tells_how_far_it_is_and_what_it_found(front: Front) -> None:
    with pytest.raises(NotFound) as missing:
        upkeep.check(front.session)
    assert missing.value.code == Code.NO_REPOSITORY
    keys.show_recovery_text(front.session)
    front.back_up("a")
    said: list[str] = []
    [problem] = upkeep.check(front.session, progress=lambda what, _done, _total: said.append(what))
    assert "a shop/data" in str(problem)
    assert upkeep.verify(front.session, 0).problems == [problem]
    assert upkeep.stats(front.session).volumes == 0
    assert upkeep.repair_index(front.session).listed == 0
    with pytest.raises(Invalid, match="percentage"):
        upkeep.verify(front.session, 101)


def test_a_volume_is_chosen_by_its_key_or_its_claim(front: Front) -> None:
    front.begin("a")
    front.finish("a", volumes=[volume("1"), volume("2", namespace="other"), volume("3", claim=None)])
    found = volumes.volumes(front.store, "a")
    assert volumes.choose(found, "shop/data", "a").volume_id == "1"
    assert volumes.choose(found, "shop/db-0/data", "a").volume_id == "3"
    with pytest.raises(Invalid, match="not one volume"):
        volumes.choose(found, "data", "a")
    with pytest.raises(NotFound, match="its volumes: other/data, shop/data, shop/db-0/data"):
        volumes.choose(found, "nope", "a")
    with pytest.raises(NotFound) as unknown:
        volumes.volumes(front.store, "b")
    assert unknown.value.code == Code.NO_SUCH_BACKUP


# --- the bus by hand


def test_any_event_is_published_by_hand_if_its_data_is_right(front: Front) -> None:
    published = events.publish(front.session, "backup.requested.v1", {"app": "shop"})
    assert published.data == e.BackupRequested(app="shop")
    told = events.publish(front.session, "backup.licensed.v1", {"backup": "a"})
    assert told.id == "backup.licensed.v1/a"
    with pytest.raises(MalformedEvent, match="not known"):
        events.publish(front.session, "backup.wished.v1", {})
    with pytest.raises(Invalid, match=r"no data of restore\.requested\.v1"):
        events.publish(front.session, "restore.requested.v1", [])


@pytest.mark.parametrize("said", [None, [], "", {"ap": "shop"}, {"data": {"app": "shop"}}])
def test_what_is_no_data_of_a_request_asks_for_nothing(front: Front, said: object) -> None:
    with pytest.raises(PermanentError, match=r"no data of backup|there is no field"):
        events.publish(front.session, "backup.requested.v1", said)
    assert front.bus.published == []


def test_a_whole_event_is_published_as_it_is(front: Front) -> None:
    whole = {"specversion": "1.0", "id": "i", "source": "s", "type": "backup.requested.v1", "data": {"app": "shop"}}
    published = events.publish(front.session, "backup.requested.v1", whole)
    assert (published.id, published.source, published.data) == ("i", "s", e.BackupRequested(app="shop"))
    for wrong in ({"type": "restore.requested.v1"}, {"id": "other"}):
        with pytest.raises(PermanentError):
            events.publish(front.session, "restore.requested.v1", {**whole, **wrong}, id="i")


def test_a_dead_letter_that_is_not_there_has_a_code(front: Front) -> None:
    with pytest.raises(NotFound) as unknown:
        events.dead_letter(front.session, "license.gate", "x")
    assert unknown.value.code == Code.NO_SUCH_DEAD_LETTER


def test_a_session_lets_go_of_its_broker(front: Front) -> None:
    with front.session as session:
        listener = session.events.listen()
    assert front.bus.closed
    assert listener.get(timeout=0) is None
