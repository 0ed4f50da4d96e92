"""What a snapshot selects.

A full snapshot takes `kots.io/backup=velero` in the namespaces of the console and of every application that ships a
Backup, what applications select themselves, the console's objects, the registrations and what is set up. It also takes
what carries an application's `kots.io/app-slug` alone, as its partial snapshot would, so that it never holds less. A
partial one takes `kots.io/app-slug=<slug>` and honours the application's whole Backup.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from schemas import application
from schemas.application import Application
from schemas.errors import Code, Invalid
from schemas.kubernetes import ResourceType
from schemas.records import Coverage
from schemas.velero import ALL, BackupSpec, Expression, LabelSelector, merge, namespaces, parse_backup
from workers.manifests.capture.document import CONSOLE
from workers.manifests.capture.resource_filter import ResourceFilter
from workers.manifests.kube.objects import APP_SLUG, KOTSADM
from workers.manifests.kube.own import SET_UP

MARKED = LabelSelector(match_labels={"kots.io/backup": "velero"})
CONSOLES = LabelSelector(match_labels={KOTSADM: "true"})
WHAT_IS_SET_UP = tuple(LabelSelector(match_expressions=[Expression(key=label, operator="Exists")]) for label in SET_UP)
REGISTERED = LabelSelector(match_expressions=[Expression(key=application.LABEL, operator="Exists")])


@dataclass(frozen=True)
class Selection:
    """Objects to take: those that any of `selectors` matches, in `namespaces` (`*` is all).

    They belong to `owner`; with `labels_win`, to whom their own labels say, if they say anything.
    `named` are namespaces that must be there. `cluster_resources` is Velero's includeClusterResources. What carries the
    label of an application in `left_out` is not selected.
    The `home` of an owner is where its objects are looked for by its own label; of `rest` is only what no other
    selection has taken.
    """

    owner: str
    namespaces: tuple[str, ...]
    selectors: tuple[LabelSelector, ...]
    excluded_namespaces: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    cluster_resources: bool | None = True
    resources: ResourceFilter = field(default_factory=ResourceFilter)
    ordered_resources: dict[str, str] = field(default_factory=dict)
    default_volumes: bool = False
    labels_win: bool = True
    home: bool = False
    rest: bool = False
    left_out: frozenset[str] = frozenset()

    def covers(self, namespace: str) -> bool:
        """Whether the namespace is in the selection."""
        if namespace in self.excluded_namespaces or ALL in self.excluded_namespaces:
            return False
        return ALL in self.namespaces or namespace in self.namespaces


def scope_of(
    console_namespace: str, apps: list[Application], app: str | None, left_out: Collection[str] = ()
) -> list[Selection]:
    """What a full snapshot, or the partial one of `app`, selects. A full one takes nothing that carries the label of
    an application in `left_out`. Raises Invalid, naming the application."""
    if any(registered.slug == CONSOLE for registered in apps):
        raise Invalid(f"an application may not be called {CONSOLE!r}: that is the admin console; register it anew")
    if app is None:
        return [replace(each, left_out=frozenset(left_out)) for each in _full(console_namespace, apps)]
    return [_partial(console_namespace, _named(apps, app))]


def spec_for(apps: list[Application], app: str | None) -> BackupSpec:
    """The Backup that holds for a snapshot: of `app`, or of all applications, merged. Raises Invalid."""
    if app is None:
        return merge(spec for _, spec in _shipped(apps))
    return _own_spec(_named(apps, app))


def coverage(selections: Iterable[Selection], types: Sequence[ResourceType], *, whole: bool) -> list[Coverage]:
    """Where, and of which of the kinds `types`, each owner's objects were looked for: what is not in the backup was not
    there. `whole` if these are all kinds that there are, and none could not be read."""
    return [
        Coverage(
            owner=selection.owner,
            namespaces=list(selection.namespaces),
            excluded_namespaces=list(selection.excluded_namespaces),
            kinds=_kinds(selection.resources, types, whole),
        )
        for selection in selections
        if selection.home
    ]


def _kinds(resources: ResourceFilter, types: Sequence[ResourceType], whole: bool) -> list[str]:
    if whole and resources == ResourceFilter():
        return [ALL]
    return sorted(type_.group_resource for type_ in types if resources.allows(type_))


def _full(console_namespace: str, apps: list[Application]) -> Iterator[Selection]:
    shipped = list(_shipped(apps))
    merged = merge(spec for _, spec in shipped)
    own = {app.slug: _namespaces(console_namespace, app, spec) for app, spec in shipped}
    everywhere = tuple(namespaces((console_namespace, *(name for names in own.values() for name in names))))
    excluded = tuple(name for name in merged.excluded_namespaces if name != console_namespace)
    ordered = merged.ordered_resources

    def select(owner: str, names: tuple[str, ...], *selectors: LabelSelector) -> Selection:
        return Selection(owner, names, selectors, excluded, ordered_resources=ordered)

    yield select(CONSOLE, everywhere, CONSOLES, REGISTERED)
    yield select(CONSOLE, (console_namespace,), *WHAT_IS_SET_UP)
    yield replace(select(CONSOLE, (console_namespace,), MARKED), named=(console_namespace,), home=True, rest=True)
    for app, spec in shipped:
        names = own[app.slug]
        labelled = LabelSelector(match_labels={APP_SLUG: app.slug})
        yield replace(select(app.slug, names, MARKED, labelled), named=_concrete(names), home=True)
        if spec.or_label_selectors:
            yield select(app.slug, everywhere, *spec.or_label_selectors)


def _partial(console_namespace: str, app: Application) -> Selection:
    spec = _own_spec(app)
    names = _namespaces(console_namespace, app, spec)
    own = spec.label_selector or LabelSelector()
    labels = {**own.match_labels, APP_SLUG: app.slug}
    mine = LabelSelector(match_labels=labels, match_expressions=own.match_expressions)
    return Selection(
        owner=app.slug,
        namespaces=names,
        selectors=(mine, *spec.or_label_selectors),
        excluded_namespaces=tuple(spec.excluded_namespaces),
        named=_concrete(names),
        cluster_resources=True if spec.include_cluster_resources is None else spec.include_cluster_resources,
        resources=_filter(app, spec),
        ordered_resources=spec.ordered_resources,
        default_volumes=spec.default_volumes,
        labels_win=False,
        home=True,
    )


def _shipped(apps: list[Application]) -> Iterator[tuple[Application, BackupSpec]]:
    """The applications that ship a Backup. Of the others, only what happens to carry the labels is taken."""
    for app in apps:
        if spec := shipped_spec(app):
            yield app, spec


def shipped_spec(app: Application) -> BackupSpec | None:
    """The application's Backup; None if it has none, or the vendor took it out of this release. Raises Invalid."""
    spec = _spec(app)
    return spec if spec is not None and spec.shipped else None


def _own_spec(app: Application) -> BackupSpec:
    spec = shipped_spec(app)
    if spec is None:
        raise Invalid(
            f"application {app.slug} ships no Backup resource, so it has no snapshots of its own",
            code=Code.NO_BACKUP_RESOURCE,
            subject=app.slug,
        )
    return spec


def _spec(app: Application) -> BackupSpec | None:
    try:
        return parse_backup(app.backup) if app.backup and app.backup.strip() else None
    except Invalid as error:
        raise Invalid(f"application {app.slug}: {error}") from error


def _filter(app: Application, spec: BackupSpec) -> ResourceFilter:
    try:
        return ResourceFilter.of(spec)
    except Invalid as error:
        raise Invalid(f"application {app.slug}: {error}", subject=app.slug) from error


def _named(apps: list[Application], slug: str) -> Application:
    for app in apps:
        if app.slug == slug:
            return app
    raise Invalid(f"there is no application {slug!r}", code=Code.NO_SUCH_APPLICATION, subject=slug)


def _namespaces(console_namespace: str, app: Application, spec: BackupSpec) -> tuple[str, ...]:
    """Where the application lives (by default with the console), and what its Backup adds."""
    return tuple(namespaces((*(app.namespaces or [console_namespace]), *spec.included_namespaces)))


def _concrete(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name != ALL)
