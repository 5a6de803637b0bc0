"""Screenshots of every page against a real node, for people to look at.

``python -m tests.support.shots`` writes into ``var/shots/``; ``--readme`` also renews the picture
of the README. The people and their words are always the same.
"""

import argparse
import asyncio
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
from playwright.async_api import Browser, Locator, Page, expect

from gateway.demo.mailserver import Account, DemoMail, Ports
from tests.e2e.demohouse import demo
from tests.e2e.house import ADDRESS, PASSWORD, House
from tests.support.browser import Colleagues, Desktop, Widget, browser
from tests.support.healing import healing
from tests.support.scene import Scene, new_page

ROOT = Path(__file__).parents[2]
OUT = ROOT / "var" / "shots"
README = ROOT / "docs" / "img" / "demo.png"
README_LIMIT = 300_000
RETURN_HTML = """<p>Dear support team,</p>
<p>the <b>Arc floor lamp</b> from order 4711 arrived with a torn shade. I would like</p>
<ul><li>a new shade, if you have it in linen,</li><li>or else my money back.</li></ul>
<p>A picture is at <a href="https://photos.example/torn">photos.example</a>.</p>
<p>Kind regards<br>Rosa Vidal</p>"""
RETURN_TEXT = (
    "Dear support team,\n\nthe Arc floor lamp from order 4711 arrived with a torn shade.\n"
)


async def _write(ports: Ports, name: str, address: str, subject: str, text: str, html: str) -> None:
    mail = EmailMessage()
    mail["From"] = f"{name} <{address}>"
    mail["To"] = ADDRESS
    mail["Subject"] = subject
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    await aiosmtplib.send(
        mail, hostname="127.0.0.1", port=ports.smtp, sender=address, recipients=[ADDRESS]
    )


@asynccontextmanager
async def _house(path: Path) -> AsyncIterator[tuple[House, Ports]]:
    mail = DemoMail([Account(ADDRESS), Account("rosa@customer.example", drop_oldest=True)])
    ports = await mail.start()
    login = {"user": ADDRESS, "password": "demo"}
    parked = {
        "kind": "email",
        "name": "sales",
        "address": "sales@firm.example",
        "imap": {
            **login,
            "host": "127.0.0.1",
            "security": "none",
            "port": ports.imap,
            "user": "sales@firm.example",
            "password": "expired",
        },
        "smtp": {"host": "127.0.0.1", "port": ports.smtp, "security": "none"},
    }
    imap, smtp = {**login, "port": ports.imap}, {**login, "port": ports.smtp}
    house = House(path, imap, smtp, more_channels=[parked])
    try:
        await house.start()
        yield house, ports
    finally:
        await house.stop()
        await mail.stop()


async def _sign_in(page: Page, url: str, name: str) -> None:
    await page.goto(url)
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def _desktop(chrome: Browser, house: House, ports: Ports, scene: Scene) -> None:
    """A day's beginning: nothing, an offer, a mail, a chat, a task, the wrap-up."""
    page = scene.page
    desktop = Desktop(page)
    await page.goto(f"{house.node.url}/desktop/")
    await page.get_by_label("Name").wait_for()
    await scene.keep("sign-in")
    await desktop.sign_in(house.node.url, await house.hire("Ann Weaver"), PASSWORD)
    await scene.keep("desktop-not-ready")
    await desktop.go_ready()
    await scene.keep("desktop-empty")
    await _promise(house)

    await _write(
        ports, "Rosa Vidal", "rosa@customer.example", "A torn shade", RETURN_TEXT, RETURN_HTML
    )
    await desktop.offer("A torn shade").wait_for()
    await scene.keep("desktop-offer")
    await desktop.accept("A torn shade")
    await page.locator("iframe[title='Content of the mail']").wait_for()
    await desktop.send("Dear Rosa,\n\nwe are sorry. Linen is here: a new shade leaves today.")
    await expect(desktop.message("Linen is here")).to_contain_text("Sent")
    await scene.keep("desktop-mail")
    await _ticket_page(chrome, house, scene)
    await _colleagues(desktop, house, scene)

    shop = await new_page(chrome)
    shop_scene = Scene(shop, scene.out, scene.written)
    await shop.goto(house.town.url)
    await shop.get_by_test_id("launcher").wait_for()
    await shop_scene.keep("widget-closed")
    chat = Widget(shop)
    await chat.open()
    await chat.say("Does the floor lamp come in green?")
    await desktop.accept("floor lamp")
    await desktop.send("It does, in moss green and in mint. Both are in stock.")
    await expect(chat.message("moss green")).to_have_count(1)
    await chat.say("Mint, then. Can you send it with the new shade?")
    await expect(desktop.message("Mint, then")).to_have_count(1)
    await shop_scene.keep("widget-open")
    await scene.keep("desktop-chat")
    await _panels(desktop, scene)
    await desktop.finish("Solved")

    task = {
        "title": "Check the address change of account 88120",
        "body": "Please compare with the papers and release or refuse.",
        "attributes": {"account": "88120", "requested_by": "branch Lisbon", "papers": True},
        "priority": 5,
    }
    await house.node.call("POST", "/api/v1/tasks", task)
    await desktop.accept("account 88120")
    await desktop.page.get_by_role("region", name="Details").wait_for()
    await scene.keep("desktop-task")
    await page.get_by_role("button", name="Finish", exact=True).click()
    await desktop.wrapup.get_by_role("radio", name="Solved").check()
    await scene.keep("desktop-wrap-up")


async def _ticket_page(chrome: Browser, house: House, scene: Scene) -> None:
    """What the customer sees who follows the link: the mail's case is the house's first."""
    listed = await house.node.call("GET", "/api/v1/items?limit=1")
    case = await house.node.call("GET", f"/api/v1/cases/{listed['items'][0]['number']}")
    page = await new_page(chrome)
    await page.goto(case["ticket_url"])
    await page.get_by_text("Linen is here").wait_for()
    await Scene(page, scene.out, scene.written).keep("ticket-page", full=True)
    await page.context.close()


async def _colleagues(desktop: Desktop, house: House, scene: Scene) -> None:
    """Ann asks Bob, who has gone home."""
    await house.hire("Bob Tailor")
    ours = Colleagues(desktop)
    await ours.write("Bob Tailor", "Do we have the shade in linen in Lisbon as well?")
    await expect(ours.line("in Lisbon as well")).to_have_count(1)
    await scene.keep("desktop-colleagues")
    await desktop.page.keyboard.press("Alt+c")


async def _promise(house: House) -> None:
    """The answer is due in two hours, the end in two days."""
    promise = {"first_reply": 7_200, "next_reply": 7_200, "resolution": 172_800}
    await house.node.call("PUT", "/api/v1/service_policies/house", promise)
    listed = await house.node.call("GET", "/api/v1/queues")
    for queue in listed["items"]:
        path = f"/api/v1/queues/{queue['name']}"
        await house.node.call("PUT", path, {"service_policy": "house"})


async def _panels(desktop: Desktop, scene: Scene) -> None:
    """What opens over the conversation."""
    page = desktop.page
    await page.set_viewport_size({"width": 1000, "height": 900})
    toggle = page.get_by_role("button", name="Customer", exact=True)
    await toggle.click()
    await desktop.customer.get_by_text("messages").first.wait_for()
    await scene.keep("desktop-customer")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Alt+n")
    await page.get_by_role("dialog").wait_for()
    await scene.keep("desktop-new-case")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Transfer", exact=True).click()
    await page.get_by_role("dialog").get_by_text("general").wait_for()
    await scene.keep("desktop-transfer")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Account and settings").click()
    await scene.keep("desktop-menu")
    await page.keyboard.press("Escape")


async def _others(house: House, chrome: Browser, out: Path, written: list[Path]) -> None:
    scene = Scene(await new_page(chrome), out, written)
    url = house.node.url
    await scene.page.goto(url)
    await scene.page.get_by_label("Name").wait_for()
    await scene.keep("landing", full=True)
    await house.node.call("POST", "/api/v1/tasks", {"title": "Refund of order 4690", "priority": 9})
    await _sign_in(scene.page, f"{url}/supervisor/", await house.hire("Sam Okafor", "supervisor"))
    await scene.page.get_by_text("Refund of order 4690").first.wait_for()
    await scene.keep("supervisor")
    await scene.page.get_by_role("button", name="Refund of order 4690").click()
    await scene.page.get_by_role("button", name="Assign", exact=True).first.click()
    await scene.page.get_by_role("complementary").get_by_role("listitem").first.wait_for()
    await scene.keep("supervisor-item")
    await _sites(house, scene)
    admin = Scene(await new_page(chrome), out, written)
    await _sign_in(admin.page, f"{url}/admin/", await house.hire("Alex Berg", "admin"))
    await admin.page.get_by_text("Parked", exact=True).wait_for()
    await admin.keep("admin-channels")
    for part in ("Agents", "Sites", "Queues", "Skills", "Codes", "Outbox", "Quarantine", "Tokens"):
        await (
            admin.page.get_by_role("link", name=part)
            .or_(admin.page.get_by_role("button", name=part, exact=True))
            .first.click()
        )
        await admin.page.get_by_role("heading", name=part).first.wait_for()
        await (
            admin.page.get_by_role("table")
            .or_(admin.page.get_by_text(re.compile("^Nothing|^No ")))
            .first.wait_for()
        )
        await admin.keep(f"admin-{part.lower()}")


async def _sites(house: House, scene: Scene) -> None:
    """The numbers of all nodes, and places where agents sit; the supervisor is signed in."""
    page = scene.page
    for n, place in enumerate(("Lisbon", "Lisbon", "Lisbon", "Berlin", "Berlin", "home")):
        wish = {"display_name": f"Agent {n}", "site": place.lower()}
        await house.node.call("PUT", f"/api/v1/agents/agent-{n}", wish)
    shut = {"open_percent": 40, "reason": "Storm warning, trams do not run"}
    await house.node.call("PUT", "/api/v1/sites/lisbon", shut)
    await page.get_by_role("link", name="Wallboard").click()
    await page.get_by_role("region", name="Right now").wait_for()
    await scene.keep("supervisor-wallboard")
    await page.get_by_role("link", name="Sites").click()
    await page.get_by_text("60 % closed").wait_for()
    await scene.keep("supervisor-sites")
    await page.get_by_role("button", name="Close berlin").click()
    await page.get_by_label("Reason").fill("Strike")
    await page.get_by_label("How much of it").press("ArrowLeft")
    await scene.keep("supervisor-site-closing")
    await page.get_by_role("button", name="Close 90 %").click()
    await page.get_by_text("90 % closed").wait_for()
    await house.settle()
    for part in ("reviews", "misrouted", "queues", "hours", "promises", "rules"):
        await page.evaluate(f"location.hash = '#/{part}'")
        await page.locator(f"a[href='#/{part}'][aria-current=page]").wait_for()
        await page.get_by_role("heading", level=1).wait_for()
        await page.wait_for_load_state("networkidle")
        await scene.keep(f"supervisor-{part}")
    await page.get_by_role("link", name="Work", exact=True).click()


def _agent_in(page: Page) -> tuple[Desktop, Locator]:
    frame = page.frame_locator('iframe[title="The agent\'s desktop"]')
    root = frame.locator("html")
    return Desktop(page, root), root


async def _demo(path: Path, chrome: Browser, scene: Scene, readme: Path | None) -> None:
    """A mail answered and a chat under way, the customer left, the agent right."""
    async with demo(path, "--quiet") as links:
        page = scene.page
        await page.goto(links["demo"].replace("/demo/", "/"))
        await page.get_by_role("link", name="Try the demo").wait_for()
        await scene.keep("landing-demo", full=True)
        await page.goto(links["demo"])
        agent, _ = _agent_in(page)
        await agent.go_ready()
        await page.get_by_label("Subject").fill("My parcel is late")
        await page.get_by_label("What is it about?").fill(
            "Hello, I ordered a lamp last week and it has not arrived. Where is it?"
        )
        await scene.keep("demo-mail")
        await page.get_by_role("button", name="Send mail").click()
        await agent.click_accept("My parcel is late")
        await agent.send("Good morning,\n\nit left us today and will be with you on Friday.")
        await expect(agent.message("on Friday")).to_contain_text("Sent")
        await page.get_by_role("tab", name="Inbox").click()
        await page.get_by_text("answers your mail").wait_for()
        await scene.keep("demo-inbox")
        await page.get_by_role("tab", name="Chat").click()
        chat = Widget(page)
        await chat.input.wait_for()
        await chat.say("Does the floor lamp come in green?")
        await agent.click_accept("floor lamp")
        await agent.send("It does, in moss green and in mint. Both are in stock.")
        await expect(chat.message("moss green")).to_have_count(1)
        await chat.say("Mint, then. Thank you, Ann!")
        await expect(agent.message("Mint, then")).to_have_count(1)
        await scene.keep("demo-chat")
        if readme is not None:
            await _picture(page, readme)


async def _picture(page: Page, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    await page.get_by_text("Sent. The desktop will ring in a moment.").wait_for(state="hidden")
    await page.screenshot(path=path, animations="disabled")
    if path.stat().st_size > README_LIMIT:
        raise SystemExit(f"{path} has more than {README_LIMIT} bytes")


async def take(out: Path, readme: Path | None) -> list[Path]:
    """All pictures; returns what was written."""
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    folder = Path(tempfile.mkdtemp(prefix="shots-"))
    try:
        async with browser() as chrome:
            async with _house(folder) as (house, ports):
                await _desktop(chrome, house, ports, Scene(await new_page(chrome), out, written))
                await _others(house, chrome, out, written)
            await healing(chrome, folder / "pair", out, written)
            scene = Scene(await new_page(chrome), out, written)
            await _demo(folder / "demo", chrome, scene, readme)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description="Screenshots of every page")
    parser.add_argument("--out", type=Path, default=OUT, help="where they go")
    parser.add_argument("--readme", action="store_true", help="renew the README's picture too")
    wish = parser.parse_args()
    written = asyncio.run(take(wish.out, README if wish.readme else None))
    print(f"{len(written)} pictures in {wish.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
