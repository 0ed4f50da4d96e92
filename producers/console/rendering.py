"""Templates to pages. Every value is escaped, and one that is missing is an error, not an empty place."""

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from producers.access.identity import Identity, may
from producers.console import states, words
from producers.console.letters import letters
from producers.console.needs import needs_of
from producers.console.shared import shared

TEMPLATES = Path(__file__).parent / "templates"
THEMES = ("light", "dark")
"""What the cookie `theme` may say; anything else is as the system has it."""


@cache
def environment() -> Environment:
    """Made once a process."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        size=words.size,
        moment=words.moment,
        when=words.whole_moment,
        ago=words.ago,
        roughly=words.roughly,
        duration=words.duration,
        plural=words.plural,
        length_of=words.length_of,
        seconds=words.seconds_of,
        clock=words.clock,
        words=words.sentence,
        segment=lambda text: quote(text, safe=""),
    )
    made.globals.update(look=states.look)
    return made


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The page. Templates know besides `values`: `identity` (None where nobody is signed in), `may(permission, app)`,
    `form_token`, `path`, `now` (UTC), `theme`, `done`, the word for what a form has just done, `dest`: what links that
    stay at the destination of this address end with, and how many `dead_letters` there are, as far as is known."""
    needs, identity = needs_of(request), getattr(request.state, "identity", None)
    destination = request.query_params.get("destination", "").strip()[:63]
    known = {
        "identity": identity,
        "may": lambda permission, app=None: identity is not None and may(identity, permission, app),
        "form_token": needs.access.form_token(request) if identity else "",
        "path": request.url.path,
        "now": needs.now(),
        "theme": theme(request),
        "dead_letters": _dead_letters(request, identity),
        "done": request.query_params.get("done", ""),
        "dest": f"?destination={quote(destination, safe='')}" if destination else "",
    }
    return HTMLResponse(environment().get_template(template).render(known | values), status)


def _dead_letters(request: Request, identity: Identity | None) -> int:
    """How many there are, for those who may look at them; 0 where nobody knows."""
    if identity is None or not may(identity, "view"):
        return 0
    return shared(request, letters).count() or 0


def theme(request: Request) -> str:
    """`light` or `dark` as somebody chose, else empty."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else ""
