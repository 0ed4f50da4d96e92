"""How upkeep tells how far it has come."""

from collections.abc import Callable

Say = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is, and how much there is."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Tells nobody."""
