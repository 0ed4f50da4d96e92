"""The gate: one request is one job, whose name it decides; licenses are asked about backups, never about restores."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local.license_authority import create_authority, edited, sign_license
from schemas import events as e
from schemas import keys
from schemas.job import Job, name_for, request_uuid, restore
from schemas.records import BackupRequest, Record, RestoreRequest
from schemas.settings import Settings
from tests.support.world import BACKUP, CONSOLE, World, config_map
from workers import line
from workers.deliveries import Delivery
from workers.jobs import ledger
from workers.needs import Needs

CONFIG_MAP_LABELS = {"kots.io__app-slug": "shop", "kots.io__backup": "velero"}


@pytest.fixture(scope="module")
def authority_world() -> World:
    return World()


@pytest.fixture
def world(authority_world: World) -> World:
    """A fresh world with an authority that is made once: its keys take seconds."""
    fresh = World(authority=authority_world.authority)
    fresh.cluster = type(fresh.cluster)([config_map("shop", "c", **CONFIG_MAP_LABELS)])
    fresh.register("shop")
    return fresh


def test_a_request_gets_a_name_a_record_and_a_running_mark(world: World) -> None:
    [told] = world.request(e.BackupRequested(app="shop"))
    assert isinstance(told, e.BackupLicensed)
    assert told.backup.startswith("shop-")
    assert len(told.backup) == len("shop-xxxxx")
    record = ledger.read(world.store, keys.request(Job("backup", told.backup)), BackupRequest)
    assert (record.app, record.sender, [app.slug for app in record.apps]) == ("shop", "somebody", ["shop"])
    assert ledger.exists(world.store, keys.running(Job("backup", told.backup)))


def test_a_full_backup_is_called_instance(world: World) -> None:
    [told] = world.request(e.BackupRequested())
    assert isinstance(told, e.BackupLicensed)
    assert told.backup.startswith("instance-")


def test_the_same_request_again_is_the_same_job_also_an_hour_later(world: World) -> None:
    [first] = world.request(e.BackupRequested())
    world.now += timedelta(hours=1)
    [second] = world.request(e.BackupRequested())
    assert first == second
    [other_source] = world.request(e.BackupRequested(), source="another")
    assert other_source != first


def test_a_request_whose_job_has_ended_is_told_how(world: World) -> None:
    told = world.backup("r", "shop")
    assert isinstance(told[-1], e.BackupCompleted)
    world.now += timedelta(hours=1)
    assert world.request(e.BackupRequested(app="shop")) == [told[-1]]


def test_a_name_that_another_request_has_is_passed_over(world: World) -> None:
    taken = name_for("instance", request_uuid("somebody", "tests", "r"))
    other = BackupRequest(name=taken, request="another", event_id="x", requested_at=world.now)
    ledger.put(world.store, keys.request(Job("backup", taken)), other)
    [told] = world.request(e.BackupRequested())
    assert isinstance(told, e.BackupLicensed)
    assert told.backup == name_for("instance", request_uuid("somebody", "tests", "r"), 1)
    assert world.request(e.BackupRequested()) == [told]


def test_a_request_for_a_deleted_backup_does_not_make_it_again(world: World) -> None:
    told = world.backup("r", "shop")
    name = str(told[-1].subject)
    ledger.put(world.store, keys.deleted(Job("backup", name)), Record())
    world.store.delete(keys.final(Job("backup", name)))
    [again] = world.request(e.BackupRequested(app="shop"))
    assert isinstance(again, e.BackupRejected)
    assert "was deleted" in str(again.reasons[0])


def _licenses(world: World) -> dict[str, tuple[str | None, str]]:
    """What is installed, and the code of the refusal ("" if it is none)."""
    sign = world.authority
    return {
        "valid v1beta1": (sign_license(sign, app_slug="other"), ""),
        "valid v1beta2": (sign_license(sign, app_slug="other", api_version="kots.io/v1beta2"), ""),
        "snapshots off": (sign_license(sign, app_slug="other", allow_snapshots=False), "snapshots_not_licensed"),
        "expired": (sign_license(sign, app_slug="other", expires_at="2020-01-01T00:00:00Z"), "expired"),
        "switched on by hand": (
            edited(sign_license(sign, app_slug="other", allow_snapshots=False), isSnapshotSupported=True),
            "snapshots_not_licensed",
        ),
        "bad signature": (
            sign_license(create_authority(), app_slug="other"),  # another key pair under the same id
            "bad_signature",
        ),
        "unknown key": (sign_license(create_authority("strangers"), app_slug="other"), "unknown_key"),
        "for another application": (sign_license(sign, app_slug="elsewhere"), "wrong_application"),
        "no license": (None, "no_license"),
        "no license at all": ("hello", "malformed"),
    }


def test_every_kind_of_license_gets_its_own_clear_answer(world: World) -> None:
    for number, (what, (text, code)) in enumerate(_licenses(world).items()):
        fresh = World(authority=world.authority)
        fresh.register("other", text)
        [told] = fresh.request(e.BackupRequested(app="other"), str(number))
        if code:
            assert isinstance(told, e.BackupRejected), what
            assert told.reasons[0].text.startswith("application other: "), what
            assert told.reasons[0].text.endswith(f"({code})"), (what, told.reasons)
            assert not list(fresh.store.list("backups/")), what
        else:
            assert isinstance(told, e.BackupLicensed), (what, told)


def _request_of(world: World, told: e.Event) -> BackupRequest:
    return ledger.read(world.store, keys.request(Job("backup", str(told.subject))), BackupRequest)


def test_a_full_backup_goes_on_without_those_that_may_not_and_names_them(world: World) -> None:
    world.register("off", sign_license(world.authority, app_slug="off", allow_snapshots=False))
    world.register("none", None)
    [told] = world.request(e.BackupRequested())
    assert isinstance(told, e.BackupLicensed)
    request = _request_of(world, told)
    assert [app.slug for app in request.apps] == ["shop"]
    assert [reason.text.split(":")[0] for reason in request.left_out] == ["application none", "application off"]


def test_a_full_backup_is_rejected_if_none_may(world: World) -> None:
    fresh = World(authority=world.authority)
    fresh.register("off", sign_license(world.authority, app_slug="off", allow_snapshots=False))
    fresh.register("none", None, backup=None)
    [told] = fresh.request(e.BackupRequested())
    assert isinstance(told, e.BackupRejected)
    assert [reason.text.split(":")[0] for reason in told.reasons] == ["application off", "application none"]


def test_a_license_of_an_application_that_brings_nothing_to_a_backup_is_noted(world: World) -> None:
    world.register("none", None, backup=None)
    request = _request_of(world, world.request(e.BackupRequested())[0])
    assert ([app.slug for app in request.apps], request.left_out) == (["shop"], [])
    assert [note.text.split(":")[0] for note in request.notes] == ["application none"]


@pytest.mark.parametrize("backup", [None, BACKUP.replace("includedNamespaces: [shop]", "excludedResources: ['*']")])
def test_what_could_hold_nothing_is_rejected_with_the_reason(world: World, backup: str | None) -> None:
    world.register("other", backup=backup)
    [told] = world.request(e.BackupRequested(app="other"))
    assert isinstance(told, e.BackupRejected)
    assert told.reasons[0].text.startswith("application other")
    assert isinstance(world.request(e.BackupRequested(), "of all")[0], e.BackupLicensed)


def test_a_broken_backup_resource_leaves_its_own_application_out_alone(world: World) -> None:
    world.register("broken", backup="kind: Backup")
    request = _request_of(world, world.request(e.BackupRequested())[0])
    assert [app.slug for app in request.apps] == ["shop"]
    assert request.left_out[0].text.startswith("application broken: ")


def test_an_unknown_application_is_rejected_with_those_that_there_are(world: World) -> None:
    [told] = world.request(e.BackupRequested(app="nope"))
    assert isinstance(told, e.BackupRejected)
    assert "registered are: shop" in str(told.reasons[0])


def test_a_restore_is_noted_not_refused_when_the_license_has_gone_bad(world: World) -> None:
    name = str(world.backup("r", "shop")[-1].subject)
    again = World(authority=world.authority, objects=world.objects)
    again.register("shop", sign_license(world.authority, app_slug="shop", allow_snapshots=False))
    [told] = again.request(e.RestoreRequested(backup=name))
    assert isinstance(told, e.RestoreLicensed)
    assert told.restore.startswith(f"{name}-")
    assert told.notes
    assert "it is restored all the same" in str(told.notes[0])


def test_a_restore_of_what_is_not_there_is_rejected(world: World) -> None:
    for backup, word in (("nope", "none of that name"), ("../x", "cannot be the name"), ("UPPER", "cannot be")):
        [told] = world.request(e.RestoreRequested(backup=backup), backup)
        assert isinstance(told, e.RestoreRejected)
        assert word in str(told.reasons[0])
    [running] = world.request(e.BackupRequested())
    [told] = world.request(e.RestoreRequested(backup=str(running.subject)))
    assert isinstance(told, e.RestoreRejected)
    assert "not finished" in str(told.reasons[0])


def test_scopes_that_make_no_sense_are_rejected(world: World) -> None:
    partial = str(world.backup("p", "shop")[-1].subject)
    full = str(world.backup("f")[-1].subject)
    asked = [
        (e.RestoreRequested(backup=partial, scope="console"), "does not hold the console"),
        (e.RestoreRequested(backup=partial, app="other"), "does not hold application 'other'"),
        (e.RestoreRequested(backup=full, scope="console", app="shop"), "cannot name an application"),
    ]
    for number, (request, word) in enumerate(asked):
        [told] = world.request(request, str(number))
        assert isinstance(told, e.RestoreRejected)
        assert word in str(told.reasons[0])
    [told] = world.request(e.RestoreRequested(backup=partial), "fine")
    assert isinstance(told, e.RestoreLicensed)


def test_a_key_that_is_added_to_the_folder_counts_at_once(world: World, tmp_path: Path) -> None:
    """The gate has been running for a while, and has refused a license by this key."""
    has = Needs(Settings(license_keys=tmp_path, console_namespace=CONSOLE, amqp_url=SecretStr("amqp://snapline:x@h/")))
    has.cluster, has.destinations = world.cluster, world.destinations
    row = line.gate(has)

    def ask(id_: str) -> list[e.Event]:
        asked: e.AnyEvent = e.wrap(e.BackupRequested(app="shop"), id=id_, source="tests", time=world.now)
        return list(row.step_for(asked)(asked, Delivery("license.gate", sender="snapline")))

    assert isinstance(ask("before")[0], e.BackupRejected)
    for name, pem in world.authority.trusted_files.items():
        (tmp_path / name).write_bytes(pem)
    assert isinstance(ask("after")[0], e.BackupLicensed)


def test_a_test_restore_claims_nothing_and_may_leave_it_to_the_gate_which_backup_is_the_newest(world: World) -> None:
    [none] = world.request(e.BackupTestRestoreRequested(app="shop"), "none")
    assert isinstance(none, e.RestoreRejected)
    assert none.reasons[0].code == "NoSuchBackup"
    backup = str(world.backup("p", "shop")[-1].subject)
    [told] = world.request(e.BackupTestRestoreRequested(app="shop", check_command=["true"]), "some")
    assert isinstance(told, e.RestoreLicensed)
    assert (told.backup, told.restore.startswith("shop-test-")) == (backup, True)
    request = ledger.read(world.store, keys.request(restore(told.restore)), RestoreRequest)
    assert request.test
    assert (request.claims, request.safety_snapshot, request.test.check_command) == ([], False, ["true"])
    assert request.test.namespace == f"snapline-test-{told.restore[-5:]}"
    assert world.request(e.BackupTestRestoreRequested(app="shop", check_command=["true"]), "some") == [told]
    assert isinstance(world.request(e.BackupTestRestoreRequested(backup="nope"), "nope")[0], e.RestoreRejected)
