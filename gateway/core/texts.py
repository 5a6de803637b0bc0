"""Telephone numbers as they are compared. Pure; whether one exists, the channels know."""

import re

from gateway.core.errors import Refused

_BETWEEN = re.compile(r"[\s().\u2010-\u2015/-]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def number_of(text: str) -> str:
    """E.164. Raises ``Refused`` for what is none: the country must be in it."""
    found = _BETWEEN.sub("", text.strip())
    if _E164.fullmatch(found) is None:
        said = "write the number with its country, like +44 7700 900123"
        raise Refused("bad_address", said, "to")
    return found
