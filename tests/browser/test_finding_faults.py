"""What looks for faults finds one that is there."""

from playwright.sync_api import Browser

from tests.browser import axe
from tests.browser.chromium import Window, complaints, opened

PAGE = '<!doctype html><html lang="en"><title>t</title><main><h1>h</h1>{}</main></html>'
BAD = PAGE.format('<input type="text"><script>nothing()</script>')
GOOD = PAGE.format('<label>l<input type="text"></label>')


def test_a_field_without_a_label_and_a_script_that_fails_are_found(browser: Browser) -> None:
    with opened(browser, Window()) as context:
        page = context.new_page()
        with complaints(page) as heard:
            page.set_content(BAD)
            assert [fault.partition(" ")[0] for fault in axe.faults(page)] == ["label"]
        assert heard == ["about:blank: nothing is not defined"]


def test_a_good_page_has_none(browser: Browser) -> None:
    with opened(browser, Window(scheme="dark")) as context:
        page = context.new_page()
        page.set_content(GOOD)
        assert axe.faults(page) == []
