"""Connections to RabbitMQ, and what its refusals mean."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

from schemas.errors import Code, Denied, Invalid, SnaplineError, TransientError
from schemas.messages import Message
from workers.adapters.causes import cause, is_of_tls

CA, CERTIFICATE, KEY = "cacertfile", "certfile", "keyfile"
"""As RabbitMQ's own clients call them: https://www.rabbitmq.com/docs/uri-query-parameters"""
HEARTBEAT = 20
"""Seconds. A dead connection is noticed after two of them."""
BLOCKED = 60
"""Seconds that a publisher waits for a broker that is out of memory or disk."""
ACCESS_REFUSED = 403
NOT_FOUND = 404
PRECONDITION_FAILED = 406


def parameters(url: str) -> pika.URLParameters:
    """The connection's parameters. Raises Invalid, without the URL: it holds a password."""
    if not url.startswith(("amqp://", "amqps://")):
        raise Invalid("SNAPLINE_AMQP_URL is not an AMQP URL: it begins with amqp:// or amqps://")
    try:
        address, tls = _parted(url)
        chosen = pika.URLParameters(address)
    except (ValueError, TypeError, IndexError):
        raise Invalid("SNAPLINE_AMQP_URL is not an AMQP URL: it is not well formed") from None
    if tls:
        chosen.ssl_options = pika.SSLOptions(_believing(tls), chosen.host)
    chosen.heartbeat = HEARTBEAT
    chosen.blocked_connection_timeout = BLOCKED
    chosen.socket_timeout = 10
    chosen.connection_attempts = 1
    return chosen


def _parted(url: str) -> tuple[str, dict[str, str]]:
    """The URL without RabbitMQ's parameters for TLS, which pika does not know, and what these say."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    files = {name: "".join(asked.pop(name, [])) for name in (CA, CERTIFICATE, KEY)}
    tls = {name: file for name, file in files.items() if file} if parts.scheme == "amqps" else {}
    return urlunsplit(parts._replace(query=urlencode(asked, doseq=True))), tls


def _believing(files: dict[str, str]) -> ssl.SSLContext:
    """Trusts the authorities that are named, or the well-known ones, and shows the certificate that is named."""
    try:
        context = ssl.create_default_context(cafile=files.get(CA))
    except OSError as error:
        raise Invalid(f"could not read certificates from {files.get(CA)}: {error.strerror or error}") from error
    if CERTIFICATE in files:
        try:
            context.load_cert_chain(files[CERTIFICATE], files.get(KEY))
        except OSError as error:
            text = f"could not read the certificate {files[CERTIFICATE]} and its key: {error.strerror or error}"
            raise Invalid(text) from error
    return context


def user(url: str) -> str:
    """The user as whom the broker knows us."""
    return str(parameters(url).credentials.username)


def where(url: str) -> str:
    """The broker's address, for messages."""
    parts = urlsplit(url)
    return f"RabbitMQ at {parts.hostname}:{parts.port or (5671 if parts.scheme == 'amqps' else 5672)}"


def connect(url: str) -> BlockingConnection:
    """A new connection. Raises TransientError, Denied, Invalid."""
    try:
        return BlockingConnection(parameters(url))
    except (AMQPError, AMQPConnectorException, OSError) as error:
        raise meaning(url, "reach", error) from error


@contextmanager
def channel(url: str, what: str) -> Iterator[BlockingChannel]:
    """A channel on a connection of its own, for one piece of work; `what` names it in error messages."""
    with opened(url, what) as connection:
        yield connection.channel()


@contextmanager
def opened(url: str, what: str) -> Iterator[BlockingConnection]:
    """A connection for one piece of work. Raises TransientError, Denied."""
    connection = connect(url)
    try:
        yield connection
    except (AMQPError, OSError) as error:
        raise meaning(url, what, error) from error
    finally:
        close(connection)


def close(connection: BlockingConnection) -> None:
    """Closes it, whatever state it is in."""
    with suppress(AMQPError, OSError, AssertionError):
        if connection.is_open:
            connection.close()


def is_there(channel: BlockingChannel, look: Callable[[BlockingChannel], object]) -> bool:
    """Whether the broker knows what `look` declares passively; what we may not look at is taken for granted.
    The channel is closed if it is not there. Raises pika's errors."""
    try:
        look(channel)
    except ChannelClosedByBroker as error:
        return bool(error.reply_code != NOT_FOUND)
    return True


def waiting(opened: BlockingConnection, name: str) -> int:
    """How many messages wait in a queue; 0 if it is not there. Raises pika's errors."""
    channel = opened.channel()
    try:
        found = int(channel.queue_declare(name, passive=True).method.message_count)
    except ChannelClosedByBroker as error:
        if error.reply_code != NOT_FOUND:
            raise
        return 0
    channel.close()
    return found


Refusal: TypeAlias = ChannelClosedByBroker | ConnectionClosedByBroker


def inequivalent(error: Refusal) -> bool:
    """Whether what was declared is there, with other arguments: those of another version, or of an administrator."""
    return bool(error.reply_code == PRECONDITION_FAILED and "inequivalent arg" in error.reply_text)


def differs(name: str, error: Refusal) -> Message:
    """What that means for a queue."""
    text = f"the queue {name} serves as it is, but not as it would be declared now: {error.reply_text}"
    return Message(code=Code.QUEUE_DIFFERS, text=text, subject=name)


def meaning(url: str, what: str, error: Exception) -> SnaplineError:
    """The error of ours that a failure means."""
    tried = f"could not {what} {where(url)}" if what == "reach" else f"could not {what} ({where(url)})"
    denied = (AuthenticationError, ProbableAuthenticationError, ProbableAccessDeniedError)
    code = getattr(error, "reply_code", None)
    if isinstance(error, denied) or code == ACCESS_REFUSED:
        return Denied(f"{tried}: it refuses user {user(url)!r}; check SNAPLINE_AMQP_URL and the user's permissions")
    if isinstance(error, (ChannelClosedByBroker, ConnectionClosedByBroker)):
        return TransientError(f"{tried}: {error.reply_code} {error.reply_text}")
    return TransientError(f"{tried}: {cause(error)}" + ("" if is_of_tls(error) else "; is it running?"))
