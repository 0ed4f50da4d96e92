"""What Google's SDK raises, as our two families. https://cloud.google.com/storage/docs/json_api/v1/status-codes"""

from contextlib import suppress
from datetime import datetime

from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError, TransportError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from requests import RequestException
from urllib3.exceptions import HTTPError

from schemas.errors import Code, Denied, Invalid, Locked, NotFound, SnaplineError, TransientError
from workers.adapters.causes import cause, its_word

RAISED = (GoogleAPICallError, InvalidResponse, DataCorruption, GoogleAuthError, RequestException, HTTPError, OSError)
"""All that a request may raise."""
BUSY = {408, 429, 500, 502, 503, 504}
LOCKED = {"retentionPolicyNotMet", "objectUnderActiveHold", "retentionNotMet", "objectRetentionNotMet"}
"""Reasons of a refusal with 403: a retention period or a hold."""
TOO_MUCH = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"}
_NO_BUCKET = "bucket does not exist"
_CLOCK = "reasonable timeframe"


def status_of(error: Exception) -> int:
    """The HTTP status that it was, 0 if there was no whole answer."""
    if isinstance(error, DataCorruption):
        return 0
    answer = getattr(error, "response", None)
    return int(getattr(error, "code", 0) or getattr(answer, "status_code", 0) or 0)


def reason(error: Exception) -> str:
    """Google's one word for it, as `forbidden`; "" where the answer has none. The SDK reads it of some answers only."""
    found = getattr(error, "errors", None)
    if not found:
        with suppress(ValueError, AttributeError, KeyError, TypeError):
            found = error.response.json()["error"]["errors"]  # type: ignore[attr-defined]  # of all that have an answer
    first = found[0] if found else {}
    return its_word(first.get("reason", "")) if isinstance(first, dict) else ""


def passes(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(error, GoogleAuthError):
        return isinstance(error, TransportError) or bool(error.retryable)
    return status_of(error) in BUSY if status_of(error) else isinstance(error, RAISED)


def meaning(tried: str, error: Exception, until: datetime | None = None) -> SnaplineError:
    """`tried` is what could not be done, on what; `until` is when a lock ends, if it is one."""
    if isinstance(error, GoogleAuthError):
        return _of_sign_in(tried, error)
    status, why = status_of(error), reason(error)
    if status == 0:
        return TransientError(f"{tried}: {cause(error)}")
    if status == 404:
        if _NO_BUCKET in str(error):
            return Invalid(f"{tried}: there is no such bucket", code=Code.DESTINATION_INVALID)
        return NotFound(f"{tried}: it is not there")
    if status == 401:
        return TransientError(f"{tried}: the credentials are not, or no longer, valid", code=Code.STORE_CREDENTIALS)
    if why in LOCKED:
        return Locked(tried, until)
    if status == 403 and why not in TOO_MUCH:
        return Denied(f"{tried}: {why or 'the credentials do not allow it'}", code=Code.STORE_CREDENTIALS)
    if status == 507:
        return TransientError(f"{tried}: the store is full", code=Code.STORE_FULL)
    if status in BUSY or status >= 500 or status == 409 or why in TOO_MUCH:
        return TransientError(f"{tried}: the server answered {status} {why}; try again")
    return Invalid(f"{tried}: the server answered {status} {why}".rstrip())


def _of_sign_in(tried: str, error: GoogleAuthError) -> SnaplineError:
    """Its own text may hold what a token server has said, so it is not repeated."""
    if isinstance(error, TransportError):
        return TransientError(f"{tried}: could not sign in to Google Cloud: {cause(error)}")
    if isinstance(error, RefreshError) and (error.retryable or _CLOCK in str(error)):
        why = "the clock here is wrong" if _CLOCK in str(error) else "try again"
        return TransientError(f"{tried}: could not sign in to Google Cloud: {why}", code=Code.STORE_CREDENTIALS)
    none = isinstance(error, DefaultCredentialsError)
    why = "there are no credentials" if none else "the key or the role is not accepted"
    return Denied(f"{tried}: could not sign in to Google Cloud: {why}", code=Code.STORE_CREDENTIALS)
