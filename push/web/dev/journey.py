"""Walks the desktop and the demo against the pretend node and asserts what must hold.

The real node's journeys live in tests/e2e; this one is for quick work on the pages.

    (cd push/web && npm run build && npm run mock) &  .venv/bin/python push/web/dev/journey.py
"""

# ruff: noqa: INP001, T201, S101, S310, BLE001 - a script for people at work on the pages

from __future__ import annotations

import tempfile
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

BASE = "http://localhost:4173"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


def poke(path: str) -> None:
    urllib.request.urlopen(urllib.request.Request(BASE + path, method="POST"), timeout=5)


def fresh(browser: Browser, path: str) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(8000)
    page.on("pageerror", lambda error: print("  page error:", error))
    page.goto(BASE + path)
    return page


def the_link_signs_in_and_leaves_no_token(browser: Browser) -> None:
    page = fresh(browser, "/desktop/#token=anna")
    expect(page.get_by_text("My work")).to_be_visible()
    assert "token" not in page.url, page.url
    page.reload()
    expect(page.get_by_text("My work")).to_be_visible()


def a_wrong_password_is_said(browser: Browser) -> None:
    page = fresh(browser, "/desktop/")
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill("nope")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong")
    page.get_by_label("Password").fill("anna")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("My work")).to_be_visible()


def an_offer_takes_no_focus_and_is_accepted_by_key(browser: Browser) -> None:
    page = fresh(browser, "/desktop/#token=anna")
    page.get_by_role("button", name="Is the blue one").first.click()
    box = page.get_by_label("Your answer")
    box.click()
    page.keyboard.type("half a ")
    poke("/mock/offer")
    expect(page.get_by_role("button", name="Accept").first).to_be_visible()
    page.keyboard.type("sentence")
    expect(box).to_have_value("half a sentence")
    assert page.title().startswith("●"), page.title()
    page.keyboard.press("Alt+a")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Payment was taken twice")
    expect(page.get_by_role("button", name="Accept")).to_have_count(0)
    page.reload()
    page.get_by_role("button", name="Is the blue one").first.click()
    expect(page.get_by_label("Your answer")).to_have_value("half a sentence")
    page.get_by_label("Your answer").fill("")


def an_offer_can_be_accepted_over_a_dialog(browser: Browser) -> None:
    page = fresh(browser, "/desktop/#token=anna")
    expect(page.get_by_text("My work")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    poke("/mock/offer")
    page.get_by_role("dialog").get_by_role("button", name="Accept").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Payment was taken twice")


def what_is_sent_in_an_outage_arrives_once(browser: Browser) -> None:
    page = fresh(browser, "/desktop/#token=anna")
    page.get_by_role("button", name="Is the blue one").first.click()
    expect(page.get_by_text("can I pick it up on Saturday?").last).to_be_visible()
    poke("/mock/kill?seconds=4")
    page.get_by_label("Your answer").fill("Yes, until six.")
    page.get_by_label("Your answer").press("Control+Enter")
    expect(page.get_by_text("Sending…")).to_be_visible()
    expect(page.get_by_text("Online", exact=True)).to_be_visible(timeout=20_000)
    expect(page.locator(".bubble.ours", has_text="Yes, until six.")).to_have_count(1)
    expect(page.get_by_text("Delivered").first).to_be_visible()
    expect(page.get_by_text("Sending…")).to_have_count(0)


def send_and_close_leads_to_wrap_up(browser: Browser) -> None:
    page = fresh(browser, "/desktop/#token=anna")
    page.get_by_role("button", name="Check the address").first.click()
    page.get_by_label("Your answer").fill("Released.")
    page.get_by_label("Your answer").press("Alt+Enter")
    page.get_by_text("Fixed", exact=True).click()
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_text("is done")).to_be_visible()
    expect(page.get_by_role("button", name="Check the address")).to_have_count(0)


def a_mail_is_shown_in_a_frame_that_may_do_nothing(browser: Browser) -> None:
    page = fresh(browser, "/desktop/#token=anna")
    page.get_by_role("button", name="Reembolso").first.click()
    frame = page.locator("iframe.mail-frame").first
    expect(frame).to_have_attribute("sandbox", "")
    inside = page.frame_locator("iframe.mail-frame").first
    expect(inside.get_by_text("seguimiento ES7713")).to_be_visible()
    expect(page.get_by_text("remote images are not loaded")).to_be_visible()
    page.get_by_role("button", name="Load images").click()
    expect(page.get_by_text("remote images are not loaded")).to_have_count(0)
    frame.scroll_into_view_if_needed()
    page.screenshot(path=Path(tempfile.gettempdir()) / "mail-frame.png")


def a_second_desktop_shows_the_same(browser: Browser) -> None:
    one, two = fresh(browser, "/desktop/#token=anna"), fresh(browser, "/desktop/#token=anna")
    for page in (one, two):
        page.get_by_role("button", name="Reembolso").first.click()
    one.get_by_label("Your answer").fill("Mañana está en su cuenta.")
    one.get_by_role("button", name="Send", exact=False).last.press("Enter")
    one.get_by_label("Your answer").press("Control+Enter")
    expect(two.get_by_text("Mañana está en su cuenta.").last).to_be_visible()


def the_demo_survives_its_kill(browser: Browser) -> None:
    page = fresh(browser, "/demo/")
    desk = page.frame_locator("iframe")
    expect(desk.get_by_text("My work")).to_be_visible()
    page.get_by_role("button", name="Kill the node").click()
    expect(page.get_by_text("The node is dead")).to_be_visible()
    expect(page.get_by_text("Nothing was lost")).to_be_visible(timeout=20_000)
    expect(desk.get_by_text("Online", exact=True)).to_be_visible(timeout=20_000)


def a_supervisor_assigns(browser: Browser) -> None:
    page = fresh(browser, "/supervisor/#token=sam")
    page.get_by_role("button", name="Gift card").first.click()
    page.get_by_role("button", name="Assign", exact=True).click()
    page.get_by_role("combobox", name="Agent").select_option("ben")
    page.get_by_label("Reason").fill("he knows the case")
    page.get_by_role("button", name="Assign", exact=True).last.click()
    expect(page.get_by_text(": done")).to_be_visible()


def an_admin_resumes_a_parked_channel_and_reads_quarantine(browser: Browser) -> None:
    page = fresh(browser, "/admin/#token=ada")
    expect(page.get_by_text("AUTHENTICATIONFAILED")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("AUTHENTICATIONFAILED")).to_have_count(0)
    page.get_by_role("link", name="Quarantine").click()
    page.get_by_role("button", name="Raw").click()
    expect(page.get_by_text("x-klingon?Q?")).to_be_visible()


JOURNEYS = [
    the_link_signs_in_and_leaves_no_token,
    a_wrong_password_is_said,
    an_offer_takes_no_focus_and_is_accepted_by_key,
    an_offer_can_be_accepted_over_a_dialog,
    what_is_sent_in_an_outage_arrives_once,
    send_and_close_leads_to_wrap_up,
    a_mail_is_shown_in_a_frame_that_may_do_nothing,
    a_second_desktop_shows_the_same,
    the_demo_survives_its_kill,
    a_supervisor_assigns,
    an_admin_resumes_a_parked_channel_and_reads_quarantine,
]


def main() -> None:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for journey in JOURNEYS:
            poke("/mock/reset")
            try:
                journey(browser)
                print("ok  ", journey.__name__)
            except Exception as problem:
                print("FAIL", journey.__name__, "\n    ", str(problem)[:600])
            for context in browser.contexts:
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
