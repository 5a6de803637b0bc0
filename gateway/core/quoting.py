"""The mail that is answered, below the answer: who wrote when, and what. Pure.

The line above it is one that mail programs, and our own reading, know for such (a date, a time
of day, an address, a colon at the end). What is quoted is bounded, and of its HTML no image.
"""

import re
from collections.abc import Mapping
from html import escape

from msgspec import Struct

from gateway.core.model import Message
from gateway.core.rules.texts import filled, nearest
from gateway.core.value import ChannelKind

MOST_LINES = 400
MOST_CHARS = 20_000
MOST_HTML = 100_000
CUT = "[…]"

WROTE: Mapping[str, str] = {
    "": "On {when}, {who} wrote:",
    "ar": "في {when} كتب {who}:",
    "cs": "Dne {when} {who} napsal(a):",
    "da": "Den {when} skrev {who}:",
    "de": "Am {when} schrieb {who}:",
    "el": "Στις {when}, ο/η {who} έγραψε:",
    "es": "El {when}, {who} escribió:",
    "fi": "{when} {who} kirjoitti:",
    "fr": "Le {when}, {who} a écrit :",
    "he": "ב־{when} {who} כתב/ה:",
    "hi": "{when} को {who} ने लिखा:",
    "hu": "{when} időpontban {who} ezt írta:",
    "id": "Pada {when}, {who} menulis:",
    "it": "Il {when} {who} ha scritto:",
    "ja": "{when} に {who} さんは書きました:",
    "ko": "{when}, {who} 님이 작성:",
    "nl": "Op {when} schreef {who}:",
    "no": "Den {when} skrev {who}:",
    "nb": "Den {when} skrev {who}:",
    "pl": "{when} {who} napisał(a):",
    "pt": "Em {when}, {who} escreveu:",
    "ro": "Pe {when}, {who} a scris:",
    "ru": "{when} {who} пишет:",
    "sv": "Den {when} skrev {who}:",
    "tr": "{when} tarihinde {who} yazdı:",
    "uk": "{when} {who} пише:",
    "vi": "Vào {when}, {who} đã viết:",
    "zh": "{when}，{who} 写道：",
    "zh-TW": "{when}，{who} 寫道：",
    "zh-HK": "{when}，{who} 寫道：",
}
"""By language, the nearest one; the rest is told in English."""

_OPENS = re.compile(r"<img\b", re.IGNORECASE)
_IMAGE = re.compile(r"<img\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*+>", re.IGNORECASE)


class Quotation(Struct, frozen=True, kw_only=True):
    """As it stands in the mail, in text and in HTML."""

    text: str
    html: str


def quotable(message: Message) -> bool:
    """Whether it may be quoted to the customer: never what is said among ourselves."""
    return message.kind is ChannelKind.EMAIL and message.direction in ("in", "out")


def quotation(message: Message, language: str) -> Quotation:
    """What stands below an answer to this message."""
    when = f"{message.at:%Y-%m-%d %H:%M} (UTC)"
    line = filled(nearest(dict(WROTE), language), {"when": when, "who": _who(message)})
    said = _bounded(message.body)
    text = "\n".join([line, *(f"> {one}" if one else ">" for one in said)])
    below = "<br>\n".join(escape(one, quote=False) for one in said)
    if message.html and len(message.html) <= MOST_HTML:
        below = _without_images(message.html) or below
    html = (
        f"<p>{escape(line, quote=False)}</p>\n"
        f'<blockquote type="cite" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;'
        f'padding-left:1ex">{below}</blockquote>'
    )
    return Quotation(text=text, html=html)


def _without_images(html: str) -> str:
    """Nothing where one has no end: that is found once, however many begin within it."""
    parts, at = [], 0
    while (found := _OPENS.search(html, at)) is not None:
        whole = _IMAGE.match(html, found.start())
        if whole is None:
            return ""
        parts.append(html[at : found.start()])
        at = whole.end()
    return "".join([*parts, html[at:]])


def _who(message: Message) -> str:
    """Name and address, as far as they are known, on one line."""
    author = message.author
    name = " ".join(author.name.split())
    if author.kind != "customer" or "@" not in author.id:
        return name or "we"
    address = "".join(author.id.split())
    return f"{name} <{address}>" if name and name != address else f"<{address}>"


def _bounded(body: str) -> list[str]:
    lines = body[:MOST_CHARS].rstrip().split("\n")
    cut = len(body.rstrip()) > MOST_CHARS or len(lines) > MOST_LINES
    return [*lines[:MOST_LINES], CUT] if cut else lines
