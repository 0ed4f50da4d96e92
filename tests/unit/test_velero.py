"""The Backup resource as vendors ship it, and its merging."""

import pytest

from schemas.errors import Invalid
from schemas.velero import BackupSpec, LabelSelector, merge, parse_backup, unheeded

BACKUP = """
apiVersion: velero.io/v1
kind: Backup
metadata:
  name: backup
  annotations: {example.com/note: kept}
spec:
  includedNamespaces: [shop, shop-jobs]
  excludedNamespaces: null
  excludedResources: [secrets]
  labelSelector:
    matchLabels: {tier: backend}
    matchExpressions: [{key: stage, operator: NotIn, values: [test]}]
  orLabelSelectors:
  - matchLabels: {owner: helm}
  orderedResources: {pods: "shop/db-0,shop/web-0"}
  includeClusterResources: false
  defaultVolumesToRestic: true
  ttl: 720h
  storageLocation: default
  hooks:
    resources:
    - name: freeze
      includedNamespaces: [shop]
      labelSelector: {matchLabels: {app: db}}
      pre: [{exec: {container: db, command: [/bin/sh, -c, sync], onError: Fail, timeout: 90s}}]
      post: [{exec: {command: [/bin/thaw]}}]
"""


def rendered(spec: str = "{}", metadata: str = "{name: backup}") -> str:
    return f"apiVersion: velero.io/v1\nkind: Backup\nmetadata: {metadata}\nspec: {spec}\n"


def test_all_that_vendors_write_is_read() -> None:
    spec = parse_backup(BACKUP)
    assert spec.included_namespaces == ["shop", "shop-jobs"]
    assert spec.excluded_namespaces == []
    assert spec.annotations == {"example.com/note": "kept"}
    assert spec.ordered_resources == {"pods": "shop/db-0,shop/web-0"}
    assert spec.include_cluster_resources is False
    assert spec.default_volumes
    assert spec.ttl == "720h"
    hooks = spec.hooks.resources[0]
    assert hooks.pre[0].exec.on_error == "Fail"
    assert hooks.pre[0].exec.timeout == "90s"
    assert hooks.post[0].exec.on_error is None


def test_nothing_that_vendors_write_is_called_unheeded() -> None:
    assert list(unheeded(BACKUP)) == []


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        (rendered("{includedNamespace: [shop]}"), "spec.includedNamespace", "is includedNamespaces meant?"),
        (rendered("{wholly: new}"), "spec.wholly", "there is no such field"),
        (rendered("{labelSelector: {matchLabel: {a: b}}}"), "spec.labelSelector.matchLabel", "matchLabels meant"),
        (
            rendered("{hooks: {resources: [{name: a}, {name: b, pre: [{exec: {command: [x], timout: 1s}}]}]}}"),
            "spec.hooks.resources[1].pre[0].exec.timout",
            "is timeout meant?",
        ),
        (rendered("{orLabelSelectors: [{matchLabels: {}, x: 1}]}"), "spec.orLabelSelectors[0].x", "no such field"),
        (rendered("{resourcePolicy: {kind: ConfigMap, name: p}}"), "spec.resourcePolicy", "without its rules"),
        (rendered("{snapshotVolumes: true}"), "spec.snapshotVolumes", "no disk is snapshotted"),
        (rendered(metadata="{name: b, spec: {includedNamespaces: [shop]}}"), "metadata.spec", "no such field"),
        (rendered() + "hooks: {}\n", "hooks", "no such field"),
        (rendered("{annotations: {a: b}}"), "spec.annotations", "no such field"),
    ],
)
def test_fields_that_have_no_effect_are_named(text: str, field: str, words: str) -> None:
    [(found, why)] = unheeded(text)
    assert found == field
    assert words in why


def test_the_newer_field_for_default_volumes_wins_over_the_older() -> None:
    assert parse_backup(rendered("{defaultVolumesToFsBackup: true}")).default_volumes
    assert not parse_backup(rendered("{defaultVolumesToFsBackup: false, defaultVolumesToRestic: true}")).default_volumes


def test_other_documents_in_the_file_are_passed_over() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\n---\n" + rendered() + "---\n"
    assert parse_backup(text) == BackupSpec()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: Backup\napiVersion: kots.io/v1beta1\n", "holds none of kind Backup"),
        ("kind: Restore\napiVersion: velero.io/v1\n", "holds none of kind Backup"),
        ("", "holds none of kind Backup"),
        (rendered() + "---\n" + rendered(), "holds 2 of kind Backup"),
        ("a: [", "is not YAML"),
        (rendered("[]"), "is not a mapping"),
        (rendered("{ttl: [1]}"), "spec.ttl"),
        (rendered("{labelSelector: {matchExpressions: [{key: a, operator: Near}]}}"), "operator"),
        (rendered("{hooks: {resources: [{pre: [{exec: {command: [a], onError: Panic}}]}]}}"), "onError"),
        (rendered("{ttl: 'repl{{ ConfigOption `ttl` }}'}"), "template"),
        (rendered("{includedNamespaces: [{{repl Namespace }}]}"), "template"),
        (rendered("{includedNamespaces: ['{{repl Namespace }}']}"), "template"),
        ("x" * 300_000, "limit"),
        ("[" * 5000, "is not YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_a_reason(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        parse_backup(text)


def test_aliases_cannot_make_a_short_file_large() -> None:
    lists = "\n".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 9))
    with pytest.raises(Invalid, match="values"):
        parse_backup(rendered() + "l0: &l0 [x]\n" + lists)


@pytest.mark.parametrize("annotation", ["kots.io/exclude: 'true'", "kots.io/when: 'false'", "kots.io/when: false"])
def test_a_resource_that_the_vendor_took_out_is_not_shipped(annotation: str) -> None:
    assert not parse_backup(rendered(metadata=f"{{name: b, annotations: {{{annotation}}}}}")).shipped


def test_a_selector_follows_kubernetes_rules() -> None:
    selector = parse_backup(BACKUP).label_selector
    assert selector is not None
    assert selector.matches({"tier": "backend"})
    assert not selector.matches({"tier": "backend", "stage": "test"})
    assert not selector.matches({"tier": "frontend"})
    assert LabelSelector().matches({})


def test_merging_widens_and_never_narrows() -> None:
    other = parse_backup(
        rendered("{includedNamespaces: [blog, shop], orderedResources: {pods: blog/a}, excludedNamespaces: [tmp]}")
    )
    merged = merge([parse_backup(BACKUP), other])
    assert merged.included_namespaces == ["shop", "shop-jobs", "blog"]
    assert merged.excluded_namespaces == ["tmp"]
    assert merged.ordered_resources == {"pods": "blog/a"}
    assert [hooks.name for hooks in merged.hooks.resources] == ["freeze"]
    assert merged.or_label_selectors == [LabelSelector(match_labels={"owner": "helm"})]
    assert merged.label_selector is None
    assert merged.excluded_resources == []
    assert merged.include_cluster_resources is True
    assert merged.ttl is None
    assert not merged.default_volumes


def test_a_star_among_namespaces_means_all_of_them() -> None:
    assert merge([BackupSpec(included_namespaces=["", "shop", "*"])]).included_namespaces == ["*"]


def test_what_is_not_shipped_is_not_merged() -> None:
    gone = BackupSpec(included_namespaces=["shop"], annotations={"kots.io/exclude": "true"})
    assert merge([gone]) == merge([])
