"""Sample applications as vendors package them for KOTS, and an admin console."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy.local.license_authority import Authority, sign_license
from deploy.local.samples.data import fill_volume, tree_digest
from schemas.errors import AlreadyExists, NotFound, TransientError
from schemas.kubernetes import Object, ResourceType
from workers.ports import Cluster

__all__ = [
    "SampleApp",
    "applications",
    "console_objects",
    "create",
    "fill_volume",
    "neighbour",
    "tree_digest",
    "write_package",
    "write_packages",
]

HERE = Path(__file__).parent


@dataclass(frozen=True)
class SampleApp:
    """An application: what it consists of, and the Backup resource that it ships."""

    slug: str
    namespace: str
    objects: list[Object]

    @property
    def backup(self) -> str:
        """The Backup resource, YAML."""
        return yaml.safe_dump(
            {
                "apiVersion": "velero.io/v1",
                "kind": "Backup",
                "metadata": {"name": "backup"},
                "spec": {"includedNamespaces": [self.namespace], "ttl": "720h"},
            }
        )


def applications() -> list[SampleApp]:
    """Both of them."""
    return [SampleApp(slug, slug, _load(slug)) for slug in ("shop-floor", "print-works")]


def neighbour() -> SampleApp:
    """A third one, which lives in the namespace of the first."""
    return SampleApp("tool-crib", "shop-floor", _load("tool-crib"))


def console_objects(namespace: str) -> list[Object]:
    """The admin console, in `namespace`."""
    return yaml_objects((HERE / "console.yaml").read_text().replace("snapline-console", namespace))


def write_packages(directory: Path, authority: Authority) -> None:
    """`<slug>/license.yaml` and `<slug>/backup.yaml` of each application, for `snapline set app`."""
    for app in applications():
        write_package(directory / app.slug, app, authority)


def write_package(folder: Path, app: SampleApp, authority: Authority) -> None:
    """`license.yaml` and `backup.yaml` of one application."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "license.yaml").write_text(sign_license(authority, app_slug=app.slug))
    (folder / "backup.yaml").write_text(app.backup)


def create(cluster: Cluster, objects: list[Object]) -> None:
    """Creates what is not there yet; a kind whose definition came a moment ago is tried again."""
    for obj in objects:
        for _ in range(50):
            try:
                cluster.create(_type_of(cluster, obj), obj)
            except AlreadyExists:
                break
            except (NotFound, TransientError):
                continue
            break


def yaml_objects(text: str) -> list[Object]:
    """The documents of a manifest file."""
    return [document for document in yaml.safe_load_all(text) if document]


def _load(slug: str) -> list[Object]:
    return yaml_objects((HERE / f"{slug}.yaml").read_text())


def _type_of(cluster: Cluster, obj: Object) -> ResourceType:
    for type_ in cluster.discover().types:
        if (type_.api_version, type_.kind) == (obj["apiVersion"], obj["kind"]):
            return type_
    raise NotFound(f"the cluster does not know {obj['apiVersion']} {obj['kind']}")
