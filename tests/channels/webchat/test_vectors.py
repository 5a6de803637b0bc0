"""The server's half of the transcripts that the widget's reducer is tested against too.

A vector lists what happens on both sides. ``up`` is what the client sends, ``down`` what the
server answers; ``node`` steps happen here, ``user`` and ``line`` steps there.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET, convert
from msgspec.structs import replace

from channels.webchat.effects import Bring, Effect, Entered, Post
from channels.webchat.protocol import Edit, End, Send, Site, decode_server, encode
from channels.webchat.session import Session
from channels.webchat.visitor import Visitor
from gateway.core.ids import AttachmentId, CaseId, MessageId
from gateway.core.model import Attachment, Delivery, ItemState
from gateway.ports import Decided
from tests.support.chatvalues import case_of, item_of, message

FOLDER = Path(__file__).parents[2] / "vectors" / "chat"
SITE = Site(title="Brightleaf", greeting="Hi!")


class Server:
    def __init__(self) -> None:
        self.session = Session(lambda agent: agent.title(), most_files=3)
        self.down: list[Any] = []

    def carry(self, effects: list[Effect]) -> None:
        self.down += [json.loads(encode(e.frame)) for e in effects if isinstance(e, Post)]

    def node(self, happened: dict[str, Any]) -> None:
        ((what, value),) = happened.items()
        session = self.session
        match what:
            case "entered":
                self.carry(session.entered(_entered(value)))
            case "loaded":
                rows = [_message(row) for row in value["messages"]]
                conversation = CaseId(value.get("conversation", rows[0].case))
                self.carry(session.loaded(conversation, rows, more=False))
            case "committed":
                self.carry(session.committed(_message(value)))
            case "item":
                self.carry(session.item_changed(_item(value)))
            case "delivery":
                self.carry(session.delivery_changed(MessageId(value[0]), Delivery(value[1])))
            case "typing":
                self.carry(session.agent_typing(value[0], on=value[1]))
            case "decided":
                re = value.pop("re")
                decided = convert({"status": "processed", **value}, Decided)
                self.carry(session.decided(Send(id=re, body="x"), decided))
            case "amended" | "amends" | "refuses":
                self.second_thoughts(what, value)
            case "refused":
                said = Send(id=value["re"], body="x")
                self.carry(session.refused(said, value["code"], value["detail"], value["after"]))
            case _:
                raise AssertionError(f"unknown step {what}")

    def second_thoughts(self, what: str, value: Any) -> None:
        if what == "amended":
            self.carry(self.session.amended(value))
            return
        re = value.pop("re")
        status = "processed" if what == "amends" else "ignored"
        decided = convert({"status": status, **value}, Decided)
        self.carry(self.session.decided(Edit(id=re, message=MessageId("m"), body="x"), decided))


def _message(row: dict[str, Any]) -> Any:
    delivery = row.get("delivery")
    said = message(
        row["seq"],
        row["body"],
        case=row["case"],
        direction=row["direction"],
        client_id=row.get("client_id", ""),
        delivery=Delivery(delivery) if delivery else None,
    )
    files = tuple(
        Attachment(id=AttachmentId(id_), name=name, type=kind, size=size, sha256="")
        for id_, name, kind, size in row.get("files", ())
    )
    return replace(
        said,
        body=row["body"],
        attachments=files,
        edited_at=said.at if row.get("edited") else UNSET,
        deleted_at=said.at if row.get("deleted") else UNSET,
    )


def _item(value: dict[str, Any]) -> Any:
    return item_of(
        ItemState(value["state"]),
        case=value.get("case", "case-1"),
        name=value.get("name", "item-1"),
        version=value.get("version", 1),
        agent=value.get("agent"),
    )


def _entered(value: dict[str, Any]) -> Entered:
    case = value.get("case")
    waiting = value.get("waiting")
    return Entered(
        visitor=Visitor(id="v"),
        token=value["token"],
        site=SITE,
        heartbeat=10.0,
        case=case_of(case["id"], case["number"], case["last_seq"]) if case else None,
        item=_item(value["item"]) if "item" in value else None,
        waiting=(waiting[0], waiting[1]) if waiting else None,
        anew=value.get("anew", False),
    )


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_the_session_says_what_the_transcript_says(path: Path) -> None:
    vector = json.loads(path.read_text())
    server = Server()
    for step in vector["steps"]:
        match step:
            case {"line": "opened"}:
                server = Server()
            case {"up": frames}:
                for frame in frames:
                    server.carry(server.session.receive(json.dumps(frame)))
            case {"raw": text}:
                server.carry(server.session.receive(text))
            case {"node": happened}:
                server.node(happened)
            case {"down": frames}:
                assert server.down == frames, vector["about"]
                for frame in frames:
                    decode_server(json.dumps(frame))
                server.down = []
            case _:
                assert step.keys() <= {"user", "line"}
    assert server.down == [], "the transcript leaves out what the server said last"


def test_there_are_transcripts() -> None:
    assert len(list(FOLDER.glob("*.json"))) >= 8


def test_ending_a_chat_that_is_over_is_answered_at_once() -> None:
    server = Server()
    server.carry(server.session.receive('{"t":"hello","channel":"site"}'))
    server.node({"entered": {"token": "token-1"}})
    server.down = []
    server.carry(server.session.receive(encode(End(id="aaaaaaaa"))))
    assert server.down == [{"t": "ok", "re": "aaaaaaaa", "seq": 0}]


def test_whether_a_chat_is_over_is_for_the_node_that_has_its_item_to_say() -> None:
    """Under random faults: the window's node died, it came to the other before the takeover, and
    its `end` was answered although the agent had the chat in hand ever after."""
    server = Server()
    server.carry(server.session.receive('{"t":"hello","channel":"site"}'))
    case = {"id": "case-1", "number": 1000, "last_seq": 0}
    server.node({"entered": {"token": "token-1", "case": case}})
    said = End(id="aaaaaaaa")
    assert server.session.receive(encode(said)) == [Bring(said)]
