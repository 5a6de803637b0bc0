"""What the house has settled, as a supervisor sees it, and its rules tried out."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import NewPage
from tests.e2e.house import PASSWORD, House
from tests.support.dovecot import Dovecot
from tests.support.smtp_sink import SmtpSink

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def supervisor(house: House, new_page: NewPage, part: str) -> Page:
    """Signed in, at this part of the supervisor's pages."""
    page = await new_page()
    await page.goto(f"{house.node.url}/supervisor/#/{part}")
    await page.get_by_label("Name").fill(await house.hire("Sam Okafor", "supervisor"))
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("navigation", name="Supervisor").wait_for()
    return page


async def test_a_contact_is_tried_and_each_rule_says_what_it_decided(
    house: House, new_page: NewPage
) -> None:
    await house.settle()
    page = await supervisor(house, new_page, "rules")
    trial = page.get_by_role("region", name="Try a contact")
    await trial.get_by_label("Language").fill("es-AR")
    await trial.get_by_label("What is written").fill("Quiero una devolucion")
    await page.keyboard.press("Control+Enter")
    await expect(trial.get_by_role("heading", name="Goes to Money back")).to_be_visible()
    rows = trial.get_by_role("list").get_by_role("listitem")
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0)).to_contain_text("decided: Queue, Priority")
    await expect(rows.nth(0)).to_contain_text("says “devolución”")
    await expect(rows.nth(1)).to_contain_text("decided: Tags")

    await trial.get_by_label("What is written").fill("¿Dónde está?")
    await trial.get_by_role("button", name="Try it").click()
    await expect(rows.nth(0)).to_contain_text("does not hold")
    await expect(rows.nth(1)).to_contain_text("decided: Queue, Tags")
    listed = await house.node.call("GET", "/api/v1/items?q=devolucion")
    assert listed["items"] == [], "a trial files nothing"


async def test_a_trial_that_the_node_refuses_says_why_and_can_be_mended(
    house: House, new_page: NewPage
) -> None:
    page = await supervisor(house, new_page, "rules")
    trial = page.get_by_role("region", name="Try a contact")
    await trial.get_by_text("More about it").click()
    await trial.get_by_label("Customer’s value").fill("1e999")
    await trial.get_by_role("button", name="Try it").click()
    await expect(trial.get_by_role("alert")).to_contain_text("value")
    await trial.get_by_label("Customer’s value").fill("3")
    await trial.get_by_role("button", name="Try it").click()
    await expect(trial.get_by_role("heading", name="Goes to")).to_be_visible()
    await expect(trial.get_by_role("alert")).to_have_count(0)


async def test_queues_hours_and_promises_are_shown_as_they_are_declared(
    house: House, new_page: NewPage
) -> None:
    await house.settle()
    page = await supervisor(house, new_page, "queues")
    queue = page.get_by_role("row", name="Money back")
    await expect(queue).to_contain_text("no longer asked for: any")
    await expect(queue).to_contain_text("Closed")
    parts = page.get_by_role("navigation", name="Supervisor")
    await parts.get_by_role("link", name="Hours").click()
    hours = page.get_by_role("row", name="fair")
    await expect(hours).to_contain_text("1 May 2099 Fair open 10:00-14:00")
    await hours.get_by_text("E-mail").click()
    await expect(hours).to_contain_text("We are back at {opens}.")
    await parts.get_by_role("link", name="Service levels").click()
    promise = page.get_by_role("row", name="gold")
    await expect(promise).to_contain_text("Money back")
    await expect(promise).to_contain_text("level 2 of the help desk")


async def test_a_mailbox_is_added_with_help_and_reads_at_once(
    house: House, new_page: NewPage, dovecot: Dovecot, sink: SmtpSink
) -> None:
    dovecot.next_user()
    page = await new_page()
    await page.goto(f"{house.node.url}/admin/#/channels")
    await page.get_by_label("Name").fill(await house.hire("Ada Stone", "admin"))
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Add a mailbox").press("Enter")
    form = page.get_by_role("dialog")
    await form.get_by_label("Address that customers write to").fill("Help <help@firm.example>")
    servers = (("Reading (IMAP)", dovecot.port), ("Sending (SMTP)", sink.port))
    for group, port in servers:
        server = form.get_by_role("group", name=group)
        await server.get_by_label("Server").fill("127.0.0.1")
        await server.get_by_label("Security").select_option("tls")
        await server.get_by_label("Port").fill(str(port))
    await form.get_by_label("User name", exact=True).fill(dovecot.user)
    await form.get_by_label("Password", exact=True).fill(dovecot.password)
    await form.get_by_label("Sending signs in").uncheck()
    tried = form.get_by_role("region", name="Try it")
    await tried.get_by_role("button", name="Try it").click()
    await expect(tried.get_by_text("begins without TLS, and security is")).to_have_count(2)
    for group, _ in servers:
        await form.get_by_role("group", name=group).get_by_label("Security").select_option("none")
    await tried.get_by_role("button", name="Try it").click()
    await expect(tried.get_by_role("img", name="Works")).to_have_count(3)
    await form.get_by_role("button", name="Save").click()
    await form.get_by_role("button", name="Send myself a mail").click()
    await expect(form.get_by_text("a mail to help@firm.example is sent")).to_be_visible()
    await expect(form.get_by_text("It is set. Empty: it stays as it is.")).to_have_count(1)
    await page.keyboard.press("Escape")
    channels = page.get_by_role("table", name="Channels")
    await expect(channels.get_by_role("row", name="help")).to_contain_text("Up")
    shown = await house.node.call("GET", "/api/v1/channels/help")
    assert (shown["secrets"], shown["settings"]["imap"]["security"]) == (["imap.password"], "none")
    assert dovecot.password not in str(shown)
    await house.node.call("DELETE", "/api/v1/channels/help")
