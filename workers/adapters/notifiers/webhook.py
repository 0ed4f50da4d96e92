"""Posts news to an HTTP server as CloudEvents, signed (schemas/webhook.py)."""

import string
import time
from urllib.parse import quote

from schemas import webhook
from schemas.news import News
from schemas.notification import WebhookTarget
from workers.adapters.notifiers import http
from workers.ports import Answer

PLAIN = string.punctuation + " "
"""What a header may hold of an id beside letters and digits; all else is percent-encoded."""


def send(target: WebhookTarget, news: News) -> Answer:
    """Delivers it; what became of that."""
    now, body = int(time.time()), news.body
    headers = {"Content-Type": news.content_type, webhook.EVENT_ID: quote(news.id, safe=PLAIN)}
    if key := target.key.get_secret_value():
        headers[webhook.SIGNATURE] = webhook.sign(key, now, body)
    return http.send(
        "POST", target.url.get_secret_value(), body=body, headers=headers, allow_private=target.allow_private
    )
