"""What an item weighs in the database, how many commits it takes, what a second copy costs.

``python -m bench.weigh items|commits|copies|backup`` prints one JSON object. It is no benchmark of
the node (``python -m bench`` has those): docs/scale.md takes its figures from it.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import aiosmtplib
import asyncpg

import channels
from gateway.app import serving
from gateway.cli.access import quiet
from gateway.config import load
from gateway.core.ids import NodeName
from gateway.demo.mailserver import Account, DemoMail
from gateway.store.backup import NewFile, read_backup, restore, write_backup
from gateway.store.embedded import EmbeddedServer
from gateway.store.opening import create_database, open_store
from gateway.store.pool import Connection, connector, hosts_of
from push.client import AgentClient
from tests.support.patroni import running_cluster
from tests.support.ports import free_port

SUPPORT, TOKEN = "support@example.com", "the-bootstrap-token"
ITEMS = 400
SIZES = """
SELECT c.relname AS name, pg_total_relation_size(c.oid)
       + (SELECT coalesce(sum(pg_total_relation_size(i.inhrelid)), 0)::bigint
          FROM pg_inherits AS i WHERE i.inhparent = c.oid) AS size
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""


def quantiles(found: Iterable[float]) -> dict[str, float]:
    """Median and 99th percentile, in milliseconds."""
    cuts = statistics.quantiles([one * 1000 for one in found], n=100)
    return {"p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2)}


async def items() -> dict[str, Any]:
    """Mails and tasks, each offered, accepted, answered and wrapped up: bytes for one."""
    with tempfile.TemporaryDirectory(prefix="weigh-") as folder:
        mail = DemoMail([Account(SUPPORT), Account("ada@example.org")], max_mails=5_000)
        ports = await mail.start()
        login = {"host": "127.0.0.1", "security": "none", "user": SUPPORT, "password": "demo"}
        tree = {
            "node": {"data_dir": folder},
            "http": {"listen": f"127.0.0.1:{free_port()}"},
            "auth": {"bootstrap_token": TOKEN},
            "log": {"level": "warning"},
            "channel": [
                {
                    "kind": "email",
                    "name": "mail",
                    "address": SUPPORT,
                    "imap": {**login, "port": ports.imap},
                    "smtp": {"host": "127.0.0.1", "security": "none", "port": ports.smtp},
                },
                {"kind": "task", "name": "office"},
            ],
        }
        kinds = {name: kind.settings for name, kind in channels.table().items()}
        file = Path(folder) / "x.toml"
        file.write_text(_toml(tree))
        try:
            async with serving(load(file, {}, kinds)) as app:
                con = await asyncpg.connect(app.store.dsn)
                found = {}
                for kind in ("mail", "task"):
                    before = await _weights(con)
                    await _work(app.url, kind, ports.smtp)
                    found[kind] = _per_item(before, await _weights(con))
                await con.close()
                return found
        finally:
            await mail.stop()


async def _work(url: str, kind: str, smtp: int) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(url, headers=headers) as http:
        await http.put("/api/v1/agents/ana", json={})
        async with http.post("/api/v1/tokens", json={"agent": "ana", "role": "agent"}) as answer:
            token = (await answer.json())["token"]
        ws = url.replace("http", "ws", 1)
        async with AgentClient([f"{ws}/agent/v1"], token) as ana:
            await ana.in_sync()
            await ana.ready()
            for number in range(ITEMS):
                if kind == "mail":
                    await _post(number, smtp)
                else:
                    body = {"title": f"Check order {number}", "body": "Please look. " * 30}
                    await http.post("/api/v1/tasks", json=body)
                offer = await ana.until(lambda desk: next(iter(desk.offers.values()), None))
                assert offer is not None
                await ana.accept(offer.offer)
                if kind == "mail":
                    await ana.send(offer.item.id, "Thank you, it is on its way. " * 10)
                await ana.wrapup(offer.item.id, "done")


async def _post(number: int, smtp: int) -> None:
    head = f"From: Ada <ada@example.org>\r\nTo: {SUPPORT}\r\nSubject: Order {number}\r\n"
    head += f"Date: Fri, 20 Nov 2026 09:15:00 +0000\r\nMessage-ID: <{number}@example.org>\r\n\r\n"
    text = head + "".join(f"Line {n} of letter {number}: where is it?\r\n" for n in range(100))
    await aiosmtplib.send(
        text.encode(),
        sender="ada@example.org",
        recipients=[SUPPORT],
        hostname="127.0.0.1",
        port=smtp,
        start_tls=False,
    )


async def _weights(con: Any) -> dict[str, int]:
    await asyncio.sleep(1.0)
    await con.execute("CHECKPOINT")
    rows = await con.fetch(SIZES)
    found = {row["name"]: row["size"] for row in rows}
    found["wal"] = int(await con.fetchval("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))
    found["events"] = await con.fetchval("SELECT count(*) FROM journal")
    return found


def _per_item(before: dict[str, int], after: dict[str, int]) -> dict[str, float]:
    growth = {n: (after[n] - before.get(n, 0)) / ITEMS for n in after}
    found = {n: round(v) for n, v in sorted(growth.items(), key=lambda e: -e[1]) if v >= 50}
    tables = sum(v for n, v in growth.items() if n not in ("wal", "events"))
    return {"tables_bytes": round(tables), "events_each": round(growth["events"], 1), **found}


async def commits(seconds: float = 6.0) -> dict[str, Any]:
    """One-row commits a second by so many writers, and rows a second when a commit carries many."""
    with tempfile.TemporaryDirectory(prefix="weigh-") as folder:
        server = EmbeddedServer(Path(folder))
        await server.start()
        try:
            await create_database(server.dsn)
            con = await asyncpg.connect(server.dsn)
            await con.execute("CREATE TABLE w (id bigserial PRIMARY KEY, doc text)")
            found = {}
            for writers, rows in ((1, 1), (2, 1), (4, 1), (8, 1), (16, 1), (1, 100), (4, 100)):
                count = await _write(server.dsn, writers, rows, seconds)
                found[f"{writers} writers, {rows} rows"] = {
                    "commits_s": round(count / seconds),
                    "rows_s": round(count * rows / seconds),
                }
            await con.close()
            return found
        finally:
            await server.stop()


async def _write(dsn: str, writers: int, rows: int, seconds: float) -> int:
    links = [await asyncpg.connect(dsn) for _ in range(writers)]
    ends = time.monotonic() + seconds

    async def one(link: Any) -> int:
        count = 0
        while time.monotonic() < ends:
            await link.execute(
                "INSERT INTO w (doc) SELECT repeat('x', 300) FROM generate_series(1, $1)", rows
            )
            count += 1
        return count

    counts = await asyncio.gather(*map(one, links))
    for link in links:
        await link.close()
    return sum(counts)


async def copies(count: int = 1_500) -> dict[str, Any]:
    """A commit that waits for the standby beside one that does not, in turns, on the rig."""
    async with running_cluster() as cluster:
        con = await cluster.connect(await cluster.primary())
        await con.execute("CREATE TABLE w (id bigserial PRIMARY KEY, doc text)")
        took: dict[str, list[float]] = {"on": [], "local": []}
        for number in range(count * 2):
            how = ("on", "local")[number % 2]
            await con.execute(f"SET synchronous_commit = {how}")
            began = time.perf_counter()
            await con.execute("INSERT INTO w (doc) VALUES (repeat('x', 300))")
            took[how].append(time.perf_counter() - began)
        await con.close()
        both, one = quantiles(took["on"]), quantiles(took["local"])
        ratio = {key: round(both[key] / one[key], 2) for key in both}
        return {"with_second_copy": both, "without": one, "ratio": ratio}


async def backup(cases: int = 20_000) -> dict[str, Any]:
    """How quickly rows go into a file and out of it."""
    with tempfile.TemporaryDirectory(prefix="weigh-") as folder:
        server = EmbeddedServer(Path(folder) / "node")
        await server.start()
        try:
            await create_database(server.dsn)
            async with open_store(dsn=server.dsn) as store:
                await store.journal.begin(NodeName("weigh"), "")
            con = await _connect(server.dsn)
            await con.execute(
                "INSERT INTO message (id, case_id, seq, direction, doc) SELECT gen_random_uuid(),"
                " gen_random_uuid(), 1, 'in', json_build_object('body', (SELECT string_agg("
                "md5(n::text || m), ' ') FROM generate_series(1, 60) AS m))"
                " FROM generate_series(1, $1::int) AS n", cases,
            )  # fmt: skip
            await con.execute('CREATE DATABASE "two"')
            path = Path(folder) / "b"
            began = time.monotonic()
            with NewFile(path) as file:
                _, manifest = await write_backup(con, file)
            written = time.monotonic() - began
            found = read_backup(path)
            began = time.monotonic()
            other = await _connect(server.dsn.replace("@/switchroom?", "@/two?"))
            await restore(other, found)
            came = time.monotonic() - began
            size = sum(kept.size for kept in manifest.tables.values())
            for link in (con, other):
                await link.close()
            return {
                "rows_mb": round(size / 1e6, 1),
                "file_mb": round(path.stat().st_size / 1e6, 1),
                "backup_mb_s": round(size / 1e6 / written, 1),
                "restore_mb_s": round(size / 1e6 / came, 1),
            }
        finally:
            await server.stop()


async def _connect(dsn: str) -> Connection:
    con: Connection = await connector(lambda: dsn, hosts_of(dsn), {}).connect()
    return con


def _toml(tree: dict[str, Any]) -> str:
    import tomli_w

    return tomli_w.dumps(tree)


WHAT: dict[str, Callable[[], Coroutine[Any, Any, dict[str, Any]]]] = {
    "items": items,
    "commits": commits,
    "copies": copies,
    "backup": backup,
}


def main(words: Sequence[str]) -> int:
    quiet()
    for word in words:
        found = asyncio.run(WHAT[word]())
        print(json.dumps({"weigh": word, **found}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(WHAT)))
