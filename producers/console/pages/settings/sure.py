"""Asks before something of the settings is removed: the same form again, with the word that somebody is sure."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from producers.console.rendering import render

SURE = "sure"
"""The field that the second form has."""


def is_sure(given: FormData) -> bool:
    """Whether somebody has been asked already."""
    return bool(given.get(SURE))


def ask(request: Request, what: str, name: str, *, lost: str, left: str) -> Response:
    """The page that asks whether to remove the `what` that is called `name`: what is `lost` by that, and what is `left`
    alone."""
    return render(request, "pages/settings-sure.html", 409, what=what, name=name, lost=lost, left=left, sure=SURE)
