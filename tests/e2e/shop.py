"""The sample application `shop` of the test cluster."""

from deploy.local import looking
from deploy.local.samples import fill_volume
from schemas.kubernetes import Object, ResourceType
from tests.support.line import Line, until
from workers.ports import Cluster

SHOP = "shop"
BACKUP = """
apiVersion: velero.io/v1
kind: Backup
metadata: {name: backup}
spec: {includedNamespaces: [shop]}
"""
CRDS = "customresourcedefinitions.apiextensions.k8s.io"


def _type(cluster: Cluster, group_resource: str) -> ResourceType:
    return next(type_ for type_ in cluster.discover().types if type_.group_resource == group_resource)


def runs(line: Line) -> bool:
    """Whether its pods do, but for those of jobs."""
    pods = [pod for pod in looking.pods(line.cluster, SHOP) if owner(pod) != "Job"]
    return bool(pods) and all((pod.get("status") or {}).get("phase") == "Running" for pod in pods)


def owner(pod: Object) -> str:
    """The kind of what the pod belongs to."""
    return next((str(owner["kind"]) for owner in pod["metadata"].get("ownerReferences") or []), "")


def freeze(line: Line) -> None:
    """The application's own writers would change files while we compare; the database's volume gets data that stays."""
    for key, directory in line.volume_directories():
        folder = directory / "frozen"
        folder.mkdir(exist_ok=True)
        if not any(folder.iterdir()):
            fill_volume(folder, 20 if key.count("/") == 1 else 2, seed=len(key))


def frozen(picture: looking.Picture) -> dict[str, dict[str, object]]:
    """What of the volumes nobody writes."""
    return {
        key: {path: what for path, what in files.items() if path.startswith("b'frozen/")}
        for key, files in picture.volumes.items()
    }


def forget_definitions(line: Line) -> None:
    """Deletes its custom resource definitions."""
    definitions = _type(line.cluster, CRDS)
    for definition in list(line.cluster.list(definitions, selector="kots.io/app-slug=shop")):
        line.cluster.delete(definitions, None, definition["metadata"]["name"])
    until(lambda: not list(line.cluster.list(definitions, selector="kots.io/app-slug=shop")), "CRDs gone")
