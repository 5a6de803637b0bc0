"""The demo as a newcomer meets it."""

import re
import time
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import NewPage
from tests.e2e.demohouse import demo
from tests.support.browser import Desktop, Widget
from tests.support.saying import Say

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_the_printed_link_signs_in_and_work_is_offered(
    tmp_path: Path, new_page: NewPage, say: Say
) -> None:
    page = await new_page()
    async with demo(tmp_path) as links:
        followed = time.monotonic()
        await page.goto(links["desktop"])
        desktop = Desktop(page)
        await desktop.go_ready()
        await expect(desktop.offers.first).to_contain_text("Why you:")
        seconds = time.monotonic() - followed
        say(f"demo: the first offer {seconds:.1f} s after the link was followed")
        assert "token" not in page.url
        await page.keyboard.press("Alt+a")
        await expect(desktop.rows.first).to_be_visible()


def agent_in(page: Page) -> Desktop:
    """The desktop inside the demo's page."""
    frame = page.frame_locator('iframe[title="The agent\'s desktop"]')
    return Desktop(page, frame.locator("html"))


@pytest.mark.timeout(120)
async def test_as_its_customer_one_writes_is_answered_and_sees_a_killed_node_heal(
    tmp_path: Path, new_page: NewPage
) -> None:
    page = await new_page()
    async with demo(tmp_path, "--quiet") as links:
        await page.goto(links["demo"])
        agent = agent_in(page)
        await agent.go_ready()
        await page.get_by_label("Subject").fill("My parcel is late")
        await page.get_by_label("What is it about?").fill("I ordered a lamp last week.")
        await page.get_by_role("button", name="Send mail").click()
        await expect(agent.offer("My parcel is late")).to_contain_text("You, the customer")
        await agent.click_accept("My parcel is late")
        await expect(agent.message("I ordered a lamp")).to_have_count(1)

        await page.get_by_role("tab", name="Chat").click()
        chat = Widget(page)
        await expect(chat.input.or_(chat.launcher).first).to_be_visible()
        if not await chat.input.is_visible():
            await chat.open()
        await chat.say("And where do I find the invoice?")
        await expect(agent.offer("invoice")).to_be_visible()

        await page.get_by_role("button", name="Kill the node").click()
        await expect(page.get_by_text("The node is dead.")).to_be_visible()
        await expect(agent.healing).to_be_visible()
        await expect(page.get_by_text(re.compile(r"Back after .* Nothing was lost"))).to_be_visible(
            timeout=120_000
        )
        await expect(agent.online).to_be_visible(timeout=120_000)

        await agent.click_accept("invoice")
        await agent.send("It is in your account, under Orders.")
        await expect(chat.message("under Orders")).to_have_count(1)
        await agent.open("My parcel is late")
        await agent.send("Your lamp left us this morning.")
        await page.get_by_role("tab", name="Inbox").click()
        inbox = page.get_by_role("region", name="You are the customer")
        await expect(inbox.get_by_text("Your lamp left us this morning.")).to_have_count(1)
        await expect(inbox.get_by_text("answers your mail")).to_have_count(1)


@pytest.mark.timeout(120)
async def test_of_two_nodes_one_is_killed_and_the_demo_goes_on_at_the_other(
    tmp_path: Path, new_page: NewPage
) -> None:
    page = await new_page()
    async with demo(tmp_path, "--quiet", "--nodes", "2") as links:
        await page.goto(links["demo"])
        agent = agent_in(page)
        await agent.go_ready()
        await page.get_by_role("tab", name="Chat").click()
        chat = Widget(page)
        await chat.input.wait_for()
        await chat.say("Does the lamp come in green?")
        await agent.click_accept("in green")
        await agent.send("It does, in mint.")
        await expect(chat.message("in mint")).to_have_count(1)

        await page.get_by_role("button", name="Kill demo-1").click()
        await expect(page.get_by_text("dead, back in a moment")).to_be_visible()
        await expect(page.get_by_role("button", name="Kill demo-2")).to_be_disabled()
        await expect(agent.healing).to_be_visible()
        await expect(agent.online).to_be_visible(timeout=120_000)
        await agent.send("And in moss green.")
        await expect(chat.message("moss green")).to_have_count(1)
        await expect(chat.message("in mint")).to_have_count(1)
