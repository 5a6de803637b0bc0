"""What a customer is owed, at the desktop: a promise by the keyboard, a call and how it went."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from channels.webchat.protocol import Callme, Hello, Ok, Send, Welcome
from tests.e2e.conftest import NewPage
from tests.support.browser import Desktop
from tests.support.chatserver import visiting
from tests.support.process import NodeProcess

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(240),
]

PASSWORD = "correct horse battery"
NUMBER = "+49 30 1234567"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeProcess]:
    one = NodeProcess(tmp_path, [{"kind": "webchat", "name": "site"}])
    try:
        await one.start()
        await one.call("PUT", "/api/v1/agents/ana", {"display_name": "Ana", "password": PASSWORD})
        yield one
    finally:
        await one.clean_up()


async def test_a_promise_by_the_keyboard_and_a_call_that_nobody_answers(
    node: NodeProcess, new_page: NewPage, tmp_path: Path
) -> None:
    page = await new_page()
    ana = Desktop(page)
    await ana.sign_in(node.url, "ana", PASSWORD)
    await ana.go_ready()
    async with visiting(f"{node.ws}/chat/v1") as visitor:
        await visitor.say(Hello(channel="site"))
        await visitor.until(Welcome)
        await visitor.say(Send(id="the-first", body="My lamp is broken"))
        await visitor.until(Ok)
        await ana.accept("My lamp is broken")
        await page.locator("#conversation").focus()
        await page.keyboard.press("p")
        await page.get_by_label("What is promised").fill("A new shade")
        await page.get_by_role("button", name="in 4 h").click()
        await page.get_by_role("dialog").get_by_role("button", name="Promise").click()
        promise = page.get_by_test_id("promise")
        await expect(promise).to_contain_text("A new shade")
        await expect(promise).to_contain_text("by ")
        await expect(ana.row("A new shade")).to_be_visible()
        await visitor.say(Callme(id="callme-one", number=NUMBER))
        await visitor.until(Ok)
    await page.locator("#conversation").focus()
    await page.keyboard.press("b")
    await expect(page.get_by_role("dialog")).to_contain_text("Without a time")
    await page.screenshot(path=tmp_path / "dialog.png")
    await page.keyboard.press("Escape")
    await ana.open("My lamp is broken")
    await page.locator("#conversation").focus()
    await page.keyboard.press("e")
    await ana.wrapup.get_by_role("button", name="Complete").click()
    await expect(ana.offers).to_have_count(1)
    await expect(ana.offers).to_contain_text("My lamp is broken")
    await page.keyboard.press("Alt+a")
    await expect(page.get_by_test_id("to-call")).to_contain_text(NUMBER)
    await expect(promise).to_have_count(1)
    for width, theme in ((1280, "light"), (1280, "dark"), (390, "light")):
        await page.set_viewport_size({"width": width, "height": 800})
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        await expect(page.get_by_test_id("to-call")).to_be_visible()
        await page.screenshot(path=tmp_path / f"owed-{width}-{theme}.png")
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.locator("#conversation").focus()
    await page.keyboard.press("e")
    await ana.wrapup.get_by_role("radio", name="Not reached").check()
    await ana.wrapup.get_by_role("button", name="Complete").click()
    await expect(ana.wrapup).to_have_count(0)
    found = (await node.call("GET", "/api/v1/items?state=scheduled"))["items"]
    assert sorted("promise" in item for item in found) == [False, True]
    (called,) = [item for item in found if "callback" in item]
    assert called["callback"]["attempts"] == 1
