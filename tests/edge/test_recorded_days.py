"""A day that a real node has written into a real PostgreSQL, read back and played again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from gateway.cli import main
from gateway.cli.simulated import Simulated
from gateway.core import commands as c
from gateway.core.ids import CommandId, ItemId
from push.client import AgentClient
from tests.edge.test_homes import a_node, door
from tests.support.process import NodeProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
COMPANY = {
    "queues": [{"name": "general", "service_level_seconds": 600}],
    "agents": [{"name": "ana", "skills": {"ledger": 3}}, {"name": "bob"}],
}


@pytest.fixture
async def node(tmp_path: Path, database: str) -> AsyncIterator[NodeProcess]:
    one = a_node(tmp_path / "one", "one", database)
    try:
        await one.start()
        await one.call("PUT", "/api/v1/directory", COMPANY)
        yield one
    finally:
        await one.clean_up()


async def work_off(ana: AgentClient, item: str, n: int) -> None:
    """Accept whatever is offered, which is this, and be done with it."""
    async with asyncio.timeout(30):
        await ana.until(lambda d: any(o.item.id == item for o in d.offers.values()))
    offer = next(o for o in ana.desktop.offers.values() if o.item.id == item)
    await ana.act(c.Accept(id=CommandId(f"accept-{n:08}"), offer=offer.offer))
    await ana.act(c.Wrapup(id=CommandId(f"wrapup-{n:08}"), item=ItemId(item)))


async def a_day(node: NodeProcess) -> date:
    """Two tasks done, one that waits for what nobody has, one taken back before anybody came."""

    async def file(title: str, **more: object) -> dict[str, str]:
        found: dict[str, str] = await node.call("POST", "/api/v1/tasks", {"title": title, **more})
        return found

    back = await file("Never mind")
    await node.call("POST", f"/api/v1/items/{back['id']}/cancel", {"reason": "a mistake"})
    await file("Speak to the ambassador", skills={"hu": 5})
    first = await file("Check the books", skills={"ledger": 2}, priority=5)
    async with AgentClient([door(node)], await node.token_for("ana")) as ana:
        await ana.ready()
        await work_off(ana, first["id"], 1)
        second = await file("Check them again")
        await work_off(ana, second["id"], 2)
    return datetime.fromisoformat(first["created_at"]).date()


async def test_the_day_is_played_again_as_it_was_and_under_other_policies(
    node: NodeProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = await a_day(node)
    file = tmp_path / "one" / "switchroom.toml"
    mine = tmp_path / "mine.toml"
    mine.write_text('[[policy]]\nname = "by turns"\nevery_queue.policy.choice = "round_robin"\n')
    line = ["simulate", "--recorded", str(day), "--config", str(file), "--json"]
    assert await asyncio.to_thread(main, [*line, "--policy", str(mine)]) == 0
    (found,) = msgspec.json.decode(capsys.readouterr().out, type=list[Simulated])
    assert found.name == f"{day} (UTC)"
    names = ["as it was", "as it is", "FIFO by queue", "longest idle", "by turns"]
    assert [row.policy for row in found.rows] == names
    assert any("1 left a queue neither to an agent nor" in note for note in found.notes)
    for row in found.rows:
        assert (row.contacts, row.waiting, row.abandoned) == (3, 1, 0), row.policy
        assert row.agents == 1, "bob was not there"
        assert row.service_level == pytest.approx(2 / 3), "within ten minutes"
        assert row.flows["general task"].contacts == 3
    was, now = found.rows[:2]
    assert now.asa == pytest.approx(was.asa, abs=2.0)
    assert now.longest >= now.p95 > 0


async def test_a_day_on_which_nothing_happened_is_refused_in_words(
    node: NodeProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = await a_day(node)
    line = ["simulate", "--config", str(tmp_path / "one" / "switchroom.toml"), "--recorded"]
    assert await asyncio.to_thread(main, [*line, str(day - timedelta(days=30))]) == 1
    assert "nothing waited in a queue on" in capsys.readouterr().err
    assert await asyncio.to_thread(main, [*line, str(day), "--zone", "Moon/Crater"]) == 1
    assert "there is no such zone" in capsys.readouterr().err
