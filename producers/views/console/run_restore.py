"""A restore that is under way, put together from its records and from what is heard of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from producers.views.console.heard import Heard
from producers.views.console.job_records import JobRecords
from producers.views.console.run_backup import again, moving, sized, started, waits
from producers.views.console.running import RunningJob, Step, StepState, VolumeBar, VolumeState, tracks
from producers.views.progress import Phase
from schemas.records import RestorePlan, RestoreRequest, VolumeRestore, VolumeResult

ORDER: tuple[Phase, ...] = ("preparing", "securing", "removing", "restoring", "finishing")


def restore(records: JobRecords, heard: Heard, now: datetime, snapshot_is_done: bool = False) -> RunningJob | None:
    """None if nobody has asked for it. `snapshot_is_done` says whether its safety snapshot has ended."""
    request = records.find("request.json", RestoreRequest)
    if request is None:
        return None
    plan, queued = records.find("plan.json", RestorePlan), waits(records)
    phase = _phase(plan, records, snapshot_is_done)
    bars = tuple(_bars(records, plan, heard, now)) if plan else ()
    made = started(records, request, heard, phase, queued)
    made = replace(made, volumes=bars, objects=plan.objects if plan else 0, snapshot=plan.snapshot if plan else None)
    made = replace(made, steps=_steps(made, plan, queued is not None), again=again(records, now))
    return sized(made, None)


def _phase(plan: RestorePlan | None, records: JobRecords, snapshot_is_done: bool) -> Phase:
    if plan is None:
        return "preparing"
    if plan.snapshot and not snapshot_is_done:
        return "securing"
    if all(f"owners/{owner}/ended.json" in records.there for owner in plan.owners):
        return "finishing"
    gone = any(f"owners/{owner}/undeployed.json" in records.there for owner in plan.owners)
    return "restoring" if gone else "removing"


def _bars(records: JobRecords, plan: RestorePlan, heard: Heard, now: datetime) -> Iterator[VolumeBar]:
    tried = again(records, now)
    results = {result.volume: result for result in records.all("volumes/", VolumeResult)}
    for volume in sorted(plan.volumes, key=lambda volume: volume.key):
        bar = _bar(volume, results.get(volume.key), heard, now)
        is_tried = tried is not None and tried.what == volume.key and bar.state == "In Progress"
        yield replace(bar, state="Retrying", rate=None, left=None) if is_tried else bar


def _bar(volume: VolumeRestore, result: VolumeResult | None, heard: Heard, now: datetime) -> VolumeBar:
    if result is not None:
        state: VolumeState = "Failed" if result.errors else "Completed"
        return VolumeBar(volume.key, "", state, result.bytes, volume.bytes)
    if volume.key in heard.progress.volumes and heard.progress.phase not in ("preparing", "securing"):
        return replace(moving(volume.key, "", heard, now), total=volume.bytes)
    return VolumeBar(volume.key, "", "Waiting", 0, volume.bytes)


def _steps(made: RunningJob, plan: RestorePlan | None, queued: bool) -> tuple[Step, ...]:
    writing = any(each.state != "Waiting" for each in made.volumes)
    objects: StepState = _at(made.phase, "restoring")
    volumes: StepState = "ahead"
    if objects == "running" and writing:
        objects, volumes = "done", "running"
    elif objects == "done":
        volumes = "done"
    safety: StepState = _at(made.phase, "securing")
    if plan is None:
        safety = "waiting" if queued else "running"
    elif plan.snapshot is None:
        safety = "skipped"
    note = "none is taken" if safety == "skipped" else "planning" if plan is None else ""
    done, count = made.count("Completed"), len(made.volumes)
    return (
        Step("License", "done", "license.gate"),
        Step("Safety snapshot", safety, "restore.prepare", note),
        Step("Delete", _at(made.phase, "removing"), "restore.prepare", "what is replaced"),
        Step("Objects", objects, "restore.apply", f"{plan.objects:,} to create" if plan else ""),
        Step(
            "Volumes",
            volumes,
            "volumes.<node>",
            f"{done} of {count}" if plan else "",
            tracks(made.volumes) if volumes == "running" else (),
        ),
        Step("Pods ready", _at(made.phase, "finishing"), "restore.finalize"),
    )


def _at(phase: Phase, step: Phase) -> StepState:
    here, there = ORDER.index(phase), ORDER.index(step)
    return "done" if here > there else "running" if here == there else "ahead"
