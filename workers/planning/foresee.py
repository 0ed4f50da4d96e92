"""A restore that nobody has asked for yet: what it would decide, found by the functions by which it decides, and what
would become of each object."""

from dataclasses import dataclass

from schemas.errors import Code, Invalid
from schemas.job import restore as restore_called
from schemas.messages import Message
from schemas.records import BackupRecord, RestorePlan, RestoreRequest, Undeploy
from workers.manifests.kube.objects import title
from workers.manifests.restore.load import in_scope, load_all, mapping, owner_of, without_owners
from workers.manifests.restore.mapping import volumes_moved
from workers.manifests.restore.order import ordered
from workers.manifests.restore.rebind import find_volume, rebinding
from workers.planning.creating import of_owner, to_create
from workers.planning.decide import choose, nothing_held, plan_of, registered_otherwise, undeploy_of
from workers.planning.effects import Fate, effects
from workers.planning.one_look import OneLook
from workers.ports import Cluster, ObjectStore, Repository


@dataclass(frozen=True)
class Hindrance:
    """A captured object that cannot be created as the cluster is: whose, called what, and why. `refused` says that
    therefore nothing of its owner is restored, and nothing deleted."""

    owner: str
    object: str
    why: str
    refused: bool


@dataclass(frozen=True)
class Foreseen:
    """What the restore would write down (`undeploy`, `plan`), the fate of every object concerned, what is in the way,
    and what is told besides: applications of which the backup holds `nothing`, and `notes`."""

    undeploy: Undeploy
    plan: RestorePlan
    fates: list[Fate]
    hindrances: list[Hindrance]
    nothing: list[Message]
    notes: list[Message]


def foresee(
    request: RestoreRequest,
    backup: BackupRecord,
    store: ObjectStore,
    repository: Repository,
    cluster: Cluster,
    console_namespace: str,
) -> Foreseen:
    """Looks at the cluster once, and changes nothing. Raises Invalid where `backup` holds nothing to restore, Damaged,
    and TransientError while the cluster cannot be looked at."""
    if backup.manifest is None:
        raise Invalid(f"backup {backup.name} holds no objects", code=Code.BACKUP_UNUSABLE, subject=backup.name)
    look = OneLook(cluster)
    held = load_all(store, repository, backup.manifest)
    captured, moved = in_scope(held, request), mapping(held, request)
    backup = backup.model_copy(update={"volumes": volumes_moved(backup.volumes, moved)})
    choice = choose(captured, request, backup, look)
    undeploy = undeploy_of(choice, "")
    missing = list(nothing_held(captured, request, backup))
    notes = registered_otherwise(request, backup, held.objects, look, console_namespace)
    remaining = without_owners(captured, undeploy.refused)
    plan = plan_of(restore_called(request.name), backup, remaining, undeploy, missing, notes)
    rebound = rebinding(captured.objects, find_volume(look))
    created = {
        owner: to_create(ordered(of_owner(remaining, owner), look.discover().types), plan, owner, rebound)
        for owner in plan.owners
    }
    return Foreseen(
        undeploy=undeploy,
        plan=plan,
        fates=effects(choice.chosen, created, look),
        hindrances=[
            *(Hindrance(owner_of(captured, obj), title(obj), why, refused=True) for obj, why in choice.refusing),
            *(Hindrance(owner_of(captured, obj), title(obj), why, refused=False) for obj, why in choice.hindered),
        ],
        nothing=missing,
        notes=notes,
    )
