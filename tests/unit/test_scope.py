"""What full and partial snapshots select, and what a restore's scope concerns."""

import json

import pytest

from schemas.application import Application
from schemas.errors import Damaged, Invalid
from schemas.velero import LabelSelector
from tests.support.objects import VELERO, make, titles
from workers.manifests.capture.document import CONSOLE, Captured, decode_manifest, encode_manifest
from workers.manifests.capture.scope import Selection, scope_of, spec_for
from workers.manifests.kube.own import SET_UP
from workers.manifests.restore.load import objects_for

CONSOLE_NAMESPACE = "console"
NOTHING_SPECIAL = "{}"


def app(
    slug: str, spec: str | None = NOTHING_SPECIAL, namespaces: list[str] | None = None, metadata: str = ""
) -> Application:
    backup = None
    if spec is not None:
        backup = f"apiVersion: velero.io/v1\nkind: Backup\nmetadata: {{name: backup{metadata}}}\nspec: {spec}\n"
    return Application(slug=slug, name=slug, namespaces=[slug] if namespaces is None else namespaces, backup=backup)


def takes(selections: list[Selection], namespace: str, labels: dict[str, str]) -> set[str]:
    """The owners of the selections that an object with these labels in that namespace is in."""
    return {s.owner for s in selections if s.covers(namespace) and any(x.matches(labels) for x in s.selectors)}


def test_a_full_snapshot_takes_the_velero_label_wherever_the_console_and_applications_are() -> None:
    full = scope_of(CONSOLE_NAMESPACE, [app("shop"), app("blog")], None)
    assert takes(full, "console", VELERO) == {CONSOLE}
    assert takes(full, "shop", VELERO) == {"shop"}
    assert takes(full, "blog", VELERO) == {"blog"}
    assert takes(full, "elsewhere", VELERO) == set()
    assert takes(full, "shop", {"app": "web"}) == set()


def test_a_full_snapshot_takes_registrations_and_the_consoles_objects() -> None:
    full = scope_of(CONSOLE_NAMESPACE, [app("shop")], None)
    assert takes(full, "console", {"snapline.dev/application": "shop"}) == {CONSOLE}
    assert takes(full, "console", {"kots.io/kotsadm": "true"}) == {CONSOLE}
    assert takes(full, "shop", {"kots.io/kotsadm": "true"}) == {CONSOLE}


@pytest.mark.parametrize("label", SET_UP)
def test_a_full_snapshot_takes_what_is_set_up_and_a_partial_one_does_not(label: str) -> None:
    full = scope_of(CONSOLE_NAMESPACE, [app("shop")], None)
    assert takes(full, "console", {label: "nas"}) == {CONSOLE}
    assert takes(full, "shop", {label: "nas"}) == set()
    assert takes(scope_of(CONSOLE_NAMESPACE, [app("shop")], "shop"), "console", {label: "nas"}) == set()


def test_applications_widen_a_full_snapshot_and_do_not_narrow_it() -> None:
    spec = """{includedNamespaces: [jobs], excludedNamespaces: [tmp, console], labelSelector: {matchLabels: {a: b}},
      orLabelSelectors: [{matchLabels: {owner: helm}}], excludedResources: [secrets], includeClusterResources: false}"""
    full = scope_of(CONSOLE_NAMESPACE, [app("shop", spec), app("blog")], None)
    assert takes(full, "jobs", VELERO) == {"shop"}
    assert takes(full, "blog", {"owner": "helm"}) == {"shop"}
    assert takes(full, "tmp", {"owner": "helm"}) == set()
    assert takes(full, "console", VELERO) == {CONSOLE}, "the console is never left out"
    assert all(selection.cluster_resources for selection in full)
    assert not any(selection.default_volumes for selection in full)
    assert not any(selection.resources.excluded for selection in full)


def test_an_application_without_a_backup_resource_adds_nothing_to_a_full_snapshot() -> None:
    full = scope_of(
        CONSOLE_NAMESPACE, [app("shop", None), app("blog", metadata=", annotations: {kots.io/when: 'false'}")], None
    )
    assert {selection.owner for selection in full} == {CONSOLE}
    assert takes(full, "shop", VELERO) == set()


def test_a_star_takes_all_namespaces_but_excluded_ones() -> None:
    full = scope_of(CONSOLE_NAMESPACE, [app("shop", "{includedNamespaces: ['*'], excludedNamespaces: [tmp]}")], None)
    assert takes(full, "anywhere", VELERO) == {"shop"}
    assert takes(full, "tmp", VELERO) == set()


def test_an_application_without_namespaces_lives_with_the_console() -> None:
    (partial,) = scope_of(CONSOLE_NAMESPACE, [app("shop", namespaces=[])], "shop")
    assert partial.namespaces == ("console",)


def test_a_partial_snapshot_honours_the_whole_resource() -> None:
    spec = """{includedNamespaces: [jobs], labelSelector: {matchLabels: {tier: db, kots.io/app-slug: other}},
      includedResources: [pods], includeClusterResources: false, defaultVolumesToFsBackup: true,
      orderedResources: {pods: shop/db-0}}"""
    (partial,) = scope_of(CONSOLE_NAMESPACE, [app("shop", spec), app("blog")], "shop")
    assert partial.namespaces == ("shop", "jobs")
    assert partial.selectors == (LabelSelector(match_labels={"tier": "db", "kots.io/app-slug": "shop"}),)
    assert partial.cluster_resources is False
    assert partial.default_volumes
    assert partial.resources.included == {"pods"}
    assert partial.ordered_resources == {"pods": "shop/db-0"}


def test_or_selectors_widen_a_partial_snapshot_where_velero_would_refuse_it() -> None:
    (partial,) = scope_of(
        CONSOLE_NAMESPACE, [app("shop", "{orLabelSelectors: [{matchLabels: {owner: helm}}]}")], "shop"
    )
    assert takes([partial], "shop", {"owner": "helm"}) == {"shop"}
    assert takes([partial], "shop", {"kots.io/app-slug": "shop"}) == {"shop"}


def test_cluster_objects_are_in_a_partial_snapshot_unless_it_says_otherwise() -> None:
    (partial,) = scope_of(CONSOLE_NAMESPACE, [app("shop")], "shop")
    assert partial.cluster_resources is True


@pytest.mark.parametrize(
    ("apps", "slug", "words"),
    [
        ([], "shop", "no application 'shop'"),
        ([app("shop", None)], "shop", "ships no Backup"),
        ([app("shop", metadata=", annotations: {kots.io/exclude: 'true'}")], "shop", "ships no Backup"),
        ([app("shop", "[]")], None, "application shop: .*not a mapping"),
        ([app("console")], None, "may not be called 'console'"),
        ([app("shop", "{excludedResources: ['*']}")], "shop", r"application shop: .*excludes all resources \('\*'\)"),
        (
            [app("shop", "{excludedNamespaceScopedResources: ['*'], excludedClusterScopedResources: ['*']}")],
            "shop",
            "excludes all resources",
        ),
        ([app("shop", "{excludedNamespaces: ['*']}")], "shop", "application shop: .*excludes everything"),
    ],
)
def test_what_cannot_be_backed_up_is_refused_by_name(apps: list[Application], slug: str | None, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        scope_of(CONSOLE_NAMESPACE, apps, slug)


def test_hooks_come_from_all_resources_or_from_the_applications_own() -> None:
    hooks = "{hooks: {resources: [{name: x}]}, includedResources: [pods]}"
    apps = [app("shop", hooks), app("blog", hooks)]
    assert len(spec_for(apps, None).hooks.resources) == 2
    assert spec_for(apps, "shop").included_resources == ["pods"]


def captured() -> Captured:
    objects = [make("ConfigMap", name, "shop") for name in ("console", "shop", "blog", "both")]
    owners = [["console"], ["shop"], ["blog"], ["blog", "console"]]
    return Captured(objects, {obj["metadata"]["uid"]: who for obj, who in zip(objects, owners, strict=True)})


def test_a_restore_concerns_the_objects_of_its_scope() -> None:
    held = captured()
    assert len(objects_for(held, "full", None)) == 4
    assert titles(objects_for(held, "console", None)) == ["ConfigMap/console", "ConfigMap/both"]
    assert titles(objects_for(held, "applications", None)) == ["ConfigMap/shop", "ConfigMap/blog", "ConfigMap/both"]
    assert titles(objects_for(held, "applications", "shop")) == ["ConfigMap/shop"]


def test_the_document_gives_back_what_was_captured() -> None:
    held = captured()
    document = encode_manifest(held)
    again = decode_manifest(document)
    assert (again.objects, again.owners) == (held.objects, held.owners)
    assert json.loads(document)["objects"][0] == {"object": held.objects[0], "owners": ["console"]}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"format": 2, "objects": []}', b'{"format": 1, "objects": [{"object": {}, "owners": []}]}'],
)
def test_a_document_that_cannot_be_read_is_damaged(body: bytes) -> None:
    with pytest.raises(Damaged):
        decode_manifest(body)
