"""A house with two agents, and a mail in the hands of one."""

import pytest

from gateway.core.model import (
    Item,
)
from tests.support.builders import House, agent, mail, queue


@pytest.fixture
def house() -> House:
    made = House(
        agent("ana"),
        agent("bob"),
        queues=[queue("general"), queue("sales"), queue("shelf", take_allowed=True)],
    )
    made.sign_in("ana")
    return made


@pytest.fixture
def held(house: House) -> Item:
    """A mail in ana's hands."""
    house.arrive(mail("m1"))
    return house.accept("ana")
