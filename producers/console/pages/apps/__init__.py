"""`/apps` and `/app/:slug/registration`: which applications are registered; to register, change and remove one."""

from producers.console.pages.apps.routes import routes

__all__ = ["routes"]
