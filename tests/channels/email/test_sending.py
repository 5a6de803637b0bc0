"""The channel against a real SMTP server: what each failure means for the outbox."""

import email
import ssl
from collections.abc import AsyncIterator
from email import policy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from channels.email.channel import EmailChannel
from gateway.core.errors import Deferred, OutcomeUnknown, TryAgain, Undeliverable
from gateway.core.ids import CaseId, ChannelName, MessageId, OutboundId
from gateway.core.model import Author, ChannelKind, Message
from gateway.ports import File, Outbound
from tests.support.mailworld import UNDERSTANDING, Journal, WallClock, services, settings
from tests.support.smtp_sink import SmtpSink
from tests.support.tls import certificate, client_context, server_context

pytestmark = pytest.mark.integration

ID = "0192f0c1-0000-7000-8000-000000000001"


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    async with SmtpSink() as running:
        yield running


def channel(port: int, **smtp: Any) -> EmailChannel:
    return EmailChannel(
        settings({"port": 1}, {"port": port, **smtp}), services(Journal()), UNDERSTANDING
    )


def outbound(**changes: Any) -> Outbound:
    now = WallClock().now()
    message = Message(
        id=MessageId(ID),
        case=CaseId("c1"),
        seq=2,
        direction="out",
        author=Author(kind="agent"),
        at=now,
        channel=ChannelName("support"),
        kind=ChannelKind.EMAIL,
        body="Dear Ada,\n.a line that begins with a dot\n",
        subject="Lamp",
        **changes,
    )
    return Outbound(
        id=OutboundId("o1"),
        channel=ChannelName("support"),
        purpose="message",
        created_at=now,
        attempt=1,
        repeat=False,
        address="ada@example.org",
        number=1000123,
        thread=("<plain@example.org>",),
        message=message,
    )


async def test_an_answer_reaches_the_server(sink: SmtpSink) -> None:
    receipt = await channel(sink.port).send(outbound())
    (taken,) = sink.taken
    assert receipt.external_id == f"<{ID}@example.com>"
    assert (taken.sender, taken.recipients) == ("support@example.com", ["ada@example.org"])
    mail = email.message_from_bytes(taken.data, policy=policy.default)
    assert mail["In-Reply-To"] == "<plain@example.org>"
    assert mail["Subject"] == "Re: Lamp [#1000123]"
    assert "\n.a line that begins with a dot" in str(mail.get_payload())


async def test_a_connection_lost_after_the_mail_left_has_an_unknown_outcome(
    sink: SmtpSink,
) -> None:
    out = outbound()
    sending = channel(sink.port)
    sink.plan.lose = "after"
    with pytest.raises(OutcomeUnknown):
        await sending.send(out)
    sink.plan.lose = ""
    again = msgspec.structs.replace(out, attempt=2, repeat=True)
    assert (await sending.send(again)).external_id == f"<{ID}@example.com>"
    first, second = sink.taken
    assert first.data == second.data  # a receiver can tell that it is the same mail


async def test_nobody_listening_means_try_again() -> None:
    with pytest.raises(TryAgain):
        await channel(1).send(outbound())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("450 4.2.1 mailbox busy", Deferred),
        ("550 5.1.1 no such user", Undeliverable),
        ("421 4.3.2 shutting down", TryAgain),
        ("530 5.7.0 authentication required", TryAgain),
    ],
)
async def test_a_recipient_refused_now_or_for_ever(
    sink: SmtpSink, answer: str, error: type[Exception]
) -> None:
    sink.plan.recipients = {"ada@example.org": answer}
    with pytest.raises(error, match=answer[:3]):
        await channel(sink.port).send(outbound())
    assert sink.taken == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [("451 4.3.0 try later", Deferred), ("554 5.7.1 looks like spam", Undeliverable)],
)
async def test_a_mail_refused_now_or_for_ever(
    sink: SmtpSink, answer: str, error: type[Exception]
) -> None:
    sink.plan.data = answer
    with pytest.raises(error, match=answer[:3]):
        await channel(sink.port).send(outbound())


async def test_one_refused_copy_does_not_stop_the_others(sink: SmtpSink) -> None:
    sink.plan.recipients = {
        "gone@example.org": "550 5.1.1 no such user",
        "grey@example.org": "451 4.7.1 greylisted",
    }
    sending = channel(sink.port)
    out = outbound(cc=("gone@example.org", "grey@example.org"))
    receipt = await sending.send(out)
    assert sink.taken[0].recipients == ["ada@example.org"]
    assert "gone@example.org: 550" in receipt.reason
    assert receipt.later == ("grey@example.org",)
    sink.plan.recipients = {}
    await sending.send(msgspec.structs.replace(out, attempt=2, only=receipt.later))
    first, second = sink.taken
    assert (second.recipients, second.data) == (["grey@example.org"], first.data)


async def test_a_mail_over_the_servers_size_is_refused_before_it_is_sent(sink: SmtpSink) -> None:
    sink.most = 2_000
    big = File(name="a.bin", type="application/octet-stream", data=bytes(2_000))
    out = msgspec.structs.replace(outbound(), files=(big,))
    with pytest.raises(Undeliverable, match=r"the server takes 0\.0 MB at most"):
        await channel(sink.port).send(out)
    await channel(sink.port).send(outbound())
    assert len(sink.taken) == 1


async def test_an_address_in_any_script_goes_where_the_server_knows_it(sink: SmtpSink) -> None:
    out = outbound(to=("Ада <ада@example.org>",))
    with pytest.raises(Undeliverable, match="SMTPUTF8"):
        await channel(sink.port).send(out)
    sink.utf8 = True
    await channel(sink.port).send(out)
    (taken,) = sink.taken
    assert taken.recipients == ["ада@example.org"]
    assert "<ада@example.org>".encode() in taken.data.partition(b"\r\n\r\n")[0]


async def test_it_signs_in_where_it_is_told_to(sink: SmtpSink) -> None:
    sink.plan.user, sink.plan.password = "support", "pass"
    await channel(sink.port, user="support", password="pass").send(outbound())
    assert len(sink.taken) == 1
    with pytest.raises(TryAgain, match=r"smtp\.password") as error:
        await channel(sink.port, user="support", password="hunter2").send(outbound())
    assert "hunter2" not in str(error.value)


async def test_starttls_is_used_and_the_certificate_is_checked(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    async with SmtpSink(server_context(files)) as sink:
        secure = channel(sink.port, security="starttls", host="localhost")
        with pytest.raises(TryAgain, match="certificate verify failed"):
            await secure.send(outbound())
        secure._tls = client_context(files)
        await secure.send(outbound())
        with pytest.raises(TryAgain):
            await channel(sink.port, security="none").send(outbound())
    assert len(sink.taken) == 1


async def test_a_server_without_starttls_gets_nothing(sink: SmtpSink) -> None:
    secure = channel(sink.port, security="starttls", host="localhost")
    secure._tls = ssl.create_default_context()
    with pytest.raises(TryAgain):
        await secure.send(outbound())
    assert sink.taken == []


async def test_check_tells_that_answers_to_our_reply_addresses_would_bounce(
    sink: SmtpSink,
) -> None:
    said = settings({"port": 1}, {"port": sink.port})
    by_address = replace(said, reply_token="address")
    careful = EmailChannel(by_address, services(Journal()), UNDERSTANDING)
    assert (await careful.check())[-1][1] is None, "it takes everything"
    refused = "support+c.0-aaaaaaaaaaaa@example.com"
    sink.plan.recipients[refused] = "550 5.1.1 no such user"
    fix = (await careful.check())[-1][1] or ""
    assert "no such user" in fix
    assert 'reply_token = "subject"' in fix
    assert (await channel(sink.port).check())[-1][1] is None, "these mails name no such address"
    sink.plan.recipients[refused] = "451 4.3.0 later"
    assert (await careful.check())[-1][1] is None, "that says nothing about the address"
    assert sink.taken == []


async def test_what_is_no_message_is_refused_for_good(sink: SmtpSink) -> None:
    status = msgspec.structs.replace(outbound(), purpose="status", message=None)
    with pytest.raises(Undeliverable):
        await channel(sink.port).send(status)
