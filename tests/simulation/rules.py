"""What must be true when everything has come to rest. Each rule has a name, by which it is told what was broken."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator

from schemas import events as e
from schemas import keys
from schemas.errors import Code, SnaplineError
from schemas.job import Job, snapshot_of
from schemas.kubernetes import PODS
from schemas.messages import brief
from schemas.records import BackupRecord, BackupRequest, RestoreRequest
from tests.simulation import town
from tests.simulation.asking import Ask
from tests.simulation.looking import Looking
from tests.simulation.watch import Wrong
from tests.unit.model import invariants
from tests.unit.model.watching import Moment
from workers.jobs import endings, ledger, rejections
from workers.repository.upkeep.check import check_volumes

OURS = "'snapline-alarms'"
"""Our own note of what was told; it changes as it likes."""
ANSWERS: dict[type[e.Event], tuple[type[e.Event], ...]] = {
    e.BackupDeleteRequested: (e.BackupDeleted, e.BackupDeleteFailed),
    e.BackupCopyRequested: (e.BackupCopied, e.BackupCopyFailed),
    e.RepositoryPruneRequested: (e.RepositoryPruned, e.RepositoryPruneFailed),
    e.BackupVerifyRequested: (e.BackupVerified, e.BackupVerificationFailed),
}


def broken(looking: Looking, asked: list[Ask], start: Moment, checked: set[str]) -> Iterator[Wrong]:
    """All rules, for what has happened since `start`; backups and restores of `checked` were looked at before."""
    for rule, texts in (
        ("nothing-left", _left_behind(looking)),
        ("ends-once", _ends_once(looking, asked)),
        ("told-once", _told_once(looking)),
        ("answered", _answered(looking, asked)),
        ("dead-letters", (f"{dead.queue}: {dead.reason}: {dead.body!r}" for dead in looking.line.bus.dead)),
        ("one-at-a-time", invariants.overlaps(looking.touched, looking)),
        ("thawed", _thawed(looking)),
        ("store-time", _by_the_stores_time(looking, checked)),
        ("whole", _whole(looking, checked)),
        ("restored", _restored(looking, checked)),
        ("put-back", _put_back(looking, checked)),
        ("others-left-alone", _around(looking, start, checked)),
    ):
        yield from (Wrong(rule, text) for text in texts)


def _left_behind(looking: Looking) -> Iterator[str]:
    """But for claims of ended backups that a network has brought late: they count for nothing."""
    late = {event.key: event.late for event in looking.line.stores["default"].history if event.what == "put"}
    yield from (text for text in invariants.left_behind(looking) if not late.get(text.partition(" ")[0]))


def _ends_once(looking: Looking, asked: list[Ask]) -> Iterator[str]:
    """Each request made one job, which has ended, or was refused once. If two runs of the gate at once come to two
    answers, the job ends before it has begun, for the reason of the refusal: nothing is done that was refused."""
    jobs, refused = _jobs(looking), _refused(looking)
    for ask in asked:
        if isinstance(ask.event, e.BackupRequested | e.RestoreRequested):
            made, said_no = jobs[ask.id], refused[ask.id]
            if said_no == 1 and len(made) == 1 and _is_refused(looking, made[0]):
                continue
            if len(made) + said_no != 1:
                yield f"{ask.id} ({ask.event}) made {made}, and was refused {said_no} times"
            for job in made:
                if not (ledger.exists(looking.plain, keys.final(job)) or ledger.deleted(looking.plain, job)):
                    yield f"{ask.id} made {job}, which has no end"


def _is_refused(looking: Looking, job: Job) -> bool:
    """Whether it has ended as its refusal says, with nothing on record but its request."""
    end, refusal = endings.ended(looking.plain, job), rejections.of_job(looking.plain, job)
    if refusal is None or not isinstance(end, e.BackupFailed | e.RestoreFailed):
        return False
    return str(end.reason) == brief(refusal.reasons) and ledger.parts(looking.plain, job) == {keys.request(job)}


def _jobs(looking: Looking) -> dict[str, list[Job]]:
    found: dict[str, list[Job]] = defaultdict(list)
    for prefix, model in (("backups/", BackupRequest), ("restores/", RestoreRequest)):
        for each in looking.plain.list(prefix):
            if each.key.endswith("/request.json"):
                request = ledger.read(looking.plain, each.key, model)
                job = Job("backup" if prefix == "backups/" else "restore", request.name)
                if snapshot_of(job) is None:
                    found[request.event_id].append(job)
    return found


def _refused(looking: Looking) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in looking.plain.list("rejected/"):
        found[_field(looking, each.key, "event_id")] += 1
    return found


def _field(looking: Looking, key: str, name: str) -> str:
    return str(json.loads(looking.plain.get(key))[name])


def _told_once(looking: Looking) -> Iterator[str]:
    """Of each job that has ended, its end was told, and no other one."""
    ends: dict[Job, set[str]] = defaultdict(set)
    for saying in looking.line.told.sayings:
        said = saying.event
        if isinstance(said, e.FINAL) and isinstance(said, e.JobEvent) and said.destination == "default":
            ends[said.job].add(said.type)
    for job, types in ends.items():
        if len(types) != 1:
            yield f"{job} is told to have ended as {sorted(types)}"
    for kind in ("backup", "restore"):
        for found in looking.plain.list(keys.finals_of(kind)):
            parsed = keys.parse_final(found.key)
            if parsed and not ends[parsed]:
                yield f"{parsed} has ended, and nobody was told"


def _answered(looking: Looking, asked: list[Ask]) -> Iterator[str]:
    """Who asked for upkeep, or was refused, was told what came of it."""
    said = [saying.event for saying in looking.line.told.sayings]
    refusals = {each.request for each in said if isinstance(each, e.BackupRejected | e.RestoreRejected)}
    for ask in asked:
        if kinds := ANSWERS.get(type(ask.event)):
            about = getattr(ask.event, "backup", None)
            of_it = (each for each in said if isinstance(each, kinds))
            if not any(getattr(each, "request", ask.id) == ask.id and _about(each, about) for each in of_it):
                yield f"{ask.id} ({ask.event}) has no answer"
        elif ask.id not in refusals and not _jobs(looking)[ask.id]:
            yield f"{ask.id} ({ask.event}) was not answered"


def _about(event: e.Event, backup: str | None) -> bool:
    return backup is None or getattr(event, "backup", backup) == backup


def _thawed(looking: Looking) -> Iterator[str]:
    """Whatever was frozen was thawed after it, unless somebody was told that it could not be."""
    frozen: dict[str, bool] = {}
    for uid, words in looking.world.ran:
        if words[-1:] in (tuple(town.FREEZE), tuple(town.THAW)):
            frozen[uid] = words[-1:] == tuple(town.FREEZE)
    told = {
        error.subject
        for record in ledger.finished_backups(looking.plain)
        for error in record.errors
        if error.code == Code.HOOK_NOT_RUN
    }
    for pod in looking.world.cluster.live(PODS):
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        if frozen.get(pod["metadata"]["uid"]) and name not in told:
            yield f"{name} is frozen still"


def _by_the_stores_time(looking: Looking, checked: set[str]) -> Iterator[str]:
    """What a record says of its time is the store's, within what clocks may be apart."""
    for key, at, written in looking.times(checked):
        if not -looking.apart <= written - at <= looking.apart:
            yield f"{key} was written at {written}, and says {at}"


def _whole(looking: Looking, checked: set[str]) -> Iterator[str]:
    """Completed backups hold all that is selected; and those that are kept can be read back."""
    for record in looking.backups():
        try:
            if record.name not in checked and _says_what_it_holds(record):
                yield from invariants.wrong_in_backup(record, looking.watching, looking)
            yield from _readable(looking, record)
        except (KeyError, SnaplineError) as error:
            yield f"backup {record.name} cannot be read: {error!r}"


def _says_what_it_holds(record: BackupRecord) -> bool:
    """A safety snapshot holds what its restore deletes; and of kinds that could not be listed nobody knows anything."""
    unread = any(error.code == Code.NOT_CAPTURED for error in record.errors)
    return not unread and snapshot_of(Job("backup", record.name)) is None


def _readable(looking: Looking, record: BackupRecord) -> Iterator[str]:
    looking.contents.forget_what_was_read()
    for volume in record.volumes:
        known, now = looking.contents.known.get(volume.volume_id), looking.contents[volume.volume_id]
        if known is not None and known != now:
            yield f"backup {record.name} has {now} of {volume.name}, and had {known}"
    names = {volume.volume_id: volume.name for volume in record.volumes}
    with looking.repository.new_view() as view:
        yield from (
            f"the repository: {problem}" for problem in check_volumes(view, names) if "in no index" not in str(problem)
        )


def _restored(looking: Looking, checked: set[str]) -> Iterator[str]:
    for record in looking.watching.restores():
        if record.name not in checked and looking.is_known(record.backup):
            yield from invariants.wrong_in_restore(record, looking.watching, looking)


def _put_back(looking: Looking, checked: set[str]) -> Iterator[str]:
    for record in looking.watching.restores():
        if record.name not in checked and looking.is_known(record.backup):
            yield from invariants.not_put_back(record, looking.watching, looking)


def _around(looking: Looking, start: Moment, checked: set[str]) -> Iterator[str]:
    names = [each.name for each in looking.watching.restores() if each.name not in checked]
    if all(looking.is_known(each.backup) for each in looking.watching.restores() if each.name in names):
        wrong = invariants.wrong_around(start, looking.watching.moment(), names, looking.watching)
        yield from (text for text in wrong if OURS not in text)
