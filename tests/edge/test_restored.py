"""A copy of an installation with several nodes, and the one node that is started over it."""

import asyncio
from pathlib import Path

import pytest
import tomli_w
from msgspec.structs import replace

import channels
from gateway.app import serving
from gateway.config import load
from gateway.core.ids import NodeName
from gateway.core.model import ItemState
from gateway.store.backup import NewFile, read_backup, restore, write_backup
from gateway.store.contract import Card
from gateway.store.copying import EPOCHS_AHEAD
from gateway.store.opening import Store
from tests.store.rows import NODE, Opened, Pen, a_case, an_item
from tests.support.databases import Connects, Makes
from tests.support.ports import free_port

pytestmark = pytest.mark.integration


async def test_what_the_other_nodes_had_is_taken_over_by_the_one_that_starts(
    store: Store, connect: Connects, empty_database: Makes, tmp_path: Path
) -> None:
    term = await store.journal.begin(NODE, "eu")
    await store.journal.renew(term, Card(state="serving", region="eu"))
    pen = Pen(Opened(store.journal, store.lookup), term)
    case = a_case()
    item = an_item(case, state=ItemState.QUEUED)
    await pen.rows(case, item)
    with NewFile(tmp_path / "b") as out:
        await write_backup(await connect(store.dsn), out)
    there = await empty_database()
    await restore(await connect(there), read_backup(tmp_path / "b"))

    file = tmp_path / "switchroom.toml"
    listen = f"127.0.0.1:{free_port()}"
    tree = {"node": {"name": "n2"}, "store": {"dsn": there}, "http": {"listen": listen}}
    file.write_text(tomli_w.dumps(tree))
    kinds = {name: kind.settings for name, kind in channels.table().items()}
    async with serving(load(file, {}, kinds)) as app, asyncio.timeout(40):
        assert app.node.writer.term.epoch == 1
        news = asyncio.Event()
        app.node.ledger.subscribe(lambda _run: news.set())
        while item.id not in app.node.ledger.state.items:
            await news.wait()
            news.clear()
        adopted = app.node.ledger.state.items[item.id]
        assert adopted == replace(item, owner=NodeName("n2"), version=item.version + 1)
        epoch = await app.store.pool.fetchval("SELECT epoch FROM node_fence WHERE node = $1", NODE)
        assert epoch == term.epoch + EPOCHS_AHEAD + 1
