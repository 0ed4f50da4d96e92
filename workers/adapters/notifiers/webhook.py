"""Posts notifications. The only importer of urllib3's pool."""

import string
import time
from urllib.parse import quote, urlsplit

import urllib3

from schemas import webhook
from schemas.errors import Denied, Invalid, TransientError

TIMEOUT = urllib3.Timeout(connect=5, read=10)
PLAIN = string.punctuation + " "
"""What a header may hold of an id beside letters and digits; all else is percent-encoded."""
BUSY = (408, 425, 429)
_pool = urllib3.PoolManager(retries=False)


def post(url: str, body: bytes, *, secret: str, event_id: str) -> None:
    """Delivers one event. Raises TransientError if trying again may help, else Invalid or Denied."""
    now = int(time.time())
    headers = {
        "Content-Type": "application/cloudevents+json",
        webhook.EVENT_ID: quote(event_id, safe=PLAIN),
        webhook.TIMESTAMP: str(now),
    }
    if secret:
        headers[webhook.SIGNATURE] = webhook.sign(secret, now, body)
    tried = f"could not notify {urlsplit(url).hostname}"
    try:
        answer = _pool.request("POST", url, body=body, headers=headers, timeout=TIMEOUT, redirect=False)
    except urllib3.exceptions.LocationValueError:
        raise Invalid("a webhook URL is not a URL; look at SNAPLINE_WEBHOOK_URLS") from None
    except urllib3.exceptions.HTTPError as error:
        raise TransientError(f"{tried}: {type(error).__name__}") from None
    if 200 <= answer.status < 300:
        return
    if answer.status in BUSY or answer.status >= 500:
        raise TransientError(f"{tried}: it answered {answer.status}")
    family = Denied if answer.status in (401, 403) else Invalid
    raise family(f"{tried}: it answered {answer.status}; look at the receiver and SNAPLINE_WEBHOOK_URLS")
