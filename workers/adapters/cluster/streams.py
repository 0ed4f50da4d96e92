"""One WebSocket to the API server, with the SDK client's TLS, credentials and proxy; failures are our errors.

The SDK's own `stream` keeps all that a server sends, reads on for as long as there is more without a look at the time,
and knows refusals only as text. So the socket is opened here.
"""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import websocket
from kubernetes.client import ApiClient, ApiException, Configuration
from kubernetes.client.rest import should_bypass_proxies

from workers.adapters.cluster.refusals import refusal
from workers.adapters.cluster.transport import unreachable

OPEN_SECONDS = 30.0
"""Time to connect, and for the server to reach the node, and for the node to reach its container runtime."""

Query = Sequence[tuple[str, str]]


@contextmanager
def opened(client: ApiClient, path: str, query: Query, protocol: str, tried: str) -> Iterator[websocket.WebSocket]:
    """An open socket that speaks `protocol`; closed at the end, without waiting for the other side.

    Raises the family of the server's refusal, and TransientError if there is no answer."""
    try:
        socket = _open(client, path, query, protocol)
    except websocket.WebSocketBadStatusException as error:
        raise refusal(error.status_code, error.resp_body or b"", tried) from error
    except (ApiException, websocket.WebSocketException, OSError) as error:
        raise unreachable(error, tried) from error
    try:
        yield socket
    finally:
        socket.shutdown()  # type: ignore[no-untyped-call]


def _open(client: ApiClient, path: str, query: Query, protocol: str) -> websocket.WebSocket:
    settings = client.configuration
    _, url, headers, _, _ = client.param_serialize("GET", path, auth_settings=["BearerToken"])
    socket = websocket.WebSocket(sslopt=_tls(settings), skip_utf8_validation=True)
    socket.connect(  # type: ignore[no-untyped-call]
        f"{url.replace('http', 'ws', 1)}?{urlencode(query)}",
        header={name: value for name, value in headers.items() if name.lower() == "authorization"},
        subprotocols=[protocol],
        suppress_origin=True,
        redirect_limit=0,
        timeout=OPEN_SECONDS,
        **_proxy(settings),
    )
    return socket


def _tls(settings: Configuration) -> dict[str, Any]:
    if not settings.host.startswith("https"):
        return {}
    context = ssl.create_default_context(cafile=settings.ssl_ca_cert, cadata=settings.ca_cert_data)
    if not settings.verify_ssl or settings.assert_hostname is False:
        context.check_hostname = False
    if not settings.verify_ssl:
        context.verify_mode = ssl.CERT_NONE
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    return {"context": context, "server_hostname": settings.tls_server_name}


def _proxy(settings: Configuration) -> dict[str, Any]:
    """The SDK's proxy, where it applies; never the environment's, which the SDK has read already."""
    if not settings.proxy or should_bypass_proxies(settings.host, settings.no_proxy or ""):
        return {"http_no_proxy": ["*"]}
    proxy = urlsplit(settings.proxy)
    auth = (proxy.username, proxy.password or "") if proxy.username else None
    return {
        "http_proxy_host": proxy.hostname,
        "http_proxy_port": proxy.port or 80,
        "http_proxy_auth": auth,
        "http_proxy_timeout": OPEN_SECONDS,
    }
