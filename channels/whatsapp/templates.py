"""Which approved message a text is, and what was filled in. Pure."""

import re

MOST = 10
"""Places that a template may have."""
_PLACE = re.compile(r"\{\{(\d+)\}\}")


def problem_of(text: str) -> str:
    """What is wrong with a template's places; empty: nothing."""
    places = [int(found) for found in _PLACE.findall(text)]
    if sorted(set(places)) != list(range(1, len(set(places)) + 1)):
        return "its places are {{1}}, {{2}} and so on, none left out"
    if len(set(places)) > MOST:
        return f"it has more than {MOST} places"
    if re.search(r"\}\}\s*\{\{", text):
        return "two places need words between them"
    return ""


def filled(template: str, text: str) -> tuple[str, ...] | None:
    """What stands in the places, if ``text`` is the template filled in; else ``None``."""
    pattern, seen, at = "", set[str](), 0
    for place in _PLACE.finditer(template):
        pattern += _literal(template[at : place.start()])
        number = place[1]
        pattern += f"(?P=p{number})" if number in seen else f"(?P<p{number}>.+?)"
        seen.add(number)
        at = place.end()
    pattern += _literal(template[at:])
    found = re.fullmatch(pattern, " ".join(text.split()), re.DOTALL)
    if found is None:
        return None
    values = tuple(found[f"p{n}"] for n in range(1, len(seen) + 1))
    # A place that still stands there has not been filled in.
    return None if any(_PLACE.search(value) for value in values) else values


def _literal(text: str) -> str:
    """Words as they are, whatever white space is between them."""
    lead, tail = " " * text[:1].isspace(), " " * (text[-1:].isspace() and len(text) > 1)
    return re.escape(f"{lead}{' '.join(text.split())}{tail}")
