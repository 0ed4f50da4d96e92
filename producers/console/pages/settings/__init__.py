"""`/snapshots/settings`: where snapshots go, when they are taken, and how long they are kept."""

from producers.console.pages.settings.routes import routes

__all__ = ["routes"]
