"""What a restore may delete at most, said once more, in plain words and without the code under test."""

from dataclasses import dataclass
from datetime import datetime

from schemas.kubernetes import Object
from tests.unit.model.emulated import Id
from tests.unit.model.oracle import CLAIMS, CONSOLE, Objects, Owners, Rule, annotations, labels

STAYING_KINDS = {
    "namespaces",
    "persistentvolumes",
    "customresourcedefinitions.apiextensions.k8s.io",
    "storageclasses.storage.k8s.io",
}
RUNNING_KINDS = {"pods", "deployments.apps", "replicasets.apps", "statefulsets.apps"}


def in_scope(owners: set[str], scope: str, app: str | None) -> bool:
    """Whether a restore of that scope concerns what belongs to `owners`."""
    if app is not None:
        return app in owners
    return scope == "full" or (CONSOLE in owners if scope == "console" else bool(owners - {CONSOLE}))


def concerned(taken: Owners, scope: str, app: str | None) -> set[str]:
    """Whose objects a restore is about."""
    if app is not None or scope == "console":
        return {app or CONSOLE}
    everybody = {owner for owners in taken.values() for owner in owners if in_scope(owners, scope, app)}
    return everybody if scope == "full" else everybody - {CONSOLE}


def protected(id_: Id, obj: Object) -> bool:
    """What no restore deletes."""
    marks = labels(obj)
    return (
        id_[0] in STAYING_KINDS
        or annotations(obj).get("kots.io/keep") == "true"
        or marks.get("velero.io/exclude-from-backup") == "true"
        or "snapline.dev/application" in marks
        or id_[2] == "kube-root-ca.crt"
        or (id_[0], id_[2]) == ("serviceaccounts", "default")
    )


@dataclass(frozen=True)
class Restoring:
    """A restore, as far as it matters for what it may delete. `refilled` are the claims whose content is in the backup;
    `covered` says where and of which kinds an owner's newer objects count."""

    taken: Owners
    scope: str
    app: str | None
    refilled: set[tuple[str, str]]
    since: datetime
    keep_newer: bool
    rules: dict[str, Rule]

    @property
    def concerned(self) -> set[str]:
        """Whose objects it is about."""
        return concerned(self.taken, self.scope, self.app)

    def wanted(self) -> set[Id]:
        """What it is to bring back."""
        return {id_ for id_, owners in self.taken.items() if in_scope(owners, self.scope, self.app)}


def may_delete(live: Objects, restoring: Restoring) -> set[Id]:
    """The most that a restore may delete of what is there."""
    roots = {id_ for id_, obj in live.items() if _is_root(id_, obj, restoring)}
    going = {id_ for id_ in roots if _topmost(id_, live) in roots}
    while more := {id_ for id_, obj in live.items() if id_ not in going and _hangs(id_, obj, live, going, restoring)}:
        going |= more
    volumes = {id_ for id_, obj in live.items() if id_[0] == "persistentvolumes" and _claim_of(obj) in going}
    return going | volumes


def _is_root(id_: Id, obj: Object, restoring: Restoring) -> bool:
    if protected(id_, obj) or is_others(obj, restoring.concerned):
        return False
    owners = restoring.taken.get(id_, set())
    returns = bool(owners) and owners <= restoring.concerned
    if id_[0] == CLAIMS:
        return returns and id_[1:] in restoring.refilled
    if returns:
        return bool(id_[1]) or _is_own(obj, restoring.concerned)
    return not restoring.keep_newer and _is_newer(id_, obj, restoring)


def _topmost(id_: Id, live: Objects) -> Id:
    """What makes it, or what makes that. What stays would make it again at once."""
    uids = {each["metadata"]["uid"]: other for other, each in live.items()}
    for owner in live[id_]["metadata"].get("ownerReferences") or []:
        if owner.get("controller") and owner["uid"] in uids:
            return _topmost(uids[owner["uid"]], live)
    return id_


def _is_newer(id_: Id, obj: Object, restoring: Restoring) -> bool:
    created = datetime.fromisoformat(obj["metadata"]["creationTimestamp"])
    if not id_[1] or not _is_own(obj, restoring.concerned) or created <= restoring.since:
        return False
    rule = restoring.rules.get(labels(obj).get("kots.io/app-slug") or CONSOLE)
    if rule is None or not rule.allows(id_):
        return False
    return rule.by_labels or rule.wanted[0].items() <= labels(obj).items()


def _hangs(id_: Id, obj: Object, live: Objects, going: set[Id], restoring: Restoring) -> bool:
    owners = {owner["uid"] for owner in obj["metadata"].get("ownerReferences") or []}
    uids = {each["metadata"]["uid"]: other for other, each in live.items()}
    above = {uids[uid] for uid in owners if uid in uids}
    if not above or not above <= going:
        return False
    return id_[0] in RUNNING_KINDS or not (protected(id_, obj) or is_others(obj, restoring.concerned))


def _is_own(obj: Object, whose: set[str]) -> bool:
    if slug := labels(obj).get("kots.io/app-slug"):
        return slug in whose
    return CONSOLE in whose and labels(obj).get("kots.io/kotsadm") == "true"


def is_others(obj: Object, whose: set[str]) -> bool:
    """Whether its labels say that it belongs to somebody else."""
    marks = labels(obj)
    return bool(marks.get("kots.io/app-slug") or marks.get("kots.io/kotsadm") == "true") and not _is_own(obj, whose)


def _claim_of(volume: Object) -> Id | None:
    reference = volume["spec"].get("claimRef")
    return (CLAIMS, reference["namespace"], reference["name"]) if reference else None
