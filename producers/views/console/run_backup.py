"""A snapshot that is under way, put together from its records and from what is heard of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from producers.views.console.heard import Heard
from producers.views.console.job_records import JobRecords
from producers.views.console.running import Again, RunningJob, Step, StepState, VolumeBar, tracks
from producers.views.pace import Pace
from producers.views.progress import Phase
from schemas import keys
from schemas.records import (
    BackupPlan,
    BackupRequest,
    CopyState,
    HookState,
    PodPlan,
    PodResult,
    Queued,
    Request,
    VolumePlan,
    VolumeRecord,
)

STALE = timedelta(seconds=15)
"""Without news for so long, nobody knows how fast a volume goes."""


def backup(records: JobRecords, heard: Heard, now: datetime, expected: int | None = None) -> RunningJob | None:
    """None if nobody has asked for it. `expected` are the bytes that the last snapshot of the same had."""
    request = records.find("request.json", BackupRequest)
    if request is None:
        return None
    plan, queued = records.find("plan.json", BackupPlan), waits(records)
    bars = tuple(_bars(records, plan, heard, now)) if plan else ()
    phase = _phase(plan, records)
    made = started(records, request, heard, phase, queued)
    made = _with_scripts(replace(made, volumes=bars, objects=plan.objects if plan else 0), records)
    uploaded = _uploaded(records) if plan else None
    made = replace(made, steps=_steps(made, plan, queued), uploaded=uploaded, again=again(records, now))
    return sized(made, expected)


def started(records: JobRecords, request: Request, heard: Heard, phase: Phase, queued: Queued | None) -> RunningJob:
    """What a job of either kind is known by before anything of it is."""
    state = "Cancelling" if "cancel.json" in records.there else "Queued" if queued else "In Progress"
    return RunningJob(
        job=records.job,
        state=state,
        phase=phase,
        requested_at=request.requested_at,
        steps=(),
        behind=queued.behind.rpartition(" ")[2] if queued else "",
        behind_kind=queued.behind.partition(" ")[0] if queued else "",
        behind_since=queued.since if queued else None,
        stalled=heard.progress.stalled,
        unserved=heard.progress.unserved,
        notes=tuple(request.notes),
        lines=heard.lines,
        heard_at=heard.at,
    )


def waits(records: JobRecords) -> Queued | None:
    """Behind whom the job waits in line, if it does."""
    return None if "turn.json" in records.there else records.find("queued.json", Queued)


def again(records: JobRecords, now: datetime) -> Again | None:
    """What has failed, and is tried again."""
    at, marker = records.resting_until, records.marker
    if at is None or marker is None or marker.failure is None or at < now:
        return None
    return Again(marker.failure.subject, marker.failure.text, at)


def sized(made: RunningJob, expected: int | None) -> RunningJob:
    """With bytes, pace and the time left, over all volumes. The pace is that of those that are worked on: a volume of
    which the first news come late would be a leap in one of all together."""
    done = sum(each.done for each in made.volumes)
    totals = [each.total for each in made.volumes]
    total = sum(each for each in totals if each is not None) if totals and None not in totals else expected
    total = total if total and total > done else None
    rate = sum(each.rate for each in made.volumes if each.rate) or None
    lefts = [each.left for each in made.volumes if each.left is not None]
    left = max([timedelta(seconds=(total - done) / rate), *lefts]) if total and rate else None
    return replace(made, bytes_done=done, bytes_total=total, rate=rate, left=left)


def fresh(pace: Pace, now: datetime) -> float | None:
    """Bytes a second, unless that was too long ago."""
    if not pace.seen or now.timestamp() - pace.seen[-1][0] > STALE.total_seconds():
        return None
    return pace.per_second() or None


def moving(key: str, node: str, heard: Heard, now: datetime) -> VolumeBar:
    """A volume that is worked on, by what was heard of it last."""
    said = heard.progress.volumes.get(key)
    if said is None:
        return VolumeBar(key, node, "In Progress")
    total = said.bytes_total if key in heard.progress.sized and said.bytes_total > said.bytes_done else None
    rate = fresh(heard.paces.get(key, Pace()), now)
    left = timedelta(seconds=(total - said.bytes_done) / rate) if total and rate else None
    return VolumeBar(key, node, "In Progress", said.bytes_done, total, rate, left)


def _phase(plan: BackupPlan | None, records: JobRecords) -> Phase:
    if plan is None:
        return "licensed"
    ended = sum(_result(records, pod) is not None for pod in plan.pods)
    return "finishing" if ended == len(plan.pods) else "copying"


def _result(records: JobRecords, pod: PodPlan) -> PodResult | None:
    return records.find(_below(keys.pod_result(records.job, pod.key), records), PodResult)


def _state(records: JobRecords, pod: PodPlan) -> CopyState | None:
    return records.find(_below(keys.slices(records.job, pod.key), records), CopyState)


def _below(key: str, records: JobRecords) -> str:
    return key.removeprefix(keys.of(records.job))


def _bars(records: JobRecords, plan: BackupPlan, heard: Heard, now: datetime) -> Iterator[VolumeBar]:
    tried = again(records, now)
    for pod in sorted(plan.pods, key=lambda pod: (pod.node, pod.key)):
        result, state = _result(records, pod), _state(records, pod)
        copied = {volume.key: volume for volume in (result or state or CopyState()).volumes}
        gone_through = len(pod.volumes) if result or (state and state.given_up) else state.done if state else 0
        for number, volume in enumerate(pod.volumes):
            bar = _bar(pod, volume, copied, gone_through > number, heard, now)
            is_next = number == gone_through and tried is not None and tried.what == pod.key
            yield replace(bar, state="Retrying", rate=None, left=None) if is_next else bar


def _bar(
    pod: PodPlan, volume: VolumePlan, copied: dict[str, VolumeRecord], passed: bool, heard: Heard, now: datetime
) -> VolumeBar:
    key = volume.key(pod.namespace, pod.name)
    if (record := copied.get(key)) is not None:
        took = record.ended_at - record.began_at if record.began_at and record.ended_at else None
        return VolumeBar(key, pod.node, "Completed", record.scanned_bytes, record.scanned_bytes, took=took)
    if passed:
        return replace(moving(key, pod.node, heard, now), state="Failed", rate=None, left=None)
    return moving(key, pod.node, heard, now) if key in heard.progress.volumes else VolumeBar(key, pod.node, "Waiting")


def _uploaded(records: JobRecords) -> int:
    """By volumes that are whole: of others nobody has said yet."""
    of_pods = {name.partition("/")[2]: record for name, (_, record) in sorted(records.read.items()) if "/" in name}
    found = (record for record in of_pods.values() if isinstance(record, PodResult | CopyState))
    return sum(volume.uploaded_bytes for record in found for volume in record.volumes)


def _with_scripts(made: RunningJob, records: JobRecords) -> RunningJob:
    results = [result for state in records.all("hooks/", HookState) for result in state.results]
    return replace(
        made,
        scripts_before=sum(each.phase == "pre" for each in results),
        scripts_after=sum(each.phase == "post" for each in results),
        scripts_failed=sum(bool(each.error) for each in results),
    )


def _steps(made: RunningJob, plan: BackupPlan | None, queued: Queued | None) -> tuple[Step, ...]:
    done, count = made.count("Completed"), len(made.volumes)
    objects: StepState = "done" if plan else "waiting" if queued else "running"
    copying: StepState = "ahead" if plan is None else "done" if made.phase == "finishing" else "running"
    return (
        Step("License", "done", "license.gate"),
        Step("Objects", objects, "manifest.capture", f"{plan.objects:,} captured" if plan else ""),
        Step(
            "Volumes",
            copying,
            "volumes.<node>",
            f"{done} of {count}" if plan else "",
            tracks(made.volumes) if copying == "running" else (),
        ),
        Step("Finish", "running" if made.phase == "finishing" else "ahead", "backup.finalize", "the record"),
        Step("Tell", "ahead", "notify", "who wants to know"),
    )
