"""Why a service gave no answer, in plain words: what is under the errors that SDKs wrap around each other."""

import re
import socket
import ssl
from collections.abc import Iterator

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def cause(error: BaseException) -> str:
    """The reason as the end of a sentence; no library's name is in it."""
    for each in _under(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({each.verify_message})"
        if isinstance(each, ssl.SSLError):
            return "it does not speak TLS as we do"
        if isinstance(each, socket.gaierror):
            return "nobody knows that name"
        if isinstance(each, ConnectionRefusedError):
            return "nobody listens there"
        if isinstance(each, ConnectionError):
            return "the connection was lost"
    if any(isinstance(each, TimeoutError) or "timeout" in type(each).__name__.lower() for each in _under(error)):
        return "it did not answer in time"
    if any(isinstance(each, OSError) and each.strerror for each in _under(error)):
        return next(each.strerror for each in _under(error) if isinstance(each, OSError) and each.strerror)
    return "there was no answer"


def is_of_tls(error: BaseException) -> bool:
    """Whether somebody answered, whom we do not trust or who does not speak TLS."""
    return any(isinstance(each, ssl.SSLError) for each in _under(error))


def its_word(code: object) -> str:
    """A server's own word for what is wrong, such as `SlowDown`; "" for anything else that stands in its place. People
    name servers to us that may be none of theirs: what one of these says is not repeated."""
    return code if isinstance(code, str) and _WORD.fullmatch(code) else ""


def _under(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it was made of, each once."""
    left, seen = [error], set[int]()
    while left:
        each = left.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        within = (
            each.__cause__,
            each.__context__,
            getattr(each, "reason", None),
            *each.args,
            getattr(each, "exception", None),
        )
        left += [inner for inner in (*within, *_of_kwargs(each)) if isinstance(inner, BaseException)]


def _of_kwargs(error: BaseException) -> tuple[object, ...]:
    """boto keeps what has happened among the arguments of its message."""
    kept = getattr(error, "kwargs", None)
    return tuple(kept.values()) if isinstance(kept, dict) else ()
