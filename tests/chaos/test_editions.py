"""A node of the present version dies, and one of the version before has to go on alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.load.town.audit import audit
from tests.edge.test_homes import meet
from tests.support.upgrade import FAULTS, House, mixed_house, until, work_goes_on

EVENING_SECONDS = 90.0


@pytest.fixture
async def house(tmp_path: Path, database: str) -> AsyncIterator[House]:
    async with mixed_house(tmp_path, database) as mixed:
        yield mixed


@pytest.mark.timeout(300)
@pytest.mark.chaos
async def test_the_former_version_takes_over_from_a_dead_node_of_the_present_one(
    house: House,
) -> None:
    await work_goes_on(house)
    await house.two.kill()
    await until(house, "SELECT count(*) = 0 FROM item WHERE owner = 'two' AND ended_as IS NULL")
    await work_goes_on(house)
    await house.two.start()
    await meet(house.one, house.two)
    await work_goes_on(house)
    left = await house.town.evening(EVENING_SECONDS)
    found = audit(await house.town.logs([house.one.ws, house.two.ws]))
    assert not left, left
    assert (found.missing, found.duplicated) == ([], [])
    for node in (house.one, house.two):
        assert not [fault for fault in FAULTS if fault in node.log.read_text()]
