"""kill -9 under open conversations: desktop and chat window wait, heal, lose and double nothing."""

from collections import Counter
from contextlib import suppress

import pytest
from playwright.async_api import TimeoutError as TooSlow
from playwright.async_api import expect

from tests.e2e.conftest import NewPage
from tests.e2e.house import PASSWORD, House, until
from tests.e2e.letters import letter
from tests.support.browser import Desktop, Widget
from tests.support.dovecot import Dovecot
from tests.support.smtp_sink import SmtpSink

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.timeout(90)
async def test_a_killed_node_costs_a_pause_but_no_word_and_no_draft(
    house: House, new_page: NewPage, dovecot: Dovecot, sink: SmtpSink
) -> None:
    desktop = Desktop(await new_page())
    await desktop.sign_in(house.node.url, await house.hire("Ann Weaver"), PASSWORD)
    await desktop.go_ready()
    await dovecot.delivered(
        letter("A torn shade", "The shade came torn.\n", "<torn@customer.example>")
    )
    await desktop.accept("A torn shade")
    page = await new_page()
    await page.goto(house.town.url)
    shop = Widget(page)
    await shop.open()
    await shop.say("Is the lamp dimmable?")
    await desktop.accept("Is the lamp dimmable?")
    await expect(shop.status).to_contain_text("Ann Weaver")
    await desktop.open("A torn shade")
    draft = "Dear Rosa, we are sorry; a new shade"
    await desktop.answer.fill(draft)

    await house.node.kill()
    await expect(desktop.healing).to_be_visible()
    await expect(desktop.page.get_by_role("alert").filter(has_text="error")).to_have_count(0)
    await expect(desktop.answer).to_have_value(draft)
    await desktop.open("Is the lamp dimmable?")
    await desktop.send("It is, with any dimmer.")
    await expect(desktop.message("with any dimmer")).to_contain_text("Sending…")
    await shop.say("From which phase?")
    await expect(shop.notice).to_contain_text("Reconnecting…")
    await expect(shop.message("From which phase?")).to_have_count(1)

    await house.node.start()
    await expect(desktop.online).to_be_visible()
    await expect(desktop.healing).to_have_count(0)
    await expect(shop.message("with any dimmer")).to_have_count(1)
    await expect(shop.notice).to_be_hidden()
    await expect(desktop.message("From which phase?")).to_have_count(1)
    await expect(desktop.message("with any dimmer")).to_have_count(1)
    await expect(desktop.message("with any dimmer")).not_to_contain_text("Sending…")
    await expect(shop.messages).to_have_count(3)

    await desktop.open("A torn shade")
    await expect(desktop.answer).to_have_value(draft)
    await desktop.send(f"{draft} is on its way.")
    await expect(desktop.message("is on its way")).to_contain_text("Sent")
    await desktop.finish("Solved")
    await desktop.open("Is the lamp dimmable?")
    await desktop.finish("Solved")
    for subject, words in (("A torn shade", 2), ("Is the lamp dimmable?", 3)):
        item = await house.ended(subject)
        said = [m["body"] for m in await house.said(item["number"]) if m["direction"] != "system"]
        assert len(said) == words
        assert max(Counter(said).values()) == 1
    assert len(sink.taken) == 1


@pytest.mark.timeout(90)
async def test_a_mail_on_its_way_out_when_the_node_dies_is_recognisably_the_same(
    house: House, new_page: NewPage, dovecot: Dovecot, sink: SmtpSink
) -> None:
    desktop = Desktop(await new_page())
    await desktop.sign_in(house.node.url, await house.hire("Ben Castle"), PASSWORD)
    await desktop.go_ready()
    await dovecot.delivered(
        letter("A loose plug", "The plug is loose.\n", "<plug@customer.example>")
    )
    await desktop.accept("A loose plug")
    before = len(sink.taken)
    sink.plan.data = "451 not just now"  # so that the kill finds the answer unsent
    await desktop.send("Please send it back to us.")

    async def waits() -> bool:
        found = await house.node.call("GET", "/api/v1/outbox")
        return any(one["address"] == "rosa@customer.example" for one in found["items"])

    await until(waits)
    await house.node.kill()
    sink.plan.data = ""
    await house.node.start()
    answer = desktop.message("send it back")
    again = answer.get_by_role("button", name="Try again")
    # Where the start takes longer than the pause before the next try, it has gone by itself.
    with suppress(TooSlow):
        await again.click(timeout=10_000)
    await expect(answer).to_contain_text("Sent")
    ids = {m.data.split(b"Message-ID: ")[1].split(b"\r\n")[0] for m in sink.taken[before:]}
    assert len(ids) == 1
    assert len(sink.taken) - before <= 2
    await expect(answer).to_have_count(1)
    await desktop.finish("Solved")
    await house.ended("A loose plug")
