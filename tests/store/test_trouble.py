"""What is raised when the database fails somebody who is just being cancelled."""

import asyncio

import asyncpg
import pytest

from gateway.store.contract import Unavailable
from gateway.store.trouble import reading


async def goes_on(begun: asyncio.Event) -> None:
    """After errors; and its connection is lost as it is given back."""
    for _ in range(3):
        try:
            with reading():
                try:
                    begun.set()
                    await asyncio.sleep(0.5)
                finally:
                    raise asyncpg.InterfaceError("the connection is closed")
        except Unavailable:
            continue


async def test_a_loop_that_is_cancelled_while_its_connection_is_lost_ends() -> None:
    begun = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        loop = group.create_task(goes_on(begun))
        await begun.wait()
        loop.cancel()
    assert loop.cancelled()


async def test_a_lost_connection_is_an_error_to_go_on_after() -> None:
    with pytest.raises(Unavailable, match="closed"), reading():
        raise asyncpg.InterfaceError("the connection is closed")
