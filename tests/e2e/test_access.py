"""Every page for everybody: no serious finding of axe-core, wide in light and narrow in dark."""

import asyncio
import os
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.e2e.conftest import NewPage
from tests.e2e.house import PASSWORD, House
from tests.e2e.letters import parcel
from tests.support.browser import Desktop, Widget
from tests.support.dovecot import Dovecot

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

AXE = Path(__file__).parents[2] / "push/web/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LOOKS: tuple[tuple[int, int, Literal["light", "dark"]], ...] = (
    (1440, 900, "light"),
    (375, 812, "dark"),
)
"""Each theme and each size once: colours belong to the theme, order and places to the size."""

# Two seconds at most: a browser on a busy machine may stop drawing frames, and with them the
# animations, until something else makes it draw. What is measured then is what stands.
SETTLED = """Promise.race([
  new Promise((late) => setTimeout(late, 2000)),
  Promise.allSettled(document.getAnimations().map((one) => one.finished)).then(
    () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))),
])"""
LOOK_SECONDS = 60.0
"""After which one look at a page counts as stuck; Playwright waits for an evaluation for ever."""


async def findings(page: Page) -> list[str]:
    """What is serious or critical on the page as it stands, in every look."""
    if not AXE.is_file() and not os.environ.get("CI"):
        pytest.skip("needs the web app's development packages: make web-test")
    found: list[str] = []
    for width, height, theme in LOOKS:
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        async with asyncio.timeout(LOOK_SECONDS):
            if not await page.evaluate("'axe' in window"):
                await page.evaluate(AXE.read_text())
            await page.evaluate(SETTLED)
            result: dict[str, Any] = await page.evaluate(
                "(tags) => axe.run(document, {runOnly: tags, iframes: false})", RULES
            )
        found += [
            f"{theme} {width}: {one['id']} {node['html'][:160]} {node['any'][:1]}"
            for one in result["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
        wider = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if wider > 0:
            found.append(f"{theme} {width}: the page is {wider} px too wide")
    await page.set_viewport_size({"width": 1440, "height": 900})
    return found


@pytest.mark.timeout(120)
async def test_the_desktop_is_for_everybody_from_sign_in_to_wrap_up(
    house: House, new_page: NewPage, dovecot: Dovecot
) -> None:
    page = await new_page()
    await page.goto(f"{house.node.url}/desktop/")
    await page.get_by_label("Name").wait_for()
    assert await findings(page) == []
    desktop = Desktop(page)
    await desktop.sign_in(house.node.url, await house.hire("Axel Able"), PASSWORD)
    assert await findings(page) == []
    await desktop.go_ready()
    await dovecot.delivered(parcel("A bent arm", "It is bent.\n", "<arm@c.example>"))
    await expect(desktop.offer("A bent arm")).to_be_visible()
    assert await findings(page) == []
    await desktop.accept("A bent arm")
    await desktop.messages.get_by_role("button", name="from Bob.eml").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Linen")
    assert await findings(page) == []
    await page.keyboard.press("Escape")
    await desktop.send("A new arm is on its way.")
    await expect(desktop.message("new arm")).to_contain_text("Sent")
    assert await findings(page) == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("e")
    await expect(desktop.wrapup).to_be_visible()
    await page.keyboard.press("Space")
    assert await findings(page) == []
    await page.keyboard.press("Control+Enter")
    await house.ended("A bent arm")


@pytest.mark.timeout(120)
async def test_the_chat_is_for_everybody_at_both_ends(house: House, new_page: NewPage) -> None:
    page, shop = await new_page(), await new_page()
    desktop = Desktop(page)
    await desktop.sign_in(house.node.url, await house.hire("Bea Able"), PASSWORD)
    await desktop.go_ready()
    await shop.goto(house.town.url)
    widget = Widget(shop)
    await widget.open()
    await widget.say("Does it fold?")
    await desktop.accept("Does it fold?")
    await desktop.send("It does.")
    await expect(widget.message("It does.")).to_have_count(1)
    program = FilePayload(name="setup.exe", mimeType="image/png", buffer=b"MZ\x90\0" + bytes(99))
    words = FilePayload(name="list.txt", mimeType="text/plain", buffer=b"one, two")
    await shop.get_by_test_id("file-input").set_input_files([program, words])
    await expect(shop.get_by_test_id("file")).to_have_count(1)
    await expect(shop.get_by_test_id("upload")).to_have_attribute("data-state", "failed")
    await shop.get_by_test_id("edit").click()
    assert await findings(page) == []
    assert await findings(shop) == []
    await desktop.finish("Solved")
    await shop.get_by_test_id("rate").locator("label").nth(2).click()
    assert await findings(shop) == []


@pytest.mark.timeout(120)
async def test_the_other_pages_are_for_everybody(house: House, new_page: NewPage) -> None:
    page = await new_page()
    await page.goto(house.node.url)
    await page.get_by_label("Name").wait_for()
    assert await findings(page) == []
    await house.node.call("POST", "/api/v1/tasks", {"title": "Look at me", "priority": 9})
    await page.goto(f"{house.node.url}/supervisor/")
    await page.get_by_label("Name").fill(await house.hire("Cleo Able", "admin"))
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Look at me").click()
    await page.get_by_role("complementary").get_by_role("listitem").first.wait_for()
    assert await findings(page) == []
    for part in ("reviews", "misrouted"):
        await page.goto(f"{house.node.url}/supervisor/#/{part}")
        await page.get_by_role("main").get_by_role("heading").first.wait_for()
        await expect(page.get_by_role("status", name="Loading…")).to_have_count(0)
        assert await findings(page) == [], part
    for part in ("channels", "agents", "queues", "skills", "codes", "outbox", "tokens"):
        await page.goto(f"{house.node.url}/admin/#/{part}")
        await page.get_by_role("main").get_by_role("heading").first.wait_for()
        await expect(page.get_by_role("status", name="Loading…")).to_have_count(0)
        assert await findings(page) == [], part
        await page.set_viewport_size({"width": 375, "height": 812})
        here = page.get_by_role("navigation", name="Admin").locator("[aria-current=page]")
        await expect(here).to_be_in_viewport(ratio=1)
    for part, add in (
        ("canned", "Add a canned reply"),
        ("letters", "Add a letter"),
        ("channels", "Add a mailbox"),
    ):
        await page.goto(f"{house.node.url}/admin/#/{part}")
        await page.get_by_role("button", name=add).click()
        await page.get_by_role("dialog").get_by_role("button", name="Save").wait_for()
        assert await findings(page) == [], part
        await page.keyboard.press("Escape")


@pytest.mark.timeout(120)
async def test_what_the_house_has_settled_is_for_everybody(house: House, new_page: NewPage) -> None:
    await house.settle()
    page = await new_page()
    await page.goto(f"{house.node.url}/supervisor/#/queues")
    await page.get_by_label("Name").fill(await house.hire("Dora Able", "admin"))
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    for part in ("queues", "hours", "promises", "rules"):
        await page.goto(f"{house.node.url}/supervisor/#/{part}")
        await page.get_by_role("cell").first.wait_for()
        assert await findings(page) == [], part
    await page.get_by_label("What is written").fill("I want a refund")
    await page.get_by_role("button", name="Try it").click()
    await page.get_by_role("heading", name="Goes to").wait_for()
    assert await findings(page) == []
    await page.goto(f"{house.node.url}/admin/#/rules")
    await page.get_by_role("cell").first.wait_for()
    assert await findings(page) == []
