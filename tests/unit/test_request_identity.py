"""Whose request it is: sender, source and id; with other data it is refused, and nobody uses up the ids of others."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import Code
from schemas.job import asked_for, derived_uuid, request_uuid
from schemas.messages import Message
from schemas.records import BackupRejection, BackupRequest
from tests.support.world import World, config_map
from workers.jobs import ledger, rejections
from workers.steps import license_gate

SHOP, BLOG = e.BackupRequested(app="shop"), e.BackupRequested(app="blog")


@pytest.fixture(scope="module")
def authority_world() -> World:
    return World()


@pytest.fixture
def world(authority_world: World) -> World:
    """A fresh world with an authority that is made once: its keys take seconds."""
    fresh = World(authority=authority_world.authority)
    fresh.cluster = type(fresh.cluster)([config_map("shop", "c", kots__io__app_slug="shop")])
    fresh.register("shop")
    fresh.register("blog")
    return fresh


def _ask(world: World, event: e.BackupRequested, sender: str, id_: str = "nightly") -> Sequence[e.Event]:
    envelope = e.wrap(event, id=id_, source="snapline/scheduler", time=world.now)
    return list(license_gate.backup_requested(envelope, sender, world.gate))


def _reason(told: Sequence[e.Event]) -> Message:
    [only] = told
    assert isinstance(only, e.BackupRejected)
    [reason] = only.reasons
    return reason


def test_another_sender_does_not_use_up_an_id(world: World) -> None:
    [outsiders] = _ask(world, SHOP, "ci")
    [ours] = _ask(world, SHOP, "snapline")
    assert isinstance(ours, e.BackupLicensed)
    assert ours.subject != outsiders.subject
    assert _ask(world, SHOP, "snapline") == [ours]


def test_rejections_of_two_senders_with_one_id_are_two_events(world: World) -> None:
    told = [*_ask(world, e.BackupRequested(app="nope"), "ci"), *_ask(world, e.BackupRequested(app="nope"), "cd")]
    assert len({event.event_id for event in told}) == 2


@pytest.mark.parametrize("first", [SHOP, e.BackupRequested(app="nope")])
def test_the_same_id_with_other_data_is_refused_and_says_what_differs(world: World, first: e.BackupRequested) -> None:
    answered = _ask(world, first, "ci")
    other = _reason(_ask(world, BLOG, "ci"))
    assert other.code == Code.REQUEST_DIFFERS
    assert f"app was {first.app!r}, not 'blog'" in other.text
    assert not list(world.store.list("backups/blog-"))
    assert _ask(world, first, "ci") == answered


def test_a_part_of_the_data_that_is_not_in_the_name_counts_as_well(world: World) -> None:
    [running] = _ask(world, SHOP, "ci")
    told = _ask(world, e.BackupRequested(app="shop", schedule="nightly"), "ci")
    assert _reason(told).code == Code.REQUEST_DIFFERS
    assert _ask(world, SHOP, "ci") == [running]


def test_a_refusal_for_other_data_is_another_event_than_a_rejection_before(world: World) -> None:
    told = [*_ask(world, e.BackupRequested(app="nope"), "ci"), *_ask(world, BLOG, "ci")]
    assert len({event.event_id for event in told}) == 2


def test_what_failed_for_good_does_not_answer_for_another_request_of_its_id(world: World) -> None:
    [running] = _ask(world, SHOP, "ci")
    envelope = e.wrap(
        e.BackupRequested(app="shop", schedule="s"), id="nightly", source="snapline/scheduler", time=world.now
    )
    away = Message(code=Code.TRANSIENT, text="the cluster is away")
    told = list(license_gate.refuse_backup(envelope, "ci", away, world.gate))
    assert _reason(told).code == Code.REQUEST_DIFFERS
    assert _ask(world, SHOP, "ci") == [running]


def test_a_request_from_before_senders_counted_is_still_the_same(world: World) -> None:
    older = derived_uuid("snapline/scheduler", "nightly")
    job = asked_for("backup", "shop", older)
    ledger.begin(world.store, job)
    made = BackupRequest(
        name=job.name, request=older, event_id="nightly", sender="snapline", requested_at=world.now, app="shop"
    )
    ledger.create(world.store, keys.request(job), made)
    [again] = _ask(world, SHOP, "snapline")
    assert again == e.BackupLicensed(backup=job.name, app="shop")
    [others] = _ask(world, SHOP, "ci")
    assert others.subject != job.name


def test_a_rejection_from_before_senders_counted_still_stands(world: World) -> None:
    older = derived_uuid("snapline/scheduler", "nightly")
    job = asked_for("backup", "shop", older)
    reason = Message(code=Code.LICENSE_REFUSED, text="expired")
    rejection = BackupRejection(
        name=job.name, request=older, event_id="nightly", rejected_at=world.now, app="shop", reasons=[reason]
    )
    rejections.create(world.store, job, rejection)
    world.now += timedelta(days=1)
    assert _reason(_ask(world, SHOP, "snapline")) == reason


def test_no_sender_source_and_id_make_the_identity_of_others() -> None:
    parts = [("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("", "ab", "c"), ("1:a", "b", "c")]
    assert len({request_uuid(*each) for each in parts} | {derived_uuid("a", "b"), derived_uuid("1:ab", "c")}) == 7
