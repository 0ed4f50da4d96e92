"""What comes after a pod's copy runs always, whatever happens to the copy, the job or the worker."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import Damaged, NotFound, NotYet, TransientError
from schemas.job import Job
from schemas.kubernetes import PODS
from schemas.messages import Message
from schemas.records import (
    BackupPlan,
    BackupRecord,
    BackupRequest,
    HookPlan,
    HookState,
    PodHooks,
    PodPlan,
    PodResult,
    Running,
    VolumePlan,
)
from tests.support.hooks import NOW, Pods, Sealing, hook
from workers.adapters.twins.commands import Ended
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.hooks.around import MOST_ROUNDS
from workers.hooks.sealed import load_plans, store_plans
from workers.jobs import endings, ledger, progress
from workers.jobs.hooks import load_output
from workers.jobs.locks import Locks
from workers.jobs.slicing import Slicing
from workers.ports import CopySlice, Progress, QueueState, Repository
from workers.steps import backup_thaw, volumes_copy, watchdog

BACKUP, POD = Job("backup", "b"), "shop/db-0"


class Killed(BaseException):
    """The worker dies here."""


@dataclass
class Node(Sealing):
    """A worker whose repository notes in `pods.ran` what it copies, beside the commands; each volume takes `slices`."""

    pods: Pods = field(default_factory=Pods)
    store: MemoryObjectStore = field(default_factory=MemoryObjectStore)
    slices: int = 1
    trouble: BaseException | None = None
    root: ClassVar[Path]

    def plan(self, pre: list[HookPlan], post: list[HookPlan], volumes: tuple[str, ...] = ("data",)) -> "Node":
        """A running backup of one pod."""
        planned = [VolumePlan(name=name, kind="claim", directory=name, claim=name) for name in volumes]
        any_ = bool(pre or post)
        pod = PodPlan(namespace="shop", name="db-0", uid="pod-1", node="n", volumes=planned, hooks=any_)
        hooks = store_plans(self.store, self.sealing, BACKUP, {POD: PodHooks(pre=pre, post=post)} if any_ else {})
        ledger.put(self.store, keys.plan(BACKUP), BackupPlan(manifest="m", objects=1, pods=[pod], hooks=hooks))
        ledger.put(
            self.store, keys.request(BACKUP), BackupRequest(name="b", request="q", event_id="q", requested_at=NOW)
        )
        ledger.put(self.store, keys.running(BACKUP), Running())
        return self

    @property
    def sealing(self) -> Repository:
        """Itself, as far as it is a repository."""
        return self  # type: ignore[return-value]

    @property
    def needs(self) -> volumes_copy.CopyNeeds:
        """For the step."""
        destinations = MemoryDestinations({"default": (self.store, self.sealing)})
        slicing = Slicing(timedelta(seconds=30), lambda: False, self)
        return volumes_copy.CopyNeeds(destinations, lambda: self.pods.cluster, self, slicing, Locks(), self.pods.clock)

    def hear(self, slice_: int = 0) -> list[e.Event]:
        """What the step makes of one delivery."""
        event = e.VolumesCopyRequested(backup="b", node="n", pod=POD, slice=slice_)
        told = volumes_copy.copy(e.wrap(event, source="tests", time=NOW), self.needs)
        return [said for said in told if not isinstance(said, e.VolumesProgressed)]

    def thaw(self, end: e.Event) -> list[e.Event]:
        """What backup.finalize makes of the end of a backup that has failed."""
        needs = backup_thaw.ThawNeeds(self.needs.destinations, lambda: self.pods.cluster, self.pods.clock)
        event: Any = e.wrap(end, source="tests", time=NOW)
        return list(backup_thaw.thaw(event, needs))

    def give_up(self) -> list[e.Event]:
        """What is made of a step that failed for good."""
        event = e.VolumesCopyRequested(backup="b", node="n", pod=POD)
        reason = Message(code="Damaged", text="beyond repair")
        return list(volumes_copy.give_up(e.wrap(event, source="tests", time=NOW), reason, self.needs))

    def cancel(self) -> None:
        """As a user does."""
        ledger.put(self.store, keys.cancel(BACKUP), Running())

    def result(self) -> PodResult:
        """The pod's."""
        return ledger.read(self.store, keys.pod_result(BACKUP, POD), PodResult)

    def state(self) -> HookState:
        """Of its hooks."""
        return ledger.read(self.store, keys.hooks_of(BACKUP, POD), HookState)

    def final(self) -> BackupRecord:
        """The backup's."""
        return ledger.read(self.store, keys.final(BACKUP), BackupRecord)

    # the ports of a copy

    def cancelled(self, job: Job) -> bool:
        return ledger.cancelled(self.store, job)

    def directory(self, pod_uid: str, volume: str) -> Path:
        if isinstance(self.trouble, NotFound):
            raise self.trouble
        mounted = self.root / volume
        mounted.mkdir(exist_ok=True)
        return mounted

    def copy(
        self,
        root: Path,
        *,
        parent: str | None,
        checkpoint: bytes | None,
        binding: str = "",
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> CopySlice:
        if self.trouble:
            raise self.trouble
        reached = int(checkpoint or b"0") + 1
        self.pods.ran.append(f"copy {root.name}")
        done = reached >= self.slices
        return CopySlice("id" if done else None, None if done else str(reached).encode(), 1, 1, 1, 1)


@pytest.fixture(autouse=True)
def _volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the node has its volumes."""
    monkeypatch.setattr(Node, "root", tmp_path, raising=False)


def _node(pre: str = "freeze", post: str = "thaw", **fields: object) -> Node:
    return Node().plan([hook(pre, **fields)], [hook(post)])


def test_a_pod_is_copied_between_its_hooks_and_what_they_said_is_kept() -> None:
    node = _node()
    node.pods.answer("freeze", Ended(0, b"frozen"))
    [told] = node.hear()
    assert isinstance(told, e.VolumesCopied)
    assert node.pods.ran == ["freeze", "copy data", "thaw"]
    assert [each.phase for each in node.result().hooks] == ["pre", "post"]
    said = [load_output(node.store, node.sealing, each.output) for each in node.result().hooks]
    assert [(each.command, each.stdout) for each in said] == [(["freeze"], "frozen"), (["thaw"], "")]
    assert (node.result().errors, node.result().warnings) == ([], [])
    assert node.hear() == [told]
    assert node.pods.ran == ["freeze", "copy data", "thaw"]


def test_what_comes_before_is_not_run_again_with_every_slice() -> None:
    node = _node()
    node.slices = 3
    for slice_ in range(3):
        assert len(node.hear(slice_)) == 1
    assert node.pods.ran == ["freeze", "copy data", "copy data", "copy data", "thaw"]


def test_what_comes_after_comes_after_the_last_of_the_pods_volumes() -> None:
    node = Node().plan([hook("freeze")], [hook("thaw")], volumes=("data", "logs"))
    node.hear()
    assert node.pods.ran == ["freeze", "copy data", "copy logs", "thaw"]


def test_a_pod_without_volumes_has_its_hooks_run() -> None:
    node = Node().plan([hook("dump")], [], volumes=())
    [told] = node.hear()
    assert isinstance(told, e.VolumesCopied)
    assert node.pods.ran == ["dump"]
    assert [result.phase for result in node.result().hooks] == ["pre"]


def test_a_pod_without_hooks_leaves_no_state_of_any() -> None:
    node = Node().plan([], [])
    node.hear()
    assert list(node.store.list(keys.hooks(BACKUP))) == []


def test_hooks_after_a_copy_need_none_before_it() -> None:
    node = Node().plan([], [hook("thaw")])
    node.hear()
    assert node.pods.ran == ["copy data", "thaw"]


def test_a_failed_hook_is_an_error_and_the_pod_is_copied_all_the_same() -> None:
    node = _node()
    node.pods.answer("freeze", Ended(1, b"", b"busy"))
    [told] = node.hear()
    assert isinstance(told, e.VolumesCopyFailed)
    assert node.pods.ran == ["freeze", "copy data", "thaw"]
    text = "Pod shop/db-0, container main: its pre backup hook (annotation) failed: it ended with exit code 1"
    assert [str(error) for error in node.result().errors] == [text]
    assert [volume.name for volume in node.result().volumes] == ["data"]


def test_after_a_failure_that_says_fail_nothing_more_is_run_or_copied_but_all_is_thawed() -> None:
    hooks = [hook("freeze"), hook("check", on_error="Fail"), hook("never")]
    node = Node().plan(hooks, [hook("thaw")])
    node.pods.answer("check", Ended(1))
    node.hear()
    assert node.pods.ran == ["freeze", "check", "thaw"]
    failed, lost = map(str, node.result().errors)
    assert "its pre backup hook (annotation) failed" in failed
    assert lost == "shop/db-0: volumes data were not copied, as a hook failed whose on-error is Fail"
    assert node.result().volumes == []


def test_a_failure_after_the_copy_that_says_fail_stops_the_rest_of_them() -> None:
    node = Node().plan([], [hook("check", on_error="Fail"), hook("never")])
    node.pods.answer("check", Ended(1))
    node.hear()
    assert node.pods.ran == ["copy data", "check"]
    assert len(node.result().volumes) == len(node.result().errors) == 1


def test_a_volume_that_is_gone_does_not_keep_the_pod_frozen() -> None:
    node = _node()
    node.trouble = NotFound("no such volume")
    node.hear()
    assert node.pods.ran == ["freeze", "thaw"]
    assert "no such volume" in str(node.result().errors[0])


def test_a_copy_that_is_given_up_does_not_keep_the_pod_frozen() -> None:
    node = _node()
    node.trouble = Damaged("beyond repair")
    with pytest.raises(Damaged):
        node.hear()
    [told] = node.give_up()
    assert isinstance(told, e.VolumesCopyFailed)
    assert node.pods.ran == ["freeze", "thaw"]
    assert [str(error) for error in node.result().errors] == ["shop/db-0: beyond repair"]


def test_a_copy_that_is_given_up_while_nothing_can_be_thawed_is_thawed_later() -> None:
    node = _node()
    node.trouble = Damaged("beyond repair")
    node.pods.answer("thaw", TransientError("the API server is away"))
    with pytest.raises(Damaged):
        node.hear()
    with pytest.raises(NotYet):
        node.give_up()
    node.pods.answers.clear()
    node.trouble = None
    [told] = node.hear()
    assert isinstance(told, e.VolumesCopyFailed)
    assert "copy data" not in node.pods.ran
    assert node.pods.ran[-1] == "thaw"
    assert [str(error) for error in node.result().errors] == ["shop/db-0: beyond repair"]


# --- a cancel


def test_a_cancelled_backup_ends_after_its_pods_are_thawed() -> None:
    node = _node()
    node.slices = 2
    node.hear()
    node.cancel()
    assert progress.settled(node.store, BACKUP, NOW) is None
    [told] = node.hear(1)
    assert isinstance(told, e.BackupCancelled)
    assert node.pods.ran == ["freeze", "copy data", "thaw"]
    assert [result.phase for result in node.final().hooks] == ["pre", "post"]
    assert node.state().stage == "post-done"


def test_a_cancel_before_the_hooks_have_begun_runs_none() -> None:
    node = _node()
    node.cancel()
    [told] = node.hear()
    assert isinstance(told, e.BackupCancelled)
    assert node.pods.ran == []


def test_the_watchdog_asks_for_the_thaw_of_a_cancelled_backup_whose_messages_are_lost() -> None:
    node = _node()
    node.slices = 2
    node.hear()
    node.cancel()
    told = _tick(node)
    assert [each.slice for each in told if isinstance(each, e.VolumesCopyRequested)] == [1]
    [ended] = node.hear(1)
    assert isinstance(ended, e.BackupCancelled)


def test_a_backup_that_fails_for_good_names_the_pods_that_were_not_thawed_and_they_are_when_their_message_comes() -> (
    None
):
    node = _node()
    node.slices = 2
    node.hear()
    endings.fail(node.store, BACKUP, NOW, Message(code="Stalled", text="no progress"))
    assert "its hooks after the copy have not been run" in str(node.final().errors[-1])
    [told] = node.hear(1)
    assert isinstance(told, e.BackupFailed)
    assert node.pods.ran == ["freeze", "copy data", "thaw"]


def test_where_the_nodes_worker_is_gone_for_good_it_is_told_and_at_last_another_one_thaws() -> None:
    node = _node()
    node.slices = 2
    node.hear()
    told = _tick(node, unserved="volumes.n")
    assert isinstance(told[0], e.BackupStalled)
    assert told[0].unserved == ["volumes.n"]
    for _ in range(watchdog.MOST_NUDGES):
        *_, end = _tick(node, unserved="volumes.n")
    assert isinstance(end, e.BackupFailed)
    assert "nobody serves volumes.n" in str(end.reason)
    assert "Pod shop/db-0: its hooks after the copy have not been run" in str(node.final().errors[-1])
    assert node.thaw(end) == []
    assert node.pods.ran == ["freeze", "copy data", "thaw"]
    assert node.state().stage == "post-done"
    node.thaw(end)
    node.hear(1)
    assert node.pods.ran == ["freeze", "copy data", "thaw"], "once"


def test_a_thaw_after_the_end_waits_for_the_api_server_too() -> None:
    node = _node()
    node.slices = 2
    node.hear()
    end = endings.fail(node.store, BACKUP, NOW, Message(code="Stalled", text="no progress"))
    node.pods.answer("thaw", TransientError("the API server is away"))
    with pytest.raises(NotYet):
        node.thaw(end)
    node.pods.answers.clear()
    node.thaw(end)
    assert node.pods.ran[-1] == "thaw"
    assert node.state().stage == "post-done"


def test_an_end_that_is_in_no_record_thaws_nothing() -> None:
    node = _node()
    node.slices = 2
    node.hear()
    node.thaw(e.BackupFailed(backup="b"))
    assert node.pods.ran == ["freeze", "copy data"]


def _tick(node: Node, unserved: str = "") -> list[e.Event]:
    """A tick to which every job has stood still for long enough."""
    needs = watchdog.WatchdogNeeds(
        node.needs.destinations,
        -timedelta(days=1),
        lambda: NOW + timedelta(days=1),
        lambda queue: QueueState(0 if queue == unserved else 1, 0),
    )
    return list(watchdog.tick(e.wrap(e.TickMinute(minute="m"), source="tests", time=NOW), needs))


# --- a killed worker


def test_killed_in_a_hook_before_the_copy_all_is_thawed_and_begun_anew() -> None:
    node = _node()
    _kill_in(node, "freeze")
    node.pods.answers.clear()
    [told] = node.hear()
    assert isinstance(told, e.VolumesCopied)
    assert node.pods.ran == ["freeze", "end", "thaw", "freeze", "copy data", "thaw"]
    assert node.result().errors == []
    assert "were broken off" in str(node.result().warnings[0])


def test_killed_while_it_copies_nothing_is_frozen_twice() -> None:
    node = _node()
    node.trouble = Killed()
    with pytest.raises(Killed):
        node.hear()
    node.trouble = None
    node.hear()
    assert node.pods.ran == ["freeze", "copy data", "thaw"]


def test_killed_in_a_hook_after_the_copy_it_runs_again_and_nothing_is_copied_thawed() -> None:
    node = _node()
    _kill_in(node, "thaw")
    node.pods.answers.clear()
    node.hear()
    assert node.pods.ran == ["freeze", "copy data", "thaw", "end", "thaw"]
    assert [result.phase for result in node.result().hooks] == ["pre", "post"]


def test_a_first_record_that_the_network_brings_late_leaves_nothing_frozen() -> None:
    """Found by seed 4702: it stood over what had begun since, so that nobody knew that a thaw was owed."""
    node, arrive = _node(), list[Callable[[], object]]()

    def late(write: Callable[[str, bytes], object]) -> Callable[[str, bytes], object]:
        def written(key: str, body: bytes) -> object:
            if key != keys.hooks_of(BACKUP, POD) or arrive:
                return write(key, body)
            arrive.append(lambda: write(key, body))
            raise TransientError("no answer came")

        return written

    node.store.put, node.store.create = late(node.store.put), late(node.store.create)  # type: ignore[assignment, method-assign]
    node.slices = 2
    with pytest.raises(TransientError):
        node.hear(0)
    node.hear(0)
    arrive[0]()
    node.hear(1)
    assert node.pods.ran == ["freeze", "copy data", "copy data", "thaw"]


@pytest.mark.parametrize("writes", range(1, 11))
def test_killed_at_any_record_the_last_that_is_run_is_the_thaw(writes: int) -> None:
    node = _node()
    _die_after(node.store, writes)
    with pytest.raises(Killed):
        node.hear()
    _die_after(node.store, 1000)
    [told] = node.hear()
    assert isinstance(told, e.VolumesCopied)
    assert node.pods.ran[-1] == "thaw"
    assert _well_ordered(node.pods.ran)
    assert node.result().errors == []


def _well_ordered(ran: list[str]) -> bool:
    """Nothing is copied that is not frozen, and nothing is frozen twice."""
    frozen = False
    for each in ran:
        if each == "freeze":
            if frozen:
                return False
            frozen = True
        elif each == "thaw":
            frozen = False
        elif each.startswith("copy") and not frozen:
            return False
    return not frozen


def test_hooks_that_are_broken_off_again_and_again_have_failed() -> None:
    node = _node(on_error="Fail")
    for _ in range(MOST_ROUNDS):
        _kill_in(node, "freeze")
    node.pods.answers.clear()
    [told] = node.hear()
    assert isinstance(told, e.VolumesCopyFailed)
    assert f"broken off {MOST_ROUNDS} times" in str(node.result().errors[0])
    assert (node.pods.ran[-1], node.pods.ran.count("freeze")) == ("thaw", MOST_ROUNDS)


def _kill_in(node: Node, name: str) -> None:
    def die() -> Ended:
        raise Killed

    node.pods.answers[name] = die
    with pytest.raises(Killed):
        node.hear()


def _die_after(store: MemoryObjectStore, writes: int) -> None:
    left, put, create = [writes], MemoryObjectStore.put, MemoryObjectStore.create

    def counted(write: Callable[..., object]) -> Callable[..., object]:
        def run(key: str, body: bytes) -> object:
            done = write(store, key, body)
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return done

        return run

    store.put, store.create = counted(put), counted(create)  # type: ignore[method-assign,assignment]


# --- a container or an API server that is away


def test_hooks_wait_for_their_container_and_fail_when_it_does_not_come() -> None:
    node = _node()
    node.pods.cluster.patch(PODS, "shop", "db-0", {"status": {"phase": "Pending"}}, status=True)
    with pytest.raises(NotYet, match="container main does not run"):
        node.hear()
    assert node.pods.ran == []
    node.pods.now += timedelta(minutes=3)
    with pytest.raises(NotYet):
        node.hear()  # now for what comes after the copy
    assert node.pods.ran == ["copy data"]
    node.pods.now += timedelta(minutes=11)
    node.hear()
    assert [("does not run" in str(error)) for error in node.result().errors] == [True, True]


def test_a_container_that_comes_in_time_makes_no_error() -> None:
    node = _node()
    node.pods.cluster.patch(PODS, "shop", "db-0", {"status": {"phase": "Pending"}}, status=True)
    with pytest.raises(NotYet):
        node.hear()
    node.pods.cluster.patch(PODS, "shop", "db-0", {"status": {"phase": "Running"}}, status=True)
    node.hear()
    assert (node.pods.ran, node.result().errors) == (["freeze", "copy data", "thaw"], [])


def test_a_pod_that_was_replaced_is_not_frozen() -> None:
    node = Node().plan([hook("freeze", uid="another")], [hook("thaw", uid="another")])
    node.hear()
    assert node.pods.ran == ["copy data", "thaw"]
    assert "was replaced" in str(node.result().errors[0])


def test_a_thaw_waits_for_the_api_server_and_says_at_last_that_it_could_not() -> None:
    node = _node()
    node.pods.answer("thaw", TransientError("the API server is away"))
    with pytest.raises(NotYet):
        node.hear()
    node.pods.now += timedelta(minutes=11)
    node.hear()
    assert node.pods.ran.count("copy data") == 1
    assert "may not be undone" in str(node.result().errors[0])


def test_a_hook_whose_connection_is_lost_is_ended_and_all_is_begun_anew() -> None:
    node = _node()
    node.pods.answer("freeze", TransientError("the connection was lost"))
    with pytest.raises(TransientError):
        node.hear()
    node.pods.answers.clear()
    node.hear()
    assert node.pods.ran == ["freeze", "end", "thaw", "freeze", "copy data", "thaw"]


# --- what is kept


def test_no_command_and_nothing_that_it_said_is_kept_in_plain() -> None:
    node = Node().plan([hook("freeze", command=["freeze", "--password=s3cr3t"])], [hook("thaw")])
    node.pods.answer("freeze", Ended(1, b"s3cr3t out", b"s3cr3t err"))
    node.hear()
    plain = [found.key for found in node.store.list("") if b"s3cr3t" in node.store.get(found.key)]
    assert {key.split("/")[2] for key in plain} == {"hook-plans", "hook-outputs"}


@pytest.mark.parametrize("forged", ["copied", "another job's"])
def test_who_can_write_to_the_store_has_no_commands_of_their_own_run(forged: str) -> None:
    node = _node()
    other = Job("backup", "other")
    theirs = store_plans(node.store, node.sealing, other, {POD: PodHooks(pre=[hook("evil")])})
    assert theirs
    key = keys.hook_plans(BACKUP, "x") if forged == "copied" else theirs
    node.store.put(key, node.store.get(theirs))
    plan = ledger.read(node.store, keys.plan(BACKUP), BackupPlan)
    ledger.put(node.store, keys.plan(BACKUP), plan.model_copy(update={"hooks": key}))
    with pytest.raises(Damaged):
        node.hear()
    assert isinstance(node.give_up()[0], e.VolumesCopyFailed)
    assert node.pods.ran == []


def test_hooks_that_cannot_be_read_any_more_are_told_and_hold_up_nothing() -> None:
    node = _node()
    node.trouble = Damaged("beyond repair")
    with pytest.raises(Damaged):
        node.hear()
    for found in node.store.list(keys.hook_plans(BACKUP, "")):
        node.store.put(found.key, b"damaged")
    [told] = node.give_up()
    assert isinstance(told, e.VolumesCopyFailed)
    assert "its hooks after the copy could not be run" in str(node.result().errors[0])


def test_plans_open_for_their_own_job_alone() -> None:
    node = _node()
    plan = ledger.read(node.store, keys.plan(BACKUP), BackupPlan)
    assert load_plans(node.store, node.sealing, BACKUP, plan.hooks or "").pods[POD].pre[0].command == ["freeze"]
