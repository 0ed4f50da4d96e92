"""The *internal* destination: an S3 server that is there already, and whose keys nobody has to type.

Either the environment gives it, as compose and the local stack do for their own S3 server; or a Service in the
console's namespace offers it: it is labelled `snapline.dev/internal-storage=<bucket>`, and the Secret of the same name
has `access_key_id` and `secret_access_key`, and `ca.crt` if it speaks TLS. The destination refers to those keys.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from producers.session import Session
from schemas.errors import Code, NotFound
from schemas.events import DEFAULT_DESTINATION
from schemas.kubernetes import SECRETS, SERVICES, Object
from schemas.settings import PREFIX

LABEL = "snapline.dev/internal-storage"


@dataclass(frozen=True)
class Internal:
    """What is known of the server, and where its keys are."""

    fields: Mapping[str, Any]
    references: Mapping[str, str]


def found(session: Session, name: str) -> Internal:
    """The server of the environment, else the one that a Service offers, for a destination called `name`; one that is
    not the default has a place of its own in the bucket. Raises NotFound where there is neither."""
    settings = session.settings
    own = "" if name == DEFAULT_DESTINATION else name
    if settings.s3_bucket and settings.s3_endpoint:
        fields = {
            "bucket": settings.s3_bucket,
            "prefix": f"{settings.s3_prefix}/{own}",
            "endpoint": str(settings.s3_endpoint).rstrip("/"),
            "region": settings.s3_region,
            "access_key_id": settings.s3_access_key_id,
        }
        return Internal(fields, {"secret_access_key": f"env:{PREFIX}S3_SECRET_ACCESS_KEY"})
    services = session.cluster.list(SERVICES, settings.console_namespace, LABEL)
    for service in sorted(services, key=lambda each: str(each["metadata"]["name"])):
        return _offered(session, service, own)
    text = f"there is no S3 server here: none in the environment, and no Service labelled {LABEL} beside the console"
    raise NotFound(text, code=Code.NO_INTERNAL_STORAGE)


def _offered(session: Session, service: Object, prefix: str) -> Internal:
    name, namespace = str(service["metadata"]["name"]), str(service["metadata"]["namespace"])
    certificate = _certificate(session, name, namespace)
    ports = service.get("spec", {}).get("ports") or [{}]
    port = ports[0].get("port", 443 if certificate else 80)
    fields = {
        "bucket": service["metadata"]["labels"][LABEL],
        "prefix": prefix,
        "endpoint": f"{'https' if certificate else 'http'}://{name}.{namespace}.svc:{port}",
        "ca_certificate": certificate,
    }
    keys = ("access_key_id", "secret_access_key")
    return Internal(fields, {key: f"secret:{name}/{key}" for key in keys})


def _certificate(session: Session, name: str, namespace: str) -> str:
    try:
        data = session.cluster.get(SECRETS, namespace, name).get("data") or {}
        return base64.b64decode(data.get("ca.crt", "")).decode()
    except (NotFound, ValueError):
        return ""
