"""Who may ask for what: everybody for backups; for restores and upkeep the line's own users, and those in settings."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from schemas import events as e
from schemas import keys, topology
from schemas.errors import Code, Invalid
from schemas.records import RestoreRejection
from schemas.rights import RESTORES, UPKEEP, Rights, rights, user
from schemas.services import services, tells
from schemas.settings import Settings
from tests.support.world import World
from workers import line
from workers.deliveries import Delivery
from workers.jobs import ledger
from workers.needs import Needs

NOW = datetime(2026, 11, 26, tzinfo=UTC)
BACKUP, RESTORE = e.BackupRequested(), e.RestoreRequested(backup="b")
DELETE, VERIFY = e.BackupDeleteRequested(backup="b"), e.BackupVerifyRequested(backup="b")
SOME = Rights(line=frozenset({"snapline"}), restore=frozenset({"drill"}), upkeep=frozenset({"janitor"}))


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (BACKUP, {"snapline", "drill", "janitor", "ci"}),
        (RESTORE, {"snapline", "drill"}),
        (DELETE, {"snapline", "janitor"}),
        (VERIFY, {"snapline", "janitor"}),
        (e.RepositoryPruneRequested(), {"snapline", "janitor"}),
    ],
)
def test_a_sender_may_ask_for_what_is_theirs(asked: e.Event, allowed: set[str]) -> None:
    senders = {"snapline", "drill", "janitor", "ci"}
    assert {sender for sender in senders if SOME.refusal(sender, asked) is None} == allowed


def test_every_request_but_for_a_backup_needs_a_right() -> None:
    assert {kind.type for kind in (e.BackupRequested, *RESTORES, *UPKEEP)} == e.REQUESTS


def test_a_refusal_names_the_user_and_the_setting() -> None:
    refusal = SOME.refusal("ci", RESTORE)
    assert refusal
    assert refusal.code == Code.SENDER_NOT_ALLOWED
    assert "'ci'" in refusal.text
    assert "SNAPLINE_RESTORE_USERS" in refusal.text


def test_the_settings_say_who() -> None:
    said = Settings(
        amqp_url=SecretStr("amqp://the%20line:x@h/"), trusted_users="a, b", restore_users="c,", upkeep_users=" d"
    )
    assert rights(said) == Rights(frozenset({"the line", "a", "b"}), frozenset("c"), frozenset("d"))
    assert user(Settings(amqp_url=SecretStr("amqp://127.0.0.1/"))) == "guest"


def test_a_services_user_is_believed_what_the_service_tells_and_asks_for_nothing_more() -> None:
    trusted = "snapline, capture = manifest.capture,a=restore.apply"
    said = Settings(amqp_url=SecretStr("amqp://volumes.node-a:x@h/"), trusted_users=trusted)
    known = rights(said)
    assert known.line == {"snapline", "volumes.node-a"}
    tellers = {"snapline", "volumes.node-a", "a", "capture", "ci", ""}
    assert {each for each in tellers if known.believes(each, e.VolumesRestoreRequested)} == {
        "snapline",
        "volumes.node-a",
        "a",
    }
    assert {each for each in tellers if known.believes(each, e.VolumesCopyRequested)} == {
        "snapline",
        "volumes.node-a",
        "capture",
    }
    assert known.refusal("a", RESTORE)
    assert known.refusal("capture", DELETE)
    assert known.serves("capture", "manifest.capture")
    assert not known.serves("capture", "restore.apply")


def test_only_restore_apply_and_nodes_have_volumes_written() -> None:
    told_by = {name for name in services(("node-a",)) if e.VolumesRestoreRequested in tells(name)}
    assert told_by == {"restore.apply", "volumes.node-a"}


def test_a_service_that_there_is_not_is_a_wrong_setting() -> None:
    with pytest.raises(Invalid, match=r"TRUSTED_USERS.*licence"):
        rights(Settings(trusted_users="gate=licence.gate"))


class Worker(Needs):
    """A worker's needs over twins."""

    def trusted_keys(self) -> Mapping[str, bytes]:
        return {}

    def __init__(self, world: World) -> None:
        super().__init__(Settings(amqp_url=SecretStr("amqp://snapline:x@h/"), restore_users="drill"))
        self.cluster, self.destinations = world.cluster, world.destinations


@pytest.fixture(scope="module")
def worker() -> Worker:
    return Worker(World())


def _told(worker: Worker, event: e.Event, sender: str) -> list[e.Event]:
    envelope: e.AnyEvent = e.wrap(event, id="r", source="tests", time=NOW)
    queue = topology.hearing(event)[0]
    step = line.row(queue, worker).step_for(envelope)
    return list(step(envelope, Delivery(queue.name, sender=sender)))


def test_a_restore_that_its_sender_may_not_ask_for_is_rejected_and_on_record(worker: Worker) -> None:
    store = worker.destinations.store("default")
    [told] = _told(worker, RESTORE, "ci")
    assert isinstance(told, e.RestoreRejected)
    assert [reason.code for reason in told.reasons] == [Code.SENDER_NOT_ALLOWED]
    [found] = store.list(keys.rejections_of("restore"))
    assert ledger.read(store, found.key, RestoreRejection).sender == "ci"
    store.delete(found.key)


def test_a_restore_that_its_sender_may_ask_for_is_looked_into(worker: Worker) -> None:
    [told] = _told(worker, RESTORE, "drill")
    assert isinstance(told, e.RestoreRejected)
    assert [reason.code for reason in told.reasons] == [Code.NO_SUCH_BACKUP]
    [found] = worker.destinations.store("default").list(keys.rejections_of("restore"))
    worker.destinations.store("default").delete(found.key)


@pytest.mark.parametrize("asked", [DELETE, VERIFY, e.RepositoryPruneRequested()])
def test_upkeep_that_its_sender_may_not_ask_for_is_refused_and_told(worker: Worker, asked: e.Event) -> None:
    store = worker.destinations.store("default")
    before = [found.key for found in store.list("")]
    [told] = _told(worker, asked, "drill")
    reasons = told.problems if isinstance(told, e.BackupVerificationFailed) else [told.reason]  # type: ignore[attr-defined]
    assert [reason.code for reason in reasons] == [Code.SENDER_NOT_ALLOWED]
    assert [found.key for found in store.list("")] == before
