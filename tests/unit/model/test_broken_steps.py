"""The model finds steps that are broken: each of what it holds can fail."""

from collections.abc import Callable, Generator
from typing import Any

import pytest

from schemas.events import Event
from schemas.kubernetes import CONFIG_MAPS, Object
from tests.unit.model.running import run
from workers.jobs import claims, endings
from workers.manifests.capture import select
from workers.manifests.kube.objects import CLAIM, kind_of
from workers.manifests.restore import apply_wave, mount_volumes, safety_snapshot
from workers.manifests.restore.undeploy import choose
from workers.ports import RestoreSlice
from workers.steps import (
    backup_finalize,
    manifest_capture,
    restore_apply,
    restore_clear,
    restore_undeploy,
    volumes_restore,
)

Patch = pytest.MonkeyPatch


def _deletes_what_asks_to_be_kept(patch: Patch) -> None:
    patch.setattr(choose, "is_untouched", lambda _obj: False)


def _deletes_claims_that_it_does_not_fill(patch: Patch) -> None:
    live = choose._Choice.refilled

    def all_claims(choice: Any) -> dict[str, Object]:
        return live(choice) | {uid: obj for uid, obj in choice._live.objects.items() if kind_of(obj) == CLAIM}

    patch.setattr(choose._Choice, "refilled", all_claims)
    patch.setattr(choose, "kept_claims", lambda *_: {})


def _leaves_claims_out(patch: Patch) -> None:
    patch.setattr(select, "related", lambda *_: iter(()))


def _calls_everything_completed(patch: Patch) -> None:
    record = backup_finalize._record

    def completed(*given: Any) -> Any:
        return record(*given).model_copy(update={"status": "Completed"})

    patch.setattr(backup_finalize, "_record", completed)


def _forgets_secrets(patch: Patch) -> None:
    def without(wave: Any, cluster: Any) -> Any:
        kept = [obj for obj in wave.objects if obj["kind"] != "Secret"]
        return apply_wave.apply_wave(apply_wave.Wave(wave.restore, wave.backup, kept), cluster)

    patch.setattr(restore_apply, "apply_wave", without)


def _writes_no_files(patch: Patch) -> None:
    def nothing(*_: Any) -> Generator[Event, None, RestoreSlice]:
        yield from ()
        return RestoreSlice(None, 0, 0)

    patch.setattr(volumes_restore, "_advance", nothing)


def _makes_one_more_each_time(patch: Patch) -> None:
    def more(wave: Any, cluster: Any) -> Any:
        made: Object = {"metadata": {"name": f"made-by-{wave.restore}", "namespace": "console-ns"}}
        try:
            cluster.create(CONFIG_MAPS, made)
        finally:
            return apply_wave.apply_wave(wave, cluster)  # noqa: B012

    patch.setattr(restore_apply, "apply_wave", more)


def _leaves_helpers(patch: Patch) -> None:
    patch.setattr(mount_volumes, "remove_helpers", lambda *_: None)
    patch.setattr(restore_clear, "clear_away", lambda *_: None)


def _puts_nothing_back(patch: Patch) -> None:
    for step in (restore_undeploy, restore_clear):
        patch.setattr(step, "put_back", lambda *_: apply_wave.Outcome())


def _never_waits_in_line(patch: Patch) -> None:
    patch.setattr(claims, "take", lambda *_: None)


def _saves_nothing_but_claims(patch: Patch) -> None:
    def some(was: Any, cluster: Any) -> Any:
        captured = safety_snapshot.replaced(was, cluster)
        captured.objects[:] = [obj for obj in captured.objects if obj["kind"] != "ConfigMap"]
        return captured

    patch.setattr(manifest_capture, "replaced", some)


def _leaves_its_marker(patch: Patch) -> None:
    patch.setattr(endings, "close", lambda *_: None)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("broken", "found"),
    [
        (_deletes_what_asks_to_be_kept, "was replaced|is gone"),
        (_deletes_claims_that_it_does_not_fill, "was replaced|is gone|was changed"),
        (_leaves_claims_out, "and should"),
        (_calls_everything_completed, "is Completed"),
        (_forgets_secrets, "is Completed without"),
        (_writes_no_files, "not {"),
        (_makes_one_more_each_time, "and was None"),
        (_leaves_helpers, "the helper .* is still there"),
        (_puts_nothing_back, "did not put back"),
        (_never_waits_in_line, "at the same time"),
        (_saves_nothing_but_claims, "the rollback"),
        (_leaves_its_marker, "does not end"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_broken_step_is_found(broken: Callable[[Patch], None], found: str, monkeypatch: Patch) -> None:
    broken(monkeypatch)
    with pytest.raises(AssertionError, match=found):
        run(300)  # most are found among the first
