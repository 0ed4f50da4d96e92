"""How upkeep tells how far it has come."""

from workers.ports import Say

__all__ = ["Say", "silent"]


def silent(_what: str, _done: int, _total: int) -> None:
    """Says nothing."""
