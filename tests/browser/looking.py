"""A look at a page as it stands: light and dark, on a desk and on a phone. Pictures of it are written for people where
SNAPLINE_SCREENSHOTS names a folder."""

import os
import re
from pathlib import Path

from playwright.sync_api import Page

from tests.browser import axe
from tests.browser.chromium import PHONE, Scheme, Window

FOLDER = os.environ.get("SNAPLINE_SCREENSHOTS", "")
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def faults(page: Page, name: str) -> list[str]:
    """Grave faults of accessibility, and whether it is wider than a screen. `name` is what pictures are called."""
    found: list[str] = []
    page.set_viewport_size({"width": Window().width, "height": Window().height})
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        shoot(page, f"{name}-{scheme}")
        found += [f"{name}, {scheme}: {fault}" for fault in axe.faults(page, colours_alone=scheme != SCHEMES[0])]
    for screen, window in (("phone", PHONE), ("desk", Window())):
        page.set_viewport_size({"width": window.width, "height": window.height})
        if screen == "phone":
            _shoot_both(page, f"{name}-phone")
        if wider := page.evaluate(WIDER):
            found.append(f"{name}, {screen}: it is {wider} px wider than the screen")
    return found


def _shoot_both(page: Page, name: str) -> None:
    if FOLDER:
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            shoot(page, f"{name}-{scheme}")


def shoot(page: Page, name: str) -> None:
    """Writes `<name>.png` of the whole page, if somebody wants to see it."""
    if FOLDER:
        file = Path(FOLDER) / f"{re.sub(r'[^a-zA-Z0-9.-]+', '-', name).strip('-')}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=file, full_page=True)
