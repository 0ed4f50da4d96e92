"""Object-store layout of the jobs: names <-> keys, pure both ways. (The volume repository lives below `repository/`.)

running/<kind>/<name>                    a job that has no final record yet; kind is `backup` or `restore`
final/<kind>/<name>.json                 the final record: a backup exists if and only if this does. All of a kind lie
                                         together, so that listing them reads nothing else of any job
backups/<name>/request.json              what was asked, written once; stays as a tombstone after deletion
backups/<name>/cancel.json               somebody cancelled it
backups/<name>/deleted.json              it was deleted; with the request, what stays of it
backups/<name>/turn.json                 it holds all that it claims (also of a restore)
backups/<name>/queued.json               behind which job it waits, and since when (also of a restore)
backups/<name>/manifests/<digest>        the captured objects, sealed
backups/<name>/hook-plans/<digest>       the hooks of its pods, sealed
backups/<name>/plan.json                 what will be copied, written once
backups/<name>/slices/<pod>.json         how far the copy of a pod's volumes has come; overwritten
backups/<name>/hooks/<pod>.json          how far the hooks around the copy of a pod have come; overwritten
backups/<name>/hook-outputs/<pod>/<hook> what a hook ran and said, sealed; of a restore as well
backups/<name>/pods/<pod>.json           how the copy of a pod's volumes ended, written once
restores/<name>/request|cancel|plan.json as above
restores/<name>/undeploy.json            what is to be deleted first, with uids, written once
restores/<name>/replaced/<digest>        what was there before it was deleted, sealed
restores/<name>/owners/<owner>/undeployed.json   of this owner, it is gone, written once
restores/<name>/owners/<owner>/waves/<wave>/began.json     when a wave of objects was first tried
restores/<name>/owners/<owner>/waves/<wave>/applied.json   a wave of objects is applied, written once
restores/<name>/owners/<owner>/ended.json        all of this owner is accounted for, written once
restores/<name>/owners/<owner>/put-back.json     what was deleted of this owner was put back after the restore's end
restores/<name>/stages/<stage>/<whose>/began.json  since when a stage has been waiting for an owner's objects or a pod;
                                         of a safety snapshot as well, for a claim
restores/<name>/check.json               that the check of a test restore has ended, written once
restores/<name>/slices/<volume>.json     how far the writing of a volume has come; overwritten
restores/<name>/volumes/<volume>.json    how the writing of a volume ended, written once
restores/<name>/hooks/<pod>.json         how far the hook of a restored pod has come; overwritten
restores/<name>/workers/<run>            somebody is at work for the restore; overwritten while that lasts
restores/<name>/hook-runs/<pod>/<number>.json somebody runs the hook of a restored pod; overwritten while it runs
claims/<resource>/holders/<number>.json  restores that claim a resource, which is `console` or `application/<slug>`; the
                                         newest entry counts, until its job has ended and has no running marker
claims/<resource>/backups/<name>/<run>   backups that claim it; a run of a backup's step has one of its own
claims/<resource>/line/<asked at>/<kind>/<name>  jobs that wait for it, by when they were asked for
rejected/<kind>/<name>/<request>.json    a request that was refused, written once; <name> is what its job would have
                                         been called, <request> its identity. One goes after 30 days
held/backup/<name>.json                  it is held, so nobody deletes it. All lie together, for one listing
schedules/<name>/<due time>.json         what became of a schedule's run, and of those before it that nobody asked for;
                                         written once, kept for 90 days
asked/<kind>/<request>.json              what a request has asked for, by its identity; written once. Goes with the
                                         first prune after 30 days
answers/<request>.json                   what a verification or a copy was answered, by its request's identity; written
                                         once; goes as `asked/` does
parents/<identity>.json                  the newest copy of a claim, for the next incremental; overwritten
upkeep/expiring/<name>.json              the deletion of a backup was asked for, as it has expired; goes with it
upkeep/looked-for-expired                when that was last looked for
upkeep/prunes/<who>.json                 somebody waits for a prune, and what it has reclaimed; goes when that is told
upkeep/verifications/<request>.json      how far a verification has come; overwritten; goes when its result is told
upkeep/samples/<series>.json             where the next sample of the backups of an application, or of the full ones,
                                         begins; overwritten
verified/<name>.json                     what verifications of a backup have found; overwritten. All lie together, so
                                         that one listing tells which are new
test-restores/<name>.json                how the newest test restore of a backup ended; overwritten
upkeep/copies/<backup>/<to>.json         a copy to the destination <to> is wanted; goes when its result is on record
upkeep/incoming/<backup>.json            how far a copy to here, from another destination, has come; overwritten; goes
                                         when the backup is here, or with a prune when nothing has come for a week
upkeep/leases/<kind>                     a process prunes, verifies, or copies to here; overwritten while that lasts
copies/<backup>/copied/<to>.json         the backup was copied to the destination <to>
copies/<backup>/failed/<to>.json         the last try to copy it there failed, and why; goes when another does not
clock                                    written to learn the store's time; empty
notifications/<event>/<target>.json      what became of telling a target of an event; overwritten; goes as `asked/` does
digests/<target>/entries/<due>/<event>.json  an event that is told with the digest that is due then; goes when it is
digests/<target>/sending.json            which entries a digest has that is being sent; goes when it is
"""

import hashlib
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote, unquote

from schemas.job import KINDS, Job, Kind

Wave = Literal["before-volumes", "waiting-pods", "workloads"]
"""The objects of a restore, in the order in which they are created."""
Stage = Literal["undeployed", "put-back", "claims-mounted", "nodes-assigned", "pods-waiting", "probed", "removed"]
"""What a restore waits for before and between its waves."""

Upkeep = Literal["prune", "verify", "copy"]
"""What takes long, and is done by one process at a time."""
CopyStanding = Literal["wanted", "copied", "failed"]
"""How it is with a copy of a backup."""

CLOCK = "clock"
EXPIRING = "upkeep/expiring/"
LOOKED = "upkeep/looked-for-expired"
WANTED_PRUNES = "upkeep/prunes/"
VERIFICATIONS = "upkeep/verifications/"
WANTED_COPIES = "upkeep/copies/"
INCOMING = "upkeep/incoming/"
COPIES = "copies/"
VERIFIED = "verified/"
TEST_RESTORES = "test-restores/"
RUNNING = "running/"
HELD = "held/backup/"
FINAL = "final/"
REJECTED = "rejected/"
ASKED = "asked/"
ANSWERS = "answers/"
NOTIFICATIONS = "notifications/"
DIGESTS = "digests/"
BACKUPS = "backups/"
"""The prefix of all backups."""


_NO_RECORDS = ("repository/", "check/")
_SEALED_APART = ("manifests/", "hook-plans/", "hook-outputs/", "replaced/")


def is_record(key: str) -> bool:
    """Whether a record is kept there, which is sealed for its key (FORMAT F45), as is whatever is not known here.
    Not the volume repository, what a store is tried out with, the empty `CLOCK`, and what steps seal themselves."""
    if key == CLOCK or key.startswith(_NO_RECORDS):
        return False
    found = parse(key)
    return found is None or not found[1].startswith(_SEALED_APART)


def running(job: Job) -> str:
    """The marker of an unfinished job."""
    return f"{running_of(job.kind)}{job.name}"


def running_of(kind: Kind) -> str:
    """The prefix of the markers of all unfinished jobs of a kind."""
    return f"{RUNNING}{kind}/"


def parse_running(key: str) -> Job:
    """The inverse of `running`. Raises ValueError for another key."""
    for kind in KINDS:
        if key.startswith(prefix := running_of(kind)):
            return Job(kind, key.removeprefix(prefix))
    raise ValueError(f"{key!r} is not the marker of a running job")


def jobs(kind: Kind) -> str:
    """The prefix of all jobs of a kind."""
    return f"{kind}s/"


def of(job: Job) -> str:
    """The prefix of everything that belongs to one job."""
    return f"{jobs(job.kind)}{job.name}/"


def request(job: Job) -> str:
    """What was asked."""
    return f"{of(job)}request.json"


def cancel(job: Job) -> str:
    """The cancel marker."""
    return f"{of(job)}cancel.json"


def deleted(job: Job) -> str:
    """The tombstone."""
    return f"{of(job)}deleted.json"


def hold(job: Job) -> str:
    """That a backup is held."""
    return f"{HELD}{job.name}.json"


def parse_hold(key: str) -> Job:
    """The inverse of `hold`. Raises ValueError for another key."""
    if not key.startswith(HELD) or not key.endswith(".json"):
        raise ValueError(f"{key!r} is not a hold")
    return Job("backup", key.removeprefix(HELD).removesuffix(".json"))


def plan(job: Job) -> str:
    """What will be done."""
    return f"{of(job)}plan.json"


def final(job: Job) -> str:
    """The final record."""
    return f"{finals_of(job.kind)}{job.name}.json"


def finals_of(kind: Kind) -> str:
    """The prefix of the final records of a kind."""
    return f"{FINAL}{kind}/"


def parse_final(key: str) -> Job | None:
    """The job, if `key` is a final record."""
    for kind in KINDS:
        if key.startswith(prefix := finals_of(kind)) and key.endswith(".json"):
            return Job(kind, key.removeprefix(prefix).removesuffix(".json"))
    return None


def parse(key: str) -> tuple[Job, str] | None:
    """The job that a key belongs to, and what of the job it is (`request.json`, `pods/…`); None for another key."""
    for kind in KINDS:
        if key.startswith(jobs(kind)):
            name, _, rest = key.removeprefix(jobs(kind)).partition("/")
            return Job(kind, name), rest
    return None


def rejections_of(kind: Kind) -> str:
    """The prefix of the refused requests for jobs of a kind."""
    return f"{REJECTED}{kind}/"


def rejections(job: Job) -> str:
    """The prefix of the refused requests for a job that would have been called so; as a rule there is one at most."""
    return f"{rejections_of(job.kind)}{job.name}/"


def rejection(job: Job, request: str) -> str:
    """Why a request was refused."""
    return f"{rejections(job)}{request}.json"


def parse_rejection(key: str) -> Job | None:
    """What the job would have been, if `key` is of a refused request."""
    for kind in KINDS:
        if key.startswith(prefix := rejections_of(kind)) and key.endswith(".json"):
            return Job(kind, key.removeprefix(prefix).partition("/")[0])
    return None


def asked(kind: Kind, request: str) -> str:
    """What a request for a job of that kind has asked for, by its identity."""
    return f"{ASKED}{kind}/{request}.json"


def answer(request: str) -> str:
    """What a request for a verification or a copy was answered, by its identity."""
    return f"{ANSWERS}{request}.json"


def scheduled_runs(schedule: str) -> str:
    """The prefix of the runs of a schedule."""
    return f"schedules/{quote(schedule, safe='')}/"


def scheduled_run(schedule: str, at: datetime) -> str:
    """The run of a schedule that was due `at`; runs sort by that."""
    return f"{scheduled_runs(schedule)}{at.astimezone(UTC):%Y%m%dT%H%M%SZ}.json"


def parse_scheduled_run(key: str) -> datetime:
    """When the run was due; `key` may be its last part alone. Raises ValueError for another key."""
    return datetime.strptime(key.rpartition("/")[2], "%Y%m%dT%H%M%SZ.json").replace(tzinfo=UTC)


def turn(job: Job) -> str:
    """That the job holds all that it claims."""
    return f"{of(job)}turn.json"


def queued(job: Job) -> str:
    """What the job waits for."""
    return f"{of(job)}queued.json"


def holders(resource: str) -> str:
    """The prefix of the restores that claim a resource."""
    return f"claims/{resource}/holders/"


def holder(resource: str, number: int) -> str:
    """The entry of one restore; entries sort by their numbers, from 1."""
    return f"{holders(resource)}{number:012d}.json"


def parse_holder(key: str) -> int:
    """The number of an entry. Raises ValueError for another key."""
    return int(key.rpartition("/")[2].removesuffix(".json"))


def sharers(resource: str, job: Job | None = None) -> str:
    """The prefix of the backups that claim a resource, or of one backup's claims."""
    return f"claims/{resource}/backups/" + (f"{job.name}/" if job else "")


def sharer(resource: str, job: Job, run: str) -> str:
    """The claim of one run of a backup's step."""
    return f"{sharers(resource, job)}{run}"


def parse_sharer(key: str) -> str:
    """The backup's name. Raises ValueError for another key."""
    *_, kind, name, _ = key.split("/")
    if kind != "backups":
        raise ValueError(f"{key!r} is not the claim of a backup")
    return name


def line(resource: str) -> str:
    """The prefix of the jobs that wait for a resource; sorted, they are in order."""
    return f"claims/{resource}/line/"


def in_line(resource: str, job: Job, asked_at: datetime) -> str:
    """The place of a job in line."""
    return f"{line(resource)}{asked_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}/{job.kind}/{job.name}"


def parse_in_line(key: str) -> Job:
    """The job. Raises ValueError for another key."""
    *_, line_, _, kind, name = key.split("/")
    for known in KINDS:
        if (line_, kind) == ("line", known):
            return Job(known, name)
    raise ValueError(f"{key!r} is not a place in line")


def manifest(job: Job, digest: str) -> str:
    """The captured objects of a backup."""
    return f"{of(job)}manifests/{digest}"


def undeploy(job: Job) -> str:
    """What a restore deletes first."""
    return f"{of(job)}undeploy.json"


def replaced(job: Job, digest: str) -> str:
    """What was there before a restore deleted it."""
    return f"{of(job)}replaced/{digest}"


def owners(job: Job) -> str:
    """The prefix of what a restore records of each owner."""
    return f"{of(job)}owners/"


def undeployed(job: Job, owner: str) -> str:
    """That what was to be deleted of an owner is gone."""
    return f"{owners(job)}{owner}/undeployed.json"


def wave_began(job: Job, owner: str, wave: Wave) -> str:
    """When a wave of an owner's objects was first tried."""
    return f"{owners(job)}{owner}/waves/{wave}/began.json"


def wave_applied(job: Job, owner: str, wave: Wave) -> str:
    """The outcome of a wave of an owner's objects."""
    return f"{owners(job)}{owner}/waves/{wave}/applied.json"


def owner_ended(job: Job, owner: str) -> str:
    """How the restore of an owner's objects and volumes ended."""
    return f"{owners(job)}{owner}/ended.json"


def put_back(job: Job, owner: str) -> str:
    """How the putting back of an owner's objects ended, after the restore had."""
    return f"{owners(job)}{owner}/put-back.json"


def is_put_back(key: str) -> bool:
    """Whether `key` is one of those."""
    return key.endswith("/put-back.json")


def stage_began(job: Job, stage: Stage, whose: str) -> str:
    """Since when a stage has been waiting: for an owner's objects, or for a pod (`<namespace>/<pod>`)."""
    return f"{of(job)}stages/{stage}/{quote(whose)}/began.json"


def checked(job: Job) -> str:
    """That the check of a test restore has ended."""
    return f"{of(job)}check.json"


def wanted_prune(who: str) -> str:
    """That somebody (a backup that was deleted, or a request) waits for a prune."""
    return f"{WANTED_PRUNES}{quote(who, safe='')}.json"


def expiring(job: Job) -> str:
    """That the deletion of a backup was asked for, as it has expired."""
    return f"{EXPIRING}{job.name}.json"


def parse_expiring(key: str) -> Job:
    """The inverse of `expiring`."""
    return Job("backup", key.removeprefix(EXPIRING).removesuffix(".json"))


def verification(request: str) -> str:
    """How far a verification has come; `request` is the identity of what asked for it."""
    return f"{VERIFICATIONS}{quote(request, safe='')}.json"


def samples(series: str) -> str:
    """Where the next sample begins of a series of backups: the application's slug, or `instance`."""
    return f"upkeep/samples/{quote(series, safe='')}.json"


def verified(job: Job) -> str:
    """What verifications of a backup have found."""
    return f"{VERIFIED}{job.name}.json"


def test_restored(job: Job) -> str:
    """How the newest test restore of a backup ended."""
    return f"{TEST_RESTORES}{job.name}.json"


def wanted_copies(job: Job) -> str:
    """The prefix of the copies of a backup that are wanted."""
    return f"{WANTED_COPIES}{job.name}/"


def wanted_copy(job: Job, to: str) -> str:
    """That a copy of a backup to the destination `to` is wanted."""
    return f"{wanted_copies(job)}{quote(to, safe='')}.json"


def incoming(job: Job) -> str:
    """How far the copy of a backup to here has come."""
    return f"{INCOMING}{job.name}.json"


def copies_of(job: Job) -> str:
    """The prefix of what became of the copies of a backup."""
    return f"{COPIES}{job.name}/"


def copied(job: Job, to: str) -> str:
    """That a backup was copied to the destination `to`."""
    return f"{copies_of(job)}copied/{quote(to, safe='')}.json"


def copy_failed(job: Job, to: str) -> str:
    """Why a backup was not copied to the destination `to`."""
    return f"{copies_of(job)}failed/{quote(to, safe='')}.json"


def parse_copy(key: str) -> tuple[Job, CopyStanding, str] | None:
    """Of which backup a key says how it is with its copy, how it is, and to which destination; None for another key."""
    if not key.endswith(".json"):
        return None
    parts = key.removesuffix(".json").split("/")
    match parts:
        case ["upkeep", "copies", name, to]:
            return Job("backup", name), "wanted", unquote(to)
        case ["copies", name, ("copied" | "failed") as standing, to]:
            return Job("backup", name), "copied" if standing == "copied" else "failed", unquote(to)
    return None


def upkeep_lease(kind: Upkeep) -> str:
    """That a process does upkeep of a kind."""
    return f"upkeep/leases/{kind}"


def is_began(key: str) -> bool:
    """Whether the key is of the beginning of a wave or of a stage."""
    return key.endswith("/began.json")


def slices(job: Job, what: str) -> str:
    """How far the copy of a pod's volumes, or the writing of a volume, has come."""
    return f"{of(job)}slices/{quote(what)}.json"


def hooks(job: Job) -> str:
    """The prefix of the states of a job's hooks."""
    return f"{of(job)}hooks/"


def hooks_of(job: Job, pod: str) -> str:
    """How far the hooks of a pod have come."""
    return f"{hooks(job)}{quote(pod)}.json"


def hook_plans(job: Job, digest: str) -> str:
    """The hooks of a backup's pods; without a digest, the prefix of all."""
    return f"{of(job)}hook-plans/{digest}"


def hook_output(job: Job, pod: str, hook: str) -> str:
    """What a hook of a pod (`pre-0`, `post-1`, `restore-0`) ran and said."""
    return f"{hook_outputs(job)}{quote(pod)}/{hook}"


def hook_outputs(job: Job) -> str:
    """The prefix of what a job's hooks ran and said."""
    return f"{of(job)}hook-outputs/"


def hook_run(job: Job, pod: str, number: int) -> str:
    """That somebody runs a restored pod's hook for the `number`th time."""
    return f"{of(job)}hook-runs/{quote(pod)}/{number}.json"


def workers_of(job: Job) -> str:
    """The prefix of the marks of those who are at work for a restore."""
    return f"{of(job)}workers/"


def worker_of(job: Job, run: str) -> str:
    """The mark of one run of a step."""
    return f"{workers_of(job)}{run}"


def parse_hooks(job: Job, key: str) -> str:
    """The inverse of `hooks_of`: the pod."""
    return unquote(key.removeprefix(hooks(job)).removesuffix(".json"))


def pod_results(job: Job) -> str:
    """The prefix of the results of a backup's pods."""
    return f"{of(job)}pods/"


def pod_result(job: Job, pod: str) -> str:
    """How the copy of a pod's volumes ended."""
    return f"{pod_results(job)}{quote(pod)}.json"


def volume_results(job: Job) -> str:
    """The prefix of the results of a restore's volumes."""
    return f"{of(job)}volumes/"


def volume_result(job: Job, volume: str) -> str:
    """How the writing of a volume ended."""
    return f"{volume_results(job)}{quote(volume)}.json"


def parent(identity: str) -> str:
    """Where the newest copy of a claim is remembered."""
    return f"parents/{quote(identity, safe='')}.json"


def notification(event_id: str, target: str) -> str:
    """What became of telling `target` of event `event_id`."""
    return f"{NOTIFICATIONS}{quote(event_id, safe='')}/{hashlib.sha256(target.encode()).hexdigest()[:16]}.json"


def digest_entry(target: str, due: datetime, event_id: str) -> str:
    """An event that waits for the digest that is due then."""
    unique = hashlib.sha256(event_id.encode()).hexdigest()[:32]
    return f"{DIGESTS}{target}/entries/{due.astimezone(UTC):%Y%m%dT%H%M%S}/{unique}.json"


def parse_digest_entry(key: str) -> tuple[str, datetime] | None:
    """For which target it is, and when it is due; None for another key."""
    parts = key.removeprefix(DIGESTS).split("/")
    if not key.startswith(DIGESTS) or len(parts) != 4 or parts[1] != "entries":
        return None
    return parts[0], datetime.strptime(parts[2], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


def digest_sending(target: str) -> str:
    """Which entries a digest has that is being sent."""
    return f"{DIGESTS}{target}/sending.json"


def helper_pod(job: Job, pod: str) -> str:
    """The name of the pod that binds the claims of one backed-up pod while a restore fills them."""
    return "snapline-restore-" + hashlib.sha256(f"{job.name}/{pod}".encode()).hexdigest()[:12]
