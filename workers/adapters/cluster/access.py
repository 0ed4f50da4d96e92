"""Where the API server is and who we are: kubeconfig file, service account, or kubectl's default."""

import os
import re
import time

import urllib3
import yaml
from kubernetes import config
from kubernetes.client import ApiClient, Configuration

from schemas.errors import Invalid

POOL = 32
"""Connections kept open; more threads than this still work, on connections of their own."""

RENEW = 1.0
"""Seconds after which it is looked again whether a token has expired; tokens are renewed before they do."""

RETRY = urllib3.Retry(
    total=3,
    connect=1,
    read=1,
    status=2,
    redirect=0,
    other=0,
    backoff_factor=0.1,
    raise_on_status=False,
    retry_after_max=5,
)
"""Retried in place: one reconnect, and throttled reads for up to 5 seconds at a time. The queue retries all else."""


def api_client(kubeconfig: str | None = None) -> ApiClient:
    """A client for the file `kubeconfig`, else for the cluster around us, else for kubectl's default.

    Also for adapters that speak other parts of the API (exec). Raises Invalid.
    """
    settings = Configuration()
    try:
        _load(settings, kubeconfig)
    except (
        config.ConfigException,
        OSError,
        ValueError,
        yaml.YAMLError,
        TypeError,
        AttributeError,
        LookupError,
    ) as error:
        place = kubeconfig or "the service account of this pod, $KUBECONFIG or ~/.kube/config"
        raise Invalid(f"no way into a cluster with {place:.200}: {_why(error)}") from error
    _renewing_seldom(settings)
    settings.retries = RETRY
    settings.connection_pool_maxsize = POOL
    return ApiClient(settings)


def _why(error: Exception) -> str:
    """The client reads a file before it looks at what it is, and stumbles over what is no kubeconfig."""
    if isinstance(error, config.ConfigException):
        said = str(error).split("\n")[0]
        said = re.sub(r"^Invalid kube-config( file)?\. ", "", said)
        return "there is none" if said == "No configuration found." else f"it is not usable: {said}"
    if isinstance(error, OSError):
        return error.strerror or "it cannot be read"
    return "it is no kubeconfig"


def _renewing_seldom(settings: Configuration) -> None:
    """The SDK loads its settings anew for each request, in case that a token has expired."""
    renew, renewed = settings.refresh_api_key_hook, -RENEW
    if renew is None:
        return

    def seldom(used: Configuration) -> None:
        nonlocal renewed
        if (now := time.monotonic()) - renewed >= RENEW:
            renewed = now
            renew(used)

    settings.refresh_api_key_hook = seldom


def _load(settings: Configuration, kubeconfig: str | None) -> None:
    if kubeconfig:
        config.load_kube_config(kubeconfig, client_configuration=settings, persist_config=False)  # type: ignore[no-untyped-call]
    elif os.environ.get("KUBERNETES_SERVICE_HOST"):
        config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
    else:
        config.load_kube_config(client_configuration=settings, persist_config=False)  # type: ignore[no-untyped-call]
