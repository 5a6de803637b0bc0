"""Chromium, and what people do in it: an agent at the desktop, a visitor in the chat window.

Everything is found by role, label or test id, and everything waits for a fact.
"""

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STATIC = Path(__file__).parents[2] / "push" / "static"
PATIENCE_MS = 45_000
"""How long a fact may take on a busy machine; nothing waits longer than the fact needs."""


def chromium() -> str:
    """Chromium's path; skips the test where there is none, fails it where CI is set."""
    missing = ""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        missing = "needs Chromium: apt-get install chromium"
    elif not (STATIC / "index.html").is_file():
        missing = "needs the web pages: make web"
    if missing and os.environ.get("CI"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return str(found)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A browser of our own, without a window."""
    path = chromium()
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield running
        finally:
            await running.close()


class Desktop:
    """An agent's page, or the part of a page that ``within`` names."""

    def __init__(self, page: Page, within: Locator | None = None) -> None:
        self.page = page
        self.root = root = within or page.locator("html")
        self.offers = root.get_by_role("region", name="Offers").get_by_role("article")
        self.work = root.get_by_role("navigation", name="My work")
        self.rows = self.work.get_by_role("button").filter(has_not_text="Go ready")
        self.current = self.work.locator("[aria-current=true]")
        self.thread = root.get_by_role("log", name="Conversation")
        self.messages = self.thread.get_by_role("article")
        self.customer = root.get_by_role("complementary", name="Customer")
        self.answer = root.get_by_label("Your answer")
        self.wrapup = root.get_by_role("form", name="Wrap up")
        self.healing = root.get_by_role("status").filter(has_text="Reconnecting…")
        self.online = root.get_by_role("banner").get_by_text("Online", exact=True)
        self.ready = root.get_by_role("button", name=re.compile("^Ready"), pressed=True)

    async def sign_in(self, url: str, name: str, password: str) -> None:
        """Through the form, as a person does."""
        await self.page.goto(f"{url}/desktop/")
        await self.page.get_by_label("Name").fill(name)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.work).to_be_visible()
        await expect(self.online).to_be_visible()

    async def go_ready(self) -> None:
        await self.root.get_by_role("button", name="Go ready", exact=True).click()
        await expect(self.ready).to_be_visible()

    def offer(self, text: str) -> Locator:
        return self.offers.filter(has_text=text)

    async def accept(self, text: str) -> None:
        """By the keyboard, once the offer with this text is there."""
        await expect(self.offer(text)).to_be_visible()
        await self.page.keyboard.press("Alt+a")
        await self._opened(text)

    async def click_accept(self, text: str) -> None:
        """The same by the mouse."""
        await self.offer(text).get_by_role("button", name="Accept").click()
        await self._opened(text)

    async def _opened(self, text: str) -> None:
        """Only then does the composer belong to the accepted item."""
        await expect(self.offer(text)).to_have_count(0)
        await expect(self.current.filter(has_text=text)).to_be_visible()

    def row(self, text: str) -> Locator:
        return self.rows.filter(has_text=text)

    async def open(self, text: str) -> None:
        await self.row(text).click()
        await expect(self.current.filter(has_text=text)).to_be_visible()

    def message(self, text: str) -> Locator:
        return self.messages.filter(has_text=text)

    async def send(self, text: str) -> None:
        await self.answer.fill(text)
        await self.answer.press("Control+Enter")
        await expect(self.answer).to_have_value("")

    async def finish(self, code: str, *, not_for_me: str = "") -> None:
        """Wrap the open item up with this code, and say why it came to the wrong person."""
        await self.root.get_by_role("button", name="Finish", exact=True).click()
        await self.wrapup.get_by_role("radio", name=code).check()
        if not_for_me:
            await self.wrapup.get_by_label("Not for me").select_option(label=not_for_me)
        await self.wrapup.get_by_role("button", name="Complete").click()
        await expect(self.wrapup).to_have_count(0)


class Colleagues:
    """The panel in which an agent talks to colleagues, and its button."""

    def __init__(self, desktop: Desktop) -> None:
        self.desktop = desktop
        self.page = desktop.page
        self.panel = self.page.get_by_role("complementary", name="Colleagues")
        self.button = self.page.get_by_role("banner").get_by_role(
            "button", name=re.compile("^Colleagues")
        )
        self.lines = self.panel.get_by_role("log").get_by_role("article")

    async def write(self, who: str, text: str) -> None:
        """Begin a chat by the palette, or go on with it."""
        await self.page.keyboard.press("Control+k")
        await self.page.get_by_role("combobox").fill(who)
        await expect(self.page.get_by_role("option", selected=True)).to_have_text(f"Write to {who}")
        await self.page.keyboard.press("Enter")
        await self.say(who, text)

    async def say(self, who: str, text: str) -> None:
        box = self.panel.get_by_label(f"Write to {who}")
        await box.fill(text)
        await box.press("Enter")
        await expect(box).to_have_value("")

    async def has_unread(self, count: int) -> None:
        """It is in sight, whatever else is open."""
        name = f"Colleagues: {count} unread" if count else "Colleagues"
        await expect(self.button).to_have_attribute("aria-label", name)

    async def read(self, who: str) -> None:
        """By the button, out of the list."""
        await self.button.click()
        await self.panel.get_by_role("list", name="Chats").get_by_role("button", name=who).click()
        await self.has_unread(0)

    def line(self, text: str) -> Locator:
        return self.lines.filter(has_text=text)


class Widget:
    """The chat window on somebody's page; Playwright sees into its open shadow root."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.launcher = page.get_by_test_id("launcher")
        self.input = page.get_by_test_id("input")
        self.messages = page.get_by_test_id("message")
        self.mark = page.get_by_test_id("mark")
        self.typing = page.get_by_test_id("typing")
        self.status = page.get_by_test_id("status")
        self.notice = page.get_by_test_id("notice")
        self.number = page.get_by_test_id("number")

    async def open(self) -> None:
        await self.launcher.click()
        await expect(self.input).to_be_visible()

    async def say(self, text: str) -> None:
        await self.input.fill(text)
        await self.input.press("Enter")
        await expect(self.input).to_have_value("")

    def message(self, text: str) -> Locator:
        return self.messages.filter(has_text=text)
