"""One contact of each kind, from the customer to the agent and back, asserted at both ends."""

import re
from base64 import b64decode, b64encode
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import NewPage
from tests.e2e.house import ADDRESS, PASSWORD, House, until
from tests.e2e.letters import letter, parcel
from tests.support.browser import Desktop, Widget
from tests.support.dovecot import Dovecot
from tests.support.smtp_sink import SmtpSink

FITS = "Fitting of the shade"
PNG = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LEFT_US = "it left us today: it will be with you on Friday. More at {ticket_url}"


async def two_desktops(house: House, new_page: NewPage) -> tuple[Desktop, Desktop]:
    """One agent, signed in twice through the form; ready."""
    name = await house.hire("Ann Weaver")
    first, second = Desktop(await new_page()), Desktop(await new_page())
    await first.sign_in(house.node.url, name, PASSWORD)
    await second.sign_in(house.node.url, name, PASSWORD)
    await first.go_ready()
    await expect(second.ready).to_be_visible()
    return first, second


async def counts_down(desktop: Desktop, subject: str) -> None:
    ring = desktop.offer(subject).get_by_role("timer")
    shown = await ring.inner_text()
    assert 0 < int(shown) <= 120
    await expect(ring).not_to_have_text(shown)
    assert int(await ring.inner_text()) < int(shown)


async def promised(desktop: Desktop, text: str) -> None:
    """Promise it on the item that is open, by the keyboard."""
    page = desktop.page
    await page.locator("#conversation").focus()
    await page.keyboard.press("p")
    await page.get_by_label("What is promised").fill(text)
    await page.get_by_role("button", name="in 4 h").click()
    await page.get_by_role("dialog").get_by_role("button", name="Promise").click()
    await expect(page.get_by_test_id("promise")).to_contain_text(text)


async def keeps(house: House, subject: str) -> None:
    """What was promised in the matter of this subject is done."""
    owed = await house.node.call("GET", "/api/v1/items?state=scheduled")
    (promise,) = [one["id"] for one in owed["items"] if one["subject"] == subject]
    await house.node.call("POST", f"/api/v1/items/{promise}/close", {"reason": "sent"})


async def copies_link(desktop: Desktop) -> None:
    """The link of the customer's own page, to give it to them."""
    await desktop.page.get_by_role("button", name="Copy the link to the customer's page").click()
    await expect(desktop.page.get_by_text("Copied. Who has the link")).to_be_visible()


async def asks_for_more(rosa: Page, text: str) -> None:
    """On the customer's own page for the ticket, which somebody is working on."""
    stands = rosa.get_by_role("heading", level=2).first
    await expect(stands).to_have_text("A colleague is working on it")
    await expect(rosa.locator(".said")).to_have_count(4)
    await rosa.get_by_label("Your message").fill(text)
    await rosa.get_by_role("button", name="Send").click()
    await expect(rosa.locator("#notice")).to_have_text("Your message has arrived.")
    await expect(rosa.get_by_label("Your message")).to_have_value("")
    await expect(rosa.locator("li", has_text="A new shade")).to_contain_text("Open")


async def finds_again(house: House, desktop: Desktop, number: int, shots: Path) -> None:
    """What was said is found by other forms of its words, and opened by the keyboard alone."""

    async def known() -> bool:
        found = await house.node.call("GET", "/api/v1/search?q=vidal+bulbs")
        return [one["case"]["number"] for one in found["cases"]] == [number]

    await until(known)
    page = desktop.page
    await page.keyboard.press("Control+k")
    await page.keyboard.insert_text("VIDAL bulbs")
    line = page.get_by_role("option", name=f"#{number}")
    await expect(line).to_have_attribute("aria-selected", "true")
    await expect(page.locator(".palette-preview")).to_contain_text("And a spare bulb, please.")
    await page.screenshot(path=shots / "found.png")
    await page.keyboard.press("Enter")
    await expect(desktop.message("And a spare bulb")).to_have_count(1)


async def rates(rosa: Page, shots: Path) -> None:
    """There too, once it is solved and what was promised is done."""
    await rosa.reload()
    await expect(rosa.locator("li", has_text="A new shade")).to_contain_text("Kept")
    await rosa.get_by_label("Very good").check()
    await rosa.get_by_label("What was good").fill("Quick!")
    await rosa.get_by_role("button", name="Rate").click()
    await expect(rosa.locator("#notice")).to_have_text("Thank you for your rating.")
    await expect(rosa.locator(".said").last).to_contain_text("Quick!")
    await rosa.screenshot(path=shots / "rated.png", full_page=True)


async def prepares(house: House, new_page: NewPage, shortcut: str, text: str) -> None:
    """An admin writes a reply that agents can put in; what is wrong is said where it stands."""
    page = await new_page()
    await page.goto(f"{house.node.url}/admin/#/canned")
    await page.get_by_label("Name").fill(await house.hire("Ada Stone", "admin"))
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Add a canned reply").press("Enter")
    form = page.get_by_role("dialog")
    await form.get_by_label("Name").fill("on-its-way")
    await form.get_by_label("Shortcut").fill("two words")
    reply = form.get_by_label("Text: any other language")
    await reply.fill("Dear ,")
    await reply.press("ArrowLeft")
    await form.get_by_role("button", name="{customer}").press("Enter")
    await expect(reply).to_have_value("Dear {customer},")
    await expect(form.get_by_text("Dear Ana García,")).to_be_visible()
    await reply.press("End")
    await page.keyboard.insert_text(f"\n{text}")
    await form.get_by_role("button", name="Save").press("Enter")
    await expect(form.get_by_text("one word", exact=False).first).to_be_visible()
    await form.get_by_label("Shortcut").fill(shortcut)
    await form.get_by_label("Shortcut").press("Enter")
    await expect(page.get_by_role("row", name="on-its-way")).to_contain_text(f"/{shortcut}")


async def sends_prepared(desktop: Desktop, shortcut: str, text: str) -> None:
    """Found behind a slash, put in by Enter, sent."""
    await desktop.answer.press_sequentially(f"/{shortcut[:3]}")
    await expect(desktop.page.get_by_role("option", name="on-its-way")).to_be_visible()
    await desktop.answer.press("Enter")
    await expect(desktop.answer).to_have_value(re.compile(re.escape(text)))
    await desktop.answer.press("Control+Enter")
    await expect(desktop.answer).to_have_value("")


async def looks_at_what_came(desktop: Desktop) -> None:
    """An invitation as a card, the attached mail as a mail, images when asked for, the source."""
    page, mail = desktop.page, desktop.message(FITS)
    card = mail.get_by_role("region", name="Invitation")
    await expect(card).to_contain_text("Every week, 2 times")
    await expect(mail).to_contain_text("Sender not verified")
    await expect(mail.locator("iframe")).not_to_have_attribute(
        "srcdoc", re.compile(' src="https://lamps')
    )
    await mail.get_by_role("button", name="Load images").click()
    await expect(mail.locator("iframe")).to_have_attribute(
        "srcdoc", re.compile(' src="https://lamps')
    )
    await mail.get_by_role("button", name="from Bob.eml").click()
    opened = page.get_by_role("dialog")
    await expect(opened.get_by_role("heading", name="The shade")).to_be_visible()
    await expect(opened).to_contain_text("Bob Kim <bob@customer.example>")
    await expect(opened).to_contain_text("Linen would be best.")
    async with page.expect_download() as size:
        await opened.get_by_role("button", name="size.txt").click()
    assert (await size.value).suggested_filename == "size.txt"
    await opened.get_by_role("button", name="Close").click()
    await mail.get_by_role("button", name="The original mail").click()
    await page.get_by_role("menuitem", name="Show header and source").click()
    await expect(opened).to_contain_text("<2@customer.example>")
    await opened.get_by_role("tab", name="Source").click()
    await expect(opened.locator("pre")).to_contain_text("Content-Type: message/rfc822")
    await opened.get_by_role("button", name="Close").click()


async def answers_with_an_image(desktop: Desktop, sink: SmtpSink) -> bytes:
    """From the clipboard into the answer, as a screenshot is."""
    await desktop.answer.fill("Is this the one? ")
    await desktop.answer.evaluate(
        """async (field, data) => {
            const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([bytes], "image.png", { type: "image/png" }));
            field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }""",
        b64encode(PNG).decode(),
    )
    await expect(desktop.answer).to_have_value(re.compile(r"\[image\.png\]"))
    await expect(desktop.root.locator(".file-chips")).to_contain_text("in the text")
    await desktop.answer.press("Control+Enter")
    sent = desktop.messages.filter(has=desktop.page.locator("iframe")).filter(has_text="Sent")
    await expect(sent.last.locator("iframe")).to_have_attribute(
        "srcdoc", re.compile("data:image/png")
    )
    return sink.taken[-1].data


def answers_rightly(data: bytes, asked: str, subject: str) -> tuple[str, str]:
    """What leaves answers what came; its Message-ID and its text."""
    mail = message_from_bytes(data, policy=policy.default)
    assert mail["In-Reply-To"] == asked
    assert asked in mail["References"].split()
    assert ADDRESS in mail["From"]
    assert subject in mail["Subject"]
    body = mail.get_body(("plain",))
    assert body is not None
    text = str(body.get_content())
    assert "it left us today: it will be with you on Friday." in text
    return str(mail["Message-ID"]), text


def shows_the_image(data: bytes) -> None:
    """The mail as the customer's program has it: the text names the image that came with it."""
    mail = message_from_bytes(data, policy=policy.default)
    (image,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert image.get_content() == PNG
    html = mail.get_body(("html",))
    assert html is not None
    assert f'src="cid:{image["Content-ID"][1:-1]}"' in html.get_content()
    text = mail.get_body(("plain",))
    assert text is not None
    assert "[image.png]" in text.get_content()


@pytest.mark.timeout(120)
async def test_a_mail_is_offered_answered_and_wrapped_up_and_the_answer_reaches_the_mailbox(
    house: House, new_page: NewPage, dovecot: Dovecot, sink: SmtpSink, tmp_path: Path
) -> None:
    first, second = await two_desktops(house, new_page)
    subject, asked = "Where is order 4711?", "<order-4711@customer.example>"
    await dovecot.delivered(letter(subject, "It should have come on Tuesday.\n", asked))

    for desktop in (first, second):
        offer = desktop.offer(subject)
        await expect(offer).to_contain_text("It should have come on Tuesday.")
        await expect(offer).to_contain_text("Rosa Vidal")
        await expect(offer).to_contain_text(re.compile(r"Why you:\s*\w+"))
    await counts_down(first, subject)

    await first.accept(subject)
    await expect(second.offers).to_have_count(0)
    await second.open(subject)
    await prepares(house, new_page, "left-us", LEFT_US)
    await sends_prepared(first, "left-us", f"Dear Rosa Vidal,\n{LEFT_US}")
    for desktop in (first, second):
        await expect(desktop.message("with you on Friday")).to_have_count(1)
        await expect(desktop.message("with you on Friday")).to_contain_text("Sent")
        await expect(desktop.customer).to_contain_text("2 messages · Ann Weaver")

    assert sink.taken[-1].recipients == ["rosa@customer.example"]
    ours, body = answers_rightly(sink.taken[-1].data, asked, subject)
    thanks = "Friday is fine, thank you!\n"
    await dovecot.delivered(parcel(f"Re: {subject}", thanks, "<2@customer.example>", answers=ours))
    for desktop in (first, second):
        await expect(desktop.message(FITS)).to_have_count(1)
        await expect(desktop.customer).to_contain_text("3 messages · Ann Weaver")
    await looks_at_what_came(first)
    shows_the_image(await answers_with_an_image(first, sink))

    (link,) = re.findall(r"http://\S+/t/\S+", body)
    rosa = await new_page()
    await rosa.goto(link)
    await copies_link(first)
    await promised(first, "A new shade")
    await asks_for_more(rosa, "And a spare bulb, please.")
    for desktop in (first, second):
        await expect(desktop.message("And a spare bulb")).to_have_count(1)
    await keeps(house, subject)

    await first.finish("Solved")
    await expect(second.row(subject)).to_have_count(0)
    await expect(first.row(subject)).to_have_count(0)
    ended = await house.node.call("GET", "/api/v1/items?limit=200&state=completed")
    item = next(one for one in ended["items"] if one["subject"] == subject and one["code"])
    assert item["code"] == "solved"
    said = await house.said(item["number"])
    assert [one["direction"] for one in said if one["direction"] != "system"] == [
        *("in", "out", "in", "out", "in")
    ]
    assert len(sink.taken) == 2
    await finds_again(house, first, item["number"], tmp_path)
    await rates(rosa, tmp_path)
    case = await house.node.call("GET", f"/api/v1/cases/{item['number']}")
    assert (case["rating"], case["status"], case["ticket_url"]) == (5, "solved", link)


@pytest.mark.timeout(180)
async def test_a_chat_from_another_origin_goes_both_ways_and_survives_a_reload(
    house: House, new_page: NewPage
) -> None:
    first, second = await two_desktops(house, new_page)
    page = await new_page()
    await page.goto(house.town.url)
    shop = Widget(page)
    await shop.open()
    await shop.say("Does the floor lamp come in green?")
    await expect(shop.mark).to_have_attribute("data-mark", re.compile("sent|delivered|read"))

    await expect(second.offer("floor lamp")).to_contain_text("Anonymous visitor")
    await first.accept("floor lamp")
    await second.open("floor lamp")
    await expect(shop.status).to_contain_text("Ann Weaver")
    await expect(first.customer).to_contain_text("Not identified")
    await expect(first.customer).to_contain_text("Only this browser is recognised")
    await expect(first.customer).not_to_contain_text(
        re.compile("verified|confirmed", re.IGNORECASE)
    )

    await first.answer.press_sequentially("Yes, in")
    await expect(shop.typing).to_be_visible()
    await first.send("Yes, in moss green and in mint.")
    await expect(shop.message("moss green")).to_have_count(1)
    await expect(shop.typing).to_have_count(0)
    await shop.input.press_sequentially("Mint")
    for desktop in (first, second):
        await expect(desktop.thread.get_by_text("is typing…")).to_be_visible()
    await shop.say("Mint, then. Thank you!")
    for desktop in (first, second):
        await expect(desktop.message("Mint, then.")).to_have_count(1)
        await expect(desktop.message("moss green")).to_have_count(1)

    number = await shop.number.inner_text()
    await page.reload()
    await expect(shop.messages).to_have_count(3)
    await expect(shop.number).to_have_text(number)
    await first.send("A pleasure.")
    await expect(shop.message("A pleasure.")).to_have_count(1)
    spoken = ["Does the floor lamp come in green?", "moss green", "Mint, then.", "A pleasure."]
    for words in spoken:
        await expect(shop.message(words)).to_have_count(1)
        await expect(first.message(words)).to_have_count(1)
        await expect(second.message(words)).to_have_count(1)

    await first.finish("Explained")
    await expect(second.row("floor lamp")).to_have_count(0)
    await expect(shop.notice).to_contain_text("This conversation has ended")
    item = await house.ended("Does the floor lamp come in green?")
    assert item["code"] == "explained"
    said = [one for one in await house.said(item["number"]) if one["direction"] != "system"]
    assert [one["direction"] for one in said] == ["in", "out", "in", "out"]
    await is_asked_in_spanish(house, first, await new_page())
    await wants_a_person_in_chinese(house, first, await new_page())


async def speaking(page: Page, language: str) -> Widget:
    """Somebody whose browser speaks this, at the shop."""
    script = "Object.defineProperty(navigator, '{}', {{ get: () => {} }})"
    await page.add_init_script(script.format("languages", f"['{language}']"))
    await page.add_init_script(script.format("language", f"'{language}'"))
    return Widget(page)


async def press_back_to(page: Page, answer: str) -> None:
    """From where one writes, by the keyboard alone."""
    for _ in range(6):
        await page.keyboard.press("Shift+Tab")
        focused = page.get_by_test_id("quick").get_by_role("button", name=answer)
        if await focused.count() and await focused.evaluate(
            "e => e.getRootNode().activeElement === e"
        ):
            await page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way to {answer!r} by the keyboard")


async def is_asked_in_spanish(house: House, desktop: Desktop, page: Page) -> None:
    """One question at the door, answered by the keyboard; the answer stands on the item."""
    question = {
        "text": {"es": "¿De qué se trata?", "en": "What is it about?"},
        "field": "topic",
        "answers": [
            {"label": {"es": "Un paquete", "en": "A parcel"}, "value": "parcel"},
            {"label": {"es": "Otra cosa", "en": "Something else"}},
        ],
    }
    rule = {"when": {"words": ["lámpara perdida"]}, "then": {"ask": question}}
    await house.node.call("PUT", "/api/v1/rules/what-about", rule)
    shop = await speaking(page, "es-MX")
    await page.goto(house.town.url)
    await shop.open()
    await shop.say("Mi lámpara perdida")
    await expect(shop.message("¿De qué se trata?")).to_have_count(1)
    choices = page.get_by_test_id("quick").get_by_role("button")
    await expect(choices).to_have_text(["Un paquete", "Otra cosa", "Hablar con una persona"])
    await press_back_to(page, "Un paquete")
    await expect(page.get_by_test_id("quick")).to_have_count(0)
    await desktop.accept("lámpara perdida")
    await expect(desktop.thread.get_by_text("parcel", exact=True)).to_be_visible()
    found = await house.item("Mi lámpara perdida")
    assert found["attributes"]["topic"] == "parcel"
    await desktop.finish("Explained")
    await house.node.call("DELETE", "/api/v1/rules/what-about")


async def wants_a_person_in_chinese(house: House, desktop: Desktop, page: Page) -> None:
    """Help at the door is taken or left: a person is always among the answers."""
    rule = {"when": {"words": ["发票"]}, "then": {"help": {"text": {"zh": "发票在您的账户里。"}}}}
    await house.node.call("PUT", "/api/v1/rules/invoices", rule)
    shop = await speaking(page, "zh-CN")
    await page.goto(house.town.url)
    await shop.open()
    await shop.say("我的发票在哪里？")
    choices = page.get_by_test_id("quick").get_by_role("button")
    await expect(choices).to_have_text(["问题已解决", "转人工客服"])
    await press_back_to(page, "转人工客服")
    await desktop.accept("发票")
    await expect(desktop.message("转人工客服")).to_have_count(1)
    await desktop.finish("Explained")
    await house.node.call("DELETE", "/api/v1/rules/invoices")


async def merged_and_taken_out(house: House, desktop: Desktop) -> None:
    """A second ticket about the same is merged by the keyboard, and was not about the same."""
    page = desktop.page
    twice = {"title": "Address of 88120 once more", "body": "Sent a second time."}
    other = await house.node.call("POST", "/api/v1/tasks", twice)
    await page.locator("#conversation").focus()
    await page.keyboard.press("g")
    dialog = page.get_by_role("dialog", name="Merge")
    await dialog.get_by_label("Number of the other case").fill("1")
    await expect(dialog).to_contain_text("there is no case with number 1")
    await dialog.get_by_label("Number of the other case").fill(str(other["number"]))
    await expect(dialog).to_contain_text("goes along")
    await page.keyboard.press("Enter")
    await expect(desktop.message("Sent a second time")).to_have_count(1)
    await page.keyboard.press("s")
    split = page.get_by_role("dialog", name="Split")
    await expect(split.get_by_role("checkbox")).to_have_count(2)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name=f"Take #{other['number']} out of").click()
    await page.get_by_role("dialog").get_by_role("button", name="Take out").click()
    await expect(desktop.message("Sent a second time")).to_have_count(0)
    await expect(page.get_by_role("button", name=f"Was with #{other['number']}")).to_be_visible()
    await house.node.call("POST", f"/api/v1/items/{other['id']}/cancel", {})


@pytest.mark.timeout(90)
async def test_a_task_filed_by_rest_is_done_and_whoever_filed_it_is_called_back(
    house: House, new_page: NewPage
) -> None:
    done = {"label": "Checked", "then": {"reply": "Compared, and released. {agent}"}}
    await house.node.call("PUT", "/api/v1/macros/checked", done)
    first, second = await two_desktops(house, new_page)
    task = {
        "title": "Check the address change of account 88120",
        "body": "Please compare with the papers and release or refuse.",
        "attributes": {"account": "88120"},
        "callback_url": f"{house.town.url}/callback",
    }
    key = {"Idempotency-Key": "address-88120"}
    filed = await house.node.call("POST", "/api/v1/tasks", task, **key)
    again = await house.node.call("POST", "/api/v1/tasks", task, **key)
    assert again["id"] == filed["id"]

    await expect(second.offer("account 88120")).to_be_visible()
    await first.accept("account 88120")
    await second.open("account 88120")
    for desktop in (first, second):
        await expect(desktop.page.get_by_role("region", name="Details")).to_contain_text("88120")
        await expect(desktop.message("compare with the papers")).to_contain_text("Filed by")
    await merged_and_taken_out(house, first)
    palette = first.page.get_by_role("dialog", name="What do you want to do or find?")
    await first.page.keyboard.press("Control+k")
    await palette.get_by_role("combobox").fill("checked")
    await expect(palette).to_contain_text("Compared, and released. Ann Weaver")
    await first.page.keyboard.press("Enter")
    await expect(second.message("Compared, and released. Ann Weaver")).to_have_count(1)
    await expect(palette).to_have_count(0)
    await first.finish("Solved", not_for_me="Duplicate")
    await expect(second.row("account 88120")).to_have_count(0)

    def completed() -> bool:
        return any(call.get("state") == "completed" for call in house.town.calls)

    await until(completed)
    mine = [call for call in house.town.calls if call["item"] == filed["id"]]
    answers = [call["body"] for call in mine if call["event"] == "item.message"]
    assert answers == ["Compared, and released. Ann Weaver"]
    ends = [call for call in mine if call["event"] == "item.completed"]
    assert [(one["state"], one["code"]) for one in ends] == [("completed", "solved")]
    item = await house.ended("Check the address change of account 88120")
    assert item["id"] == filed["id"]
    page = await new_page()
    await page.goto(f"{house.node.url}/supervisor/#/misrouted")
    await page.get_by_label("Name").fill(await house.hire("Sam Okafor", "supervisor"))
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("row", name="Duplicate").get_by_text(f"#{item['number']}").click()
    trace = page.get_by_role("complementary").get_by_role("listitem")
    await expect(trace.filter(has_text="said that it was not for them")).to_have_count(1)
