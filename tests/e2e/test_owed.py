"""What a customer is owed, at the desktop: a promise by the keyboard, a call and how it went."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from channels.webchat.protocol import Callme, Hello, Ok, Send, Welcome
from tests.e2e.conftest import NewPage
from tests.e2e.house import Town
from tests.support.browser import Desktop, Widget
from tests.support.chatserver import visiting
from tests.support.process import NodeProcess

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(240),
]

PASSWORD = "correct horse battery"
NUMBER = "+49 30 1234567"


@pytest_asyncio.fixture(loop_scope="session")
async def town() -> AsyncIterator[Town]:
    one = Town()
    await one.start()
    yield one
    await one.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def node(tmp_path: Path, town: Town) -> AsyncIterator[NodeProcess]:
    chat = {"kind": "webchat", "name": "site", "origins": [town.url]}
    one = NodeProcess(tmp_path, [chat])
    town.node = one.url
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
        await expect(ana.answer).to_be_focused()  # once, and later it would take the key
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


async def test_who_would_rather_not_wait_is_called_and_may_take_it_back(
    node: NodeProcess, town: Town, new_page: NewPage, tmp_path: Path
) -> None:
    await node.call("PUT", "/api/v1/queues/general", {"callbacks": {"offer_wait": 0}})
    page = await new_page()
    await page.goto(town.url)
    shop = Widget(page)
    await shop.open()
    await shop.say("My lamp is broken")
    await page.get_by_test_id("call-me").click()
    await expect(page.get_by_test_id("call-number")).to_be_focused()
    await page.keyboard.type("12")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("call-error")).to_contain_text("Write it like +44")
    await page.get_by_test_id("call-number").fill("020 7946 0018")
    await page.get_by_test_id("call-day").select_option(index=2)
    await page.get_by_test_id("call-time").select_option(index=1)
    for width, theme in ((1280, "light"), (1280, "dark"), (390, "light")):
        await page.set_viewport_size({"width": width, "height": 800})
        await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        await page.screenshot(path=tmp_path / f"form-{width}-{theme}.png")
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.get_by_test_id("call-send").click()
    card = page.get_by_test_id("call-card")
    await expect(card).to_contain_text("+44 20 7946 0018")
    await page.reload()
    await expect(card).to_contain_text("We call you back")
    await page.screenshot(path=tmp_path / "card.png")
    (item,) = (await node.call("GET", "/api/v1/items?state=scheduled"))["items"]
    assert item["callback"]["number"] == "+44 20 7946 0018"
    await page.get_by_test_id("call-drop").click()
    await expect(card).to_be_hidden()
    assert not (await node.call("GET", "/api/v1/items?state=scheduled"))["items"]
