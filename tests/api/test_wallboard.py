"""The wallboard of a node: added up for REST and for screens, and kept over a restart."""

from gateway.core.ids import NodeName
from gateway.core.wallboard import Wallboard
from gateway.core.wallboard_days import Counts, QueueDay
from gateway.insight.days import DayKeeping
from gateway.store.contract import Term
from tests.support.builders import GENERAL, NODE, House, agent
from tests.support.memory_days import MemoryDays


class Kept:
    """A house whose day is kept."""

    def __init__(self, house: House, rows: MemoryDays) -> None:
        self.board = Wallboard(house.state)
        house.ledger.observe(self.board.note)
        self.days = DayKeeping(house.ledger, rows, self.board.days, self.term)
        self.house = house

    async def term(self) -> Term:
        return self.house.term

    def offered(self) -> int:
        self.board.settle()
        (queue,) = self.board.share(self.house.clock.now()).queues
        return queue.today.offered


async def test_a_day_goes_on_after_a_restart_and_nothing_is_written_while_nothing_happens() -> None:
    house, rows = House(agent("ana")), MemoryDays()
    first = Kept(house, rows)
    await first.days.keep()
    assert rows.written == 0
    house.new_item()
    await first.days.keep()
    await first.days.keep()
    assert rows.written == 1
    again = Kept(house, rows)
    house.new_item()
    await again.days.keep()
    assert again.offered() == 2
    assert rows.rows[NODE][0].today.offered == 2


async def test_what_other_nodes_wrote_counts_while_they_are_gone() -> None:
    house, rows = House(agent("ana")), MemoryDays()
    day = QueueDay(name=GENERAL, day="2026-03-02", today=Counts(offered=7))
    rows.rows[NodeName("n2")] = (day,)
    kept = Kept(house, rows)
    await kept.days.keep()
    assert kept.days.gone({NODE}) == [day]
    assert kept.days.gone({NODE, NodeName("n2")}) == []
