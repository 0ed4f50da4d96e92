"""What is shown in place of something that cannot be read."""

from dataclasses import dataclass

from schemas.messages import Message


@dataclass(frozen=True)
class Unreadable:
    """`name` is what is known of it, `problem` why there is no more."""

    name: str
    problem: Message
