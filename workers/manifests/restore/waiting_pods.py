"""How the pods that hold volumes during a restore end: all is cleared away, or a pod starts without its data."""

from datetime import timedelta

from schemas.errors import NotFound, SnaplineError
from schemas.kubernetes import PODS, Object
from workers.manifests.kube.label_value import label_value
from workers.manifests.kube.objects import Name, labels_of, name_of, uid_of
from workers.manifests.kube.own import RESTORE_LABEL, WAIT_CONTAINER
from workers.manifests.restore.holding_pods import let_go_command, waits
from workers.manifests.restore.sanitise import RESTORE_NAME
from workers.ports import Cluster

DEADLINE = timedelta(seconds=10)
"""How long a command in a waiting container may take: it makes a few directories."""


def clear_away(cluster: Cluster, restore: str) -> None:
    """Deletes the restore's helper pods, and its pods that still wait for data: what controls them makes others."""
    helpers = cluster.list(PODS, None, f"{RESTORE_LABEL}={label_value(restore)}")
    waiting = (pod for pod in cluster.list(PODS, None, f"{RESTORE_NAME}={label_value(restore)}") if waits(pod))
    for pod in [*helpers, *waiting]:
        namespace, name = name_of(pod)
        cluster.delete(PODS, namespace, name, uid=uid_of(pod), grace_seconds=0)


def start_without(cluster: Cluster, name: Name, volumes: list[str], restore: str) -> None:
    """Has the pod called `name`, if it is this restore's and still waits, start without `volumes`. One that cannot be
    told is deleted: it has to be created anew, where no controller does."""
    try:
        pod = cluster.get(PODS, *name)
    except NotFound:
        return
    ours = labels_of(pod).get(RESTORE_NAME) == label_value(restore)
    if ours and waits(pod) and not _let_go(cluster, pod, volumes):
        cluster.delete(PODS, *name, uid=uid_of(pod), grace_seconds=0)


def answers(cluster: Cluster, pod: Object) -> bool:
    """Whether the waiting init container of the live `pod` runs, whatever its status says: kubelets report late."""
    return _run(cluster, pod, ["true"])


def _let_go(cluster: Cluster, pod: Object, volumes: list[str]) -> bool:
    return _run(cluster, pod, let_go_command(volumes))


def _run(cluster: Cluster, pod: Object, command: list[str]) -> bool:
    try:
        done = cluster.exec(*name_of(pod), WAIT_CONTAINER, command, deadline=DEADLINE, limit=1000)
    except SnaplineError:
        return False
    return done.exit_code == 0
