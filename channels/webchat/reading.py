"""What is wrong with a frame that cannot be read, and what can be told of it all the same."""

import re

import msgspec
from msgspec import Struct


class BadFrame(Exception):
    """A frame that is not valid: in which field, and the ``id`` it carried, if any."""

    def __init__(self, detail: str, field: str, re_id: str | None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.re_id = re_id


class _Envelope(Struct):
    id: str | None = None


_AT = re.compile(r" - at `\$\.?(.*?)`$")
_MISSING = re.compile(r"missing required field `(\w+)`")


def explain(problem: str) -> tuple[str, str]:
    """Msgspec's sentence → (sentence, path of the field)."""
    at = _AT.search(problem)
    path = at.group(1) if at else ""
    sentence = problem[: at.start()] if at else problem
    if missing := _MISSING.search(sentence):
        path = f"{path}.{missing.group(1)}" if path else missing.group(1)
    return sentence, path


def id_of(text: str) -> str | None:
    try:
        found = msgspec.json.decode(text, type=_Envelope).id
    except (msgspec.DecodeError, UnicodeError):
        return None
    return found[:64] if found else None


class _FirstLook(Struct):
    t: str = ""
    channel: str = ""


def channel_of(text: str) -> str | None:
    """Which channel a first frame asks for; says nothing about whether the rest is valid."""
    try:
        look = msgspec.json.decode(text, type=_FirstLook)
    except (msgspec.DecodeError, UnicodeError):
        return None
    return look.channel if look.t == "hello" else None
