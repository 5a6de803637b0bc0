"""Every named block means something to the migrated schema, and the hot ones use their index."""

import re
from typing import Any

import pytest
from msgspec import json

from gateway.store.opening import Store, new_id
from gateway.store.pool import connector, hosts_of
from gateway.store.queries import Queries, parse

SQL = Queries.load()
pytestmark = pytest.mark.integration


@pytest.mark.parametrize("name", SQL.names())
async def test_a_block_is_understood_by_the_database(store: Store, name: str) -> None:
    async with store.pool.acquire() as con:
        await con.prepare(SQL[name])


def test_every_name_the_code_asks_for_is_a_block() -> None:
    from importlib.resources import files

    asked = set()
    for file in files("gateway.store").iterdir():
        if file.name.endswith(".py"):
            asked |= set(re.findall(r'sql\["(\w+)"\]', file.read_text("utf-8")))
    assert "commit_batch" in asked
    assert asked <= set(SQL.names())


def test_a_block_ends_where_the_next_begins() -> None:
    blocks = parse("-- a file\n-- name: one\nSELECT 1\n\n-- name: two\n-- why\nSELECT 2\n")
    assert blocks == {"one": "SELECT 1", "two": "-- why\nSELECT 2"}


A = new_id()
ANY: list[Any] = [[], "", "", "", None, "", None, 10]
HOT: list[tuple[str, list[Any], str]] = [
    ("case_by_id", [A], "ticket_case_pkey"),
    ("case_by_number", [1], "ticket_case_number_key"),
    ("referenced_by_message", [[A]], "message_pkey"),
    ("referenced_by_external_id", [["x@y"]], "message_external"),
    ("recent_case", [A, "mail"], "ticket_case_customer"),
    ("last_item", [A], "item_case"),
    ("customer_of_identity", ["email", "a@b", True], "identity_pkey"),
    ("address_of", [A, "email"], "identity_customer"),
    ("answers", ["eva", ["c"]], "command_pkey"),
    ("messages_after", [A, 0, 10, True], "message_case_id_seq_key"),
    ("decided", [A], "inbox_pkey"),
    ("load_items", ["n1"], "item_open"),
    ("load_outbox", ["n1"], "outbox_settled"),
    ("load_received", ["n1"], "inbox_open"),
    ("token_holder", [b"x"], "token_pkey"),
    ("items_recent", ANY, "item_pkey"),
    ("items_open", ANY, "item_open"),
    ("items_of_agent", [*ANY, "eva"], "item_agent"),
    ("items_of_customer", [*ANY, A], "ticket_case_customer"),
    ("items_of_number", [*ANY, 7], "ticket_case_number_key"),
    ("item_trace", [A, A, "2026-01-01", 0, 0, 10], "journal_.*case_id_idx"),
    ("position_present", ["n1", 1, 1], "journal_.*pkey"),
    ("quarantined", [None, 10], "inbox_open"),
]


@pytest.mark.parametrize(("name", "arguments", "index"), HOT, ids=[h[0] for h in HOT])
async def test_a_hot_question_is_answered_by_its_index(
    store: Store, name: str, arguments: list[Any], index: str
) -> None:
    # Tables are empty here: without sequential scans the planner shows what it could use.
    con = await connector(
        lambda: store.dsn,
        hosts_of(store.dsn),
        {"enable_seqscan": "off", "enable_bitmapscan": "off", "enable_sort": "on"},
    ).connect()
    try:
        values = [literal(value) for value in arguments]
        sql = re.sub(r"\$(\d+)", lambda found: values[int(found[1]) - 1], SQL[name])
        plan = json.decode(await con.fetchval(f"EXPLAIN (FORMAT JSON) {sql}"))
    finally:
        await con.close()
    used = set(index_names(plan))
    assert any(re.fullmatch(index, name) for name in used), used


def literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool() | int():
            return str(value).lower()
        case bytes():
            return f"'\\x{value.hex()}'::bytea"
        case list():
            return f"'{{{','.join(value)}}}'"
        case _:
            return f"'{value}'"


def index_names(node: Any) -> list[str]:
    match node:
        case dict():
            own = [node["Index Name"]] if "Index Name" in node else []
            return own + [n for child in node.values() for n in index_names(child)]
        case list():
            return [n for child in node for n in index_names(child)]
        case _:
            return []
