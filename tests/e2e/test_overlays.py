"""What `deploy/` installs, as a real API server sees it: every overlay, and what `snapline install` prints."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import accounts
from producers.installing import files, render
from producers.installing.differences import identity
from producers.installing.options import Options
from schemas.kubernetes import DEFINITIONS, NAMESPACES
from tests.support.line import until
from tests.support.real_cluster import namespaces, needs_a_cluster
from workers.adapters.cluster import connect
from workers.ports import Cluster

pytestmark = [pytest.mark.timeout(1800), needs_a_cluster, pytest.mark.usefixtures("applied")]
DEPLOY = Path(__file__).parents[2] / "deploy"
OURS = {"snapline": "overlay", "snapline-nodes": "overlay-nodes", "snapline-console": "overlay-console"}
"""Namespaces of the manifests -> of this test, as others may have Snapline installed in the first."""
SHOP = "overlay-shop"
OVERLAYS = {overlay.name: overlay for overlay in files.OVERLAYS}
FOREIGN = {
    "keda.sh": ("v1alpha1", ("ScaledObject", "TriggerAuthentication")),
    "monitoring.coreos.com": ("v1", ("PodMonitor",)),
    "rabbitmq.com": ("v1beta1", ("RabbitmqCluster",)),
}
"""Kinds that others define; the test defines them as lax as can be."""
FOLDERS = ["base", *(f"overlays/{name}" for name in OVERLAYS)]
CHOSEN = [
    "--with-destination --store-port 9000 --replicas 2 --budgets policy/v1beta1 --ingress-host snapline.example.com",
    f"--broker external --only-namespace {SHOP} --kubelet-pods /var/lib/k0s/kubelet/pods",
]
Done = subprocess.CompletedProcess[str]
NEW, TOO_NEW = "overlays/highly-available", "policy/v1"
"""An overlay, and its version of a kind that servers before 1.21 do not have."""


@pytest.fixture(scope="module")
def kubectl() -> str:
    """The cluster's own, else any."""
    beside = Path(os.environ["SNAPLINE_E2E_KUBECONFIG"]).parents[1] / "bin" / "kubectl"
    found = str(beside) if beside.exists() else shutil.which("kubectl")
    if found is None:
        pytest.skip("there is no kubectl")
    return found


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """With the namespaces, and the kinds of others; they are gone afterwards."""
    found = connect(os.environ["SNAPLINE_E2E_KUBECONFIG"])
    mine = [*OURS.values(), SHOP]
    until(lambda: not set(mine) & namespaces(found), "an earlier test is gone", 180)
    for name in mine:
        found.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    made = [definition for group, (version, kinds) in FOREIGN.items() for definition in _defined(group, version, kinds)]
    for definition in made:
        found.create(DEFINITIONS, definition)
    there = {(f"{group}/{version}", kind) for group, (version, kinds) in FOREIGN.items() for kind in kinds}
    until(lambda: there <= {(each.api_version, each.kind) for each in found.discover().types}, "they are served", 120)
    yield found
    for definition in made:
        found.delete(DEFINITIONS, None, definition["metadata"]["name"])
    for name in mine:
        found.delete(NAMESPACES, None, name)


def _defined(group: str, version: str, kinds: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    lax = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    for kind in kinds:
        plural = f"{kind.lower()}s"
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
                "versions": [{"name": version, "served": True, "storage": True, "schema": lax}],
            },
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifests as they are in the repository, but for the namespaces; and with accounts on a broker."""
    copied = tmp_path_factory.mktemp("deploy")
    for part in ("base", "parts", "overlays"):
        shutil.copytree(DEPLOY / part, copied / part)
    for file in copied.rglob("*.yaml"):
        file.write_text(moved(file.read_text()))
    for overlay in files.OVERLAYS:
        if overlay.accounts:
            folder = copied / "overlays" / overlay.name / "accounts"
            accounts.write(folder, (), any_node=True, broker="rabbitmq.example.com:5672")
    return copied


def moved(text: str) -> str:
    """YAML with the namespaces of this test."""
    text = re.sub(r"(namespace|metadata\.name): (snapline(?:-nodes|-console)?)$", _other, text, flags=re.M)
    text = re.sub(r"^(  name): (snapline(?:-nodes|-console)?)$", _other, text, flags=re.M)
    return re.sub(r"^(  namespace): shop$", rf"\1: {SHOP}", text, flags=re.M)


def _other(found: re.Match[str]) -> str:
    return f"{found[1]}: {OURS[found[2]]}"


def run(kubectl: str, *arguments: str, given: str | None = None) -> Done:
    """As somebody with a shell."""
    return subprocess.run(
        [kubectl, *arguments],
        env=os.environ | {"KUBECONFIG": os.environ["SNAPLINE_E2E_KUBECONFIG"]},
        input=given,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )


def refusals(done: Done) -> list[str]:
    """What the server has refused."""
    return [line for line in done.stderr.splitlines() if line and not line.lstrip().startswith(("Warning:", "#"))]


@pytest.fixture(scope="module")
def tried(kubectl: str, cluster: Cluster, folder: Path) -> dict[str, Done]:
    """What this server has the kinds for, side by side: kubectl 1.20 asks five questions a second."""
    known = cluster.discover()
    served = {each.api_version for each in (*known.types, *known.others)}
    fitting = [name for name in FOLDERS if TOO_NEW in served or name != NEW]
    with ThreadPoolExecutor(len(FOLDERS)) as pool:
        manifests = {
            name: pool.submit(run, kubectl, "apply", "--dry-run=server", "-k", str(folder / name)) for name in fitting
        }
        printed = {
            chosen: pool.submit(_applied, kubectl, chosen, output)
            for chosen, output in zip(CHOSEN, ("yaml", "json"), strict=True)
        }
        return {name: done.result() for name, done in (manifests | printed).items()}


def _applied(kubectl: str, chosen: str, output: str) -> Done:
    where = ("--namespace", "overlay", "--nodes-namespace", "overlay-nodes", "-o", output)
    printed = snapline("install", "--print", *where, *chosen.split())
    assert printed.returncode == 0, printed.stderr
    return run(kubectl, "apply", "--dry-run=server", "-f", "-", given=printed.stdout)


@pytest.mark.parametrize("name", FOLDERS)
def test_the_server_takes_all_of_it(tried: dict[str, Done], kubectl: str, folder: Path, name: str) -> None:
    if (
        name not in tried
    ):  # this server has the older version of the only kind that is too new: another overlay has that
        older = set(_built(kubectl, folder / "overlays" / "highly-available-1.20"))
        assert {line.replace("policy/v1beta1", TOO_NEW) for line in older} == {*_built(kubectl, folder / NEW)}
        return
    done = tried[name]
    assert (done.returncode, refusals(done)) == (0, []), done.stderr
    assert "deployment.apps/license-gate created (server dry run)" in done.stdout
    assert "daemonset.apps/volumes created (server dry run)" in done.stdout


def _built(kubectl: str, folder: Path) -> list[str]:
    built = run(kubectl, "kustomize", str(folder))
    assert built.returncode == 0, built.stderr
    return [json.dumps(obj, sort_keys=True) for obj in yaml.safe_load_all(built.stdout)]


@pytest.mark.parametrize("name", ["base", *OVERLAYS])
def test_old_and_new_kustomize_make_the_same_of_it(kubectl: str, folder: Path, name: str) -> None:
    """What the code says; the accounts that somebody made are beside it."""
    wanted = render.objects(OVERLAYS[name].options if name in OVERLAYS else Options())
    plain = {json.dumps(obj, sort_keys=True) for obj in yaml.safe_load_all(moved(render.text(wanted)))}
    known = {identity(obj) for obj in yaml.safe_load_all(moved(render.text(wanted)))}
    path = folder / name if name == "base" else folder / "overlays" / name
    for each in {kubectl, shutil.which("kubectl") or kubectl}:
        built = [json.loads(text) for text in _built(each, path)]
        assert {json.dumps(obj, sort_keys=True) for obj in built if identity(obj) in known} == plain
        assert {obj["kind"] for obj in built if identity(obj) not in known} <= {"Secret"}


@pytest.mark.parametrize("chosen", CHOSEN)
def test_the_server_takes_what_is_printed(tried: dict[str, Done], chosen: str) -> None:
    assert (tried[chosen].returncode, refusals(tried[chosen])) == (0, [])


def test_the_cluster_is_said_to_lack_what_it_lacks(cluster: Cluster) -> None:
    done = snapline("install", "--check", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert {each["state"] for each in json.loads(done.stdout)} == {"ok", "unknown"}
    asked = snapline("install", "--check", "--storage-class", "no-such-class", "--only-namespace", "none", "-o", "json")
    assert asked.returncode == 1
    lacking = {each["what"] for each in json.loads(asked.stdout) if each["state"] == "lacking"}
    assert lacking == {"StorageClass no-such-class", "namespace none"}


def test_kubectl_finds_its_plugin(kubectl: str) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [kubectl, "snapline", "version"], env=os.environ | {"PATH": path}, capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", done.stdout)
    listed = subprocess.run(
        [kubectl, "plugin", "list"], env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert "kubectl-snapline" in listed.stdout


def snapline(*arguments: str) -> Done:
    """As an administrator of the cluster."""
    settings = {
        "PATH": os.environ["PATH"],
        "SNAPLINE_KUBECONFIG": os.environ["SNAPLINE_E2E_KUBECONFIG"],
        "SNAPLINE_CONSOLE_NAMESPACE": "overlay-console",
        "SNAPLINE_S3_BUCKET": "backups",
        "SNAPLINE_PASSPHRASE": "a passphrase",
    }
    program = str(Path(sys.executable).with_name("snapline"))
    return subprocess.run([program, *arguments], env=settings, capture_output=True, text=True, timeout=300, check=False)
