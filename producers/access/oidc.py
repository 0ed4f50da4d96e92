"""Signing in with OpenID Connect: the code flow with PKCE, a state and a nonce
(https://openid.net/specs/openid-connect-core-1_0.html, https://www.rfc-editor.org/rfc/rfc7636).

Only the provider of the settings is ever asked, and who is in none of its groups that have a role is not let in.
"""

import secrets
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from producers.access.identity import ROLES, Identity, Role
from producers.access.oidc_settings import Provider, rights_of
from producers.access.web import same
from schemas.errors import Denied, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 10.0
"""Seconds that the provider may take for an answer."""
LEEWAY = 60
"""Seconds by which its clock may differ."""
SIGNED_BY = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
BETWEEN = "sso/"
"""What the names begin with of those who sign in so: none of them is ever a user of the same name."""


@dataclass(frozen=True)
class Begun:
    """A sign-in under way: `url` is where the browser is led; the rest comes back with it, and is for it alone."""

    url: str
    state: str
    nonce: str
    verifier: str

    def __repr__(self) -> str:
        return "Begun()"


class SingleSignOn:
    """With one provider. It may block."""

    def __init__(self, provider: Provider, clock: Callable[[], float]) -> None:
        """`clock` is in seconds since 1970."""
        self._provider, self._clock = provider, clock

    def begin(self) -> Begun:
        """Where to lead a browser. Raises TransientError while the provider is away."""
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        with self._client() as client:
            about = self._about(client)
            if "groups" in (about.get("scopes_supported") or ()):
                client.scope += " groups"
            url, _ = client.create_authorization_url(
                about["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return Begun(str(url), state, nonce, verifier)

    def finish(self, state: str, nonce: str, verifier: str, given: Mapping[str, str]) -> Identity:
        """Who has come back, with what the provider has `given` the browser. Raises Denied for somebody else's state,
        for a token that is not good, and for who is in no group that may; TransientError while the provider is away."""
        if not state or not same(given.get("state", ""), state):
            raise Denied("this log-in was begun in another browser, or too long ago; begin again")
        if "code" not in given:
            raise Denied("the identity provider has refused the log-in")
        with self._client() as client:
            about = self._about(client)
            token = client.fetch_token(about["token_endpoint"], code=given["code"], code_verifier=verifier)
            claims = self._claims(client, about, token, nonce)
            if self._provider.groups_claim not in claims and about.get("userinfo_endpoint"):
                claims |= self._more(client, about["userinfo_endpoint"], claims["sub"])
        return self._identity(claims)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        called = claims.get("preferred_username") or claims.get("email") or claims["sub"]
        name = BETWEEN + "".join(each for each in str(called)[:100] if each.isprintable())
        said = claims.get(self._provider.groups_claim) or []
        groups = {said} if isinstance(said, str) else {str(each) for each in said}
        roles, apps = rights_of(self._provider, groups)
        role: Role | None = next((role for role in ROLES if role in roles), None)
        if role is None:
            raise Denied(f"{name} is in no group that may use this console")
        return Identity(name, role, apps)

    def _claims(self, client: Any, about: Mapping[str, Any], token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt  # which Authlib brings along
        from joserfc.jwk import KeySet

        keys = KeySet.import_key_set(client.request("GET", about["jwks_uri"], withhold_token=True).json())
        read = jwt.decode(token["id_token"], keys, algorithms=SIGNED_BY)
        wanted = {"iss": self._provider.issuer, "aud": self._provider.client_id}
        claims = CodeIDToken(
            read.claims,
            read.header,
            {name: {"essential": True, "value": value} for name, value in wanted.items()},
            {"nonce": nonce, "client_id": self._provider.client_id, "access_token": token.get("access_token")},
        )
        claims.validate(now=int(self._clock()), leeway=LEEWAY)
        return dict(claims)

    def _more(self, client: Any, place: str, subject: str) -> dict[str, Any]:
        """What the provider says besides, of the same one."""
        said: dict[str, Any] = client.request("GET", place).json()
        return said if said.get("sub") == subject else {}

    def _about(self, client: Any) -> dict[str, Any]:
        place = self._provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
        about: dict[str, Any] = client.request("GET", place, withhold_token=True).raise_for_status().json()
        if about.get("issuer", "").rstrip("/") != self._provider.issuer.rstrip("/"):
            raise Denied("the identity provider calls itself otherwise than the settings do")
        return about

    @contextmanager
    def _client(self) -> "Iterator[Any]":
        """A client, whose failures are ours. What the provider says of them is for the log alone."""
        from authlib.common.errors import AuthlibBaseError
        from authlib.integrations.httpx_client import OAuth2Client
        from joserfc.errors import JoseError

        provider = self._provider
        try:
            with OAuth2Client(
                provider.client_id,
                provider.client_secret.get_secret_value() or None,
                scope="openid profile email",
                redirect_uri=provider.back,
                code_challenge_method="S256",
                timeout=PATIENCE,
            ) as client:
                yield client
        except (AuthlibBaseError, JoseError) as error:
            text = "what the identity provider has sent is not good; nobody is signed in"
            raise Denied(text, place=type(error).__name__) from error
        except (KeyError, ValueError, TypeError) as error:
            raise Denied("the identity provider has sent what cannot be read", place=type(error).__name__) from error
        except OSError as error:
            raise _away(error) from error
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in ("httpx", "httpcore", "httpx2"):
                raise
            raise _away(error) from error


def _away(error: Exception) -> TransientError:
    text = "the identity provider does not answer; log in with a password, or try again"
    return TransientError(text, place=type(error).__name__)
