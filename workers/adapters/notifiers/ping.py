"""Pings a dead man's switch: a GET of the URL for success, failure or the beginning
(https://healthchecks.io/docs/http_api/). Nothing of the news goes with it."""

from schemas.news import News
from schemas.notification import PingTarget
from workers.adapters.notifiers import http
from workers.ports import Answer


def send(target: PingTarget, news: News) -> Answer:
    """Pings; what became of that. Of news that there is no URL for, nothing is told."""
    urls = {"success": target.success_url, "fail": target.fail_url, "start": target.start_url}
    url = urls[news.outcome].get_secret_value() if news.outcome else ""
    if not url:
        return Answer("delivered")
    return http.send("GET", url, headers={}, allow_private=target.allow_private)
