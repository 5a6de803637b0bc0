"""What the tests of the desk look at."""

from typing import Any

import pytest

from gateway.core import commands as c
from gateway.core.errors import Refused
from gateway.core.ids import (
    CommandId,
    ItemId,
)
from gateway.core.model import (
    Item,
)
from tests.support.builders import House

ID = CommandId("command-x")
NOWHERE = ItemId("0190a000-0000-7000-8000-00000000dead")


def rows(house: House, kind: type[Any]) -> list[Any]:
    return [row for entry in house.entries for row in entry.rows if isinstance(row, kind)]


def case_of(house: House, item: Item) -> Any:
    return house.tables.cases[item.case]


def check(house: House, command: c.Command, code: str, field: str | None, **resolved: Any) -> None:
    """It is refused so, and nothing has happened."""
    before = len(house.entries)
    with pytest.raises(Refused) as refused:
        house.say("ana", command, **resolved)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.detail
    assert len(house.entries) == before
