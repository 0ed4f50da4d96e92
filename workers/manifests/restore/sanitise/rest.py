"""The other kinds that cannot be created as they were served: namespaces, jobs, definitions, webhooks."""

from typing import Any

from schemas.kubernetes import Object

CONTROLLER_UID = ("controller-uid", "batch.kubernetes.io/controller-uid")
PRESERVE = "x-kubernetes-preserve-unknown-fields"


def strip_namespace(namespace: Object) -> None:
    """The server gives a namespace its own finalizer."""
    namespace.pop("spec", None)


def strip_job(job: Object) -> None:
    """The server selects a job's pods by the job's new uid."""
    spec = job.get("spec") or {}
    selector = spec.get("selector") or {}
    template = ((spec.get("template") or {}).get("metadata")) or {}
    for labels in (selector.get("matchLabels") or {}, template.get("labels") or {}):
        for label in CONTROLLER_UID:
            labels.pop(label, None)


def strip_definition(definition: Object) -> None:
    """A definition made with v1beta1 may preserve unknown fields everywhere; v1 says so in each schema."""
    spec: dict[str, Any] = definition.get("spec") or {}
    if not definition["apiVersion"].endswith("/v1") or not spec.get("preserveUnknownFields"):
        return
    spec["preserveUnknownFields"] = False
    for version in spec.get("versions") or []:
        schema = version.setdefault("schema", {}).setdefault("openAPIV3Schema", {"type": "object"})
        schema[PRESERVE] = True


def strip_webhooks(configuration: Object) -> None:
    """v1 refuses webhooks whose side effects are unknown."""
    if not configuration["apiVersion"].endswith("/v1"):
        return
    for webhook in configuration.get("webhooks") or []:
        if webhook.get("sideEffects") in ("Unknown", "Some"):
            webhook["sideEffects"] = "None"
