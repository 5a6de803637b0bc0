"""Every frame, code and setting stands in docs/protocols/chat.md."""

from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import fields

from channels.webchat import protocol
from channels.webchat.settings import Settings
from gateway.ports import ChannelSettings

TEXT = (Path(__file__).parents[3] / "docs" / "protocols" / "chat.md").read_text()

FRAMES = [*get_args(protocol.ClientFrame), *get_args(protocol.ServerFrame)]
COMMON = {field.name for field in fields(ChannelSettings)}
WORDS = [
    *(frame.__struct_config__.tag for frame in FRAMES),
    *(field.name for frame in FRAMES for field in fields(frame)),
    *protocol.ERROR_CODES,
    *(str(code.value) for code in protocol.Close),
    *(code.name for code in protocol.Close),
    *(field.name for field in fields(Settings) if field.name not in COMMON),
]
RESERVED = {"answers", "data", "number", "video"}  # of frames that are not available yet


@pytest.mark.parametrize("word", sorted(set(map(str, WORDS)) - RESERVED))
def test_the_protocol_page_names(word: str) -> None:
    assert word in TEXT


def test_every_frame_without_an_effect_says_what_is_missing() -> None:
    frames = protocol
    handled = {frames.Hello, frames.Send, frames.Typing, frames.Read, frames.End, frames.Callme}
    handled |= {frames.Times, frames.CancelCall, frames.Edit, frames.Delete, frames.Survey}
    assert set(get_args(protocol.ClientFrame)) - handled == set(protocol.NOT_YET)
