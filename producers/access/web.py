"""Who asks over HTTP: by the cookie of a session, or by a token; and whether a form comes from a page of ours."""

import hashlib
import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import FormData, Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from producers.access.door import Door
from producers.access.identity import Identity
from producers.access.known_users import KnownUsers
from producers.access.sessions import SignedIn
from producers.access.tokens import Tokens
from schemas.errors import Code, Denied, Invalid
from schemas.settings import Settings

if TYPE_CHECKING:
    from producers.access.oidc import SingleSignOn

COOKIE, VISIT, SINGLE = "snapline", "snapline-visit", "snapline-single"
"""Of a session; of a browser in which nobody is signed in yet; and of one that was led to the identity provider."""
STRICT = "__Host-"
"""What cookies begin with that browsers take over TLS alone, and from this host alone."""
VISIT_SECONDS = 3600
_ID = re.compile(r"[-_A-Za-z0-9]{20,100}")
MOST_BACK = 2000
"""Characters of a path to go back to."""
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Way:
    """How browsers reach us. `secure`: over TLS, as far as the settings say; `proxies` are believed for whom they
    ask."""

    secure: bool = False
    host: str = ""
    proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()


def way(settings: Settings) -> Way:
    """As the settings say. Raises Invalid for a proxy that is no address."""
    url = urlsplit(str(settings.console_url)) if settings.console_url else None
    try:
        named = [each.strip() for each in settings.console_proxies.split(",") if each.strip()]
        proxies = tuple(ipaddress.ip_network(each, strict=False) for each in named)
    except ValueError as error:
        raise Invalid(f"SNAPLINE_CONSOLE_PROXIES: {error}") from error
    return Way(url is not None and url.scheme == "https", url.netloc if url else "", proxies)


class Doorkeeper:
    """What pages ask about who is there. Safe for threads; it may block."""

    def __init__(
        self, door: Door, tokens: Tokens, known: KnownUsers, way: Way, single: "SingleSignOn | None" = None
    ) -> None:
        self.door, self.way, self.single = door, way, single
        self._tokens, self._known = tokens, known

    def identity(self, request: HTTPConnection) -> Identity | None:
        """Who is signed in, or has the token in `Authorization`; None if nobody is. Raises as the cluster."""
        if (token := bearer(request)) is not None:
            return self._tokens.holder(token)
        id_ = self.session_id(request)
        found = self.door.sessions.find(id_) if id_ else None
        return self._of(found) if found else None

    def holder(self, token: str) -> Identity | None:
        """Whose token that is; None if it is nobody's. Raises as the cluster."""
        return self._tokens.holder(token)

    def form_token(self, request: HTTPConnection) -> str:
        """What each form of this session has to bring; of nobody's, as long as nobody is signed in."""
        return form_token(self.session_id(request) or self.visit(request))

    def check_form(self, request: Request, form: FormData) -> None:
        """Raises Denied for a form that is not from a page of this session."""
        if (foreign := from_elsewhere(request, self.way)) is not None:
            raise foreign
        if bearer(request) is not None:
            return  # no browser adds that by itself
        id_, given = self.session_id(request) or self.visit(request), form.get("csrf")
        if not id_ or not isinstance(given, str) or not same(given, form_token(id_)):
            text = "this form is from a page of another session; nothing was done: open the page again, and repeat it"
            raise Denied(text, code=Code.FORM_OUTDATED)

    def now_changed(self, name: str) -> None:
        """What is known of a user is to be read again."""
        self._known.forget(name)

    def session_id(self, request: HTTPConnection) -> str:
        """The id in the cookie of a session; empty if there is none."""
        return _cookie(request, self.cookie(request, COOKIE))

    def visit(self, request: HTTPConnection) -> str:
        """As `session_id`, of the cookie before a session."""
        return _cookie(request, self.cookie(request, VISIT))

    def let_in(self, request: Request, answer: Response, id_: str) -> None:
        """The browser has the session from now on. What it brought before is worth nothing any more."""
        old = self.session_id(request)
        if old and old != id_:
            self.door.sessions.end(old)
        self.set_cookie(request, answer, COOKIE, id_)
        self.drop_cookie(request, answer, VISIT)

    def show_out(self, request: Request, answer: Response) -> None:
        """The session has ended, also for whoever has a copy of its id. Raises as the cluster."""
        if id_ := self.session_id(request):
            self.door.sessions.end(id_)
        self.drop_cookie(request, answer, COOKIE)

    def welcome(self, request: Request, answer: Response, visit: str) -> None:
        """Before a session: the form on this answer is for this browser alone."""
        self.set_cookie(request, answer, VISIT, visit, VISIT_SECONDS)

    def set_cookie(
        self, request: HTTPConnection, answer: Response, name: str, value: str, seconds: int | None = None
    ) -> None:
        """No script can read it, no other site send it along with a form, and TLS is kept to where there is any."""
        secure = self.secure(request)
        answer.set_cookie(
            self.cookie(request, name), value, seconds, path="/", secure=secure, httponly=True, samesite="lax"
        )

    def drop_cookie(self, request: HTTPConnection, answer: Response, name: str) -> None:
        """The browser forgets it."""
        secure = self.secure(request)
        answer.delete_cookie(self.cookie(request, name), path="/", secure=secure, httponly=True, samesite="lax")

    def cookie(self, request: HTTPConnection, name: str) -> str:
        """What the cookie is called."""
        return STRICT + name if self.secure(request) else name

    def secure(self, request: HTTPConnection) -> bool:
        """Whether browsers reach us over TLS."""
        return self.way.secure or request.url.scheme == "https"

    def address(self, request: HTTPConnection) -> str:
        """From where somebody asks; `Guard` has looked behind our proxies."""
        return request.client.host if request.client else ""

    def _of(self, found: SignedIn) -> Identity | None:
        """What the user may do now; nothing once the user or the password is another one."""
        if found.by != "password":
            return found.identity
        known = self._known.find(found.name)
        return known.identity if known is not None and known.stamp == found.stamp and not known.change else None


def back(path: str) -> str:
    """Where to go after the sign-in: a path of ours, else the first page."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\", "/sign-")) and len(path) <= MOST_BACK
    return path if ours and path.isprintable() and "\\" not in path else "/"


def new_visit() -> str:
    """A random id for a browser in which nobody is signed in."""
    return secrets.token_urlsafe(32)


def form_token(id_: str) -> str:
    """What forms have to bring of a session; it does not tell its id. Empty for no session."""
    return hmac.new(id_.encode(), b"snapline form", hashlib.sha256).hexdigest() if id_ else ""


def same(one: str, other: str) -> bool:
    """Whether two texts are the same, found out in the same time always."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def bearer(request: HTTPConnection) -> str | None:
    """The token in `Authorization`; None without that header, empty for one that is no bearer's."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def from_elsewhere(request: HTTPConnection, way: Way) -> Denied | None:
    """Why a request that changes something is refused as one that another site's page makes; None for one of ours, or
    of a program that is no browser."""
    fetched, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    text = "this was asked for by a page of another site; nothing was done: open the console itself, and repeat it"
    if fetched is not None and fetched not in ("same-origin", "none"):
        return Denied(text, code=Code.OTHER_SITE)
    hosts = {request.headers.get("host", ""), way.host} - {""}
    if origin is not None and (origin == "null" or urlsplit(origin).netloc not in hosts):
        return Denied(text, code=Code.OTHER_SITE)
    return None


def address_of(client: str, headers: Headers, way: Way) -> str:
    """From where a request comes: `client`, or for whom it asks if it is one of our proxies."""
    forwarded = [each.strip() for line in headers.getlist("x-forwarded-for") for each in line.split(",")]
    while forwarded and _is_proxy(client, way):
        client = forwarded.pop()
    return client[:64]


def _is_proxy(client: str, way: Way) -> bool:
    try:
        read = ipaddress.ip_address(client)
    except ValueError:
        return False
    return any(read in network for network in way.proxies)


def _cookie(request: HTTPConnection, name: str) -> str:
    found = request.cookies.get(name, "")
    return found if _ID.fullmatch(found) else ""
