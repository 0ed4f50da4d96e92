"""Screenshots: a folder of them, for people to look at, where SNAPLINE_SCREENSHOTS names one."""

import os
import re
from pathlib import Path

from playwright.sync_api import Page

FOLDER = os.environ.get("SNAPLINE_SCREENSHOTS", "")


def shoot(page: Page, name: str) -> None:
    """Writes `<name>.png` of the whole page, if somebody wants to see it."""
    if FOLDER:
        file = Path(FOLDER) / f"{re.sub(r'[^a-zA-Z0-9.-]+', '-', name).strip('-')}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=file, full_page=True)
