"""The SDK's client for a bucket: who we are, how long it waits, whom it believes.

https://cloud.google.com/docs/authentication/application-default-credentials
"""

import json
from pathlib import Path
from typing import Any

import google.auth
from google.auth import compute_engine, transport
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud import storage
from google.oauth2 import service_account
from requests import Session
from requests.adapters import HTTPAdapter

from schemas.destination import GcsDestination
from schemas.errors import Code, Denied, Invalid

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
CONNECTIONS = 32


def client_of(destination: GcsDestination, ca: Path | None) -> Any:
    """Asks nothing of the bucket yet. Raises Invalid for a key that is none, Denied if there are no credentials."""
    verify = str(ca) if ca else True
    signing_in = Session()
    signing_in.verify = verify
    asking_for_tokens = Request(signing_in)
    session = AuthorizedSession(_credentials(destination, asking_for_tokens), auth_request=asking_for_tokens)
    session.verify = verify
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))
    options = {"api_endpoint": destination.endpoint.rstrip("/")} if destination.endpoint else None
    client = storage.Client(project=None, credentials=session.credentials, _http=session, client_options=options)
    # For traces that nobody reads, a thread would ask for the bucket itself, which we need not be allowed to see.
    client._bucket_metadata_cache = None
    return client


def _credentials(destination: GcsDestination, request: transport.Request) -> Credentials:
    if key := destination.service_account_json.get_secret_value():
        return _of_key(key)
    if destination.endpoint:
        return AnonymousCredentials()
    if destination.service_account:
        return compute_engine.Credentials(service_account_email=destination.service_account, scopes=[SCOPE])
    try:
        found: Credentials = google.auth.default(scopes=[SCOPE], request=request)[0]
    except GoogleAuthError as error:
        text = "could not sign in to Google Cloud: there is no key, and this machine has no role"
        raise Denied(text, code=Code.STORE_CREDENTIALS) from error
    return found


def _of_key(key: str) -> Credentials:
    try:
        fields = json.loads(key)
        found: Credentials = service_account.Credentials.from_service_account_info(fields, scopes=[SCOPE])
    except (ValueError, TypeError, AttributeError, GoogleAuthError):  # whose texts may hold a part of the key
        text = "the key of the service account is not well formed; it is the JSON file that Google gives out, whole"
        raise Invalid(text, code=Code.DESTINATION_INVALID) from None
    return found
