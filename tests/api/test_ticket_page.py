"""The customer's own page: read, answered, rated, and kept from whoever has no link."""

import asyncio
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.api.ticket.words import Languages, accepted
from gateway.core import commands as c
from gateway.core.events import CaseRated
from gateway.core.ids import AgentName
from gateway.core.model import CaseStatus, ItemState
from gateway.flow.ticketlinks import TicketLinks
from gateway.store.contract import Unavailable
from tests.support.apiworld import SECRET, ApiWorld, api_world
from tests.support.builders import chat, mail

ANA = AgentName("ana")


class Reader:
    """The customer, with the link that came in a mail."""

    def __init__(self, world: ApiWorld, link: str) -> None:
        self.world = world
        self.path = link.removeprefix("http://localhost:8080")
        self.status = 0
        self.html = ""
        self.headers: Any = {}

    async def look(self, path: str = "", **headers: str) -> str:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._take("GET", path or self.path, headers=named)

    async def act(self, act: str, form: str = "", **fields: str) -> str:
        """Send a form as a browser does, and go where it leads."""
        form = form or (re.findall(r'name="id" value="([^"]+)"', self.html) or ["no-such-form"])[0]
        offered = set(re.findall(r'name="(\w+)"', self.html))
        assert fields.keys() <= offered, "the page has no such field"
        data = {"act": act, "id": form, **fields}
        text = await self._take("POST", self.path, data=data)
        if self.status == 303:
            return await self.look(self.headers["Location"])
        return text

    async def _take(self, method: str, path: str, **options: Any) -> str:
        answer = await self.world.raw(method, path, token="", allow_redirects=False, **options)
        self.status, self.headers = answer.status, answer.headers
        self.html = unescape(await answer.text())
        return self.html


async def arrived(world: ApiWorld, key: str = "lamp", **fields: Any) -> Any:
    """A mail, and the item that it makes."""
    (accepted_,) = await world.rig.node.intake.receive([mail(key, **fields)])
    decided = await world.rig.node.intake.decided(accepted_)
    assert decided.item is not None
    return world.rig.tables.items[decided.item]


async def reader_of(world: ApiWorld, number: int) -> Reader:
    _, card = await world.call("GET", f"/api/v1/cases/{number}")
    return Reader(world, card["ticket_url"])


async def do(world: ApiWorld, command: Any) -> None:
    await world.rig.node.desk.act(ANA, command, maybe_repeated=False)


async def taken(world: ApiWorld, item: Any) -> None:
    await world.until(lambda: world.rig.tables.items[item.id].state is ItemState.OFFERED)
    offer = world.rig.tables.items[item.id].offer
    assert offer is not None
    await do(world, c.Accept(id=world.rig.command(), offer=offer.id))


async def solved(world: ApiWorld, item: Any) -> None:
    await taken(world, item)
    say = c.Send(id=world.rig.command(), item=item.id, body="It is repaired: {ticket_url}")
    await do(world, say)
    await do(world, c.Wrapup(id=world.rig.command(), item=item.id, code="solved"))


async def test_a_ticket_is_read_answered_reopened_and_rated_by_its_customer() -> None:
    async with api_world(ready=True) as world:
        item = await arrived(world)
        eva = await reader_of(world, item.number)
        assert "We have your message" in await eva.look()
        assert "Good morning" in eva.html
        assert "How did we do?" not in eva.html
        await solved(world, item)
        # The link that stands in the mail is the one that REST gives.
        sink = world.rig.sinks[item.channel]
        async with asyncio.timeout(30):
            await sink.begun.wait()
        (sent,) = sink.sent
        assert sent.message is not None
        assert sent.message.body == f"It is repaired: http://localhost:8080{eva.path}"
        assert "Solved" in await eva.look()
        assert "It is repaired" in eva.html
        await eva.act("rate", score="4", why="Quick, but dear")
        assert "Thank you for your rating." in eva.html
        assert "You gave us 4 of 5" in eva.html
        assert "★★★★☆\nQuick, but dear" in eva.html
        _, card = await world.call("GET", f"/api/v1/cases/{item.number}")
        assert (card["rating"], card["status"]) == (4, "solved")
        events = [x.event for x in world.rig.tables.journal.values()]
        (event,) = [x for x in events if isinstance(x, CaseRated)]
        assert (event.score, event.agent, event.before) == (4, ANA, 0)
        await eva.act("reply", text="It is dark again")
        assert "Your message has arrived." in eva.html
        assert "It is dark again" in eva.html
        case = world.rig.tables.cases[item.case]
        assert case.status is CaseStatus.OPEN
        again = max((i for i in world.rig.tables.items.values()), key=lambda i: i.id)
        assert (again.case, again.id != item.id) == (case.id, True)
        assert (again.address, again.thread) == (item.address, item.thread)


async def test_a_link_of_the_closing_mail_chooses_a_score_and_gives_none() -> None:
    async with api_world(ready=True) as world:
        item = await arrived(world)
        eva = await reader_of(world, item.number)
        await eva.look()
        form = {"act": "rate", "id": "a-form-of-ours", "score": "5"}
        answer = await world.raw("POST", eva.path, token="", data=form)
        assert answer.status == 409
        assert "It can be rated once it is solved" in await answer.text()
        await solved(world, item)
        for score in ("2", "5", "9", "x"):
            page = await eva.look(f"{eva.path}?rate={score}")
            chosen = re.findall(r'<input type="radio" name="score" value="(\d)"[^>]* checked', page)
            assert chosen == ([score] if score in "25" else [])
        assert world.rig.tables.cases[item.case].rating == 0
        await eva.look()
        await eva.act("rate", score="2")
        assert world.rig.tables.cases[item.case].rating == 2


async def test_the_same_form_sent_twice_is_one_message() -> None:
    async with api_world() as world:
        item = await arrived(world)
        eva = await reader_of(world, item.number)
        await eva.look()
        for _ in range(3):
            await eva.act("reply", form="one-and-the-same", text="Hello again")
            assert eva.status == 200
        said = [m for m in world.rig.tables.messages.values() if m.body == "Hello again"]
        assert len(said) == 1
        assert said[0].author.id == "eva@example.org"


async def test_what_else_is_sent_from_the_same_page_is_not_taken_for_the_same() -> None:
    async with api_world(ready=True) as world:
        item = await arrived(world)
        await solved(world, item)
        eva = await reader_of(world, item.number)
        page = await eva.look()
        for act, fields in (
            ("rate", {"score": "5"}),
            ("reply", {"text": "Thank you"}),
            ("reply", {"text": "Thank you, and one thing more"}),
        ):
            eva.html = page
            await eva.act(act, **fields)
            assert eva.status == 200
        bodies = [m.body for m in world.rig.tables.messages.values()]
        assert "Thank you" in bodies
        assert "Thank you, and one thing more" in bodies
        assert world.rig.tables.cases[item.case].rating == 5


async def test_forms_that_cannot_be_taken_do_not_give_pages_without_end() -> None:
    async with api_world() as world:
        item = await arrived(world)
        eva = await reader_of(world, item.number)
        seen = set()
        for _ in range(100):
            answer = await world.raw("POST", eva.path, token="", data={"act": "nothing"})
            seen.add(answer.status)
        assert seen == {400, 429}


async def test_a_word_on_a_closed_ticket_opens_a_linked_one_and_leads_there() -> None:
    async with api_world() as world:
        item = await arrived(world)
        await world.call("POST", f"/api/v1/items/{item.id}/close", {"reason": "spam"})
        case = world.rig.tables.cases[item.case]
        await world.call("PATCH", f"/api/v1/cases/{item.number}", {"status": "closed"})
        eva = await reader_of(world, item.number)
        assert "we open a new one" in await eva.look()
        await eva.act("reply", text="Still broken")
        assert eva.status == 200
        follower = next(x for x in world.rig.tables.cases.values() if x.follows == case.id)
        assert f"Ticket {follower.number}" in eva.html
        assert "Still broken" in eva.html


async def test_a_call_back_is_shown_and_taken_back_on_the_page() -> None:
    async with api_world() as world:
        item = await arrived(world)
        wish = {"case": item.number, "number": "+49 30 1234567"}
        assert (await world.call("POST", "/api/v1/callbacks", wish))[0] == 201
        eva = await reader_of(world, item.number)
        assert "We call you as soon as somebody is free" in await eva.look()
        await eva.act("call")
        assert "The call is cancelled." in eva.html
        assert "We call you" not in eva.html


async def test_a_link_that_is_wrong_old_or_of_somebody_erased_leads_to_a_kind_page() -> None:
    async with api_world() as world:
        item = await arrived(world)
        eva = await reader_of(world, item.number)
        await eva.look()
        token = eva.path.removeprefix("/t/")
        foreign = TicketLinks([b"another secret"], "").of(world.rig.tables.cases[item.case])
        for wrong in (
            "x",
            token[:-1],
            token[:-1] + ("A" if token[-1] != "A" else "B"),
            foreign[3:],
        ):
            text = await eva.look(f"/t/{wrong}")
            assert (eva.status, "This link does not work" in text) == (404, True)
        renew = {"ticket_url": "renew"}
        _, card = await world.call("PATCH", f"/api/v1/cases/{item.number}", renew)
        await eva.look()
        assert eva.status == 404
        fresh = Reader(world, card["ticket_url"])
        assert "Good morning" in await fresh.look()
        await world.call("POST", f"/api/v1/items/{item.id}/close", {"reason": "done"})
        assert (await world.call("DELETE", f"/api/v1/customers/{item.customer.id}"))[0] == 200
        await fresh.look()
        assert fresh.status == 404


async def test_who_tries_many_links_has_to_wait_and_a_right_one_works_all_the_same() -> None:
    async with api_world() as world:
        eva = await reader_of(world, (await arrived(world)).number)
        tried = set()
        for n in range(40):
            await eva.look(f"/t/{n:048}")
            tried.add(eva.status)
        assert tried == {404, 429}
        await eva.look()
        assert eva.status == 200


async def test_what_was_typed_is_kept_when_it_cannot_be_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with api_world() as world:
        eva = await reader_of(world, (await arrived(world)).number)
        await eva.look()
        assert "Please write something first." in await eva.act("reply", text="   ")
        assert eva.status == 422
        assert "Please write no more than 20000 characters" in await eva.act(
            "reply", text="x" * 20_001
        )

        async def away(*_: Any) -> Any:
            raise Unavailable("no connection")

        with monkeypatch.context() as patch:
            patch.setattr(type(world.rig.node.intake), "receive", away)
            text = await eva.act("reply", text="My long <letter>")
        assert eva.status == 503
        assert "Your text is kept" in text
        assert "My long <letter></textarea>" in text
        for n in range(20):
            await eva.act("reply", form=f"form-number-{n}", text=f"Letter {n}")
            if eva.status == 429:
                break
        assert (eva.status, f"Letter {n}</textarea>" in eva.html) == (429, True)


async def test_a_rating_needs_a_score_and_forms_that_nobody_was_given_are_refused() -> None:
    async with api_world(ready=True) as world:
        item = await arrived(world)
        await solved(world, item)
        eva = await reader_of(world, item.number)
        await eva.look()
        assert "Please choose from 1 to 5." in await eva.act("rate", score="9", why="Hm")
        assert (eva.status, "Hm</textarea>" in eva.html) == (422, True)
        for bad in ({"act": "close"}, {"act": "reply", "id": "<x>"}, {}):
            await eva._take("POST", eva.path, data=bad)
            assert eva.status == 400
        await eva._take("POST", eva.path, data=b"\xff\xfe=1")
        assert eva.status == 400


async def test_nothing_of_the_page_is_kept_found_or_told_on() -> None:
    async with api_world() as world:
        eva = await reader_of(world, (await arrived(world)).number)
        await eva.look()
        assert eva.headers["Cache-Control"] == "no-store"
        assert eva.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in eva.headers["X-Robots-Tag"]
        policy = eva.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        assert not re.search(r'(src|href|action)="(?!/|https?://)', eva.html)
        assert "style=" not in eva.html


async def test_a_fault_of_ours_does_not_write_the_link_into_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with api_world() as world:
        eva = await reader_of(world, (await arrived(world)).number)

        async def broken(*_: Any) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr(world.house.people, "customer", broken)
        with capture_logs() as logged:
            await eva.look()
        assert eva.status == 500
        assert [entry["path"] for entry in logged] == ["/t/{token}"]


async def test_who_looks_again_gets_the_page_only_when_there_is_news() -> None:
    async with api_world() as world:
        item = await arrived(world)
        eva = await reader_of(world, item.number)
        await eva.look()
        version = eva.headers["ETag"]
        await eva.look(If_None_Match=version)
        assert eva.status == 304
        await arrived(world, "more", references=(item.thread[0],), subject="About lamp")
        await eva.look(If_None_Match=version)
        assert eva.status == 200
        assert eva.headers["ETag"] != version


async def test_a_long_conversation_is_shown_in_parts() -> None:
    async with api_world() as world:
        item = await arrived(world)
        many = [
            mail(f"k{n}", references=(item.thread[0],), body=f"Line {n}.") for n in range(1, 131)
        ]
        for one in many:
            (got,) = await world.rig.node.intake.receive([one])
            await world.rig.node.intake.decided(got)
        eva = await reader_of(world, item.number)
        await eva.look()
        assert "Line 130." in eva.html
        assert "Line 5." not in eva.html
        (earlier,) = re.findall(r'href="([^"]+before=[^"]+)"', eva.html)
        await eva.look(earlier)
        assert "Line 5." in eva.html
        assert "Line 130." not in eva.html
        assert "Good morning" in eva.html


async def test_the_visitor_of_a_chat_reads_it_there_too_and_nobody_elses() -> None:
    async with api_world() as world:
        (got,) = await world.rig.node.intake.receive([chat("c1", body="Hello?")])
        decided = await world.rig.node.intake.decided(got)
        assert decided.number is not None
        visitor = await reader_of(world, decided.number)
        await visitor.look()
        await visitor.act("reply", text="Are you there?")
        assert visitor.html.count("Are you there?") == 1
        last = world.rig.tables.items[decided.item]  # type: ignore[index]
        assert last.preview == "Are you there?"


# -- languages ------------------------------------------------------------------------------------


async def test_the_page_speaks_the_readers_language() -> None:
    async with api_world() as world:
        eva = await reader_of(world, (await arrived(world, language="fr")).number)
        await eva.look(Accept_Language="tlh, es-MX;q=0.9, en;q=0.8")
        assert '<html lang="es" dir="ltr">' in eva.html
        await eva.look(f"{eva.path}?lang=ar", Accept_Language="es")
        assert '<html lang="ar" dir="rtl">' in eva.html
        await eva.look(Accept_Language="tlh")
        assert '<html lang="fr"' in eva.html


@pytest.mark.parametrize("tag", sorted(Languages().all))
def test_a_language_has_all_words_with_the_same_blanks(tag: str) -> None:
    languages = Languages().all
    words, english = languages[tag].texts, languages["en"].texts
    assert list(words) == list(english)
    for key, text in words.items():
        assert text.strip(), key
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(
            re.findall(r"\{\w+\}", english[key])
        ), key


def test_the_page_speaks_twenty_four_languages_those_of_the_chat_window_among_them() -> None:
    page = Path(__file__).parents[2] / "docs" / "protocols" / "chat.md"
    (spoken,) = re.findall(r"Spoken are [^:]*: ([a-z, ]+);", page.read_text("utf-8"))
    assert set(spoken.split(", ")) == set(Languages().all)
    assert len(Languages().all) == 24


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("", [""]),
        ("de, en;q=0.5", ["de", "en"]),
        ("en;q=0.1,de;q=0.9,fr;q=0", ["de", "en"]),
        ("de;q=high", []),
        ("*", ["*"]),
    ],
)
def test_languages_are_read_as_browsers_name_them(header: str, tags: list[str]) -> None:
    assert list(accepted(header)) == tags


def test_links_signed_by_a_former_secret_hold_and_new_ones_are_signed_by_the_first() -> None:
    one, two = TicketLinks([SECRET], "http://x"), TicketLinks([b"new" * 11, SECRET], "http://x")
    case, customer = "0190a000-0000-7000-8000-00000000cccc", "0190a000-0000-7000-8000-00000000dddd"
    old = one.url(case, customer, 0).rsplit("/", 1)[1]  # type: ignore[arg-type]
    fresh = two.url(case, customer, 0).rsplit("/", 1)[1]  # type: ignore[arg-type]
    assert two.read(old) == one.read(old)
    assert one.read(fresh) is None
    assert two.read(fresh) is not None
