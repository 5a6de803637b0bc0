"""The address of a customer's own page for a ticket, in what is written to the customer.

Who has the address sees the case as the customer may, and writes in it as the customer: it is made
where the secret is (``Context.link``), and stands in messages that go out, nowhere else. Of those
only in what goes to the case's customer: others are answered in a case as well.
"""

import re
from collections import Counter
from collections.abc import Sequence

from gateway.core.identity import plain
from gateway.core.ids import Context
from gateway.core.model import Case, Item

PLACEHOLDER = "{ticket_url}"
LEFT_OUT = "[…]"
_SENTENCE = re.compile(r"((?<=[.!?…])\s+|(?<=[。！？]))")
_GAP = re.compile(r"\n{3,}")
_BLOCK = re.compile(
    r"(</?(?:p|div|li|ul|ol|tr|td|th|table|tbody|h[1-6]|blockquote|br)\b[^<>]*>)", re.IGNORECASE
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_LONE = frozenset({"img", "br", "hr", "wbr"})


def link_of(ctx: Context, case: Case, item: Item) -> str:
    """The address, for what is written on ``item``.

    Empty for a case of nobody, and where somebody else than its customer is answered.
    """
    if case.customer is None or not _answers_customer(case, item):
        return ""
    return ctx.link(case.id, case.customer.id, case.link)


def _answers_customer(case: Case, item: Item) -> bool:
    if item.watch is not None and item.watch.guest:
        return False
    if item.customer is None:
        return case.ties is None or not case.ties.joined
    return case.customer is not None and item.customer.id == case.customer.id


def link_for(ctx: Context, case: Case, item: Item, to: Sequence[str], cc: Sequence[str]) -> str:
    """The same, for what goes to these addresses (none: into the customer's own window).

    Empty where anybody besides the customer would read it.
    """
    alone = not cc and len(to) <= 1 and all(plain(one) == plain(item.address) for one in to)
    return link_of(ctx, case, item) if alone else ""


def linked(text: str, link: str, *, html: bool = False) -> str:
    """The text with the address where it asks for it; without one, the sentence is left out."""
    if PLACEHOLDER not in text:
        return text
    if link:
        return text.replace(PLACEHOLDER, link)
    return (_without_html(text) if html else _without(text)) or text.replace(PLACEHOLDER, "")


def unlinked(ctx: Context, case: Case, text: str) -> str:
    """The text without the address itself: what is quoted may hold it, and others read this."""
    if case.customer is None:
        return text
    return text.replace(ctx.link(case.id, case.customer.id, case.link) or PLACEHOLDER, LEFT_OUT)


def _without(text: str) -> str:
    lines = [
        (line, _kept(line).rstrip() if PLACEHOLDER in line else line) for line in text.split("\n")
    ]
    kept = "\n".join(now for before, now in lines if now or not before)
    return _GAP.sub("\n\n", kept).strip("\n")


def _kept(line: str) -> str:
    """What of it are other sentences, with what stands between them."""
    first, *rest = _SENTENCE.split(line)
    kept = "" if PLACEHOLDER in first else first
    for between, sentence in zip(rest[::2], rest[1::2], strict=True):
        if PLACEHOLDER not in sentence:
            kept += between + sentence if kept else sentence
    return kept


def _without_html(html: str) -> str:
    return "".join(
        _segment(one) if PLACEHOLDER in one else one for one in _BLOCK.split(html) if one
    )


def _segment(text: str) -> str:
    """Between two ends of lines; only the name goes where a tag would, or an image."""
    kept = _kept(text)
    whole = _balanced(kept) and text.count("<img") == kept.count("<img")
    return kept if whole else text.replace(PLACEHOLDER, "")


def _balanced(html: str) -> bool:
    opened = Counter[str]()
    for closing, name in _TAG.findall(html):
        opened[name.lower()] += -1 if closing else 1
    return not any(count for name, count in opened.items() if name not in _LONE)
