"""What goes wrong on the way in is said where a person sees it, and stops nothing else."""

import aiohttp
import pytest
from playwright.async_api import Locator, Request, expect

from tests.e2e.conftest import NewPage
from tests.e2e.house import PASSWORD, House, until
from tests.e2e.letters import letter
from tests.support.browser import Desktop
from tests.support.dovecot import Dovecot

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

HOSTILE = """<html><head><title>x</title><script>parent.document.title = 'broken'</script>
<meta http-equiv="refresh" content="0;url=https://tracker.example/away"></head>
<body onload="parent.document.title = 'broken'">
<p>Dear <b>support</b>, my lamp <a href="javascript:alert(1)">hums</a>.</p>
<img src="https://tracker.example/pixel.gif" width="1" height="1">
<form action="https://tracker.example/post"><input name="password"><button>Go</button></form>
<iframe src="https://tracker.example/frame"></iframe>
</body></html>"""


@pytest.mark.timeout(60)
async def test_a_wrong_password_is_said_and_the_right_one_lets_in(
    house: House, new_page: NewPage
) -> None:
    page = await new_page()
    name = await house.hire("Ann Weaver")
    await page.goto(f"{house.node.url}/desktop/")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill("not this one")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text("Name or password is wrong")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(Desktop(page).work).to_be_visible()


@pytest.mark.timeout(60)
async def test_a_token_that_ends_sends_back_to_the_sign_in(house: House, new_page: NewPage) -> None:
    name = await house.hire("Ben Castle")
    token = await house.node.call("POST", "/api/v1/tokens", {"agent": name, "role": "agent"})
    page = await new_page()
    await page.goto(f"{house.node.url}/desktop/#token={token['token']}")
    await expect(Desktop(page).online).to_be_visible()
    assert "token" not in page.url
    await house.node.call("DELETE", f"/api/v1/tokens/{token['id']}")
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(page.get_by_text("Your sign-in has ended")).to_be_visible()

    for where in ("desktop", "supervisor", "admin"):
        other = await new_page()
        await other.goto(f"{house.node.url}/{where}/#token=never-was-one")
        await expect(other.get_by_role("button", name="Sign in")).to_be_visible()
        await expect(other.get_by_text("Your sign-in has ended")).to_be_visible()


@pytest.mark.timeout(60)
async def test_a_hostile_mail_is_shown_harmless_and_asks_nobody_outside(
    house: House, new_page: NewPage, dovecot: Dovecot
) -> None:
    page = await new_page()
    outside: list[str] = []

    def note(request: Request) -> None:
        if "tracker.example" in request.url:
            outside.append(request.url)

    page.on("request", note)
    desktop = Desktop(page)
    await desktop.sign_in(house.node.url, await house.hire("Cara Dunn"), PASSWORD)
    await desktop.go_ready()
    mail = letter("It hums", "My lamp hums.\n", "<hum@customer.example>", html=HOSTILE)
    await dovecot.delivered(mail)
    await desktop.accept("It hums")
    element = page.locator("iframe[title='Content of the mail']")
    await expect(element).to_have_attribute("sandbox", "")
    frame = page.frame_locator("iframe[title='Content of the mail']")
    await expect(frame.get_by_text("support", exact=True)).to_be_visible()
    for tag in ("script", "form", "input", "iframe", "meta[http-equiv=refresh]", "[onload]"):
        await expect(frame.locator(tag)).to_have_count(0)
    await expect(frame.locator("a[href^='javascript:']")).to_have_count(0)
    await expect(page.locator("a[href^='javascript:']")).to_have_count(0)
    await expect(frame.locator("img[src^='http']")).to_have_count(0)
    assert "broken" not in await page.title()
    assert outside == []
    await desktop.finish("Solved")
    item = await house.ended("It hums")
    said = await house.said(item["number"])
    assert "<script" not in (said[0]["html"] or "")


@pytest.mark.timeout(60)
async def test_a_wrong_mailbox_password_parks_that_channel_alone_and_says_why(
    house: House, new_page: NewPage
) -> None:
    async def degraded() -> bool:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{house.node.url}/readyz") as answer,
        ):
            state = await answer.json()
            assert answer.status == 200
            return state["status"] == "degraded" and "support" in state["channels"]

    await until(degraded)
    page = await new_page()
    name = await house.hire("Alex Berg", role="admin")
    await page.goto(f"{house.node.url}/admin/")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    rows = page.get_by_role("table", name="Channels").get_by_role("row")

    def row(channel: str) -> Locator:
        return rows.filter(has=page.get_by_text(channel, exact=True))

    sales = row("sales")
    await expect(sales).to_contain_text("Parked")
    await expect(sales).to_contain_text("Sign-in refused")
    await expect(sales).to_contain_text("password")
    await expect(sales).not_to_contain_text("bad_credentials")
    for other in ("support", "site", "office"):
        await expect(row(other)).to_contain_text("Up")
    filed = await house.node.call("POST", "/api/v1/tasks", {"title": "Runs on"})
    assert (await house.item("Runs on"))["id"] == filed["id"]
