"""What became of a delivery, in a word."""

from workers.deliveries import Outcome


def outcome_of(raised: BaseException | None) -> str:
    """As the log calls it. What nobody foresaw is tried again (settling.py)."""
    if raised is None:
        return "done"
    return raised.word if isinstance(raised, Outcome) else "retry"
