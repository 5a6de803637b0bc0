"""What a visitor and an agent do in a chat besides writing: files both ways, second thoughts."""

import struct
import zlib

import pytest
from playwright.async_api import FilePayload, Locator, Page, expect

from tests.e2e.conftest import NewPage
from tests.e2e.house import PASSWORD, House, until
from tests.support.browser import Desktop, Widget

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


def picture(width: int = 64, height: int = 48) -> bytes:
    """A PNG that a browser draws."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(
        b"\0" + b"".join(bytes((x * 4 % 256, y * 5 % 256, 120)) for x in range(width))
        for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


async def talk(house: House, new_page: NewPage, first: str) -> tuple[Desktop, Widget]:
    """An agent and a visitor in conversation."""
    name = await house.hire("Ann Weaver")
    desktop = Desktop(await new_page())
    await desktop.sign_in(house.node.url, name, PASSWORD)
    await desktop.go_ready()
    shop = await new_page()
    await shop.goto(house.town.url)
    widget = Widget(shop)
    await widget.open()
    await widget.say(first)
    await desktop.click_accept(first)
    return desktop, widget


async def is_drawn(image: Locator) -> bool:
    return bool(await image.evaluate("image => image.complete && image.naturalWidth > 0"))


async def downloads(page: Page, button: Locator) -> bytes:
    async with page.expect_download() as coming:
        await button.click()
    path = await (await coming.value).path()
    return path.read_bytes()


async def test_files_go_both_ways_and_are_seen_and_saved_at_both_ends(
    house: House, new_page: NewPage
) -> None:
    desktop, widget = await talk(house, new_page, "The shade arrived broken")
    page, png = widget.page, picture()
    files = [
        FilePayload(name="shade.png", mimeType="image/png", buffer=png),
        FilePayload(name="rechnung.txt", mimeType="text/html", buffer=b"No. 4711"),
    ]
    await page.get_by_test_id("file-input").set_input_files(files)

    sent = widget.messages.filter(has=page.get_by_test_id("file"))
    await expect(sent).to_have_count(2)
    await expect(page.get_by_test_id("upload")).to_have_count(0)
    got = desktop.messages.filter(has=desktop.page.get_by_role("img", name="shade.png"))
    await expect(got).to_be_visible()
    assert await is_drawn(got.get_by_role("img", name="shade.png"))
    assert await is_drawn(sent.locator("img"))
    button = desktop.thread.locator("button.file", has_text="rechnung.txt")
    assert await downloads(desktop.page, button) == b"No. 4711"

    await desktop.root.locator("input[type=file]").set_input_files(
        FilePayload(name="label.pdf", mimeType="application/pdf", buffer=b"%PDF-1.7 label")
    )
    await desktop.send("Please send it back with this label")
    answer = widget.message("Please send it back").get_by_test_id("file")
    assert await downloads(page, answer) == b"%PDF-1.7 label"

    await page.reload()
    await expect(sent).to_have_count(3)
    assert await downloads(page, sent.get_by_test_id("file").first) == png


async def test_a_file_that_is_not_taken_says_why_and_can_be_let_go(
    house: House, new_page: NewPage
) -> None:
    _, widget = await talk(house, new_page, "I send you a program")
    page = widget.page
    program = b"MZ\x90\0" + bytes(500)
    bad = FilePayload(name="setup.exe", mimeType="image/png", buffer=program)
    await page.get_by_test_id("file-input").set_input_files([bad])
    row = page.get_by_test_id("upload")
    await expect(row).to_have_attribute("data-state", "failed")
    await expect(row).to_contain_text("Files of this kind cannot be sent")
    await row.get_by_test_id("upload-drop").click()
    await expect(row).to_have_count(0)
    await expect(widget.messages).to_have_count(1)


async def test_second_thoughts_are_seen_at_both_ends(house: House, new_page: NewPage) -> None:
    desktop, widget = await talk(house, new_page, "My lamp is red")
    page = widget.page
    await page.get_by_test_id("edit").click()
    await expect(widget.input).to_have_value("My lamp is red")
    await widget.say("My lamp is green")
    await expect(desktop.message("My lamp is green")).to_contain_text("edited")
    await expect(widget.message("My lamp is green").get_by_test_id("edited")).to_be_visible()
    await expect(desktop.message("My lamp is red")).to_have_count(0)

    await desktop.send("It costs 10 euros")
    bubble = desktop.message("It costs 10 euros")
    await bubble.get_by_role("button", name="Edit").click()
    box = desktop.thread.get_by_label("Edit")
    await box.fill("It costs 12 euros")
    await box.press("Control+Enter")
    await expect(widget.message("It costs 12 euros").get_by_test_id("edited")).to_be_visible()
    await desktop.message("It costs 12 euros").get_by_role("button", name="Take back").click()
    await expect(widget.messages.filter(has=page.get_by_test_id("deleted"))).to_have_count(1)
    await expect(desktop.thread).to_contain_text("This message was taken back")

    await page.get_by_test_id("take-back").click()
    await expect(widget.message("My lamp is green")).to_have_count(0)
    item = (await house.node.call("GET", "/api/v1/items?limit=200"))["items"]
    mine = next(one for one in item if one["subject"] == "My lamp is red")
    said = await house.said(mine["number"])
    assert [one["body"] for one in said] == ["", ""]
    trace = await house.node.call("GET", f"/api/v1/items/{mine['id']}/events")
    assert "My lamp is red" in str(trace)


async def test_the_visitor_says_how_it_went(house: House, new_page: NewPage) -> None:
    desktop, widget = await talk(house, new_page, "Do you repair shades?")
    page = widget.page
    await desktop.send("We do, for twenty years")
    await expect(widget.message("We do")).to_be_visible()
    await expect(page.get_by_test_id("rate")).to_be_hidden()
    await desktop.finish("Explained how it works")
    await expect(page.get_by_test_id("rate")).to_contain_text("How was this chat?")
    await page.get_by_test_id("rate").locator("label").nth(3).click()
    await page.get_by_test_id("rate-comment").fill("Quick")
    await page.get_by_test_id("rate-send").click()
    await expect(page.get_by_test_id("rate")).to_be_hidden()
    item = await house.ended("Do you repair shades?")

    async def rated() -> bool:
        case = await house.node.call("GET", f"/api/v1/cases/{item['number']}")
        return bool(case["rating"] == 4)

    await until(rated)
    await page.reload()
    await expect(widget.message("★★★★☆")).to_contain_text("Quick")
    await expect(page.get_by_test_id("rate")).to_be_hidden()
