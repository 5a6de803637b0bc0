"""What a ``[[channel]]`` of kind "webchat" may say, who may embed it, how fast one may write."""

import msgspec
import pytest

from channels.webchat.hub import Hub
from channels.webchat.pace import Bucket, Buckets
from channels.webchat.settings import Settings, Words, may_embed
from gateway.core.ids import CaseId, ChannelName

OWN = "http://localhost:8080"
SHOP = ("https://shop.example.com", "https://*.example.org")


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example.com",
        "https://shop.example.com:443",
        "https://de.example.org",
        "https://a.b.example.org",
        "http://localhost:8080",
        "http://127.0.0.1:8080",
        None,
    ],
)
def test_these_pages_may_embed_the_chat(origin: str | None) -> None:
    assert may_embed(origin, SHOP, OWN)


@pytest.mark.parametrize(
    "origin",
    [
        "http://shop.example.com",
        "https://shop.example.com:8443",
        "https://shop.example.com.evil.test",
        "https://evil-example.org",
        "https://example.org",
        "https://evil.test",
        "http://localhost:9999",
        "null",
        "",
        "https://[",
    ],
)
def test_these_pages_may_not(origin: str) -> None:
    assert not may_embed(origin, SHOP, OWN)


def test_no_origins_means_the_nodes_own_pages_only() -> None:
    assert may_embed("https://calls.example.com", (), "https://calls.example.com")
    assert not may_embed("https://shop.example.com", (), "https://calls.example.com")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"origins": ["shop.example.com"]}, "not an origin"),
        ({"origins": ["https://shop.example.com/chat"]}, "more than an origin"),
        ({"origins": ["https://shop.*.com"]}, "first label"),
        ({"origins": ["https://*"]}, "first label"),
        ({"origins": ["https://shop.example.com:port"]}, "not an origin"),
        ({"identity_key": "short"}, "at least 16"),
        ({"per_minute": 0}, "per_minute"),
        ({"colour": "red"}, "unknown field `colour`"),
        ({"locale": "no locale!"}, "locale"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(values: dict[str, object], why: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=why):
        msgspec.convert({"name": "site", **values}, Settings)


def test_the_greeting_is_in_the_nearest_language() -> None:
    settings = msgspec.convert(
        {
            "name": "site",
            "title": "Help",
            "greeting": "Hello",
            "translations": {"pt": {"greeting": "Olá"}, "de-CH": {"title": "Hilfe"}},
        },
        Settings,
    )
    assert settings.words("pt-BR") == Words(title="Help", greeting="Olá")
    assert settings.words("de-ch") == Words(title="Hilfe", greeting="Hello")
    assert settings.words("fr") == Words(title="Help", greeting="Hello")


def test_who_writes_too_fast_is_told_how_long_to_wait() -> None:
    bucket = Bucket(burst=2, per_second=0.5, now=0.0)
    assert [bucket.take(0.0), bucket.take(0.0)] == [0.0, 0.0]
    assert bucket.take(0.0) == pytest.approx(2.0)
    assert bucket.take(1.0) == pytest.approx(1.0)
    assert bucket.take(2.0) == 0.0
    assert bucket.take(2.0) == pytest.approx(2.0)


def test_a_reconnect_does_not_fill_the_bucket_again() -> None:
    buckets = Buckets(burst=1, per_second=1.0, most=2)
    assert buckets.take("mia", 0.0) == 0.0
    assert buckets.take("mia", 0.0) > 0.0
    assert buckets.take("max", 0.0) == 0.0


def test_the_buckets_are_bounded_and_forget_the_longest_unused() -> None:
    buckets = Buckets(burst=1, per_second=0.001, most=2)
    for key in ("a", "b", "a", "c"):
        buckets.take(key, 0.0)
    assert buckets.take("a", 0.0) > 0.0
    assert buckets.take("b", 0.0) == 0.0


def test_one_address_may_not_take_all_places_but_loopback_may() -> None:
    hub: Hub[str] = Hub(per_address=1, most=3)
    hub.add("first", "203.0.113.7")
    assert "address" in hub.refusal("203.0.113.7")
    assert hub.refusal("203.0.113.8") == ""
    hub.add("second", "127.0.0.1")
    assert hub.refusal("127.0.0.1") == ""
    hub.add("third", "::1")
    assert "visitors" in hub.refusal("203.0.113.9")
    hub.remove("first")
    assert hub.refusal("203.0.113.7") == ""


def test_who_has_left_is_told_nothing() -> None:
    hub: Hub[str] = Hub(per_address=9, most=9)
    hub.add("tab", "127.0.0.1")
    hub.know("tab", "mia")
    hub.follow("tab", CaseId("case-1"))
    hub.follow("tab", CaseId("case-2"))
    assert hub.followers(CaseId("case-1")) == ()
    assert hub.followers(CaseId("case-2")) == hub.tabs("mia") == ("tab",)
    hub.remove("tab")
    assert hub.followers(CaseId("case-2")) == hub.tabs("mia") == ()
    assert not hub.watched(CaseId("case-2"))


def test_what_is_said_comes_word_by_word_from_the_nearest_language() -> None:
    settings = Settings(
        name=ChannelName("site"),
        title="Help",
        consent="You agree",
        question="Well?",
        translations={"de": Words(title="Hilfe", consent="Sie stimmen zu")},
    )
    said = settings.words("de-AT")
    assert (said.title, said.consent, said.question) == ("Hilfe", "Sie stimmen zu", "Well?")
    assert settings.words("fr").consent == "You agree"
