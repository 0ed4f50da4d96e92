"""What must be true when all jobs of a line have ended, whoever was killed meanwhile."""

from collections import Counter
from collections.abc import Iterable, Iterator

from deploy.local import looking
from schemas import events as e
from schemas import keys
from schemas.job import restore
from schemas.kubernetes import PODS, Object, ResourceType
from schemas.records import HolderRecord
from tests.support.line import Line
from workers.adapters.twins.cluster import MemoryCluster
from workers.jobs import ledger
from workers.manifests.kube.objects import kind_of, labels_of, name_of
from workers.manifests.kube.own import RESTORE_LABEL
from workers.manifests.restore.holding_pods import waits
from workers.manifests.restore.sanitise import RESTORE_NAME


def told_once(line: Line) -> dict[str, e.Event]:
    """The final events by id. Whatever was told again has the same id, and says the same; no job ended twice."""
    said: dict[str, e.Event] = {}
    for event in line.told():
        assert said.setdefault(event.id, event.data) == event.data, event.id
    finals = {id_: data for id_, data in said.items() if isinstance(data, e.FINAL)}
    ends = Counter((type(data).type.split(".")[0], data.subject) for data in finals.values())
    assert set(ends.values()) == {1}, ends
    return finals


def check_is_clean(line: Line) -> None:
    """The repository has everything that its backups need."""
    done = line.stack.snapline("repository", "check", "-o", "json")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def brings_back(line: Line, backup: str, before: looking.Picture) -> None:
    """The repository is clean, and after the loss of everything a restore of the backup brings it back as it was when
    it was made, byte for byte."""
    check_is_clean(line)
    line.destroy()
    restored = line.snapline("restore", "--from-backup", backup, "--wait", "--timeout", "400")
    assert restored["status"] == "Completed", restored
    assert looking.differences(before, line.look()) == []
    check_is_clean(line)


def left_behind(line: Line) -> list[str]:
    """Marks of running jobs, claims that hold somebody up, and pods that are there for a restore only."""
    store = line.store
    return [
        *(found.key for found in store.list(keys.RUNNING)),
        *(found.key for found in store.list("claims/") if "/holders/" not in found.key),
        *_holding(line),
        *(f"pod {name_of(pod)}" for pod in line.cluster.list(PODS) if RESTORE_LABEL in labels_of(pod) or waits(pod)),
        *(f"dead letter {letter}" for letter in line.dead_letters()),
    ]


def _holding(line: Line) -> Iterator[str]:
    """Restores that have not ended, but have a resource."""
    for found in line.store.list("claims/"):
        if "/holders/" in found.key:
            holder = ledger.read(line.store, found.key, HolderRecord).restore
            if not ledger.exists(line.store, keys.final(restore(holder))):
                yield f"{found.key} of {holder}"


class Created:
    """Counts what restores create in an emulated cluster, from now on."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self._create, self._seen = cluster.create, Counter[tuple[object, ...]]()
        cluster.create = self._count  # type: ignore[method-assign]

    def _count(self, type_: ResourceType, obj: Object) -> Object:
        made = self._create(type_, obj)
        if by := labels_of(obj).get(RESTORE_NAME):
            self._seen[by, kind_of(made), name_of(made)] += 1
        return made

    def twice(self) -> list[tuple[object, ...]]:
        """Restore, kind and name of what the same restore has created more than once."""
        return [what for what, times in self._seen.items() if times > 1]


def balanced(log: Iterable[str]) -> bool:
    """Whether nothing was frozen twice without a thaw in between, and all is thawed at last."""
    frozen = False
    for word in log:
        if word == "freeze" and frozen:
            return False
        frozen = word == "freeze"
    return not frozen
