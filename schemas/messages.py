"""What records and events tell people: a plain sentence, with a code for programs and fronts."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from schemas.errors import SnaplineError

LONGEST_REASON = 2000
"""Characters of a reason in an event; the record keeps all of it."""


class Message(BaseModel):
    """One error or warning. `code` is one of `Code`; a reader of a later version's record may meet others.
    `subject` names what it is about where a remedy needs the name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    text: str
    subject: str = ""

    def __str__(self) -> str:
        return self.text


def told(error: SnaplineError) -> Message:
    """What an error says, to be kept in a record."""
    return Message(code=error.code, text=str(error), subject=error.subject)


def prefixed(where: str, message: Message) -> Message:
    """The message with the place that it is about in front."""
    return message.model_copy(update={"text": f"{where}: {message.text}"})


def brief(reasons: Iterable[Message | str]) -> str:
    """Reasons as one line that fits an event."""
    return "; ".join(map(str, reasons))[:LONGEST_REASON]


def shortened(message: Message) -> Message:
    """As much of it as fits an event."""
    return message.model_copy(update={"text": brief([message])})


def summary(messages: Sequence[Message]) -> Message | None:
    """Several messages as one that fits an event: the code of the first, the texts in short. None for no message."""
    return messages[0].model_copy(update={"text": brief(messages)}) if messages else None
