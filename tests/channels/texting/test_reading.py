"""Whatever a webhook says, it is read, or the field at fault is named: never a fault of ours."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.sms.channel import provider_of
from channels.sms.settings import Settings
from channels.texting.settings import ProviderName
from channels.texting.wire import BadHook, Provider
from gateway.core.ids import ChannelName
from gateway.ports import HttpRequest
from tests.support.chatworld import ChatWorld
from tests.support.textworld import OURS, SECRETS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "from", "to", "data", "payload", "text"]), inner)
    ),
    max_leaves=8,
)
KINDS = st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", ""])


def provider(name: ProviderName) -> Provider:
    said = Settings(
        name=ChannelName("m"),
        provider=name,
        number=OURS,
        account="AC",
        secret=SECRETS[name],
        api_base="http://x",
    )
    return provider_of(said, ChatWorld().services())


@pytest.mark.parametrize("name", ["twilio", "vonage", "telnyx", "generic"])
def test_any_body_is_read_or_its_field_is_named(name: ProviderName) -> None:
    reader = provider(name)

    @settings(max_examples=60, deadline=None)
    @given(
        body=st.binary(max_size=60) | JSON.map(lambda said: json.dumps(said).encode()), kind=KINDS
    )
    def reads(body: bytes, kind: str) -> None:
        request = HttpRequest(
            method="POST",
            path="/",
            params={},
            query={},
            headers={"content-type": kind},
            body=body,
            remote="",
        )
        found: list[Any] = []
        fault: BadHook | None = None
        try:
            found = reader.read(request)
        except BadHook as bad:
            fault = bad
        assert fault is None or (fault.field and fault.why)
        assert all(one.id for one in found)

    reads()
