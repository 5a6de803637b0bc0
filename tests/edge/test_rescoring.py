"""On a node at work whatever moves the line moves it at once, and nothing is lost by it.

Facts and their order are asserted; how long each took is measured by ``make bench-rescore``.
"""

from pathlib import Path

import pytest

from tests.edge.test_homes import a_node, meet
from tests.support.process import NodeProcess
from tests.support.rescoring import RANKS, play, scene

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
MANY = 3_000


async def test_whatever_moves_the_line_moves_it_at_once_while_thousands_wait(
    tmp_path: Path,
) -> None:
    node = NodeProcess(tmp_path, [{"kind": "task", "name": "office"}])
    try:
        await node.start()
        async with scene(node.url) as one:
            await play(one, MANY)
            offers = {seen.what: seen.offered for seen in one.seen}
            assert offers == {seen.what: seen.wanted for seen in one.seen}
            assert len(offers) == 6
            # Four have been in ana's hands; all others still wait.
            assert await one.waiting() == MANY - 4
        assert "repaired" not in node.log.read_text()
        assert '"level": "error"' not in node.log.read_text()
    finally:
        await node.stop()
        await node.clean_up()


async def test_a_customer_is_worth_more_at_another_node_and_goes_first_here(
    tmp_path: Path, database: str
) -> None:
    here, there = (a_node(tmp_path / name, name, database) for name in ("here", "there"))
    mia = {"kind": "email", "value": "mia@example.com"}
    try:
        await here.start()
        await there.start()
        await meet(here, there)
        async with scene(here.url) as one:
            await one.call("PUT", "/api/v1/queues/general", {"policy": RANKS})
            await one.hire("ana", queues=["general"])
            ana = await one.sign_in("ana")
            tasks = [{"title": f"task {n}", "customer": mia if n == 2 else None} for n in range(3)]
            first, second, third = await one.file(tasks)
            await ana.ready()
            assert await one.next_of(ana) == first
            worth = there.call("PUT", "/api/v1/customers", {"identity": mia, "value": 100})
            trace = f"/api/v1/items/{third}/events"

            async def told() -> None:
                await worth
                while True:
                    found = (await one.call("GET", trace))["items"]
                    if any(entry["kind"] == "item_revalued" for entry in found):
                        return

            hand = await one.changed("value of a customer", ana, first, told(), third)
            assert hand == third
            assert await one.changed("nothing", ana, hand, told_nothing(), second) == second
    finally:
        await here.clean_up()
        await there.clean_up()


async def told_nothing() -> None:
    """No change."""
