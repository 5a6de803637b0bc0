"""WhatsApp: free words for a day after the customer's, then only what was approved."""

from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.whatsapp import TYPE as WHATSAPP
from channels.whatsapp.settings import Settings, Template
from channels.whatsapp.templates import filled, problem_of
from gateway.core.ids import AgentName
from gateway.core.model import Delivery, OutboundState
from gateway.core.stopwords import confirmation
from gateway.core.view import item_view
from gateway.ports import File
from tests.support.textworld import ADA, OURS, TextWorld, texting

LATE = Template(
    name="late", language="en", text="Hello {{1}}, your parcel comes on {{2}}.", id="HX1"
)
SPANISH = Template(name="tarde", language="es", text="Hola {{1}}, tu paquete llega el {{2}}.")
FROM = {"From": f"whatsapp:{ADA}", "To": f"whatsapp:{OURS}", "ProfileName": "Ada L."}


def whatsapp(provider: str = "twilio") -> Any:
    return texting(provider, kind=WHATSAPP, settings=Settings, templates=(LATE, SPANISH))


async def sent(world: TextWorld, count: int = 1) -> dict[str, Any]:
    await world.until(lambda: len(world.carrier.taken) >= count)
    await world.rig.caught_up()
    found: dict[str, Any] = world.carrier.taken[-1]
    return found


async def test_within_a_day_anything_may_be_said_and_the_clock_is_on_the_item() -> None:
    async with whatsapp() as world:
        await world.text("Where is my parcel?", **FROM)
        (item,) = world.items
        assert (item.address, item.kind.value) == (ADA, "whatsapp")
        known = world.rig.node.ledger.state.items[item.id]
        view = item_view(known, world.rig.node.ledger.state.cases[known.case])
        left = view.window_ends - world.now()
        assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
        await world.answer("On Friday 🙂")
        said = await sent(world)
        assert (said["to"], said["sender"]) == (f"whatsapp:{ADA}", f"whatsapp:{OURS}")
        assert said["text"] == "On Friday 🙂"


async def test_after_a_day_only_a_template_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.whatsapp.channel.WINDOW", timedelta(0))
    async with whatsapp() as world:
        await world.text("Where is my parcel?", **FROM)
        refused = await world.answer("On Friday")
        await world.until(lambda: world.outbox[-1].state is OutboundState.FAILED)
        await world.rig.caught_up()
        assert world.state_of(refused) is Delivery.FAILED
        assert "templates" in world.rig.tables.messages[refused.id].delivery_reason
        unfilled = await world.answer(LATE.text)
        await world.until(lambda: world.outbox[-1].state is OutboundState.FAILED)
        await world.answer("Hello Ada, your parcel comes on Friday.")
        said = await sent(world)
        assert (said["template"], said["values"]) == ("HX1", {"1": "Ada", "2": "Friday"})
        assert unfilled.id != refused.id


async def test_vonage_has_its_own_way_of_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.whatsapp.channel.WINDOW", timedelta(0))
    async with whatsapp("vonage") as world:
        told = {"message_uuid": "m", "from": ADA[1:], "to": OURS[1:], "text": "Hola"}
        await world.vonage({**told, "channel": "whatsapp", "profile": {"name": "Ada"}})
        await world.settled()
        await world.answer("Hola Ada, tu paquete llega el viernes.")
        raw = (await sent(world))["raw"]
        assert raw["channel"] == "whatsapp"
        assert raw["template"] == {"name": "tarde", "parameters": ["Ada", "viernes"]}
        assert raw["whatsapp"]["locale"] == "es"


@pytest.mark.parametrize(
    "kinds", [["image/png"], ["image/png", "image/png"], ["application/pdf"], ["image/heic"]]
)
async def test_vonage_takes_one_picture_and_all_else_leaves_as_links(kinds: list[str]) -> None:
    async with whatsapp("vonage") as world:
        told = {"message_uuid": "m", "from": ADA[1:], "to": OURS[1:], "text": "Hola"}
        await world.vonage({**told, "channel": "whatsapp"})
        await world.settled()
        put = world.rig.node.files.put
        kept = [
            await put(File(name=f"{n}", type=kind, data=b"x"), AgentName("ana"))
            for n, kind in enumerate(kinds)
        ]
        await world.answer("Here", attachments=tuple(one.id for one in kept))
        raw = (await sent(world))["raw"]
        if kinds == ["image/png"]:
            assert raw["image"]["caption"] == "Here"
            assert str(kept[0].id) in raw["image"]["url"]
        else:
            assert raw["message_type"] == "text"
            assert all(str(one.id) in raw["text"] for one in kept)


async def test_a_picture_leaves_as_one_and_stop_is_heard_here_too() -> None:
    async with whatsapp() as world:
        await world.text("STOP", **FROM)
        assert (await sent(world))["text"] == confirmation("stop", "en")
        stops = world.rig.node.ledger.state.stops
        assert len(stops) == 1


async def test_the_templates_are_listed_in_the_nearest_language() -> None:
    async with whatsapp() as world:
        route = world.channel.routes()[-1]
        assert route.path == "/api/v1/templates/mobile"
        for language, names in (
            ("es-AR", ["tarde"]),
            ("en", ["late"]),
            ("hu", ["late", "tarde"]),
        ):
            request: Any = type("Asked", (), {"query": {"language": language}})
            listed = await world.channel._templates(request)
            assert [one.name for one in listed.body.items] == names


@given(
    st.lists(
        st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1),
        min_size=2,
        max_size=2,
    )
)
def test_what_is_filled_in_is_found_again(values: list[str]) -> None:
    text = LATE.text.replace("{{1}}", values[0]).replace("{{2}}", values[1])
    found = filled(LATE.text, text)
    assert found is not None
    assert LATE.text.replace("{{1}}", found[0]).replace("{{2}}", found[1]) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{2}} only", "none left out"),
        ("{{1}} {{2}}", "words between"),
        (" ".join(f"{{{{{n}}}}} x" for n in range(1, 12)), "more than 10"),
        ("Hello {{1}}!", ""),
    ],
)
def test_a_template_that_cannot_be_told_apart_is_refused(text: str, why: str) -> None:
    assert why in problem_of(text)


def test_telnyx_brings_no_whatsapp() -> None:
    with pytest.raises(ValueError, match="provider"):
        Settings(name="w", provider="telnyx", number=OURS, secret="x")  # type: ignore[arg-type]


def test_a_long_text_that_is_no_template_is_told_from_one_at_once() -> None:
    template = "Dear {{1}}, {{2}} {{3}} {{4}} {{5}} {{1}}: {{6}} bye"
    began = monotonic()
    assert filled(template, "Dear Ada, " + "a b, " * 800) is None
    assert monotonic() - began < 1


def test_a_place_that_stands_twice_is_filled_in_the_same_way() -> None:
    assert filled("{{1}} and {{1}}!", "you and me and you and me!") == ("you and me",)
    assert filled("{{1}} and {{1}}!", "you and me!") is None
    assert filled("Hi {{1}} {{2}}", "Hi Ada B. Lovelace") == ("Ada", "B. Lovelace")
    assert filled("No place", "No place") == ()
    assert filled("No place", "No places") is None
    assert filled("Hi {{1}}", "Hi ") is None
