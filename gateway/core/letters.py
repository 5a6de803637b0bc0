"""A mail that a person writes as it leaves: with the queue's letter and the mail it answers. Pure.

What is made here is what is stored, shown and sent: there is no second place where a mail gets
something more. What a machine of ours writes gets nothing: its text is whole.
"""

from collections.abc import Mapping
from html import escape

from msgspec import Struct

from gateway.core.model import ChannelKind, Item, Message
from gateway.core.quoting import Quotation, quotable, quotation
from gateway.core.rules.rule import Texts
from gateway.core.rules.texts import filled, nearest
from gateway.core.state import NodeState
from gateway.core.wordings import ANSWER, SIGNATURE, Letter

MARK = "-- "
"""The line above a signature (RFC 3676 section 4.3)."""


class Written(Struct, frozen=True, kw_only=True):
    """A mail's text and HTML; from line ``fold_from`` of the text on it only repeats."""

    body: str
    html: str | None = None
    fold_from: int = 0


def written(
    state: NodeState,
    item: Item,
    said: Written,
    values: Mapping[str, str],
    *,
    quoted: Message | None = None,
) -> Written:
    """The whole mail for what a person has said; of another kind of contact as it is."""
    if item.kind is not ChannelKind.EMAIL:
        return said
    letter = state.wordings.letter_of(item.queue)
    below = quotation(quoted, item.language) if quoted is not None and quotable(quoted) else None
    if letter is None and below is None:
        return said
    return dressed(said, letter, values, item.language, below)


def dressed(
    said: Written,
    letter: Letter | None,
    values: Mapping[str, str],
    language: str,
    below: Quotation | None = None,
) -> Written:
    """What was said, within the letter and above what it answers."""

    def text(texts: Texts | None) -> str:
        return filled(nearest(texts, language), values).strip("\n") if texts is not None else ""

    opening, closing = (text(letter.opening), text(letter.closing)) if letter else ("", "")
    signature = text(letter.signature) if letter else ""
    answer = "\n\n".join(filter(None, (opening, said.body.strip("\n"), closing)))
    foot = [f"{MARK}\n{signature}"] if signature else []
    foot += [below.text] if below is not None else []
    frame = _frame(letter, language)
    html = None
    if frame or said.html:
        inner = said.html or html_of(said.body.strip("\n"))
        parts = (html_of(opening), inner, html_of(closing))
        html = _framed(frame, "\n".join(filter(None, parts)), signature, values)
        html += f"\n{below.html}" if below is not None else ""
    return Written(
        body="\n\n".join([answer, *foot]),
        html=html,
        fold_from=answer.count("\n") + 1 if foot else said.fold_from,
    )


def html_of(text: str) -> str:
    """Plain text as HTML: a paragraph for each, the lines as they are."""
    if not text:
        return ""
    paragraphs = (escape(one, quote=False).replace("\n", "<br>\n") for one in text.split("\n\n"))
    return "\n".join(f"<p>{one}</p>" for one in paragraphs)


def _frame(letter: Letter | None, language: str) -> str:
    return nearest(letter.html, language) if letter is not None and letter.html is not None else ""


def _framed(frame: str, answer: str, signature: str, values: Mapping[str, str]) -> str:
    foot = ""
    if signature:
        lines = escape(signature, quote=False).replace("\n", "<br>\n")
        foot = f'<div class="signature">{MARK}<br>\n{lines}</div>'
    if not frame:
        return "\n".join(filter(None, (answer, foot)))
    places = f"{{{SIGNATURE}}}" in frame
    inside = answer if places or not foot else f"{answer}\n{foot}"
    known = {name: escape(value) for name, value in values.items()}
    # At once: what was written is not looked at for names in braces.
    return filled(frame, {**known, ANSWER: inside, SIGNATURE: foot})
