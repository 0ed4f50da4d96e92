"""axe-core, which finds faults of accessibility in a page as it is shown (https://github.com/dequelabs/axe-core)."""

from functools import cache
from pathlib import Path

from playwright.sync_api import Page

SCRIPT = Path(__file__).parents[2] / ".venv/axe/node_modules/axe-core/axe.min.js"
GRAVE = ("serious", "critical")
RUN = "(rules) => axe.run(document, {resultTypes: ['violations'], ...rules}).then(found => found.violations)"
COLOURS = {"runOnly": ["color-contrast"]}


def faults(page: Page, *, colours_alone: bool = False) -> list[str]:
    """The grave ones, each with its rule, what is wrong, and the first places. `colours_alone` is for a page that was
    looked at already, and has other colours now."""
    page.evaluate(_script())  # by the debugger, which no policy of the page forbids
    return [
        f"{found['id']} ({found['impact']}): {found['help']}: "
        + " | ".join(node["html"][:160] for node in found["nodes"][:3])
        for found in page.evaluate(RUN, COLOURS if colours_alone else {})
        if found["impact"] in GRAVE
    ]


@cache
def _script() -> str:
    return SCRIPT.read_text()
