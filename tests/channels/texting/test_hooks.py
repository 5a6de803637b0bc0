"""What providers bring, signed by their own libraries, over HTTP into a running node."""

import asyncio
import base64
import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from vonage_jwt import verify_signature

from channels.sms.settings import Settings
from channels.texting.settings import ProviderName
from channels.texting.twilio import Twilio
from channels.texting.wire import Forged, Hook
from gateway.core.ids import ChannelName
from gateway.core.model import Delivery
from gateway.ports import HttpRequest
from tests.support.carrier import ACCOUNT, TOKEN
from tests.support.chatworld import StillClock
from tests.support.flownode import new_tables
from tests.support.textworld import ADA, MOBILE, OURS, SECRETS, TextWorld, texting

HI = {"MessageSid": "SM1", "From": ADA, "To": OURS, "Body": "My parcel is late + wet: größer €"}


async def brings(world: TextWorld, provider: str, **more: Any) -> tuple[int, str]:
    """The same text as each of them says it."""
    match provider:
        case "twilio":
            return await world.twilio(HI, **more)
        case "vonage":
            told = {"message_uuid": "SM1", "from": ADA[1:], "to": OURS[1:], "text": HI["Body"]}
            return await world.vonage({**told, "channel": "sms"}, **more)
        case "telnyx":
            payload: dict[str, Any] = {
                "id": "SM1",
                "from": {"phone_number": ADA},
                "text": HI["Body"],
            }
            payload |= {"direction": "inbound", "to": [{"phone_number": OURS}], "media": []}
            event = {"event_type": "message.received", "id": "ev1", "payload": payload}
            return await world.telnyx({"data": event, "meta": {}}, **more)
        case _:
            said = {"id": "SM1", "from": ADA, "to": OURS, "text": HI["Body"]}
            return await world.generic(said, **more)


PROVIDERS: tuple[ProviderName, ...] = ("twilio", "vonage", "telnyx", "generic")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_text_becomes_a_message_of_its_number_and_a_work_item_once(
    provider: ProviderName,
) -> None:
    async with texting(provider) as world:
        answers = [await brings(world, provider) for _ in range(3)]
        assert len(set(answers)) == 1
        assert answers[0][0] == 200
        await world.settled()
        (item,), (message,) = world.items, world.messages
        assert message.body == HI["Body"]
        assert (message.author.id, message.author.verified) == (ADA, True)
        assert (item.address, item.channel, message.to) == (ADA, MOBILE, (OURS,))
        assert item.attributes["number_shown"] == "+44 7911 123456"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_is_not_signed_is_refused_without_a_word_and_leaves_nothing(
    provider: ProviderName,
) -> None:
    async with texting(provider, secret=SECRETS[provider]) as world:
        body = urlencode(HI).encode() if provider == "twilio" else json.dumps({"a": 1}).encode()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        faults: tuple[dict[str, str], ...] = (
            {},
            {"X-Twilio-Signature": ""},
            {"Authorization": "Bearer x.y.z"},
            {"Authorization": "Basic eA=="},
            {"telnyx-timestamp": "1", "telnyx-signature-ed25519": "!"},
            {"telnyx-timestamp": "x", "telnyx-signature-ed25519": "AAAA"},
            {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA v2,b"},
            {"X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_MD5"},
        )
        for marks in faults:
            assert await world.post(body, {**form, **marks}) == (403, ""), marks
        assert await world.post(b"\xff%zz", form) == (403, "")
        assert not world.rig.tables.inbox


@pytest.mark.parametrize("provider", ["vonage", "telnyx", "generic"])
async def test_a_body_that_was_changed_on_its_way_is_refused(
    provider: ProviderName, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with texting(provider) as world:
        post, sent = world.post, []

        async def meddle(body: bytes, marks: Any, path: str = "", where: str = "") -> Any:
            sent.append(body)
            return await post(body.replace(b"late", b"soon"), marks, path, where)

        monkeypatch.setattr(world, "post", meddle)
        assert await brings(world, provider) == (403, "")
        assert sent
        assert not world.rig.tables.inbox


@pytest.mark.parametrize("provider", ["vonage", "telnyx", "generic"])
async def test_an_old_webhook_is_taken_only_if_it_came_before(provider: ProviderName) -> None:
    async with texting(provider) as world:
        long_ago = int(world.now().timestamp()) - 301
        then: dict[str, Any] = {"iat": long_ago} if provider == "vonage" else {"at": long_ago}
        assert await brings(world, provider, **then) == (403, "")
        assert not world.rig.tables.inbox
        first = await brings(world, provider)
        assert first[0] == 200
        assert await brings(world, provider, **then) == first
        await world.settled()
        assert len(world.messages) == 1


async def test_vonage_must_name_our_account_and_when_it_was() -> None:
    async with texting("vonage") as world:
        assert (await brings(world, "vonage", api_key="another"))[0] == 403
        assert (await brings(world, "vonage", iat="yesterday"))[0] == 403
        assert (await brings(world, "vonage", payload_hash=""))[0] == 403
        good = await brings(world, "vonage", api_key="", application_id=ACCOUNT)
        assert good[0] == 200


def test_the_token_of_our_tests_is_one_that_the_sdk_of_vonage_takes() -> None:
    import jwt

    token = jwt.encode({"iat": 1}, SECRETS["vonage"], algorithm="HS256")
    assert verify_signature(token, SECRETS["vonage"]) is True


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_while_a_secret_is_changed_both_are_good(provider: ProviderName) -> None:
    new = {
        "twilio": "another-token",
        "vonage": "another secret of the same account",
        "telnyx": base64.b64encode(bytes(range(2, 34))).decode(),
        "generic": "whsec_" + base64.b64encode(bytes(range(2, 34))).decode(),
    }[provider]
    if provider == "telnyx":
        from nacl.signing import SigningKey

        new = base64.b64encode(bytes(SigningKey(bytes(range(2, 34))).verify_key)).decode()
    async with texting(provider, secret=new, old_secret=SECRETS[provider]) as world:
        assert (await brings(world, provider))[0] == 200
    async with texting(provider, secret=new) as world:
        assert (await brings(world, provider))[0] == 403


# -- Twilio's own ways --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://contact.example.com/hooks/sms/mobile",
        "https://contact.example.com:443/hooks/sms/mobile",
    ],
)
async def test_twilio_signs_the_address_with_the_port_or_without(url: str) -> None:
    async with texting() as world:
        assert (await world.twilio(HI, url=url))[0] == 200


async def test_the_host_that_a_request_claims_signs_nothing() -> None:
    async with texting() as world:
        signature = RequestValidator(TOKEN).compute_signature(
            "https://evil.example/hooks/sms/mobile", HI
        )
        marks = {
            "X-Twilio-Signature": signature,
            "Host": "evil.example",
            "X-Forwarded-Host": "evil.example",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        assert await world.post(urlencode(HI).encode(), marks) == (403, "")


async def test_the_newer_scheme_of_twilio_takes_the_key_that_it_names() -> None:
    keys = {"webhooks_sharedkey_1": "the-shared-secret"}
    async with texting(signing_keys=keys) as world:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        said = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"

        def marks(secret: str, algorithm: str, header: str) -> dict[str, str]:
            validator = RequestValidator(secret)
            signature = validator.compute_signature(world.url(), HI, algorithm)
            found = {**form, "X-Twilio-Signature": signature}
            return found | {"X-Twilio-Webhooks-Signature-Settings": header}

        body = urlencode(HI).encode()
        good = marks("the-shared-secret", "HMAC_SHA256", said)
        assert (await world.post(body, good))[0] == 200
        for bad in (
            marks(TOKEN, "HMAC_SHA256", said),
            marks("the-shared-secret", "HMAC_SHA1", said),
            marks("the-shared-secret", "HMAC_SHA256", said.replace("key_1", "key_2")),
            marks("the-shared-secret", "HMAC_SHA256", said.replace("256", "512")),
        ):
            assert await world.post(body, bad) == (403, "")
        token = marks(TOKEN, "HMAC_SHA256", "algorithm=HMAC_SHA256")
        assert (await world.post(body, token))[0] == 200


async def test_twilio_may_send_json_and_sign_it_by_its_hash() -> None:
    async with texting() as world:
        body = json.dumps({"MessageSid": "SM9", "From": ADA, "Body": "json"}).encode()
        query = f"?bodySHA256={hashlib.sha256(body).hexdigest()}"
        signature = RequestValidator(TOKEN).compute_signature(world.url(query), {})
        marks = {"X-Twilio-Signature": signature, "Content-Type": "application/json"}
        assert (await world.post(body, marks, query))[0] == 200
        assert await world.post(body + b" ", marks, query) == (403, "")
        assert await world.post(body, marks) == (403, "")


FORM = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
    st.text(st.characters(codec="utf-8"), max_size=12),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(form=FORM, query=st.sampled_from(["", "?a=b", "?x=%20y&x=z", "?redirect=http://h:1/p"]))
def test_our_signature_is_that_of_the_sdk_for_any_form(form: dict[str, str], query: str) -> None:
    said = Settings(
        name=ChannelName("m"), provider="twilio", number=OURS, account="AC", secret=TOKEN
    )
    url = f"https://h.example:8443/hooks/sms/m{query}"
    signature = RequestValidator(TOKEN).compute_signature(url, form)
    request = HttpRequest(
        method="POST",
        path="/hooks/sms/m",
        params={},
        query={},
        headers={
            "x-twilio-signature": signature,
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        },
        body=urlencode(form).encode(),
        remote="",
    )
    twilio = Twilio(said, StillClock())
    twilio.check(Hook(request=request, url=url, now=0.0))
    with pytest.raises(Forged):
        twilio.check(Hook(request=request, url=url.replace("/m", "/n"), now=0.0))


# -- what is signed and wrong -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"From": ADA}, "MessageSid"),
        ({"MessageSid": "SM1", "Body": "x"}, "From"),
        ({"MessageSid": "SM1", "From": ADA, "NumMedia": "many"}, "NumMedia"),
        ({"MessageSid": "SM1", "From": ADA, "NumMedia": "1"}, "MediaUrl0"),
        ({"MessageSid": "SM1", "MessageStatus": "flown"}, "MessageStatus"),
    ],
)
async def test_twilio_saying_something_else_is_told_the_field(
    form: dict[str, str], field: str
) -> None:
    async with texting() as world:
        status, told = await world.twilio(form)
        assert status == 400
        assert json.loads(told)["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"from": ADA}, "id"),
        ({"id": "", "from": ADA}, "id"),
        ({"id": "1"}, "from"),
        ({"id": "1", "from": 7}, "from"),
        ({"id": "1", "from": ADA, "media": [{"type": "x"}]}, "media[0].url"),
        ({"id": "1", "status": "eaten"}, "status"),
    ],
)
async def test_the_generic_form_names_the_field_at_fault(said: Any, field: str) -> None:
    async with texting("generic") as world:
        status, told = await world.generic(said)
        assert status == 400
        assert json.loads(told)["errors"][0]["field"] == field


async def test_an_unknown_channel_is_not_found_and_a_large_body_is_not_read() -> None:
    async with texting() as world:
        status, _ = await world.post(b"", {}, where="/hooks/sms/nobody")
        assert status == 404
        status, _ = await world.post(b"x" * 300_000, {})
        assert status == 413


async def test_nothing_is_answered_before_it_is_on_disk() -> None:
    async with texting() as world:
        world.rig.store.faults.unavailable = 1.0
        async with asyncio.TaskGroup() as group:
            answer = group.create_task(world.twilio(HI))
            await asyncio.sleep(0.1)
            assert not answer.done()
            world.rig.store.faults.unavailable = 0.0
        assert answer.result()[0] == 200
        assert ("mobile", "SM1") in world.rig.tables.inbox


# -- who it is, and where it goes ---------------------------------------------------------------


async def test_texts_of_one_number_join_its_open_case_for_a_while_and_the_quoted_one_always() -> (
    None
):
    tables = new_tables()
    async with texting(tables=tables) as world:
        await world.text("Where is my parcel?")
        await world.text("It was to come on Monday")
        (item,) = world.items
        assert [m.case for m in world.messages] == [item.case] * 2
        await world.text("I am somebody else", sender="+447911123457")
        assert len({m.case for m in world.messages}) == 2
    async with texting(tables=tables, join_hours=0.0) as world:
        await world.text("Hours later", MessageSid="SMlater", To=OURS)
        assert len({m.case for m in world.messages}) == 3
        quoted = world.messages[0].external_id
        await world.text("this one", MessageSid="SMq", OriginalRepliedMessageSid=quoted)
        assert world.messages[-1].case == world.messages[0].case


async def test_a_name_or_a_short_code_is_nobody_who_can_be_answered() -> None:
    async with texting() as world:
        await world.text("Your code is 123", sender="AMAZON")
        await world.text("STOP", sender="AMAZON")
        assert not any(item.address for item in world.items)
        assert not any(one.author.verified for one in world.messages)
        assert not world.rig.node.ledger.state.stops


async def test_the_language_is_guessed_from_twenty_characters_on() -> None:
    async with texting() as world:
        await world.text("¿Dónde está mi paquete? Lo espero desde el lunes por la mañana")
        assert world.items[0].language == "es"
        await world.text("ok", sender="+447911123457")
        assert world.items[-1].language == ""


async def test_a_report_on_nothing_of_ours_changes_nothing() -> None:
    async with texting() as world:
        path = "/status?message=0190a000-0000-7000-8000-00000000dead"
        said = {"MessageSid": "SM1", "MessageStatus": "delivered"}
        status, _ = await world.twilio(said, path)
        assert status == 200
        await world.settled()
        assert not world.items
        assert not [m for m in world.messages if m.delivery is Delivery.DELIVERED]
