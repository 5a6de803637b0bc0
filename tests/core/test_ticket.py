"""What a customer may see of a case: only what was said between us, whatever else is in it."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.api.ticket.render import Form, Place, ticket_page
from gateway.api.ticket.words import Languages
from gateway.core.clocks import Clock, Service
from gateway.core.ids import AgentName, AttachmentId, CustomerId, MessageId, OfferId, RuleName
from gateway.core.model import (
    Attachment,
    Author,
    Case,
    CaseStatus,
    ChannelKind,
    CustomerBrief,
    Item,
    ItemState,
    Message,
    Offer,
    Passed,
)
from gateway.core.owed import Callback, Promise
from gateway.core.ticket import Ticket, may_have, ticket_of, way_of, window_shows
from gateway.core.watch import Review, Watch
from tests.support.builders import MAIL, OFFICE, SITE, START, case, item

EVA = "eva@example.org"
SECRET = "INTERNAL"
WORDS = Languages().all["en"]
HOUR = timedelta(hours=1)


def said(direction: str = "in", **fields: Any) -> Message:
    author = Author(kind="customer", name="Eva", id=EVA, verified=True)
    if direction == "out":
        author = Author(kind="agent", name=SECRET, id="ana")
        fields = {"to": (EVA,)} | fields
    known: dict[str, Any] = {
        "id": MessageId("m1"),
        "case": case().id,
        "seq": 1,
        "direction": direction,
        "author": author,
        "at": START,
        "channel": MAIL,
        "kind": ChannelKind.EMAIL,
        "body": "Good morning",
    }
    return Message(**(known | fields))


def shown(
    *messages: Message, items: tuple[Item, ...] = (), about: Case | None = None, **more: Any
) -> Ticket:
    return ticket_of(
        about or case(),
        items,
        messages,
        more.get("known", (EVA,)),
        lambda name: {"ana": "Ana B."}.get(name, ""),
        more.get("now", START),
    )


def page(ticket: Ticket) -> str:
    place = Place(path="/t/secret", words=WORDS, languages=(WORDS,))
    return ticket_page(ticket, place, Form(id="the-form")).decode()


# -- what is never shown --------------------------------------------------------------------------

internal = st.sampled_from(
    [
        said("note"),
        said("note", author=Author(kind="agent", id="ana"), to=(EVA,)),
        said("system"),
        said("out", to=("supplier@example.net",)),
        said("out", to=("supplier@example.net",), cc=("boss@firm.example",)),
        said("in", author=Author(kind="customer", id="supplier@example.net")),
        said("in", author=Author(kind="customer", id="")),
        said("in", author=Author(kind="system", name="crm"), kind=ChannelKind.TASK, channel=OFFICE),
        said("out", kind=ChannelKind.TASK, channel=OFFICE, to=()),
        said("out", kind=ChannelKind.TASK, channel=OFFICE),
    ]
)
public = st.sampled_from(
    [
        said("in"),
        said("in", author=Author(kind="customer", id="EVA@example.org")),
        said("out"),
        said("out", to=("Eva <eva@example.org>", "boss@firm.example")),
        said("out", to=("boss@firm.example",), cc=(EVA,)),
        said("out", kind=ChannelKind.WEBCHAT, channel=SITE, to=()),
    ]
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[Message], list[Message]]:
    """A conversation, and what of it the customer may see."""
    messages, visible = [], []
    for seq, (secret, one) in enumerate(
        draw(
            st.lists(
                st.one_of(
                    internal.map(lambda m: (True, m)),
                    public.map(lambda m: (False, m)),
                ),
                max_size=12,
            )
        ),
        start=1,
    ):
        word = SECRET if secret else f"public {seq}"
        file = Attachment(
            id=AttachmentId(f"file{seq}-{word}"), name=f"{word}.pdf", type="x/y", size=1, sha256=""
        )
        message = replace(
            one,
            id=MessageId(f"m{seq}"),
            seq=seq,
            body=f"{word} <b>&",
            subject=SECRET,
            external_id=SECRET,
            delivery_reason=SECRET,
            attachments=(file,),
            html=f"<p>{SECRET}</p>",
        )
        messages.append(message)
        if not secret:
            visible.append(message)
    return messages, visible


HIDDEN: dict[str, Any] = {
    "customer": CustomerBrief(id=CustomerId(SECRET), name=SECRET, value=77),
    "preview": SECRET,
    "reason": SECRET,
    "code": SECRET,
    "address": SECRET,
    "copies": (SECRET,),
    "categories": (SECRET,),
    "subject": SECRET,
    "attributes": {SECRET: SECRET},
    "agent": AgentName(SECRET),
    "last_agent": AgentName(SECRET),
    "passed": (Passed(agent=AgentName(SECRET), how="declined", at=START),),
    "offer": Offer(
        id=OfferId(SECRET), agent=AgentName(SECRET), made_at=START, deadline=START, reason=SECRET
    ),
    "watch": Watch(reviews=(Review(id=SECRET, rule=RuleName(SECRET), reason=SECRET, at=START),)),
}


@given(
    conversations(),
    st.sampled_from(list(CaseStatus)),
    st.lists(st.sampled_from(list(ItemState)), max_size=4),
    st.booleans(),
)
def test_nothing_internal_ever_reaches_the_page(
    conversation: tuple[list[Message], list[Message]],
    status: CaseStatus,
    states: list[ItemState],
    owes: bool,
) -> None:
    messages, visible = conversation
    about = case(
        status=status,
        subject="The lamp",
        category=SECRET,
        stage=SECRET,
        tags=(SECRET,),
        joined_because=SECRET,
        last_agent=AgentName(SECRET),
        customer=HIDDEN["customer"],
    )
    promise = Promise(
        text="A lamp", agent=AgentName(SECRET), made_at=START, due_at=START + HOUR, grace=1
    )
    callback = Callback(
        via=ChannelKind.EMAIL,
        since=START,
        asked_by=SECRET,
        number="+49 30 1234567",
        note=SECRET,
        agent=AgentName(SECRET),
    )
    items = [item(state, **HIDDEN) for state in states]
    if owes and items:
        items[0] = replace(items[0], promise=promise)
        items[-1] = replace(items[-1], callback=callback if len(items) > 1 else None)
    ticket = shown(*messages, items=tuple(items), about=about)
    assert [one.seq for one in ticket.said] == [one.seq for one in visible]
    html = page(ticket)
    assert SECRET not in html
    assert "123456" not in html
    assert "<b>&" not in html
    assert all(f"public {one.seq} &lt;b&gt;&amp;" in html for one in visible)


def test_only_files_of_what_may_be_seen_may_be_had() -> None:
    file = Attachment(id=AttachmentId("f"), name="a.pdf", type="x/y", size=1, sha256="")
    assert may_have(file.id, said("in", attachments=(file,)), [EVA]) == file
    assert may_have(AttachmentId("g"), said("in", attachments=(file,)), [EVA]) is None
    assert may_have(file.id, said("note", attachments=(file,)), [EVA]) is None
    assert may_have(file.id, said("in", attachments=(file,)), ["rob@example.org"]) is None


# -- how it stands --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "state", "stands"),
    [
        (CaseStatus.OPEN, ItemState.QUEUED, "received"),
        (CaseStatus.OPEN, ItemState.OFFERED, "received"),
        (CaseStatus.OPEN, ItemState.SCHEDULED, "received"),
        (CaseStatus.OPEN, ItemState.ASSIGNED, "working"),
        (CaseStatus.WAITING, ItemState.HELD, "waiting"),
        (CaseStatus.PROMISED, ItemState.SCHEDULED, "promised"),
        (CaseStatus.SOLVED, ItemState.COMPLETED, "solved"),
        (CaseStatus.CLOSED, ItemState.CANCELED, "closed"),
    ],
)
def test_the_status_is_said_as_the_customer_would(
    status: CaseStatus, state: ItemState, stands: str
) -> None:
    ticket = shown(items=(item(state),), about=case(status=status))
    assert ticket.stands == stands
    assert ticket.may_rate is (stands in ("solved", "closed"))


def test_an_answer_is_expected_when_the_clock_of_the_reply_runs_out() -> None:
    due = START + HOUR
    clocks = (
        Clock(kind="resolution", since=START, due_at=START + HOUR / 2),
        Clock(kind="first_reply", since=START, due_at=due),
    )
    waiting = item(ItemState.QUEUED, service=Service(clocks=clocks))
    ticket = shown(items=(waiting,))
    assert (ticket.answer_by, ticket.late) == (due, False)
    assert shown(items=(waiting,), now=due + HOUR).late
    stopped = replace(waiting, service=Service(clocks=(Clock(kind="first_reply", used=9),)))
    assert shown(items=(stopped,)).answer_by is None
    over = replace(waiting, state=ItemState.COMPLETED)
    assert shown(items=(over,)).answer_by is None


@pytest.mark.parametrize(
    ("state", "code", "broken", "standing"),
    [
        (ItemState.SCHEDULED, "", False, "open"),
        (ItemState.ASSIGNED, "", False, "open"),
        (ItemState.COMPLETED, "solved", False, "kept"),
        (ItemState.COMPLETED, "broken", False, "broken"),
        (ItemState.COMPLETED, "solved", True, "broken"),
        (ItemState.QUEUED, "", True, "broken"),
    ],
)
def test_a_promise_is_open_kept_or_broken(
    state: ItemState,
    code: str,
    broken: bool,
    standing: str,
) -> None:
    promise = Promise(
        text="A new shade",
        agent=AgentName("ana"),
        made_at=START,
        due_at=START + HOUR,
        grace=60,
        broken_at=START + 2 * HOUR if broken else None,
    )
    ticket = shown(items=(item(state, promise=promise, code=code),))
    (owed,) = ticket.promises
    assert (owed.text, owed.standing) == ("A new shade", standing)


def test_a_promise_that_was_taken_back_is_not_shown() -> None:
    promise = Promise(
        text="x", agent=AgentName("ana"), made_at=START, due_at=START + HOUR, grace=60
    )
    assert shown(items=(item(ItemState.CANCELED, promise=promise),)).promises == ()


def test_a_call_back_shows_the_end_of_its_number_and_may_be_cancelled_until_somebody_calls() -> (
    None
):
    callback = Callback(
        via=ChannelKind.EMAIL, since=START, asked_by="customer", number="+49 30 1234567"
    )
    waits = item(ItemState.QUEUED, kind=ChannelKind.CALLBACK, callback=callback)
    call = shown(items=(waits,)).call
    assert call is not None
    assert (call.number, call.at, call.may_cancel) == ("…567", None, True)
    calls = shown(items=(replace(waits, state=ItemState.ASSIGNED),)).call
    assert calls is not None
    assert not calls.may_cancel
    assert shown(items=(replace(waits, state=ItemState.CANCELED),)).call is None


def test_who_of_us_wrote_is_shown_as_customers_see_them_and_quotations_are_folded() -> None:
    body = "Thanks\n\nOn Monday you wrote:\n> Good morning"
    ticket = shown(said("out"), said("in", seq=2, body=body, fold_from=2))
    answer, reply = ticket.said
    assert (answer.name, answer.mine) == ("Ana B.", False)
    assert (reply.text, reply.quoted) == ("Thanks", "On Monday you wrote:\n> Good morning")


def test_a_hundred_mails_of_a_million_characters_make_a_page_and_the_newest_is_most_of_it() -> None:
    ticket = shown(*(said(seq=n, body=f"{n}" + "a" * 1_000_000) for n in range(1, 101)))
    texts = [one.text for one in ticket.said]
    assert len(texts) == 100
    assert sum(map(len, texts)) < 500_000
    assert all(text.endswith("a…") for text in texts)
    assert len(texts[0]) < len(texts[-1]) == 20_001


def test_the_title_that_a_system_gave_its_task_is_not_the_customers_subject() -> None:
    about = case(kind=ChannelKind.TASK, channel=OFFICE, subject="Check this one for fraud")
    assert shown(about=about).subject == ""


def test_a_word_on_the_page_goes_on_from_the_newest_work_that_can_be_answered() -> None:
    mail = item(ItemState.COMPLETED)
    promise = Promise(text="x", agent=AgentName("ana"), made_at=START, due_at=START, grace=1)
    task = item(ItemState.QUEUED, kind=ChannelKind.TASK, channel=OFFICE)
    call = item(
        ItemState.QUEUED,
        kind=ChannelKind.CALLBACK,
        channel=SITE,
        callback=Callback(via=ChannelKind.WEBCHAT, since=START, asked_by="customer"),
    )
    assert way_of([mail, replace(mail, promise=promise), task]) == mail
    way = way_of([mail, call])
    assert way is not None
    assert (way.kind, way.channel) == (ChannelKind.WEBCHAT, SITE)
    assert way_of([task]) is None
    assert not shown(items=(task,)).may_write


def test_a_chats_window_shows_of_mails_only_those_of_and_to_its_customer() -> None:
    known = {"eva@example.org", "visitor-1"}

    def shows(**fields: Any) -> bool:
        return window_shows(said(**({"direction": "in"} | fields)), known)

    assert shows(kind=ChannelKind.WEBCHAT, direction="out")
    assert shows(kind=ChannelKind.EMAIL, direction="out", to=("Eva <EVA@example.org>",))
    assert shows(
        kind=ChannelKind.EMAIL, direction="out", to=("b@x.example",), cc=("eva@example.org",)
    )
    assert not shows(kind=ChannelKind.EMAIL, direction="out", to=("kim@example.org",))
    assert not shows(kind=ChannelKind.EMAIL, author=Author(kind="customer", id="kim@example.org"))
