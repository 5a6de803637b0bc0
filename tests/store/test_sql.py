"""Every named block means something to the migrated schema, and the hot ones use their index."""

import asyncio
import re
from typing import Any

import asyncpg
import pytest
from msgspec import json

from gateway.store.embedded import EmbeddedServer
from gateway.store.migrate import migrate
from gateway.store.opening import new_id
from gateway.store.pool import connector, hosts_of
from gateway.store.queries import Queries, parse

SQL = Queries.load()
pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def misunderstood(postgres_server: EmbeddedServer) -> dict[str, asyncpg.PostgresError]:
    """What the database has against which block; on one connection, for they are hundreds."""

    async def prepare_all() -> dict[str, asyncpg.PostgresError]:
        wrong = {}
        dsn = postgres_server.dsn
        con = await connector(lambda: dsn, hosts_of(dsn), {}).connect()
        try:
            for name in SQL.names():
                try:
                    await con.prepare(SQL[name])
                except asyncpg.PostgresError as error:
                    wrong[name] = error
        finally:
            await con.close()
        return wrong

    return asyncio.run(prepare_all())


@pytest.mark.parametrize("name", SQL.names())
def test_a_block_is_understood_by_the_database(
    misunderstood: dict[str, asyncpg.PostgresError], name: str
) -> None:
    assert name not in misunderstood


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
    ("referenced_by_external_id", [["x@y"]], "message_outside"),
    ("alike", ["x@y", "0011"], "message_outside"),
    ("participants", [A], "message_case_id_seq_key"),
    ("recent_cases", [A, "mail"], "ticket_case_customer"),
    ("written_case", [A, "mail"], "ticket_case_customer"),
    ("brought", [A, "mail", [A]], "inbox_wrote"),
    ("recent_case", [A, "mail"], "ticket_case_customer"),
    ("wrote_since", [A, "2026-01-01", A], "inbox_wrote"),
    ("last_item", [A], "item_case"),
    ("promises_of", [A], "item_case"),
    ("customer_of_identity", ["email", "a@b", True], "identity_pkey"),
    ("address_of", [A, "email"], "identity_customer"),
    ("answers", ["agent-7", ["c"]], "command_pkey"),
    ("messages_after", [A, 0, 10, True], "message_case_id_seq_key"),
    ("decided", [A], "inbox_pkey"),
    ("load_items", ["n1"], "item_owner"),
    ("load_outbox", ["n1"], "outbox_node"),
    ("load_received", ["n1"], "inbox_open"),
    ("token_holder", [b"x"], "token_pkey"),
    ("items_recent", ANY, "item_pkey"),
    ("items_open", ANY, "item_open"),
    ("items_reviewed", ANY, "item_open"),
    ("items_of_agent", [*ANY, "agent-7"], "item_agent"),
    ("items_of_customer", [*ANY, A], "ticket_case_customer"),
    ("items_of_number", [*ANY, 7], "ticket_case_number_key"),
    ("item_trace", [A, A, "2026-01-01", 0, 0, 10], "journal_.*case_id_idx"),
    ("misrouted", ["2026-01-01", "2027-01-01"], "journal_.*at_idx1?"),
    ("withheld", ["2026-01-01", "2027-01-01"], "journal_.*at_idx[12]?"),
    ("position_present", ["n1", 1, 1], "journal_.*pkey"),
    ("journal_tail", [["n1"], [1], [1], ["2026-01-01"], ["x"], 10], "journal_.*pkey"),
    ("journal_ends", [], "journal_.*pkey"),
    ("quarantined", [None, 10], "inbox_open"),
    ("load_statuses", ["n1"], "agent_status_home"),
    ("estate_statuses", ["n1", 500], "agent_status_home"),
    ("estate_items", ["n1", 500], "item_owner"),
    ("estate_orders", ["n1", [A]], "outbox_case"),
    ("estate_outbox", ["n1", 500], "outbox_node"),
    ("estate_received", ["n1", 500], "inbox_(node|open)"),
]


# A few weeks of a small company: enough that reading all of a table costs more than an index.
FILL = """
INSERT INTO customer (id) SELECT gen_random_uuid() FROM generate_series(1, 4000);
INSERT INTO identity (kind, value, verified, customer)
    SELECT 'email', id || '@x', true, id FROM customer;
INSERT INTO ticket_case (id, number, version, channel, status, customer, doc)
    SELECT gen_random_uuid(), n, 1, 'mail', 'solved', c.id, '{}'
    FROM generate_series(1, 20000) AS n
    JOIN (SELECT id, row_number() OVER () AS r FROM customer) AS c ON c.r = 1 + n % 4000;
INSERT INTO item (id, case_id, version, owner, state, ended_as, channel, queue, agent, doc)
    SELECT gen_random_uuid(), id, 1, 'n1', CASE WHEN number % 50 = 0 THEN 'queued' ELSE 'completed'
           END, CASE WHEN number % 50 > 0 THEN 'completed' END, 'mail', 'general',
           'agent-' || number % 200, json_build_object('body', repeat('x', 400))
    FROM ticket_case;
INSERT INTO message (id, case_id, seq, direction, external_id, doc)
    SELECT gen_random_uuid(), id, s, 'in', CASE WHEN s = 1 THEN id || '@x' END,
           json_build_object('body', repeat('x', 400))
    FROM ticket_case, generate_series(1, 2) AS s;
INSERT INTO inbox (id, channel, key, node, status, at, doc, customer)
    SELECT gen_random_uuid(), 'mail', n, 'n1', CASE n % 500 WHEN 0 THEN 'received'
           WHEN 1 THEN 'quarantined' ELSE 'processed' END, now(), '{}', c.id
    FROM generate_series(1, 20000) AS n
    JOIN (SELECT id, row_number() OVER () AS r FROM customer) AS c ON c.r = 1 + n % 4000;
INSERT INTO outbox (id, node, version, state, settled_as, channel, doc)
    SELECT gen_random_uuid(), 'n1', 1, 'sent', CASE WHEN n % 500 > 0 THEN 'sent' END, 'mail', '{}'
    FROM generate_series(1, 20000) AS n;
INSERT INTO command (agent, id, at, answer)
    SELECT 'agent-' || n % 200, gen_random_uuid()::text, now(), ''
    FROM generate_series(1, 20000) AS n;
INSERT INTO agent_status (name, version, epoch, home, doc)
    SELECT 'agent-' || n, 1, 1, 'n' || n % 50, '{}' FROM generate_series(1, 5000) AS n;
INSERT INTO token (sha256, id, principal, role)
    SELECT sha256(n::text::bytea), gen_random_uuid(), 'agent-' || n, 'agent'
    FROM generate_series(1, 5000) AS n;
INSERT INTO journal (node, epoch, "offset", at, kind, case_id, payload)
    SELECT 'n1', 1, number, now(), 'case_opened', id, '{}' FROM ticket_case;
"""


@pytest.fixture(scope="module")
def filled(postgres_server: EmbeddedServer) -> str:
    """The DSN of a database of its own, full and analysed."""
    dsn = postgres_server.dsn.replace("/switchroom?", "/planned?")

    async def fill() -> None:
        con = await asyncpg.connect(postgres_server.dsn)
        await con.execute("CREATE DATABASE planned")
        await con.close()
        con = await connector(lambda: dsn, hosts_of(dsn), {}).connect()
        await migrate(con)
        await con.execute(FILL)
        await con.execute("VACUUM ANALYZE")
        await con.close()

    asyncio.run(fill())
    return dsn


@pytest.mark.parametrize(("name", "arguments", "index"), HOT, ids=[h[0] for h in HOT])
async def test_a_hot_question_is_answered_by_its_index(
    filled: str, name: str, arguments: list[Any], index: str
) -> None:
    con = await connector(lambda: filled, hosts_of(filled), {}).connect()
    try:
        values = [literal(value) for value in arguments]
        sql = re.sub(r"\$(\d+)", lambda found: values[int(found[1]) - 1], SQL[name])
        plan = json.decode(await con.fetchval(f"EXPLAIN (FORMAT JSON) {sql}"))
        large = await con.fetch("SELECT relname FROM pg_class WHERE reltuples > 100")
    finally:
        await con.close()
    used = set(words_of(plan, "Index Name"))
    assert any(re.fullmatch(index, name) for name in used), used
    assert not read_whole(plan) & {row["relname"] for row in large}


def literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool() | int():
            return str(value).lower()
        case bytes():
            return f"'\\x{value.hex()}'::bytea"
        case list():
            return f"'{{{','.join(map(str, value))}}}'"
        case _:
            return f"'{value}'"


def read_whole(node: Any) -> set[str]:
    """The tables that a plan reads from end to end."""
    match node:
        case {"Node Type": "Seq Scan", "Relation Name": name}:
            return {name}
        case dict():
            return {name for child in node.values() for name in read_whole(child)}
        case list():
            return {name for child in node for name in read_whole(child)}
        case _:
            return set()


def words_of(node: Any, key: str) -> list[str]:
    """Every value of ``key`` anywhere in a plan."""
    match node:
        case dict():
            own = [node[key]] if key in node else []
            return own + [word for child in node.values() for word in words_of(child, key)]
        case list():
            return [word for child in node for word in words_of(child, key)]
        case _:
            return []
