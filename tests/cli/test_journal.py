"""The journal's old weeks, a rule for what is kept, and an erasure: on a node that runs."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
import tomli_w

import channels
from gateway.app import serving
from gateway.cli import main
from gateway.config import load
from tests.support.ports import free_port

pytestmark = pytest.mark.integration

TOKEN = "the-bootstrap-token"
MIA = {"kind": "email", "value": "mia@example.com", "name": "Mia"}


async def test_old_weeks_content_and_customers_go_while_the_node_runs(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "switchroom.toml"
    tree = {
        "store": {"dsn": database},
        "http": {"listen": f"127.0.0.1:{free_port()}"},
        "auth": {"bootstrap_token": TOKEN},
        "retention": {"content_days": 30},
        "channel": [{"kind": "task", "name": "office"}],
    }
    file.write_text(tomli_w.dumps(tree))
    kinds = {name: kind.settings for name, kind in channels.table().items()}

    async def run(*words: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main, ["journal", *words, "--config", str(file)])
        said = capsys.readouterr()
        return code, said.out, said.err

    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        serving(load(file, {}, kinds)) as app,
        aiohttp.ClientSession(app.url, headers=headers) as http,
    ):

        async def call(method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
            async with http.request(method, f"/api/v1{path}", json=body) as answer:
                return answer.status, await answer.json()

        numbers = []
        for title in ("The old secret", "The new secret"):
            _, filed = await call("POST", "/tasks", {"title": title, "customer": MIA})
            await call("POST", f"/items/{filed['id']}/close", {"reason": "done"})
            numbers.append(filed["number"])
        con = await asyncpg.connect(database)
        try:
            await con.execute(
                "UPDATE ticket_case SET doc = (doc::jsonb || jsonb_build_object('changed_at',"
                " now() - interval '31 days'))::json WHERE number = $1", numbers[0],
            )  # fmt: skip
            assert await app.retention.sweep() == 1
            _, old = await call("GET", f"/cases/{numbers[0]}")
            _, new = await call("GET", f"/cases/{numbers[1]}")
            assert (old["subject"], new["subject"]) == ("", "The new secret")
            _, told = await call("GET", f"/cases/{numbers[0]}/explain")
            assert "What was said in it was removed" in str(told["text"])
            async with http.get("/metrics") as answer:
                assert "switchroom_retention_cases_total 1.0" in await answer.text()

            _, found = await call("GET", "/customers?identity=email:mia@example.com")
            (mia,) = found["items"]
            status, gone = await call("DELETE", f"/customers/{mia['id']}")
            assert (status, gone["cases"]) == (200, 2)
            kinds_told = {r["kind"] for r in await con.fetch("SELECT kind FROM journal")}
            assert {"content_removed", "erasure_ordered", "customer_erased"} <= kinds_told

            code, said, _ = await run("list")
            assert (code, f"journal_{datetime.now(UTC):%Gw%V}" in said) == (0, True)
            tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
            code, _, err = await run("drop", "--before", tomorrow)
            assert (code, "the last 14 days of the journal stay" in err) == (1, True), err
            assert (await run("drop", "--before", "2001-01-01"))[0] == 0
            await con.execute(
                "CREATE TABLE journal_2001w02 PARTITION OF journal"
                " FOR VALUES FROM ('2001-01-08Z') TO ('2001-01-15Z')"
            )
            code, _, err = await run("drop", "--before", "2001-02-01")
            assert (code, "--yes" in err) == (1, True), err
            words = ("archive", str(tmp_path / "old"), "--before", "2001-02-01", "--yes")
            code, said, err = await run(*words)
            assert (code, "Dropped journal_2001w02" in said) == (0, True), err
            assert (tmp_path / "old").stat().st_mode & 0o777 == 0o600
        finally:
            await con.execute("DROP TABLE IF EXISTS journal_2001w02")
            await con.close()
