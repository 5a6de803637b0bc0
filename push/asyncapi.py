"""The AsyncAPI 3.0 document of ``/agent/v1``, made from the types that the code runs on."""

from types import UnionType
from typing import Any, get_args

import msgspec

from push.protocol import (
    ERROR_CODES,
    SUBPROTOCOL,
    VERSION,
    WAITING_CODES,
    ClientFrame,
    Close,
    ServerFrame,
)

Json = dict[str, Any]

CLOSE_CODES: dict[Close, str] = {
    Close.BAD_HELLO: "the first frame was not a valid `hello`, or did not come within 5 seconds",
    Close.BAD_TOKEN: "the token is not valid, or not any more: sign in again",
    Close.BAD_ORIGIN: "pages of this origin may not connect",
    Close.BAD_VERSION: "no common version of the protocol: load the page again",
    Close.SILENT: "two heartbeats unanswered: connect again",
    Close.DRAIN: "the node stops or begins again: connect elsewhere, or again, with resume",
    Close.SLOW: "too slow to read: connect again, with resume",
}
_REF = "#/components/schemas/{name}"


def document() -> Json:
    """The whole document, ready to be encoded as JSON."""
    client, server = _types(ClientFrame), _types(ServerFrame)
    _, schemas = msgspec.json.schema_components([*client, *server], ref_template=_REF)
    _close_the_list(schemas)
    messages = {kind.__name__: _message(kind) for kind in (*client, *server)}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Switchroom agent push",
            "version": str(VERSION),
            "description": (
                "What a desktop, or a bot in its place, and a node say to each other. "
                "The rules are in docs/protocols/agent.md."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {"agent": _channel(list(messages))},
        "operations": {
            "say": _operation("receive", client, "The first frame, then commands."),
            "show": _operation("send", server, "What the agent sees, and answers to commands."),
        },
        "components": {"messages": messages, "schemas": schemas},
        "x-close-codes": {str(int(code)): CLOSE_CODES[code] for code in Close},
        "x-error-codes": ERROR_CODES,
        "x-waiting-codes": WAITING_CODES,
    }


def _types(union: UnionType) -> list[type[msgspec.Struct]]:
    """The members of a union of structs, in order."""
    return list(get_args(union))


def _close_the_list(schemas: Json) -> None:
    schemas["Error"]["properties"]["code"] = {
        "enum": list(ERROR_CODES),
        "description": "; ".join(f"`{code}`: {text}" for code, text in ERROR_CODES.items()),
    }


def _message(kind: type[msgspec.Struct]) -> Json:
    about = (vars(kind).get("__doc__") or "").partition("\n")[0]
    message: Json = {
        "name": kind.__struct_config__.tag,
        "payload": {"$ref": _REF.format(name=kind.__name__)},
    }
    return {**message, "summary": about} if about else message


def _channel(names: list[str]) -> Json:
    return {
        "address": "/agent/v1",
        "description": f"One websocket per tab, JSON text frames, subprotocol `{SUBPROTOCOL}`.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"ws": {"method": "GET"}},
    }


def _operation(action: str, kinds: list[type[msgspec.Struct]], summary: str) -> Json:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/agent"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/agent/messages/{kind.__name__}"} for kind in kinds],
    }
