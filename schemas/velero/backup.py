"""The velero.io/v1 Backup that vendors ship with an application: what it selects, and the hooks it asks for.

Fields: https://velero.io/docs/main/api-types/backup/. A field that is not here has no meaning for Snapline and is
ignored; `unheeded` names them. `merge` makes the one Backup of a full snapshot out of those of all applications, as
KOTS does.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from schemas.errors import Invalid
from schemas.events import explain
from schemas.velero.text import read_backup

Labels = Mapping[str, str]
ALL = "*"
"""In a list of namespaces or resources: all of them."""
EXCLUDED = {"kots.io/exclude": "true", "kots.io/when": "false"}
"""Annotations by which a vendor takes the resource out of a release, as if it were not shipped."""


class Part(BaseModel):
    """Base: frozen, camelCase as in YAML; unknown fields are ignored, and null counts as absent."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        return {key: inner for key, inner in value.items() if inner is not None} if isinstance(value, dict) else value


class Expression(Part):
    """One of `matchExpressions`."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: list[str] = []

    def matches(self, labels: Labels) -> bool:
        """Kubernetes' rules: an absent label is in no list of values."""
        if self.operator == "Exists":
            return self.key in labels
        if self.operator == "DoesNotExist":
            return self.key not in labels
        return (labels.get(self.key) in self.values) == (self.operator == "In")


class LabelSelector(Part):
    """All of it must match; an empty one matches everything."""

    match_labels: dict[str, str] = {}
    match_expressions: list[Expression] = []

    def matches(self, labels: Labels) -> bool:
        """Whether an object with these labels is selected."""
        same = all(labels.get(key) == value for key, value in self.match_labels.items())
        return same and all(expression.matches(labels) for expression in self.match_expressions)


class Exec(Part):
    """A command in a container. `timeout` is a Go duration; `on_error` unset means: tell it, and go on."""

    command: list[str] = Field(min_length=1)
    container: str | None = None
    on_error: Literal["Continue", "Fail"] | None = None
    timeout: str | None = None


class Hook(Part):
    """One entry of `pre` or `post`."""

    exec: Exec


class ResourceHooks(Part):
    """Hooks for the pods that match."""

    name: str = ""
    included_namespaces: list[str] = []
    excluded_namespaces: list[str] = []
    included_resources: list[str] = []
    excluded_resources: list[str] = []
    label_selector: LabelSelector | None = None
    pre: list[Hook] = []
    post: list[Hook] = []


class Hooks(Part):
    """The field `hooks`."""

    resources: list[ResourceHooks] = []


def _texts(value: Any) -> Any:
    """Annotations are text, but vendors sometimes forget the quotes."""
    return {str(key): _text(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class BackupSpec(Part):
    """A Backup resource: of its metadata the annotations, of its spec what Snapline honours."""

    annotations: Annotated[dict[str, str], BeforeValidator(_texts)] = {}
    included_namespaces: list[str] = []
    excluded_namespaces: list[str] = []
    included_resources: list[str] = []
    excluded_resources: list[str] = []
    included_cluster_scoped_resources: list[str] = []
    excluded_cluster_scoped_resources: list[str] = []
    included_namespace_scoped_resources: list[str] = []
    excluded_namespace_scoped_resources: list[str] = []
    label_selector: LabelSelector | None = None
    or_label_selectors: list[LabelSelector] = []
    include_cluster_resources: bool | None = None
    ordered_resources: dict[str, str] = {}
    hooks: Hooks = Hooks()
    default_volumes_to_fs_backup: bool | None = None
    default_volumes_to_restic: bool | None = None
    ttl: str | None = None

    @property
    def default_volumes(self) -> bool:
        """Whether volumes are copied unless they opt out. The older field counts where the newer one is unset."""
        newer = self.default_volumes_to_fs_backup
        return bool(self.default_volumes_to_restic if newer is None else newer)

    @property
    def shipped(self) -> bool:
        """False if the vendor took the resource out of this release."""
        return not any(self.annotations.get(key) == value for key, value in EXCLUDED.items())


def parse_backup(text: str) -> BackupSpec:
    """The Backup in YAML `text`. Raises Invalid, saying what to do."""
    document = read_backup(text)
    spec, metadata = ({} if (part := document.get(key)) is None else part for key in ("spec", "metadata"))
    if not isinstance(spec, dict) or not isinstance(metadata, dict):
        raise Invalid("the Backup resource's metadata or spec is not a mapping; give the file as Velero would read it")
    try:
        read = BackupSpec.model_validate({**spec, "annotations": metadata.get("annotations")})
    except ValidationError as error:
        raise Invalid(f"the Backup resource cannot be read: spec.{explain(error)}") from error
    if ALL in read.excluded_namespaces:
        raise Invalid("the Backup resource excludes everything (spec.excludedNamespaces holds '*')")
    return read


def merge(specs: Iterable[BackupSpec]) -> BackupSpec:
    """The Backup of a full snapshot. As with KOTS, an application can widen it, not narrow it: `labelSelector`,
    resource filters, `ttl` and the default for volumes of a single application do not count."""
    shipped = [spec for spec in specs if spec.shipped]
    return BackupSpec(
        annotations={key: value for spec in shipped for key, value in spec.annotations.items()},
        included_namespaces=namespaces(name for spec in shipped for name in spec.included_namespaces),
        excluded_namespaces=namespaces(name for spec in shipped for name in spec.excluded_namespaces),
        or_label_selectors=[selector for spec in shipped for selector in spec.or_label_selectors],
        include_cluster_resources=True,
        ordered_resources={key: value for spec in shipped for key, value in spec.ordered_resources.items()},
        hooks=Hooks(resources=[hooks for spec in shipped for hooks in spec.hooks.resources]),
    )


def namespaces(names: Iterable[str]) -> list[str]:
    """Each once, in order, without empty ones; with `*` among them, that alone."""
    kept = list(dict.fromkeys(name for name in names if name))
    return [ALL] if ALL in kept else kept
