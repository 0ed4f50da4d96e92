"""RabbitMQ's HTTP API, of its management plugin: what AMQP cannot list, and the policies.

https://www.rabbitmq.com/docs/http-api-reference
"""

import base64
import json
import ssl
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPSHandler, Request, build_opener

from schemas.errors import Denied, Invalid, TransientError
from workers.adapters.broker import connection

SECONDS = 30
Thing = Mapping[str, Any]


class Management:
    """One virtual host, as the user of `amqp_url`. Every method raises TransientError, Denied."""

    def __init__(self, url: str, amqp_url: str, authorities: Path | None = None) -> None:
        """`url` is such as https://rabbitmq:15671. Raises Invalid; also if there is a user in it, who would be seen."""
        wrong = Invalid("the management URL is to be http(s)://HOST:PORT; the user is that of SNAPLINE_AMQP_URL")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise wrong from None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise wrong
        chosen = connection.parameters(amqp_url)
        word = f"{chosen.credentials.username}:{chosen.credentials.password}"
        self._base, self._host = url.rstrip("/"), f"{parts.hostname}:{port or ''}".rstrip(":")
        self._auth = "Basic " + base64.b64encode(word.encode()).decode()
        self._vhost = quote(chosen.virtual_host, safe="")
        believed = ssl.create_default_context(cafile=str(authorities) if authorities else None)
        self._opener = build_opener(HTTPSHandler(context=believed))

    def queues(self) -> list[Thing]:
        """Name and arguments of each."""
        return self._list(f"queues/{self._vhost}?columns=name,arguments,durable,auto_delete,exclusive")

    def bindings(self) -> list[Thing]:
        """All that were made; not those that every queue has to the default exchange."""
        return [each for each in self._list(f"bindings/{self._vhost}") if each["source"]]

    def policies(self) -> list[Thing]:
        """As definitions have them."""
        return self._list(f"policies/{self._vhost}")

    def permissions(self) -> list[Thing]:
        """Of users on the whole virtual host."""
        return self._list(f"vhosts/{self._vhost}/permissions")

    def topic_permissions(self) -> list[Thing]:
        """Of users on its topic exchanges."""
        return self._list(f"vhosts/{self._vhost}/topic-permissions")

    def put_policy(self, policy: Thing) -> None:
        """Makes or replaces it."""
        said = {name: policy[name] for name in ("pattern", "apply-to", "definition", "priority")}
        self._ask("PUT", f"policies/{self._vhost}/{quote(policy['name'], safe='')}", said)

    def delete_policy(self, name: str) -> None:
        """Removes it."""
        self._ask("DELETE", f"policies/{self._vhost}/{quote(name, safe='')}")

    def _list(self, path: str) -> list[Thing]:
        found = json.loads(self._ask("GET", path))
        return found if isinstance(found, list) else []

    def _ask(self, method: str, path: str, said: object = None) -> bytes:
        headers = {"Authorization": self._auth, "Content-Type": "application/json"}
        body = None if said is None else json.dumps(said).encode()
        asked = Request(f"{self._base}/api/{path}", body, headers, method=method)  # noqa: S310  # http(s), see above
        what = f"could not ask RabbitMQ's management ({self._host})"
        try:
            with self._opener.open(asked, timeout=SECONDS) as answer:
                return bytes(answer.read())
        except HTTPError as error:
            if error.code in (401, 403):
                raise Denied(f"{what}: it refuses the user; it needs the tag `administrator`") from error
            raise TransientError(f"{what}: {error.code} {error.reason}") from error
        except (URLError, OSError, HTTPException) as error:
            raise TransientError(f"{what}: {getattr(error, 'reason', error)}") from error
