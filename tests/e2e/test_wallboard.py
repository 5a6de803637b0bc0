"""The wallboard beside the work: a number moves, leads to what is behind it, and moves back."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import NewPage
from tests.e2e.house import PASSWORD, House, until
from tests.e2e.test_access import findings
from tests.support.browser import Desktop, Widget

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]
WORDS = "Is the brass lamp dimmable?"


async def figure(page: Page, name: str) -> int:
    """What stands in the tile of this name."""
    tile = page.get_by_role("region", name="Right now").locator(".tile").filter(has_text=name)
    return int(await tile.first.locator(".tile-value").inner_text())


async def open_board(house: House, page: Page) -> None:
    await page.goto(f"{house.node.url}/supervisor/#/wallboard")
    await page.get_by_label("Name").fill(await house.hire("Sam Okafor", "supervisor"))
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()


@pytest.mark.timeout(120)
async def test_a_chat_that_waits_is_counted_leads_to_its_item_and_is_gone_once_accepted(
    house: House, new_page: NewPage, say: Callable[[str], None]
) -> None:
    board = await new_page()
    await open_board(house, board)
    waiting, in_hand = await figure(board, "Waiting"), await figure(board, "In hand")

    customer = await new_page()
    await customer.goto(house.town.url)
    chat = Widget(customer)
    await chat.open()
    await chat.say(WORDS)
    began = time.monotonic()

    async def counted() -> bool:
        return await figure(board, "Waiting") == waiting + 1

    await until(counted)
    say(f"on the wallboard {time.monotonic() - began:.1f} s after the customer wrote")

    await board.get_by_role("button", name=re.compile("^Waiting")).first.click()
    behind = board.get_by_role("complementary", name="Waiting")
    await expect(behind.get_by_role("button", name=re.compile(re.escape(WORDS)))).to_be_visible()
    assert await findings(board) == []
    await behind.get_by_role("button", name="Close").click()

    agent = Desktop(await new_page())
    await agent.sign_in(house.node.url, await house.hire("Wanda Ives"), PASSWORD)
    await agent.go_ready()
    await agent.accept(WORDS)

    async def gone() -> bool:
        figures = await figure(board, "Waiting"), await figure(board, "In hand")
        return figures == (waiting, in_hand + 1)

    await until(gone)
    await board.get_by_role("button", name="At work").click()
    people = board.get_by_role("complementary", name="At work")
    await expect(people.get_by_text("Wanda Ives")).to_be_visible()
    await agent.finish("Solved")
