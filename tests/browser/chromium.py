"""The distribution's Chromium, and windows of it as people have them: without scripts, light and dark, small."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, sync_playwright

FLAGS = (
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 60_000
"""For which a page may take to become what a test waits for, on a machine that has much to do."""
Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class Window:
    """Whose screen it is: its size in pixels, its colours, and whether scripts run."""

    width: int = 1400
    height: int = 900
    scheme: Scheme = "light"
    scripts: bool = True


PHONE = Window(width=400, height=800)
WITHOUT_SCRIPTS = Window(scripts=False)


@contextmanager
def launched() -> Iterator[Browser]:
    """One browser, without a window. Raises RuntimeError where there is no Chromium."""
    program = shutil.which("chromium")
    if program is None:
        raise RuntimeError("there is no chromium on PATH: `make test-browser` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def opened(browser: Browser, window: Window, base: str | None = None) -> BrowserContext:
    """A person's browser: cookies of its own. Addresses are relative to `base`."""
    context = browser.new_context(
        base_url=base,
        viewport={"width": window.width, "height": window.height},
        color_scheme=window.scheme,
        java_script_enabled=window.scripts,
        accept_downloads=True,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


@contextmanager
def complaints(page: Page) -> Iterator[list[str]]:
    """Fills itself with what the browser complains of: errors of scripts, what the page's own policy forbids, what
    could not be loaded."""
    heard: list[str] = []

    def failed(error: Error) -> None:
        heard.append(f"{page.url}: {error}")

    def said(message: ConsoleMessage) -> None:
        refused = "Failed to load resource" in message.text and message.location["url"] == page.url
        if message.type == "error" and not refused:  # a page that says what is wrong is one all the same
            heard.append(f"{page.url}: {message.text}")

    page.on("pageerror", failed)
    page.on("console", said)
    yield heard
    page.remove_listener("pageerror", failed)
    page.remove_listener("console", said)
