"""Hands that only type: from stop to stop, by what each is called."""

import re

from tests.browser.people import Person

MOST_STOPS = 80
NAME = """() => {
  const at = document.activeElement, label = at.labels && at.labels[0];
  return (at.ariaLabel || (label && label.textContent) || at.textContent || "").replace(/\\s+/g, " ").trim();
}"""


def tabs_to(person: Person, name: str) -> None:
    """To the next stop of that name, a pattern for all of it. Fails where no number of tabs leads there."""
    for _ in range(MOST_STOPS):
        person.page.keyboard.press("Tab")
        if re.fullmatch(name, focused(person)):
            return
    raise AssertionError(f"{MOST_STOPS} tabs do not lead to {name!r}, at {person.page.url}")


def types_into(person: Person, label: str, text: str) -> None:
    """What was in that field is gone."""
    if focused(person) != label:
        tabs_to(person, label)
    person.page.keyboard.press("Control+a")
    person.page.keyboard.type(text)


def focused(person: Person) -> str:
    """What it is called."""
    return str(person.page.evaluate(NAME))
