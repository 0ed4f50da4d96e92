"""How upkeep tells how far it has come."""

from collections.abc import Callable

Say = Callable[[str, int, int], None]
"""It is told what is being done, how much of that is done, and how much there is to do."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Says nothing."""
