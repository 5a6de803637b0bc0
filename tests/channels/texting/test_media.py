"""Files that come with texts, and files that leave as links."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from channels.sms.settings import Settings
from channels.texting import media
from gateway.core.ids import AgentName
from gateway.core.model import Message
from gateway.ports import File
from tests.support.flownode import new_tables
from tests.support.textworld import OURS, TextWorld, texting

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def names(message: Message) -> list[tuple[str, str, int]]:
    return [(one.name, one.type, one.size) for one in message.attachments]


async def picture(world: TextWorld, url: str, body: str = "Look", kind: str = "image/png") -> None:
    said = {"NumMedia": "1", "MediaUrl0": url, "MediaContentType0": kind}
    await world.text(body, **said)


async def test_a_picture_comes_with_its_text_by_our_account() -> None:
    async with texting() as world:
        world.carrier.files["a"] = ("image/png", PNG)
        await picture(world, f"{world.carrier.url}/media/a")
        (message,) = world.messages
        assert (message.body, names(message)) == ("Look", [("image-1.png", "image/png", len(PNG))])
        assert world.carrier.seen_credentials[0].startswith("Basic ")


async def test_a_picture_that_has_moved_is_followed_without_our_account() -> None:
    async with texting() as world:
        world.carrier.files["a"] = ("image/png", PNG)
        elsewhere = world.carrier.url.replace("127.0.0.1", "localhost")
        world.carrier.moved["a"] = f"{elsewhere}/media/a"
        await picture(world, f"{world.carrier.url}/moved/a")
        assert len(world.messages[0].attachments) == 1
        assert world.carrier.seen_credentials == [""]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://169.254.169.254/latest/meta-data", "link-local"),
        ("file:///etc/passwd", "http or https"),
        ("http://user:pass@example.com/x", "user or password"),
        (f"http://{'a' * 70}.example/x", ""),
        ("http://[::1", "not a URL"),
        ("http://exa mple/", "spaces"),
        ("{}/media/html", "text/html are not taken"),
        ("{}/media/large", "more than 1000 bytes"),
        ("{}/moved/round", "again and again"),
        ("{}/moved/inside", "link-local"),
        ("{}/moved/nowhere", "no URL"),
        ("https://a..b/picture", "is no name of a host"),
    ],
)
async def test_what_cannot_be_had_says_why_in_its_place(url: str, why: str) -> None:
    async with texting(max_media_bytes=1_000) as world:
        world.carrier.files |= {"html": ("text/html", b"<p>"), "large": ("image/png", bytes(1_001))}
        world.carrier.moved |= {
            "round": f"{world.carrier.url}/moved/round",
            "inside": "http://169.254.169.254/",
            "nowhere": "http://[::1",
        }
        await picture(world, url.format(world.carrier.url))
        (message,) = world.messages
        assert not message.attachments
        assert message.body.startswith("Look\n(A file came with this message")
        assert why in message.body


async def test_private_addresses_are_not_fetched_from_unless_the_channel_says_so() -> None:
    async with texting(private=False) as world:
        await picture(world, f"{world.carrier.url}/media/a")
        assert "private address" in world.messages[0].body
        assert not world.carrier.seen_credentials


async def test_what_is_not_there_yet_follows_as_a_message_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(media, "PAUSES", (0.01, 0.01))
    async with texting() as world:
        world.carrier.files["a"] = ("image/png", PNG)
        world.carrier.file_faults += [503, 404]
        await picture(world, f"{world.carrier.url}/media/a")
        await world.until(lambda: len(world.messages) == 2)
        first, second = world.messages
        assert (first.body, first.attachments) == ("Look", ())
        assert names(second) == [("image-1.png", "image/png", len(PNG))]
        assert first.case == second.case


async def test_what_was_still_to_come_comes_after_a_restart_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = new_tables()
    async with texting(tables=tables) as world:
        world.carrier.file_faults += [503] * 9
        await picture(world, f"{world.carrier.url}/media/a")
        base = world.carrier.url
    assert len(tables.messages) == 1
    waiting = [value for (_, key), value in tables.memories.items() if key.startswith("media:")]
    assert base.encode() in waiting[0]
    monkeypatch.setattr(media, "PAUSES", (0.01,))
    async with texting(tables=tables) as world:
        await world.until(lambda: len(world.messages) == 2)
        assert "could not be fetched" in world.messages[-1].body  # that provider is gone
        await world.until(lambda: not world.channel._fetching._waiting)


async def test_what_there_is_no_room_to_wait_for_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "MOST_WAITING", 1)
    async with texting() as world:
        world.carrier.file_faults += [503] * 99
        url = f"{world.carrier.url}/media/a"
        await world.text("Look", NumMedia="2", MediaUrl0=url, MediaUrl1=url)
        assert len(world.channel._fetching._waiting) == 1
        assert world.messages[0].body.count("too many others are still to come") == 1


async def test_only_a_few_late_files_are_fetched_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "LATER_AT_ONCE", 2)
    at_work, most, done = 0, 0, 0

    async def fetch(_: media.Fetching, wanted: Any, place: int) -> File:
        nonlocal at_work, most, done
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.01)
        at_work, done = at_work - 1, done + 1
        return File(name=f"{done}.png", type="image/png", data=PNG)

    async def nothing_yet(_: media.Fetching, wanted: Sequence[Any]) -> list[None]:
        return [None] * len(wanted)

    monkeypatch.setattr(media.Fetching, "at_once", nothing_yet)
    monkeypatch.setattr(media.Fetching, "fetch", fetch)
    async with texting() as world:
        urls = {f"MediaUrl{n}": f"{world.carrier.url}/media/{n}" for n in range(6)}
        await world.text("Look", NumMedia="6", **urls)
        await world.until(lambda: len(world.messages) == 7)
        assert most == 2


async def test_a_file_of_ours_leaves_as_a_link_that_is_good_for_a_while() -> None:
    async with texting(link_hours=1.0) as world:
        await world.text("Send me the bill")
        files = world.rig.node.files
        bill = await files.put(
            File(name="Rechnung ü.pdf", type="application/pdf", data=b"%PDF"), AgentName("ana")
        )
        await world.answer("Here it is", attachments=(bill.id,))
        await world.until(lambda: len(world.carrier.taken) == 1)
        text, link = world.carrier.taken[0]["text"].split("\n")
        assert text == "Here it is"
        status, body, said = await world.get(link)
        assert (status, body) == (200, b"%PDF")
        assert said["Content-Type"] == "application/octet-stream"
        assert said["Content-Disposition"].startswith("attachment;")
        assert said["X-Content-Type-Options"] == "nosniff"
        for bad in (
            link[:-1],
            link + "x",
            link.replace("files/0", "files/1"),
            f"{link[:-25]}{link[-24:]}",
        ):
            assert (await world.get(bad))[0] == 404
        links = world.channel._links
        links._seconds = -1
        assert (await world.get(links.url(bill.id)))[0] == 410


async def test_with_media_a_picture_of_ours_leaves_as_a_picture() -> None:
    async with texting(media=True) as world:
        await world.text("Show me")
        shot = await world.rig.node.files.put(
            File(name="a.png", type="image/png", data=PNG), AgentName("ana")
        )
        await world.answer("Like this", attachments=(shot.id,))
        await world.until(lambda: len(world.carrier.taken) == 1)
        (sent,) = world.carrier.taken
        assert sent["text"] == "Like this"
        status, body, said = await world.get(sent["media"][0])
        assert (status, body, said["Content-Type"]) == (200, PNG, "image/png")


async def test_the_channel_says_whether_its_account_is_good() -> None:
    async with texting() as world:
        assert await world.channel.check() == [
            ("Twilio account AC0123456789", None),
            (f"the provider brings messages to {world.url()}", None),
        ]
    async with texting(api_secret="wrong") as world:
        (_, fix), _ = await world.channel.check()
        assert fix is not None
        assert "401" in fix


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"number": "0123"}, "number"),
        ({"numbers": {"DE": "0151"}}, "numbers.DE"),
        ({"secret": ""}, "secret"),
        ({"account": ""}, "account"),
        ({"provider": "generic", "api_base": ""}, "api_base"),
        ({"provider": "generic", "api_base": "http://x", "secret": "plain"}, "secret"),
    ],
)
def test_a_channel_that_cannot_work_is_refused_with_the_key(wrong: Any, key: str) -> None:
    good = {"name": "m", "provider": "twilio", "number": OURS, "account": "AC", "secret": "s"}
    with pytest.raises(ValueError, match=key):
        Settings(**(good | wrong))
