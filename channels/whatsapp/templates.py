"""Which approved message a text is, and what was filled in. Pure."""

import re
from collections.abc import Iterator

MOST = 10
"""Places that a template may have."""
TRIES = 1_000
"""So many beginnings of a text are compared with a template, which is more than any needs."""
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
    words, names, at = list[str](), list[str](), 0
    for place in _PLACE.finditer(template):
        words.append(_literal(template[at : place.start()]))
        names.append(place[1])
        at = place.end()
    words.append(_literal(template[at:]))
    values = _Search(words, names, " ".join(text.split())).found()
    # A place that still stands there has not been filled in.
    if values is None or any(_PLACE.search(value) for value in values.values()):
        return None
    return tuple(values[f"{n}"] for n in range(1, len(values) + 1))


class _Search:
    """What stands between ``words``, as short as can be; ``TRIES`` bound how long is looked."""

    def __init__(self, words: list[str], names: list[str], text: str) -> None:
        self._words, self._names, self._text = words, names, text
        self._left = TRIES

    def found(self) -> dict[str, str] | None:
        if not self._names:
            return {} if self._text == self._words[0] else None
        begins = self._text.startswith(self._words[0])
        return self._from(0, len(self._words[0]), {}) if begins else None

    def _from(self, n: int, at: int, known: dict[str, str]) -> dict[str, str] | None:
        """With the place ``n`` at ``at``."""
        if n == len(self._names):
            return known if at == len(self._text) else None
        name, after = self._names[n], self._words[n + 1]
        for end in self._ends(n, at):
            value = self._text[at:end]
            if known.get(name, value) == value:
                found = self._from(n + 1, end + len(after), known | {name: value})
                if found is not None:
                    return found
        return None

    def _ends(self, n: int, at: int) -> Iterator[int]:
        """Where the place may end: before each of the words that follow it."""
        after = self._words[n + 1]
        if n + 1 == len(self._names):
            end = len(self._text) - len(after)
            if end > at and self._text.endswith(after):
                yield end
            return
        end = self._text.find(after, at + 1)
        while end >= 0 and self._left > 0:
            self._left -= 1
            yield end
            end = self._text.find(after, end + 1)


def _literal(text: str) -> str:
    """Words as they are, whatever white space is between them."""
    lead, tail = " " * text[:1].isspace(), " " * (text[-1:].isspace() and len(text) > 1)
    return f"{lead}{' '.join(text.split())}{tail}"
