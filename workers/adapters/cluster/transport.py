"""One HTTP request to the API server: JSON in, JSON out, every failure as one of our errors."""

import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import urllib3
from kubernetes.client import ApiClient, ApiException

from schemas.errors import Code, Invalid, SnaplineError, TransientError
from workers.adapters.causes import cause
from workers.adapters.cluster.refusals import refusal

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True)
class Answer:
    """What the server answered, whatever the status."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """True for any 2xx."""
        return 200 <= self.status < 300

    def json(self) -> dict[str, Any]:
        """The body. Raises TransientError if it is not JSON, as when a proxy answers in the server's place."""
        try:
            document: dict[str, Any] = json.loads(self.body)
        except ValueError as error:
            raise TransientError(f"the API server's answer is not JSON ({error}); is a proxy in between?") from error
        return document


class Transport:
    """Sends requests through the SDK's client: its TLS, its credentials and their renewal. Safe for threads."""

    def __init__(self, client: ApiClient, requested: Callable[[str, str, float], None] | None = None) -> None:
        """`requested` is told of each request: method, status or `none`, seconds."""
        self.client, self._requested = client, requested

    def send(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Answer:
        """One request; any status is an answer. Raises TransientError if there is none."""
        if self._requested is None:
            return self._send(method, path, query, body, content_type, accept)
        began, code = time.perf_counter(), "none"
        try:
            answer = self._send(method, path, query, body, content_type, accept)
            code = str(answer.status)
            return answer
        finally:
            self._requested(method, code, time.perf_counter() - began)

    def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None,
        body: dict[str, Any] | None,
        content_type: str,
        accept: str,
    ) -> Answer:
        try:
            _, url, headers, _, _ = self.client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={"Accept": accept, "Content-Type": content_type},
                auth_settings=["BearerToken"],
            )
            response = self.client.call_api(
                method, url, headers, body=body, _request_timeout=(CONNECT_SECONDS, READ_SECONDS)
            )
            return Answer(response.status, response.read())  # type: ignore[no-untyped-call]
        except (ApiException, urllib3.exceptions.HTTPError, OSError) as error:
            raise unreachable(error, f"{method} {self.client.configuration.host}{path}") from error

    def ask(
        self,
        method: str,
        path: str,
        tried: str,
        *,
        body: dict[str, Any] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
        secret: bool = False,
    ) -> dict[str, Any]:
        """One request whose refusal is an error; `tried` is the beginning of its message."""
        answer = self.send(method, path, body=body, content_type=content_type, accept=accept)
        if not answer.ok:
            raise refusal(answer.status, answer.body, tried, secret=secret)
        return answer.json()


def unreachable(error: Exception, tried: str) -> SnaplineError:
    """The error for a request that got no answer."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error) or isinstance(error, ssl.SSLCertVerificationError):
        return Invalid(f"{tried}: the server's certificate is not trusted; check the CA in the kubeconfig")
    return TransientError(f"{tried}: no answer from the API server: {cause(error)}", code=Code.CLUSTER_AWAY)
