"""What the API server's refusals mean: HTTP status and Status object -> the error families.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

import json
from typing import Any

from schemas.errors import AlreadyExists, Code, Denied, Invalid, NotFound, SnaplineError, TransientError

LONGEST = 2000
"""Characters of the server's own words that are kept."""


def refusal(status: int, body: bytes, tried: str, *, secret: bool = False) -> SnaplineError:
    """The error for an answer with a failing `status`; `tried` says what was tried, on what.

    With `secret`, the server's message is left out, as it may quote what was sent.
    """
    answer = parse(body)
    reason = str(answer.get("reason") or "")
    message = str(answer.get("message") or "")
    said = f"{tried}: the server answered {status} {_words(answer, secret)}".rstrip()
    code = Code.CLUSTER_AWAY if status == 401 else None
    return _family(status, reason, message)(said + _advice(status), code=code)


def parse(body: bytes) -> dict[str, Any]:
    """The Status object in `body`; proxies and webhooks may answer with anything else."""
    try:
        answer = json.loads(body)
    except ValueError:
        return {"message": body.decode(errors="replace")}
    return answer if isinstance(answer, dict) else {"message": str(answer)}


def _family(status: int, reason: str, message: str) -> type[SnaplineError]:
    if status == 401:
        return TransientError  # a token has expired, or is not known yet
    if status == 403:
        return _forbidden(message)
    if status == 404:
        return NotFound
    if status == 409:
        return _conflict(reason, message)
    if status == 400 and "does not have a host assigned" in message:
        return TransientError
    if status in (408, 410, 425, 429) or status >= 500:
        return TransientError
    return Invalid


def _forbidden(message: str) -> type[SnaplineError]:
    """A namespace coming or going and a full quota are matters of time; a webhook's denial is about the object."""
    if any(said in message for said in ("is being terminated", "exceeded quota", "error looking up service account")):
        return TransientError
    if "admission webhook" in message and "denied the request" in message:
        return Invalid
    return Denied


def _conflict(reason: str, message: str) -> type[SnaplineError]:
    """An object still being deleted frees its name soon; a changed resourceVersion is a lost race."""
    if reason == "AlreadyExists" and not message.startswith("object is being deleted"):
        return AlreadyExists
    return TransientError


def _words(answer: dict[str, Any], secret: bool) -> str:
    reason = str(answer.get("reason") or "")
    if not secret:
        return f"{reason}: {answer.get('message', '')}"[:LONGEST]
    causes = (answer.get("details") or {}).get("causes") or []
    fields = ", ".join(str(cause.get("field", "")) for cause in causes)
    return f"{reason} (its message is withheld, as it may quote the secret{'; fields: ' + fields if fields else ''})"


def _advice(status: int) -> str:
    if status == 401:
        return "; renew the credentials in the kubeconfig or service account"
    if status == 403:
        return "; if a right is missing, grant it to the service account in use"
    return ""
