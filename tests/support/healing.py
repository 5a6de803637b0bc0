"""Pictures of a desktop and a chat window while their connection is mended.

Two real nodes over one PostgreSQL: both are killed, one comes back and takes the other over.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, WebSocketRoute, expect

from gateway.store.embedded import EmbeddedServer
from gateway.store.opening import create_database
from tests.e2e.house import PASSWORD
from tests.e2e.pair import Pair
from tests.support.browser import Desktop, Widget
from tests.support.scene import Scene, new_page

LONG_MS = 60_000
REASON = "east, where you were, is not serving; its work is being taken over"
WAITING = f'{{"t": "waiting", "reason": "{REASON}"}}'


@asynccontextmanager
async def _pair(path: Path) -> AsyncIterator[Pair]:
    server = EmbeddedServer(path / "database")
    (path / "database").mkdir(parents=True)
    await server.start()
    pair = Pair(path, server.dsn)
    try:
        await create_database(server.dsn)
        await pair.start()
        yield pair
    finally:
        await pair.stop()
        await server.stop()


async def healing(chrome: Browser, path: Path, out: Path, written: list[Path]) -> None:
    """A chat under way, and how its two screens look while nobody, then the other node, serves."""
    async with _pair(path) as pair:
        ann = await pair.hire("Ann Weaver")
        await pair.start_second()
        desk = Scene(await new_page(chrome), out, written)
        shop = Scene(await new_page(chrome), out, written)
        desktop, chat = Desktop(desk.page), Widget(shop.page)
        await desktop.sign_in(pair.first.url, ann, PASSWORD)
        await desktop.go_ready()
        await shop.page.goto(pair.town.url)
        await chat.open()
        await chat.say("Does the floor lamp come in green?")
        await desktop.accept("floor lamp")
        await desktop.send("It does, in moss green and in mint.")
        await expect(chat.message("moss green")).to_have_count(1)
        moved = f'{{"t": "moved", "url": "{pair.second.ws}/agent/v1", "reason": "upgrade"}}'
        page = await _told(chrome, pair, moved, "another node")
        await Scene(page, out, written).keep("healing-desktop-moved")
        page = await _told(chrome, pair, WAITING, "What it waits for")
        await Scene(page, out, written).keep("healing-desktop-waiting")

        await pair.second.kill()
        await pair.first.kill()
        await expect(desktop.healing).to_be_visible()
        await desk.keep("healing-desktop")
        await desktop.send("Both are in stock.")
        await chat.say("Mint, then.")
        await expect(chat.notice).to_contain_text("Reconnecting…")
        await desk.keep("healing-desktop-unsent")
        await shop.keep("healing-widget")
        await expect(chat.notice).to_contain_text("Still reconnecting…", timeout=LONG_MS)
        await desk.keep("healing-desktop-long")
        await shop.keep("healing-widget-long")

        await pair.second.start()
        await expect(desktop.online).to_be_visible(timeout=LONG_MS)
        await expect(desktop.message("Mint, then.")).to_have_count(1)
        await desk.keep("healing-desktop-healed")
        await desk.page.context.set_offline(offline=True)
        await shop.page.context.set_offline(offline=True)
        await pair.second.kill()
        await expect(desktop.healing).to_contain_text("offline")
        await desk.keep("healing-desktop-offline")
        await shop.keep("healing-widget-offline")


async def _told(chrome: Browser, pair: Pair, frame: str, says: str) -> Page:
    """A desktop that is answered nothing but this: it usually lasts too short a time to be seen."""

    def silent(_: WebSocketRoute) -> None:
        return

    def answer(route: WebSocketRoute) -> None:
        route.send(frame)

    ben = await pair.hire("Ben Castle")
    page = await new_page(chrome)
    await page.route_web_socket(f"{pair.second.ws}/agent/v1", silent)
    await page.route_web_socket(f"{pair.first.ws}/agent/v1", answer)
    await page.goto(f"{pair.first.url}/desktop/")
    await page.get_by_label("Name").fill(ben)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(Desktop(page).healing).to_contain_text(says)
    return page
