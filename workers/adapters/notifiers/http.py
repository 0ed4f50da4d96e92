"""One HTTP request to a receiver that somebody has named to us. The only importer of urllib3's pools.

The address is looked at and then connected to (`addresses`), redirects are not followed, and nothing of an answer is
kept but its code: whoever may name a URL learns nothing from inside of our network.
"""

from collections.abc import Mapping

import urllib3
from urllib3.util import Url, make_headers, parse_url

from schemas.errors import Code, Denied, Invalid, TransientError
from schemas.messages import told
from workers.adapters.notifiers import addresses
from workers.ports import Answer

TIMEOUT = urllib3.Timeout(connect=5, read=10)
BUSY = (408, 425, 429)


def send(
    method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str], allow_private: bool
) -> Answer:
    """What became of it. `url` is http or https, and is never told: it may hold a secret."""
    try:
        where = parse_url(url)
        code = _request(method, where, body, headers, allow_private)
    except urllib3.exceptions.LocationParseError:
        return Answer("refused", told(Invalid("its URL is not one")))
    except urllib3.exceptions.HTTPError as error:
        return Answer("busy", told(TransientError(f"could not notify {where.hostname}: {type(error).__name__}")))
    except TransientError as error:
        return Answer("busy", told(error))
    except Invalid as error:
        return Answer("refused", told(error))
    if 200 <= code < 300:
        return Answer("delivered", response=code)
    said = f"could not notify {where.hostname}: it answered {code}"
    if code in BUSY or code >= 500:
        return Answer("busy", told(TransientError(said)), code)
    family = Denied if code in (401, 403) else Invalid
    return Answer("refused", told(family(said)), code)


def _request(method: str, where: Url, body: bytes | None, headers: Mapping[str, str], allow_private: bool) -> int:
    host = (where.host or "").strip("[]")
    if where.scheme not in ("http", "https") or not host:
        raise Invalid("its URL is neither http nor https", code=Code.INVALID)
    port = where.port or (443 if where.scheme == "https" else 80)
    address = addresses.allowed(host, port, allow_private)
    named = {"Host": where.netloc or host, **(make_headers(basic_auth=where.auth) if where.auth else {}), **headers}
    with _pool(where.scheme, host, address, port) as pool:
        answer = pool.urlopen(
            method,
            where.request_uri,
            body=body,
            headers=named,
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=TIMEOUT,
            preload_content=False,
        )
        answer.close()
        return answer.status


def _pool(scheme: str, host: str, address: str, port: int) -> urllib3.HTTPConnectionPool:
    """Connections to the one address; its certificate has to be of the name."""
    if scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, maxsize=1)
    return urllib3.HTTPSConnectionPool(address, port, maxsize=1, server_hostname=host, assert_hostname=host)
