"""The SDK's client for a container: who we are, how long it waits, whom it believes."""

import base64
import binascii
from pathlib import Path
from typing import Any
from urllib.parse import quote

from azure.core import PipelineClient
from azure.core.credentials import AzureNamedKeyCredential, TokenCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.storage.blob import ContainerClient
from requests import Session
from requests.adapters import HTTPAdapter

from schemas.destination import AzureDestination
from schemas.errors import Code, Denied, Invalid
from workers.adapters.stores.azure.clouds import CLOUDS

CONNECT_SECONDS, READ_SECONDS = 5, 30
CONNECTIONS = 32
WHOLE = 256 * 2**20
"""Bytes of a body up to which it is written by one request, which alone is conditional."""
KEYS_API = "2023-05-01"


def looks_up_key(destination: AzureDestination) -> bool:
    """Whether Azure is asked for a key of the storage account, as whoever signs in need not have a role on blobs."""
    return not destination.account_key.get_secret_value() and bool(
        destination.subscription_id and destination.resource_group
    )


def container_of(destination: AzureDestination, ca: Path | None) -> ContainerClient:
    """Asks for a key if that has to be looked up; nothing of the container yet. Raises what the SDK does; Invalid for
    a key that is none, Denied for half of what a client needs."""
    cloud = CLOUDS[destination.cloud_name]
    url = destination.endpoint.rstrip("/") or f"https://{destination.storage_account}.{cloud.blobs}"
    return ContainerClient(
        url,
        destination.container,
        credential=_credential(destination, ca),
        transport=_transport(ca),
        retry_total=0,
        max_single_put_size=WHOLE,
    )


def account_key(
    destination: AzureDestination, who: TokenCredential, management: str, ca: Path | None
) -> AzureNamedKeyCredential:
    """The first key of the storage account, from the host `management`. Raises what the SDK does.
    https://learn.microsoft.com/rest/api/storagerp/storage-accounts/list-keys"""
    group, account = quote(destination.resource_group, safe=""), destination.storage_account
    path = (
        f"/subscriptions/{quote(destination.subscription_id, safe='')}/resourceGroups/{group}"
        f"/providers/Microsoft.Storage/storageAccounts/{account}/listKeys"
    )
    signed = BearerTokenCredentialPolicy(who, f"https://{CLOUDS[destination.cloud_name].management}/.default")
    client: Any = PipelineClient(f"https://{management}", policies=[signed], transport=_transport(ca))
    with client:
        answer: HttpResponse = client.send_request(HttpRequest("POST", path, params={"api-version": KEYS_API}))
        answer.raise_for_status()
        keys = answer.json().get("keys") or [{}]
    if not (key := keys[0].get("value")):
        raise HttpResponseError("there was no key in the answer")
    return AzureNamedKeyCredential(account, key)


def _credential(destination: AzureDestination, ca: Path | None) -> AzureNamedKeyCredential | TokenCredential:
    if key := destination.account_key.get_secret_value():
        return AzureNamedKeyCredential(destination.storage_account, _checked(key))
    who = _signed_in(destination, ca)
    if looks_up_key(destination):
        return account_key(destination, who, CLOUDS[destination.cloud_name].management, ca)
    return who


def _signed_in(destination: AzureDestination, ca: Path | None) -> TokenCredential:
    authority, verify = CLOUDS[destination.cloud_name].authority, str(ca) if ca else True
    tenant, client, secret = (destination.tenant_id, destination.client_id, destination.client_secret)
    if secret.get_secret_value():
        if not tenant or not client:
            text = "tenant, client and client secret go together: one is missing"
            raise Denied(text, code=Code.STORE_CREDENTIALS)
        return ClientSecretCredential(
            tenant, client, secret.get_secret_value(), authority=authority, connection_verify=verify
        )
    return DefaultAzureCredential(
        authority=authority,
        connection_verify=verify,
        managed_identity_client_id=client or None,
        workload_identity_client_id=client or None,
        workload_identity_tenant_id=tenant or None,
        exclude_developer_cli_credential=True,
        exclude_cli_credential=True,
        exclude_powershell_credential=True,
        exclude_shared_token_cache_credential=True,
        exclude_visual_studio_code_credential=True,
        exclude_broker_credential=True,
    )


def _checked(key: str) -> str:
    try:
        base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("the account key is not well formed; it is base64", code=Code.DESTINATION_INVALID) from None
    return key


def _transport(ca: Path | None) -> RequestsTransport:
    session = Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))
    return RequestsTransport(
        session=session,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        connection_verify=str(ca) if ca else True,
    )
