"""Words go where the agent looks: never into the item that was open a moment ago."""

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.e2e.conftest import NewPage
from tests.e2e.house import PASSWORD, House
from tests.support.browser import Desktop

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


class SlowNode:
    """Between a desktop and its node: what the node says can be held back, and let go again."""

    def __init__(self) -> None:
        self.holding = False
        self._held: list[str | bytes] = []
        self._page: WebSocketRoute | None = None

    async def stand_between(self, page: Page) -> None:
        await page.route_web_socket("**/agent/v1", self._connect)

    def _connect(self, page: WebSocketRoute) -> None:
        self._page = page
        node = page.connect_to_server()
        node.on_message(self._say)

    def _say(self, frame: str | bytes) -> None:
        assert self._page is not None
        if self.holding:
            self._held.append(frame)
        else:
            self._page.send(frame)

    def let_go(self) -> None:
        self.holding = False
        frames, self._held = self._held, []
        for frame in frames:
            self._say(frame)


async def ready(house: House, page: Page, shown: str) -> Desktop:
    desktop = Desktop(page)
    await desktop.sign_in(house.node.url, await house.hire(shown), PASSWORD)
    await desktop.go_ready()
    return desktop


async def file(house: House, title: str) -> None:
    await house.node.call("POST", "/api/v1/tasks", {"title": title, "body": f"About {title}."})


@pytest.mark.timeout(60)
@pytest.mark.parametrize("by", ["key", "mouse"])
async def test_what_is_typed_right_after_accepting_stands_in_the_accepted_item(
    house: House, new_page: NewPage, by: str
) -> None:
    page = await new_page()
    slow = SlowNode()
    await slow.stand_between(page)
    desktop = await ready(house, page, f"Tess {by}")
    first, second = f"The first by {by}", f"The second by {by}"
    await file(house, first)
    await desktop.accept(first)
    await desktop.answer.press_sequentially("For the first, ")
    await file(house, second)
    await expect(desktop.offer(second)).to_be_visible()

    slow.holding = True
    if by == "key":
        await page.keyboard.press("Alt+a")
    else:
        await desktop.offer(second).get_by_role("button", name="Accept").click()
    await page.keyboard.type("we write to the second")
    await expect(desktop.current.filter(has_text=second)).to_be_visible()
    await expect(desktop.answer).to_have_value("we write to the second")
    await expect(desktop.answer).to_be_focused()
    send = page.get_by_role("button", name="Send", exact=False).first
    await expect(send).to_be_disabled()
    slow.let_go()

    await page.keyboard.type(", at length")
    await expect(send).to_be_enabled()
    await page.keyboard.press("Control+Enter")
    await expect(desktop.message("we write to the second, at length")).to_have_count(1)
    await desktop.open(first)
    await expect(desktop.answer).to_have_value("For the first, ")
    await desktop.finish("Solved")
    await desktop.open(second)
    await desktop.finish("Solved")
    await house.ended(second)


@pytest.mark.timeout(60)
async def test_after_an_offer_that_had_gone_words_reach_no_other_item(
    house: House, new_page: NewPage
) -> None:
    page = await new_page()
    slow = SlowNode()
    await slow.stand_between(page)
    desktop = await ready(house, page, "Udo Late")
    await file(house, "Stays here")
    await desktop.accept("Stays here")
    await file(house, "Goes away")
    await expect(desktop.offer("Goes away")).to_be_visible()
    slow.holding = True
    item = await house.item("Goes away")
    closed = {"code": "solved", "reason": "done by telephone"}
    await house.node.call("POST", f"/api/v1/items/{item['id']}/close", closed)
    await page.keyboard.press("Alt+a")
    await page.keyboard.type("we are too late")
    slow.let_go()
    await expect(page.get_by_text("This offer is no longer open")).to_be_visible()
    await expect(desktop.answer).to_have_count(0)
    await page.keyboard.type("wet paint")  # w, e and t are keys of their own outside of a text
    await desktop.open("Stays here")
    await expect(desktop.answer).to_have_value("")
    said = await house.said((await house.item("Stays here"))["number"])
    assert [one["direction"] for one in said if one["direction"] != "system"] == ["in"]
    await desktop.finish("Solved")


@pytest.mark.timeout(60)
async def test_stepping_to_the_next_item_while_writing_goes_on_writing_there(
    house: House, new_page: NewPage
) -> None:
    page = await new_page()
    desktop = await ready(house, page, "Vera Step")
    for title in ("Step one", "Step two"):
        await file(house, title)
        await desktop.accept(title)
    await page.keyboard.type("we are at two")
    await page.keyboard.press("Alt+ArrowUp")
    await page.keyboard.type("we are at one")
    await expect(desktop.current.filter(has_text="Step one")).to_be_visible()
    await expect(desktop.answer).to_have_value("we are at one")
    await page.keyboard.press("Escape")
    await page.keyboard.press("n")
    await page.keyboard.type("a note")
    await expect(page.get_by_label("Your note")).to_have_value("a note")
    await desktop.open("Step two")
    await expect(desktop.answer).to_have_value("we are at two")
    await expect(desktop.answer).not_to_be_focused()
    for title in ("Step two", "Step one"):
        await desktop.open(title)
        await desktop.finish("Solved")
