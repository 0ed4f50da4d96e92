"""Label selectors in Kubernetes' string form: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

import re
from collections.abc import Callable, Mapping

from schemas.errors import Invalid

Labels = Mapping[str, str]
Matcher = Callable[[Labels], bool]

KEY = r"([A-Za-z0-9][A-Za-z0-9._/-]*)"
SET = re.compile(rf"{KEY}\s+(in|notin)\s*\(([^()]*)\)")
EQUALITY = re.compile(rf"{KEY}\s*(==|=|!=)\s*([A-Za-z0-9._-]*)")
EXISTS = re.compile(rf"(!?)\s*{KEY}")


def matcher(selector: str | None) -> Matcher:
    """A test of a label map. No selector matches all. Raises Invalid."""
    terms = [_term(text) for text in re.split(r",(?![^(]*\))", selector or "") if text.strip()]
    return lambda labels: all(term(labels) for term in terms)


def _term(text: str) -> Matcher:
    text = text.strip()
    if found := SET.fullmatch(text):
        key, operator, listed = found.groups()
        values = {value.strip() for value in listed.split(",")}
        return lambda labels: (key in labels and labels[key] in values) == (operator == "in")
    if found := EQUALITY.fullmatch(text):
        key, operator, value = found.groups()
        return lambda labels: (labels.get(key) == value) == (operator != "!=")
    if found := EXISTS.fullmatch(text):
        absent, key = found.groups()
        return lambda labels: (key in labels) != bool(absent)
    raise Invalid(f"unable to parse the label selector at {text!r}")
