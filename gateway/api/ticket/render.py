"""The page as HTML. It shows what ``core.ticket`` has chosen, and nothing else of a case."""

import re
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from gateway.api.ticket.markup import Markup, join, moment, tag
from gateway.api.ticket.words import Words
from gateway.core.rating import HIGHEST, stars
from gateway.core.ticket import Call, Owed, Said, Ticket

MAX_TEXT = 20_000
MAX_WHY = 2_000
_ADDRESS = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]']")


class Form(Struct, frozen=True, kw_only=True):
    """What was typed before, and what is to be said about it. ``id`` names what is sent next."""

    id: str
    done: str = ""
    problem: str = ""
    text: str = ""
    why: str = ""
    score: int = 0


class Place(Struct, frozen=True, kw_only=True):
    """Where the page stands. ``path`` is secret; ``lang`` was asked for by name, or is empty.

    ``version`` changes with what is shown; ``opens``: it is closed until then; ``earlier``: what
    stands before that number is on another page.
    """

    path: str
    words: Words
    languages: tuple[Words, ...]
    lang: str = ""
    version: str = ""
    opens: datetime | None = None
    earlier: int = 0


def ticket_page(ticket: Ticket, place: Place, form: Form) -> bytes:
    """The whole page."""
    words = place.words
    title = words.say("title", number=ticket.number)
    main = tag(
        "main",
        tag(
            "header",
            tag("p", title, class_="number"),
            tag("h1", ticket.subject or title, dir="auto"),
        ),
        _notice(words, form),
        tag(
            "div",
            _state(ticket, place, form),
            _promises(ticket.promises, words),
            _history(ticket.said, place),
            id="live",
        ),
        _write(ticket, place, form),
        _rate(ticket, place, form),
        id="ticket",
        data_version=place.version,
        data_sending=words.texts["sending"],
        data_offline=words.texts["offline"],
        data_down=words.texts["error_down"],
        data_news=words.texts["news"],
    )
    return _document(place, title, main, tag("p", words.say("private"), class_="private"))


def plain_page(place: Place, title: str, text: str) -> bytes:
    """A page that says one thing."""
    words = place.words
    main = tag("main", tag("h1", words.say(title)), tag("p", words.say(text)), class_="plain")
    return _document(place, words.say(title), main)


def _document(place: Place, title: Markup, main: Markup, *more: Markup) -> bytes:
    words = place.words
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="robots", content="noindex, nofollow, noarchive"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="icon", href="/favicon.svg"),
        tag("link", rel="stylesheet", href="/ticket.css"),
        tag("script", src="/ticket.js", defer=True),
    )
    footer = tag("footer", *more, _languages(place))
    page = tag("html", head, tag("body", main, footer), lang=words.tag, dir=words.direction)
    return f"<!doctype html>\n{page}\n".encode()


def _languages(place: Place) -> Markup:
    links = (
        tag(
            "li",
            tag(
                "a",
                other.name,
                href=f"{place.path}?lang={other.tag}",
                hreflang=other.tag,
                lang=other.tag,
                dir=other.direction,
                aria_current="true" if other.tag == place.words.tag else None,
            ),
        )
        for other in place.languages
    )
    summary = tag("summary", f"{place.words.texts['language']}: {place.words.name}")
    return tag("details", summary, tag("ul", *links), class_="languages")


def _notice(words: Words, form: Form) -> Markup:
    if form.problem:
        said = words.say(form.problem, most=MAX_TEXT)
        return tag("p", said, id="notice", class_="notice bad", role="alert", tabindex="-1")
    said = words.say(form.done) if form.done else Markup("")
    return tag("p", said, id="notice", class_="notice", role="status", tabindex="-1")


# -- how it stands ------------------------------------------------------------------------------


def _state(ticket: Ticket, place: Place, form: Form) -> Markup:
    words, lines = place.words, list[Markup]()
    if ticket.late:
        lines.append(words.say("late"))
    elif ticket.answer_by is not None:
        lines.append(words.say("answer_by", time=moment(ticket.answer_by)))
    elif ticket.stands == "received":
        lines.append(words.say("received_more"))
    if place.opens is not None and ticket.stands in ("received", "working"):
        lines.append(words.say("opens", time=moment(place.opens)))
    return tag(
        "section",
        tag("h2", words.say(ticket.stands), id="stands"),
        *(tag("p", line) for line in lines),
        _call(ticket.call, place, form) if ticket.call is not None else None,
        class_=f"card state {ticket.stands}",
        aria_labelledby="stands",
    )


def _call(call: Call, place: Place, form: Form) -> Markup:
    words = place.words
    if call.at is not None:
        said = words.say("call_at", time=moment(call.at))
    else:
        said = words.say("call_soon")
    number = tag("bdi", call.number) if call.number else None
    drop = tag("button", words.say("call_drop"), type="submit", class_="quiet")
    form_ = _form("call", drop, place=place, form=form) if call.may_cancel else None
    line = tag("p", said, " · " if number else None, number)
    return tag("div", line, form_, class_="call")


def _promises(promises: Iterable[Owed], words: Words) -> Markup | None:
    lines = [
        tag(
            "li",
            tag("span", one.text, class_="text", dir="auto"),
            tag("span", words.say("by", time=moment(one.due_at)), class_="by"),
            tag("span", words.say(one.standing), class_=f"chip {one.standing}"),
        )
        for one in promises
    ]
    if not lines:
        return None
    heading = tag("h2", words.say("promises"), id="promises")
    return tag("section", heading, tag("ul", *lines), class_="card", aria_labelledby="promises")


def _history(said: Iterable[Said], place: Place) -> Markup:
    words = place.words
    lines = [_said(one, place) for one in said]
    earlier = None
    if place.earlier:
        lang = f"&lang={place.lang}" if place.lang else ""
        href = f"{place.path}?before={place.earlier}{lang}"
        earlier = tag("p", tag("a", words.say("earlier"), href=href), class_="earlier")
    return tag(
        "section",
        tag("h2", words.say("history"), id="history"),
        earlier,
        tag("ol", *lines, class_="log") if lines else tag("p", words.say("nothing")),
        aria_labelledby="history",
    )


def _said(one: Said, place: Place) -> Markup:
    words = place.words
    who = words.texts["you"] if one.mine else one.name or words.texts["us"]
    # Only addresses that we have written can be followed.
    text = Markup.of(one.text) if one.mine else _linked(one.text)
    quoted = None
    if one.quoted:
        summary = tag("summary", words.say("quoted"))
        quoted = tag("details", summary, tag("div", one.quoted, class_="text", dir="auto"))
    files = (
        tag("li", tag("a", tag("bdi", file.name), href=f"{place.path}/files/{file.id}"))
        for file in one.files
    )
    return tag(
        "li",
        tag("p", tag("b", who, dir="auto"), " ", moment(one.at), class_="who"),
        tag("div", text, class_="text", dir="auto"),
        quoted,
        tag("ul", *files, class_="files") if one.files else None,
        class_="said mine" if one.mine else "said",
        data_seq=one.seq,
    )


def _linked(text: str) -> Markup:
    parts, last = list[str](), 0
    for found in _ADDRESS.finditer(text):
        parts.append(text[last : found.start()])
        link = found[0]
        parts.append(tag("a", link, href=link, rel="noopener noreferrer nofollow", target="_blank"))
        last = found.end()
    return join(*parts, text[last:])


# -- what can be done ---------------------------------------------------------------------------


def _form(act: str, *children: Markup | None, place: Place, form: Form) -> Markup:
    action = f"{place.path}?lang={place.lang}" if place.lang else place.path
    return tag(
        "form",
        tag("input", type="hidden", name="act", value=act),
        tag("input", type="hidden", name="id", value=form.id),
        *children,
        method="post",
        action=action,
        accept_charset="utf-8",
        data_act=act,
    )


def _write(ticket: Ticket, place: Place, form: Form) -> Markup:
    words = place.words
    if not ticket.may_write:
        said = tag("p", words.say("write_not"))
        return tag("section", said, id="write", class_="card")
    known = {"solved": "write_solved", "closed": "write_closed"}.get(ticket.stands)
    hint = tag("p", words.say(known), id="write-hint") if known else None
    box = tag(
        "textarea",
        form.text,
        id="text",
        name="text",
        rows=5,
        maxlength=MAX_TEXT,
        required=True,
        dir="auto",
        aria_describedby="write-hint" if hint else None,
    )
    return tag(
        "section",
        _form(
            "reply",
            tag("h2", tag("label", words.say("write"), for_="text")),
            hint,
            box,
            tag("button", words.say("send"), type="submit"),
            place=place,
            form=form,
        ),
        id="write",
        class_="card",
    )


def _rate(ticket: Ticket, place: Place, form: Form) -> Markup:
    if not ticket.may_rate:
        return tag("section", id="rate", hidden=True)
    words, chosen = place.words, form.score or ticket.rating
    choices = (
        tag(
            "label",
            tag(
                "input",
                type="radio",
                name="score",
                value=score,
                required=True,
                checked=score == chosen,
            ),
            tag("span", stars(score), class_="stars", aria_hidden="true"),
            tag("span", words.say(f"score_{score}")),
        )
        for score in range(HIGHEST, 0, -1)
    )
    why = tag("label", words.say("rate_why"), for_="why")
    box = tag("textarea", form.why, id="why", name="why", rows=2, maxlength=MAX_WHY, dir="auto")
    rated = tag("p", words.say("rated", score=ticket.rating)) if ticket.rating else None
    legend = tag("legend", tag("h2", words.say("rate")))
    return tag(
        "section",
        _form(
            "rate",
            tag("fieldset", legend, rated, tag("div", *choices, class_="scores")),
            why,
            box,
            tag("button", words.say("rate_send"), type="submit"),
            place=place,
            form=form,
        ),
        id="rate",
        class_="card",
    )
