"""Two nodes: the one that serves a conversation is killed, and its desktop and its chat window go
on at the other, without a reload, with every word once."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.e2e.conftest import NewPage
from tests.e2e.house import PASSWORD, until
from tests.e2e.pair import Pair
from tests.support.browser import Colleagues, Desktop, Widget
from tests.support.process import NodeProcess

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

TAKEN_OVER_MS = 30_000
"""A lease, a takeover and a reconnect, on a machine that has other work."""


@pytest_asyncio.fixture(loop_scope="session")
async def pair(tmp_path: Path, database: str) -> AsyncIterator[Pair]:
    one = Pair(tmp_path, database)
    try:
        yield one
    finally:
        await one.stop()


async def mark(*pages: Page) -> None:
    """What a reload would wipe out."""
    for page in pages:
        await page.evaluate("window.notReloaded = true")


async def are_unreloaded(*pages: Page) -> None:
    for page in pages:
        assert await page.evaluate("window.notReloaded === true")


async def is_calm(desktop: Desktop) -> None:
    """Nothing on the agent's screen speaks of an error."""
    page = desktop.page
    await expect(page.get_by_role("alert").filter(has_text="error")).to_have_count(0)
    await expect(page.get_by_text("does not answer just now")).to_have_count(0)


class Talk:
    """An agent and a visitor in one chat, who count what they said and what they see."""

    def __init__(self, pair: Pair, desktop: Desktop, shop: Widget) -> None:
        self.pair = pair
        self.desktop = desktop
        self.shop = shop
        self.words: list[str] = []

    async def begin(self, agent: str, shown: str, at: NodeProcess) -> None:
        """The agent signs in at that node, the visitor comes to the first."""
        await self.desktop.sign_in(at.url, agent, PASSWORD)
        await self.desktop.go_ready()
        await self.shop.page.goto(self.pair.town.url)
        await self.shop.open()
        await mark(self.desktop.page, self.shop.page)
        await self.asks("Is the lamp dimmable?")
        await self.desktop.accept("Is the lamp dimmable?")
        await expect(self.shop.status).to_contain_text(shown)
        await self.answers("It is, with any dimmer.")
        await self.is_whole()

    async def asks(self, text: str) -> None:
        self.words.append(text)
        await self.shop.say(text)

    async def answers(self, text: str) -> None:
        self.words.append(text)
        await self.desktop.send(text)

    async def is_whole(self, timeout: float = TAKEN_OVER_MS) -> None:
        """Each word stands once on either screen, and nothing waits to be sent."""
        for text in self.words:
            await expect(self.desktop.message(text)).to_have_count(1, timeout=timeout)
            await expect(self.shop.message(text)).to_have_count(1, timeout=timeout)
        await expect(self.desktop.message("Sending…")).to_have_count(0, timeout=timeout)
        await expect(self.shop.messages).to_have_count(len(self.words))
        await are_unreloaded(self.desktop.page, self.shop.page)

    async def is_kept(self, node: NodeProcess) -> None:
        """The same on disk."""
        text = await self.shop.number.text_content() or ""
        number = int("".join(filter(str.isdigit, text)))
        said = [one["body"] for one in await self.pair.said(node, number)]
        assert Counter(said) == Counter(self.words)


async def asks_by_rest(desktop: Desktop) -> None:
    """What the page needs besides its socket: files and the customer's contacts."""
    page = desktop.page
    bill = {"name": "bill.txt", "mimeType": "text/plain", "buffer": b"One lamp."}
    await page.locator("input[type=file]").set_input_files(bill)  # type: ignore[arg-type]
    await expect(page.get_by_text("bill.txt")).to_be_visible()
    await expect(page.get_by_text("Uploading")).to_have_count(0)
    await page.get_by_role("button", name="Remove bill.txt").click()
    await desktop.customer.get_by_text("All contacts").wait_for()


async def is_lost_calmly(talk: Talk, node: NodeProcess, answer: str) -> None:
    """Its node is killed: the desktop keeps the draft, takes an answer, and waits."""
    desktop = talk.desktop
    draft = "By the way, the shade is"
    await desktop.answer.fill(draft)
    await node.kill()
    await expect(desktop.healing).to_be_visible()
    await is_calm(desktop)
    await expect(desktop.answer).to_have_value(draft)
    await desktop.answer.fill("")
    await talk.answers(answer)
    await expect(desktop.message(answer)).to_contain_text("Sending…")


@pytest.mark.timeout(180)
async def test_the_node_of_a_conversation_is_killed_in_turn_and_the_conversation_goes_on(
    pair: Pair, new_page: NewPage
) -> None:
    await pair.start()
    ann = await pair.hire("Ann Weaver")
    await pair.start_second()
    desktop, shop = Desktop(await new_page()), Widget(await new_page())
    talk = Talk(pair, desktop, shop)
    await talk.begin(ann, "Ann Weaver", at=pair.first)
    assert await pair.desktops(pair.first) == 1

    await is_lost_calmly(talk, pair.first, "The trailing one is kinder to it.")
    await talk.asks("From which phase?")
    await expect(shop.page.get_by_text("has ended")).to_have_count(0)
    await expect(desktop.online).to_be_visible(timeout=TAKEN_OVER_MS)
    await talk.is_whole()
    await expect(shop.status).to_contain_text("Ann Weaver")
    await expect(shop.notice).to_be_hidden()
    assert await pair.desktops(pair.second) == 1
    await is_calm(desktop)
    await asks_by_rest(desktop)

    # It comes back. A page that is loaded from it now still knows where it is at home.
    await pair.first.start()
    await until(lambda: pair.knows(pair.second, pair.first))
    await are_unreloaded(desktop.page, shop.page)
    await desktop.page.reload()
    await expect(desktop.online).to_be_visible()
    assert await pair.desktops(pair.second) == 1
    await mark(desktop.page)
    await talk.is_whole()

    await is_lost_calmly(talk, pair.second, "2,700 kelvin.")
    await talk.asks("Lovely, thank you!")
    await expect(desktop.online).to_be_visible(timeout=TAKEN_OVER_MS)
    await talk.is_whole()
    await pair.second.start()
    await until(lambda: pair.knows(pair.first, pair.second))
    await desktop.finish("Solved")
    await talk.is_kept(pair.first)
    await talk.is_kept(pair.second)
    await are_unreloaded(desktop.page, shop.page)


@pytest.mark.timeout(180)
async def test_a_node_is_evacuated_and_back_under_a_conversation_that_goes_on(
    pair: Pair, new_page: NewPage
) -> None:
    await pair.start()
    ann = await pair.hire("Ann Weaver")
    await pair.start_second()
    desktop, shop = Desktop(await new_page()), Widget(await new_page())
    talk = Talk(pair, desktop, shop)
    await talk.begin(ann, "Ann Weaver", at=pair.first)
    draft = "By the way, the shade is"
    await desktop.answer.fill(draft)

    await pair.evacuated(pair.second, "east")
    await until(lambda: pair.holds(pair.second))
    await expect(desktop.online).to_be_visible()
    await expect(desktop.answer).to_have_value(draft)
    await is_calm(desktop)
    await expect(shop.status).to_contain_text("Ann Weaver")
    await talk.asks("From which phase?")
    await desktop.answer.fill("")
    await talk.answers("The trailing one is kinder to it.")
    await talk.is_whole()

    # Rolling on: the first takes work again, and now the second is left.
    await pair.second.call("POST", "/api/v1/nodes/east/return")
    await until(lambda: pair.knows(pair.second, pair.first))
    await pair.evacuated(pair.first, "west")
    await until(lambda: pair.holds(pair.first))
    await talk.answers("Warm white.")
    await talk.asks("Lovely, thank you!")
    await talk.is_whole()
    await is_calm(desktop)
    await desktop.finish("Solved")
    await talk.is_kept(pair.first)
    await are_unreloaded(desktop.page, shop.page)


async def talk_to_each_other(desktop: Desktop, theirs: Colleagues) -> Colleagues:
    """Ann asks Bob, who is at the other node, and goes on writing while he answers."""
    ours, typed = Colleagues(desktop), "It is the trail"
    await ours.write("Bob Tailor", "Is it the trailing one?")
    await theirs.has_unread(1)
    await theirs.read("Ann Weaver")
    await expect(theirs.line("Is it the trailing one?")).to_have_count(1)
    await desktop.answer.fill(typed)
    await theirs.say("Ann Weaver", "It is.")
    await expect(ours.line("It is.")).to_have_count(1)
    await expect(desktop.answer).to_be_focused()
    await expect(desktop.answer).to_have_value(typed)
    await desktop.answer.fill("")
    await ours.has_unread(0)
    return ours


@pytest.mark.timeout(180)
async def test_an_agent_at_one_node_serves_a_visitor_at_the_other_and_either_is_killed(
    pair: Pair, new_page: NewPage
) -> None:
    await pair.start()
    anywhere = {"name": "general", "display_name": "General", "overflow_after": 0}
    await pair.first.call("PUT", "/api/v1/directory", {"queues": [anywhere]})
    ann, bob = await pair.hire("Ann Weaver"), await pair.hire("Bob Tailor")
    await pair.start_second()
    desktop, shop = Desktop(await new_page()), Widget(await new_page())
    talk = Talk(pair, desktop, shop)
    await talk.begin(ann, "Ann Weaver", at=pair.second)
    assert await pair.desktops(pair.first) == 0
    await shop.input.fill("Fr")
    await expect(desktop.current).to_contain_text("typing")
    await desktop.answer.fill("Th")
    await expect(shop.typing).to_be_visible()
    await desktop.answer.fill("")
    await talk.asks("From which phase?")
    await talk.answers("The trailing one is kinder to it.")
    await talk.is_whole()
    theirs = Colleagues(Desktop(await new_page()))
    await theirs.desktop.sign_in(pair.first.url, bob, PASSWORD)
    ours = await talk_to_each_other(desktop, theirs)

    # The visitor's node, and the colleague's: only the chat window and the colleague notice.
    await pair.first.kill()
    await ours.say("Bob Tailor", "Your node is gone.")
    await talk.asks("And how warm is its light?")
    await talk.answers("2,700 kelvin.")
    await talk.is_whole()
    await is_calm(desktop)
    await expect(shop.status).to_contain_text("Ann Weaver")
    await expect(theirs.line("Your node is gone.")).to_have_count(1, timeout=TAKEN_OVER_MS)
    await expect(theirs.lines).to_have_count(3)
    await pair.first.start()
    await until(lambda: pair.knows(pair.second, pair.first))

    await is_lost_calmly(talk, pair.second, "It comes with a bulb.")
    await talk.asks("Lovely, thank you!")
    await expect(desktop.online).to_be_visible(timeout=TAKEN_OVER_MS)
    await talk.is_whole()
    await desktop.finish("Solved")
    await talk.is_kept(pair.first)
    await are_unreloaded(desktop.page, shop.page)
