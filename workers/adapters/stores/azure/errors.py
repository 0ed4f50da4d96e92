"""What Azure's SDK raises, as our two families.

https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
"""

from datetime import datetime

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, IncompleteReadError

from schemas.errors import Code, Denied, Invalid, Locked, NotFound, SnaplineError, TransientError
from workers.adapters.causes import cause, its_word

RAISED = (AzureError,)
"""All that a request may raise."""
BUSY = {408, 429, 500, 502, 503, 504}
TAKEN = {"BlobAlreadyExists", "ConditionNotMet", "TargetConditionNotMet"}
LOCKED = {"BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold", "LeaseIdMissing"}
"""A retention period, a legal hold, or somebody's lease."""
NO_CONTAINER = {"ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled", "InvalidResourceName"}
_WRONG_CLOCK = ("date header", "RequestTimeTooSkewed")


def status_of(error: Exception) -> int:
    """The HTTP status that it was, 0 if there was no whole answer."""
    status = getattr(error, "status_code", None) if isinstance(error, HttpResponseError) else None
    return int(status) if status and status >= 300 else 0


def code_of(error: Exception) -> str:
    """Azure's own word for it, "" where the answer has none."""
    code = getattr(error, "error_code", None)
    return its_word(getattr(code, "value", code))


def passes(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(error, (ClientAuthenticationError, IncompleteReadError)):  # the SDK has read it again already
        return False
    return status_of(error) in BUSY if status_of(error) else isinstance(error, AzureError)


def meaning(tried: str, error: Exception, until: datetime | None = None) -> SnaplineError:
    """`tried` is what could not be done, on what; `until` is when a lock ends, if it is one."""
    status, code = status_of(error), code_of(error)
    if status == 0 or (isinstance(error, ClientAuthenticationError) and not code):
        return _without_answer(tried, error)
    if code in LOCKED:
        return Locked(tried, until)
    if code in NO_CONTAINER:
        return Invalid(f"{tried}: there is no such container", code=Code.DESTINATION_INVALID)
    if status == 404:
        return NotFound(f"{tried}: it is not there")
    if status == 401 or (status == 403 and any(word in str(error) for word in _WRONG_CLOCK)):
        why = "the credentials are not, or no longer, valid, or the clock here is wrong"
        return TransientError(f"{tried}: {why}", code=Code.STORE_CREDENTIALS)
    if status == 403:
        return Denied(f"{tried}: {code or 'the credentials do not allow it'}", code=Code.STORE_CREDENTIALS)
    if status == 507:
        return TransientError(f"{tried}: the store is full", code=Code.STORE_FULL)
    if status in BUSY or status >= 500 or status in (409, 412):
        return TransientError(f"{tried}: the server answered {status} {code}; try again")
    return Invalid(f"{tried}: the server answered {status} {code}".rstrip())


def _without_answer(tried: str, error: Exception) -> SnaplineError:
    """Texts of the SDK may hold what a token server has said, so they are not repeated."""
    if isinstance(error, ClientAuthenticationError):
        text = f"{tried}: could not sign in to Azure: neither a client nor an identity of this machine is accepted"
        return Denied(text, code=Code.STORE_CREDENTIALS)
    return TransientError(f"{tried}: {cause(error)}")
