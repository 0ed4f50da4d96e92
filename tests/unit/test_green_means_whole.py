"""A backup that holds nothing of an application that it names does not read Completed. Whole backups over twins."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from deploy.local.license_authority import sign_license
from schemas import application
from schemas import events as e
from schemas.errors import Code, Invalid
from schemas.kubernetes import SECRETS, Object
from schemas.messages import Message
from schemas.records import BackupRecord
from tests.support.objects import VELERO, make, pod, titles
from tests.support.world import BACKUP, CONSOLE, World
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.commands import Ended
from workers.jobs import ledger
from workers.manifests.capture.document import decode_manifest


@pytest.fixture(scope="module")
def authority_world() -> World:
    return World()


def new_world(authority_world: World, *objects: Object) -> World:
    """A fresh world with an authority that is made once: its keys take seconds."""
    fresh = World(authority=authority_world.authority)
    fresh.cluster = type(fresh.cluster)(objects)
    return fresh


def owned(name: str, slug: str, namespace: str = "shop") -> Object:
    return make("ConfigMap", name, namespace, labels=VELERO | {"kots.io/app-slug": slug})


def finish(world: World, app: str | None = None) -> BackupRecord:
    """The record of a whole backup."""
    told = world.backup(app=app)
    assert isinstance(told[-1], e.BackupFinal), told
    record = ledger.finished_backup(world.store, told[-1].backup)
    assert record
    return record


def held(world: World, record: BackupRecord) -> set[str]:
    """`Kind/name` of what is in the backup."""
    assert record.manifest
    return set(
        titles(decode_manifest(world.repository.unseal(world.store.get(record.manifest), record.manifest)).objects)
    )


def texts(messages: list[Message], about: str) -> list[str]:
    return [each.text for each in messages if each.text.startswith(f"application {about}:")]


def test_every_application_that_contributed_makes_a_completed_backup(authority_world: World) -> None:
    world = new_world(authority_world, owned("a", "shop"), owned("b", "blog"))
    world.register("shop")
    world.register("blog")
    assert finish(world).status == "Completed"


@pytest.mark.parametrize("app", [None, "shop"])
def test_an_application_without_a_labelled_object_is_an_error(authority_world: World, app: str | None) -> None:
    world = new_world(authority_world, make("ConfigMap", "a", "shop"))
    world.register("shop")
    record = finish(world, app)
    assert (record.status, [app.slug for app in record.apps]) == ("PartiallyFailed", ["shop"])
    [error] = record.errors
    assert (error.code, error.subject) == (Code.NOTHING_SELECTED, "shop")


def test_a_labelled_namespace_alone_is_nothing_of_an_application(authority_world: World) -> None:
    world = new_world(authority_world, make("Namespace", "shop", labels=VELERO | {"kots.io/app-slug": "shop"}))
    world.register("shop")
    assert finish(world).status == "PartiallyFailed"


def test_what_another_application_brings_along_or_marks_does_not_count(authority_world: World) -> None:
    """Two in one namespace: what carries the mark alone may be anybody's."""
    world = new_world(authority_world, owned("a", "shop"), make("ConfigMap", "marked", "shop", labels=VELERO))
    world.register("shop")
    world.register("blog")
    record = finish(world)
    assert record.status == "PartiallyFailed"
    assert [error.subject for error in record.errors] == ["blog"]


def test_marked_objects_count_for_an_application_that_is_alone_there(authority_world: World) -> None:
    world = new_world(authority_world, make("ConfigMap", "marked", "shop", labels=VELERO))
    world.register("shop")
    assert finish(world).status == "Completed"


def test_an_application_without_a_backup_resource_and_in_nobodys_namespaces_is_an_error(authority_world: World) -> None:
    world = new_world(authority_world, owned("a", "shop"), owned("b", "blog", "elsewhere"))
    world.register("shop")
    world.register("blog", backup=None)
    record = finish(world)
    assert record.status == "PartiallyFailed"
    [error] = record.errors
    assert (error.code, error.subject) == (Code.NO_BACKUP_RESOURCE, "blog")


def test_an_application_without_a_backup_resource_may_come_with_the_others(authority_world: World) -> None:
    world = new_world(authority_world, owned("a", "shop"), owned("b", "blog"))
    world.register("shop")
    world.register("blog", backup=None)
    assert finish(world).status == "Completed"


def test_what_is_left_out_for_its_license_is_not_in_the_backup_and_its_error_is(authority_world: World) -> None:
    world = new_world(authority_world, owned("a", "shop"), owned("b", "blog"))
    world.register("shop")
    world.register("blog", sign_license(world.authority, app_slug="blog", allow_snapshots=False))
    record = finish(world)
    assert (record.status, [app.slug for app in record.apps]) == ("PartiallyFailed", ["shop"])
    assert len(texts(record.errors, "blog")) == 1
    assert {"ConfigMap/a", "ConfigMap/b"} & held(world, record) == {"ConfigMap/a"}


@pytest.mark.parametrize("app", [None, "shop"])
def test_what_of_a_backup_resource_has_no_effect_is_a_warning(authority_world: World, app: str | None) -> None:
    world = new_world(authority_world, owned("a", "shop"))
    world.register(
        "shop", backup=BACKUP.replace("spec: {", "spec: {defaultVolumesToFsBackup: true, includeNamespaces: [], ")
    )
    record = finish(world, app)
    assert record.status == "Completed"
    fields = [warning.text.split()[2] for warning in record.warnings]
    assert fields == ["spec.includeNamespaces", *([] if app else ["spec.defaultVolumesToFsBackup"])]


def test_an_application_that_was_registered_after_the_gate_waits_for_the_next_backup(authority_world: World) -> None:
    world = new_world(authority_world, owned("a", "shop"), owned("b", "blog"))
    world.register("shop")
    [licensed] = world.request(e.BackupRequested())
    world.register("blog", None)
    [planned] = world.hear(licensed)
    [final] = world.hear(planned)
    assert isinstance(final, e.BackupCompleted)
    record = ledger.finished_backup(world.store, final.backup)
    assert record
    assert "ConfigMap/b" not in held(world, record)


@pytest.mark.parametrize("asks", ["the pod", "the Backup"])
@pytest.mark.parametrize(("answer", "status"), [(Ended(), "Completed"), (Ended(1), "PartiallyFailed")])
@pytest.mark.parametrize("app", [None, "shop"])
def test_hooks_of_pods_and_of_backup_resources_run_and_count(
    authority_world: World, app: str | None, answer: Ended, status: str, asks: str
) -> None:
    ran: list[str] = []

    def run(pod: Object, _container: str, command: Sequence[str], _deadline: timedelta) -> Ended:
        ran.append(f"{command[-1]} in {pod['metadata']['name']}")
        return answer

    annotated = {"pre.hook.backup.velero.io/command": "dump"} if asks == "the pod" else {}
    db = pod("db", labels=VELERO | {"kots.io/app-slug": "shop"}, annotations=annotated)
    world = World(authority=authority_world.authority, cluster=MemoryCluster([db], run=run))
    hooks = "{resources: [{name: h, pre: [{exec: {command: [dump]}}]}]}"
    world.register("shop", backup=BACKUP if annotated else BACKUP.replace("spec: {", f"spec: {{hooks: {hooks}, "))
    record = finish(world, app)
    assert ran == ["dump in db"]
    assert (record.status, [hook.source for hook in record.hooks]) == (status, ["annotation" if annotated else "h"])


def _asked_then(world: World, meanwhile: Callable[[], None], app: str | None = None) -> BackupRecord:
    """A backup, with something that happens between the asking of licenses and the capture."""
    [licensed] = world.request(e.BackupRequested(app=app))
    meanwhile()
    [*_, end] = world.backup(app=app)
    record = ledger.finished_backup(world.store, str(licensed.subject))
    assert record, end
    return record


def _register_anew(world: World, slug: str, **changes: str) -> None:
    name = application.secret_name(slug)
    world.cluster.delete(SECRETS, CONSOLE, name)
    world.register(slug, **changes)


def test_an_application_that_was_registered_after_the_asking_is_not_captured_and_told(authority_world: World) -> None:
    world = new_world(authority_world, owned("a", "shop"), owned("b", "blog"))
    world.register("shop")
    record = _asked_then(world, lambda: world.register("blog", license_text="none at all"))
    assert (record.status, [app.slug for app in record.apps]) == ("Completed", ["shop"])
    assert "ConfigMap/b" not in held(world, record)
    assert [(each.code, each.subject) for each in record.warnings] == [(Code.REGISTRATION_CHANGED, "blog")]


def test_an_application_whose_license_was_replaced_after_the_asking_is_left_out_and_told(
    authority_world: World,
) -> None:
    world = new_world(authority_world, owned("a", "shop"), owned("b", "blog"))
    world.register("shop")
    world.register("blog")
    record = _asked_then(world, lambda: _register_anew(world, "blog", license_text="none at all"))
    assert record.status == "PartiallyFailed"
    assert [(each.code, each.subject) for each in record.errors] == [(Code.REGISTRATION_CHANGED, "blog")]
    assert {"ConfigMap/a"} <= held(world, record)
    assert "ConfigMap/b" not in held(world, record)


def test_a_backup_of_one_application_that_was_registered_anew_is_not_taken(authority_world: World) -> None:
    world = new_world(authority_world, owned("a", "shop"))
    world.register("shop")
    with pytest.raises(Invalid, match="registered anew") as changed:
        _asked_then(world, lambda: _register_anew(world, "shop", backup=BACKUP + "# another\n"), app="shop")
    assert changed.value.code == Code.REGISTRATION_CHANGED


def test_the_same_registration_written_again_is_no_change(authority_world: World) -> None:
    world = new_world(authority_world, owned("a", "shop"))
    text = sign_license(world.authority, app_slug="shop")
    world.register("shop", license_text=text)
    assert _asked_then(world, lambda: _register_anew(world, "shop", license_text=text)).status == "Completed"
