"""Structured logs: JSON lines on standard error, one canonical line per message handled, and no secret in any."""

import logging
import re
import sys
import time
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

import structlog

REDACTED = "[redacted]"
SECRET_KEY = re.compile(r"password|passphrase|secret|token|authorization|credential", re.IGNORECASE)
URL_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^:/@\s]+:)[^@/\s]+(@)")
SHORTEST_SECRET = 6
"""Characters; a shorter value would blot out innocent text."""

SAME_AGAIN = 60.0
"""Seconds in which a warning that says the same as one before is not told again."""
MOST_REMEMBERED = 100
"""Warnings."""

EventDict = MutableMapping[str, Any]


class _Again(logging.Filter):
    """Lets a warning pass once in `SAME_AGAIN` seconds, and says how often it has been kept back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._told: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is to be told."""
        if record.levelno < logging.WARNING:
            return True
        key, now = f"{record.name} {_said(record)}", self._clock()
        at, kept_back = self._told.get(key, (-SAME_AGAIN, 0))
        if now - at < SAME_AGAIN:
            self._told[key] = at, kept_back + 1
            return False
        self._told.pop(key, None)
        self._told[key] = now, 0
        while len(self._told) > MOST_REMEMBERED:
            self._told.pop(next(iter(self._told)))
        if kept_back and isinstance(record.msg, dict):
            record.msg = {**record.msg, "kept_back": kept_back}
        return True


def _said(record: logging.LogRecord) -> str:
    """What a record says, whenever it is said."""
    if isinstance(record.msg, dict):
        return str({key: value for key, value in record.msg.items() if key != "timestamp"})
    return record.getMessage()


def configure(
    *, secrets: Iterable[str] = (), level: int = logging.INFO, clock: Callable[[], float] = time.monotonic
) -> None:
    """Sends all logs, the libraries' warnings too, to standard error. `secrets` are values that must never appear.
    `clock` is in seconds, from any moment."""
    hidden = sorted({value for value in secrets if len(value) >= SHORTEST_SECRET}, key=len, reverse=True)

    def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {key: REDACTED if SECRET_KEY.search(key) else _clean(value, hidden) for key, value in event.items()}

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    handler.addFilter(_Again(clock))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for library in ("pika", "dramatiq", "boto3", "botocore", "urllib3", "kubernetes"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # It logs every step of a failed connection as an error; the one that counts reaches us as an exception.
    logging.getLogger("pika").setLevel(logging.CRITICAL)


def handled(
    log: Any, *, event_id: str, type: str, subject: str, attempt: int, outcome: str, seconds: float, reason: str = ""
) -> None:
    """The one line per message. `subject`: the job; `outcome`: done, waiting, retry, failed or parked."""
    log.info(
        "message handled",
        event_id=event_id,
        type=type,
        subject=subject,
        attempt=attempt,
        outcome=outcome,
        seconds=round(seconds, 3),
        **({"reason": reason} if reason else {}),
    )


def _clean(value: Any, hidden: list[str]) -> Any:
    if isinstance(value, str):
        for secret in hidden:
            value = value.replace(secret, REDACTED)
        return URL_PASSWORD.sub(rf"\1{REDACTED}\2", value)
    if isinstance(value, dict):
        return {key: REDACTED if SECRET_KEY.search(str(key)) else _clean(each, hidden) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each, hidden) for each in value]
    return value
