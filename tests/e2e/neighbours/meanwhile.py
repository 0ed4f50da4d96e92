"""What is in the namespace only for a while: each makes it, and takes it away again."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.local import samples
from schemas.errors import NotFound
from schemas.kubernetes import API_SERVICES, CLAIMS, ResourceType
from tests.e2e.neighbours.pictures import name_of
from tests.e2e.neighbours.setting import QUARRY, all_run
from tests.support.line import CONSOLE, Line, until
from workers.ports import Cluster

CRON_JOBS = ResourceType("batch", "v1beta1", "CronJob", "cronjobs", namespaced=True)
DEPLOYMENTS = ResourceType("apps", "v1", "Deployment", "deployments", namespaced=True)
HERE = Path(__file__).parent


@contextmanager
def finalizer(cluster: Cluster, kind: ResourceType, name: str) -> Iterator[None]:
    """The object called `name` cannot go meanwhile."""
    cluster.patch(kind, CONSOLE, name, {"metadata": {"finalizers": ["example.com/stuck"]}})
    try:
        yield
    finally:
        with suppress(NotFound):
            cluster.patch(kind, CONSOLE, name, {"metadata": {"finalizers": None}})


@contextmanager
def lodger(line: Line) -> Iterator[None]:
    """A workload that runs meanwhile, and is nobody's but for the labels of its pods."""
    samples.create(line.cluster, samples.yaml_objects((HERE / "lodger.yaml").read_text()))
    until(lambda: all_run(line, 1), "the lodger runs", seconds=120)
    for key, directory in line.volume_directories():
        if key.endswith("/lodger"):
            samples.fill_volume(directory, 1, seed=7)
    try:
        yield
    finally:
        line.cluster.delete(DEPLOYMENTS, CONSOLE, "lodger")
    until(lambda: all_run(line), "the lodger is gone", seconds=120)
    line.cluster.delete(CLAIMS, CONSOLE, "lodger")


@contextmanager
def later_cron_job(line: Line, owner: str) -> Iterator[None]:
    """A CronJob of `owner` that comes now, and does not run while anybody looks."""
    metadata = {"name": "survey", "namespace": CONSOLE, "labels": {"kots.io/app-slug": owner}}
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox:1.35"}]}
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}
    kind = {"apiVersion": CRON_JOBS.api_version, "kind": CRON_JOBS.kind}
    line.cluster.create(CRON_JOBS, {**kind, "metadata": metadata, "spec": spec})
    try:
        yield
    finally:
        line.cluster.delete(CRON_JOBS, CONSOLE, "survey")


@contextmanager
def group_without_a_server(line: Line) -> Iterator[None]:
    """An API group that the API server cannot reach meanwhile."""
    name, group = "v1.nowhere.example.com", {"group": "nowhere.example.com", "version": "v1"}
    service = {"namespace": CONSOLE, "name": "nowhere", "port": 443}
    spec = {**group, "service": service, "groupPriorityMinimum": 1, "versionPriority": 1, "insecureSkipTLSVerify": True}
    kind = {"apiVersion": API_SERVICES.api_version, "kind": API_SERVICES.kind}
    line.cluster.create(API_SERVICES, {**kind, "metadata": {"name": name}, "spec": spec})
    until(lambda: "nowhere.example.com" in line.cluster.discover().unreadable, "the group does not answer")
    try:
        yield
    finally:
        line.cluster.delete(API_SERVICES, None, name)
    until(lambda: not line.cluster.discover().unreadable, "the group is gone")


@contextmanager
def unmounted_claim(line: Line, name: str) -> Iterator[None]:
    """A claim of `quarry` that is bound and that no pod mounts meanwhile."""
    metadata = {"name": name, "namespace": CONSOLE, "labels": {"kots.io/app-slug": QUARRY}}
    resources = {"requests": {"storage": "1Gi"}}
    spec = {"storageClassName": "immediate", "accessModes": ["ReadWriteOnce"], "resources": resources}
    line.cluster.create(CLAIMS, {"apiVersion": "v1", "kind": CLAIMS.kind, "metadata": metadata, "spec": spec})
    until(lambda: line.cluster.get(CLAIMS, CONSOLE, name)["status"].get("phase") == "Bound", "the claim is bound")
    try:
        yield
    finally:
        line.cluster.delete(CLAIMS, CONSOLE, name)
    until(lambda: all(name_of(claim) != name for claim in line.cluster.list(CLAIMS, CONSOLE)), "the claim is gone")
