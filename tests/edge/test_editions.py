"""A node of the version before beside one of the present one, while people work with both."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from bench.load.town.audit import Findings, audit
from gateway.core.edition import EDITION
from tests.edge.test_evacuation import evacuated
from tests.edge.test_homes import meet
from tests.support.process import NodeProcess
from tests.support.upgrade import FAULTS, FORMER, House, a_node, mixed_house, until, work_goes_on

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture
async def house(tmp_path: Path, database: str) -> AsyncIterator[House]:
    async with mixed_house(tmp_path, database) as mixed:
        yield mixed


async def test_nobody_notices_that_one_node_after_the_other_gets_the_present_version(
    house: House,
) -> None:
    one, two = house.one, house.two
    assert await editions(two) == {"one": FORMER, "two": EDITION}
    await work_goes_on(house)
    await evacuated(two, "one")
    await work_goes_on(house)
    assert await house.database.fetchval("SELECT written FROM edition") == FORMER
    assert await one.stop() == 0
    one.tree = None
    await one.start()
    await meet(one, two)
    await until(house, f"SELECT written = {EDITION} FROM edition")
    assert await editions(one) == {"one": EDITION, "two": EDITION}
    await work_goes_on(house)
    await evacuated(one, "two")
    await work_goes_on(house)

    left = await house.town.evening(90)
    found = audit(await house.town.logs([one.ws, two.ws]))
    assert not left, left
    assert (found.missing, found.duplicated, found.repeated) == ([], [], [])
    await nothing_was_lost_on_the_way(house, found)


async def test_a_node_that_is_alone_writes_what_is_new_from_its_start(
    tmp_path: Path, database: str
) -> None:
    con = await asyncpg.connect(database)
    node = a_node(tmp_path / "only", "only", database, [])
    try:
        await con.execute("UPDATE edition SET written = $1", FORMER)
        await node.start()
        assert await con.fetchval("SELECT written FROM edition") == EDITION
        assert await editions(node) == {"only": EDITION}
    finally:
        await node.clean_up()
        await con.close()


async def test_a_version_that_the_others_have_left_behind_says_so_and_does_not_start(
    tmp_path: Path, database: str
) -> None:
    con = await asyncpg.connect(database)
    try:
        await con.execute("UPDATE edition SET newest = $1, written = $1", EDITION + 1)
    finally:
        await con.close()
    node = a_node(tmp_path / "late", "late", database, [])
    with pytest.raises(RuntimeError, match="switchroom: the database is written in edition"):
        await node.start()
    assert await node.ended() == 1
    assert "Traceback" not in node.log.read_text()


# -- what there is to see -----------------------------------------------------------------------


async def editions(node: NodeProcess) -> dict[str, int]:
    cards = (await node.call("GET", "/api/v1/nodes"))["items"]
    return {card["name"]: card["edition"] for card in cards}


async def nothing_was_lost_on_the_way(house: House, found: Findings) -> None:
    """No offer ran out, nobody was logged out or made not ready, no node had to begin anew."""
    assert min(found.acknowledged.values()) > 0
    unwanted = await house.database.fetch(
        "SELECT node, kind, payload FROM journal"
        " WHERE kind IN ('offer_missed', 'item_repaired')"
        "    OR kind = 'agent_state_changed' AND payload->>'presence' <> 'ready'"
        "    OR kind = 'node_taken_over' AND payload->>'reason' NOT LIKE '%said that it stops%'"
    )
    assert [tuple(row) for row in unwanted] == []
    assert set(await states(house)) == {"completed"}
    for node in (house.one, house.two):
        assert not [fault for fault in FAULTS if fault in node.log.read_text()]


async def states(house: House) -> list[str]:
    rows = await house.database.fetch("SELECT DISTINCT state FROM item")
    return [row["state"] for row in rows]
