"""Screenshots of every page against the pretend node (`npm run mock`), for people to look at.

.venv/bin/python push/web/dev/shots.py [--out DIR] [--only desktop] [--base URL]
"""

# ruff: noqa: INP001, T201, S310, BLE001 - a script for people at work on the pages

from __future__ import annotations

import argparse
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
Scene = Callable[[Page, str], None]


def poke(base: str, path: str) -> None:
    urllib.request.urlopen(urllib.request.Request(base + path, method="POST"), timeout=5)


def complain(scene: str, said: ConsoleMessage) -> None:
    if said.type == "error":
        print(scene, said.text)


def sign_in(page: Page, base: str) -> None:
    page.goto(f"{base}/desktop/")
    page.get_by_label("Name").wait_for()


def desktop(page: Page, base: str) -> None:
    page.goto(f"{base}/desktop/#token=anna")
    page.get_by_text("My work").wait_for()
    page.get_by_text("Rosa Vidal").first.wait_for()


def mail(page: Page, base: str) -> None:
    desktop(page, base)
    page.get_by_role("button", name="Reembolso").first.click()
    page.get_by_text("Muchas gracias").last.wait_for()
    page.wait_for_timeout(500)


def chat(page: Page, base: str) -> None:
    desktop(page, base)
    page.get_by_role("button", name="Is the blue one").first.click()
    page.get_by_text("Saturday").last.wait_for()
    page.get_by_label("Your answer").fill(
        "Yes, we are open until 18:00. Your jacket waits at the desk."
    )


def task(page: Page, base: str) -> None:
    desktop(page, base)
    page.get_by_role("button", name="Check the address").first.click()
    page.get_by_text("risk score").wait_for()


def offer(page: Page, base: str) -> None:
    mail(page, base)
    poke(base, "/mock/offer")
    page.get_by_role("button", name="Accept").first.wait_for()
    page.wait_for_timeout(1500)


def finish(page: Page, base: str) -> None:
    task(page, base)
    page.locator(".conversation-head").wait_for()
    page.keyboard.press("e")
    page.get_by_text("How did it end?").wait_for()


def transfer(page: Page, base: str) -> None:
    task(page, base)
    page.keyboard.press("t")
    page.get_by_role("tab", name="Agent").click()
    page.get_by_text("Ben Carter").wait_for()


def new_case(page: Page, base: str) -> None:
    desktop(page, base)
    page.keyboard.press("Alt+n")
    page.get_by_role("dialog").wait_for()


def keys(page: Page, base: str) -> None:
    desktop(page, base)
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()


def healing(page: Page, base: str) -> None:
    chat(page, base)
    poke(base, "/mock/kill?seconds=6")
    page.get_by_text("What you write is kept").wait_for()
    page.get_by_label("Your answer").press("Control+Enter")
    page.wait_for_timeout(700)


def supervisor(page: Page, base: str) -> None:
    page.goto(f"{base}/supervisor/#token=sam")
    page.get_by_text("Login code").first.wait_for()


def supervised(page: Page, base: str) -> None:
    supervisor(page, base)
    page.get_by_role("tab", name="In work").click()
    page.get_by_role("button", name="Reembolso").first.click()
    page.get_by_text("opened case").wait_for()


def admin(part: str) -> Scene:
    def scene(page: Page, base: str) -> None:
        page.goto(f"{base}/admin/#token=ada")
        page.goto(f"{base}/admin/#/{part}")
        page.locator("main table, main .empty").first.wait_for()
        page.wait_for_timeout(300)

    return scene


def landing(page: Page, base: str) -> None:
    page.goto(base + "/")
    page.wait_for_timeout(400)


def demo(page: Page, base: str) -> None:
    page.goto(base + "/demo/")
    page.wait_for_timeout(2500)


ADMIN = ("channels", "agents", "queues", "quarantine", "outbox")
SCENES: dict[str, Scene] = {
    "landing": landing,
    "sign-in": sign_in,
    "desktop": desktop,
    "desktop-mail": mail,
    "desktop-chat": chat,
    "desktop-task": task,
    "desktop-offer": offer,
    "desktop-finish": finish,
    "desktop-transfer": transfer,
    "desktop-new": new_case,
    "desktop-keys": keys,
    "supervisor": supervisor,
    "supervisor-item": supervised,
    **{f"admin-{part}": admin(part) for part in ADMIN},
    "demo": demo,
    "desktop-healing": healing,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="http://localhost:4173")
    parser.add_argument("--out", default="var/shots")
    parser.add_argument("--only", default="")
    parser.add_argument("--themes", default="light,dark")
    parser.add_argument("--sizes", default="wide,narrow")
    options = parser.parse_args()
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for name, scene in SCENES.items():
            if options.only and not any(name.startswith(part) for part in options.only.split(",")):
                continue
            for theme in options.themes.split(","):
                for size in options.sizes.split(","):
                    width, height = SIZES[size]
                    context = browser.new_context(
                        viewport={"width": width, "height": height},
                        color_scheme="dark" if theme == "dark" else "light",
                        locale="en-GB",
                    )
                    poke(options.base, "/mock/reset")
                    page = context.new_page()
                    page.set_default_timeout(8000)
                    page.on("console", partial(complain, name))
                    page.on("pageerror", partial(print, name))
                    try:
                        scene(page, options.base)
                    except Exception as problem:  # a broken scene is a finding, not the end
                        print(f"{name} {theme} {size}: {str(problem).splitlines()[0]}")
                    page.screenshot(path=out / f"{name}-{theme}-{size}.png")
                    context.close()
        browser.close()


if __name__ == "__main__":
    main()
