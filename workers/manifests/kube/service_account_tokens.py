"""Service-account tokens that the cluster generates: their Secrets, and the volumes that admission adds to pods.

Up to Kubernetes 1.23 every account has a Secret `<account>-token-xxxxx`; later, pods have projected volumes
`kube-api-access-xxxxx`. OpenShift adds `<account>-dockercfg-xxxxx`.
"""

import re
from typing import Any

from schemas.kubernetes import Object
from workers.manifests.kube.objects import annotations_of, name_of, spec_of

TYPE = "kubernetes.io/service-account-token"
ACCOUNT = "kubernetes.io/service-account.name"
ACCOUNT_UID = "kubernetes.io/service-account.uid"
GENERATED_BASE = 58
"""The API server cuts a generated name's base to so many characters, and adds five."""
SUFFIX = "[bcdfghjklmnpqrstvwxz2456789]{5}"
"""Kubernetes generates no vowels, so `web-token-store` is somebody's own."""
PROJECTED = re.compile(rf"kube-api-access-{SUFFIX}")


def is_token_name(name: str, account: str) -> bool:
    """Whether the cluster may have generated `name` for a Secret of `account`."""
    bases = (f"{account}-{kind}-"[:GENERATED_BASE] for kind in ("token", "dockercfg"))
    return any(re.fullmatch(re.escape(base) + SUFFIX, name) for base in bases)


def is_generated_secret(secret: Object) -> bool:
    """Whether the Secret is one that the cluster made for a ServiceAccount; those that people made are kept."""
    account = annotations_of(secret).get(ACCOUNT)
    types = (TYPE, "kubernetes.io/dockercfg")
    return secret.get("type") in types and account is not None and is_token_name(name_of(secret)[1], account)


def token_volumes(pod: Object) -> set[str]:
    """The volumes of a pod that admission added for its account."""
    spec = spec_of(pod)
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    return {volume["name"] for volume in spec.get("volumes") or [] if _is_token_volume(volume, account)}


def _is_token_volume(volume: dict[str, Any], account: str) -> bool:
    name = volume["name"]
    if volume.get("projected"):
        return PROJECTED.fullmatch(name) is not None
    secret = (volume.get("secret") or {}).get("secretName")
    # Admission calls the volume like the Secret; a vendor's own volume that happens to be called so is kept.
    return secret == name and is_token_name(name, account)
