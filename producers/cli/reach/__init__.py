"""From where commands see and do: from here, where broker, store and cluster are reached, or by a server's HTTP API."""

import re
from os import environ
from typing import cast

import typer

from producers.cli.context import server_of, session_of
from producers.cli.reach.port import Reach
from schemas.errors import Invalid
from schemas.settings import Settings, from_environment

__all__ = ["Reach", "reach_of"]
_URL = re.compile(r"https?://[^/?#@\s]+(/[^?#@\s]*)?")


def reach_of(ctx: typer.Context) -> Reach:
    """That of this run: made when a command first asks for it, closed when the command ends. Raises Invalid for
    settings that are wrong, or a server without a token."""
    server = server_of(ctx)
    if not server:
        from producers.cli.reach.here import Here

        return Here(session_of(ctx))
    root = ctx.find_root()
    if "reach" not in root.meta:
        from producers.cli.reach.asking import Asking
        from producers.cli.reach.server import Server

        settings = from_environment(environ)
        made = Server(Asking(_checked(server), _token(settings), ca=settings.server_ca))
        root.meta["reach"] = made
        root.call_on_close(made.close)
    return cast(Reach, root.meta["reach"])


def _token(settings: Settings) -> str:
    token = settings.token.get_secret_value()
    if not token:
        raise Invalid("a server wants a token, and SNAPLINE_TOKEN has none")
    return token


def _checked(url: str) -> str:
    if not _URL.fullmatch(url):
        raise Invalid(f"{url!r:.200} is no address of a server; give one such as https://snapline.example.com")
    return url.rstrip("/")
