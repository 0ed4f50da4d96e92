"""Deletions that were asked for here, until they are done or have failed."""

from producers.actions.deleting.asked import Deletions

__all__ = ["Deletions"]
