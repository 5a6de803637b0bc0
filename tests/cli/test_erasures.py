"""`switchroom erasures` and `restore --erasures`, as an operator types them."""

import asyncio
from pathlib import Path

import pytest
import tomli_w

from gateway.cli.backup import backup
from gateway.cli.erasures import erasures, read_erasures
from gateway.cli.restore import restore
from gateway.failures import Failed
from gateway.store.opening import Store, new_id
from tests.store.rows import NODE, Opened, Pen
from tests.store.test_erasing import erase
from tests.store.test_retention import tell
from tests.support.databases import Connects, Makes


def settings(path: Path, dsn: str) -> Path:
    path.write_text(tomli_w.dumps({"node": {"name": "test-1"}, "store": {"dsn": dsn}}))
    return path


@pytest.mark.integration
async def test_what_the_one_prints_the_other_does(
    store: Store,
    tmp_path: Path,
    connect: Connects,
    empty_database: Makes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pen = Pen(Opened(store.journal, store.lookup), await store.journal.begin(NODE, "eu"))
    ann = await tell(store, pen)
    config = settings(tmp_path / "here.toml", store.dsn)
    await asyncio.to_thread(backup, str(tmp_path / "monday"), config=config)
    await erase(store, pen, ann.customer)
    capsys.readouterr()
    await asyncio.to_thread(erasures, config=config)
    listed = tmp_path / "erasures.txt"
    listed.write_text(capsys.readouterr().out)
    assert read_erasures(listed) == [ann.customer]

    there = await empty_database()
    new = settings(tmp_path / "there.toml", there)
    await asyncio.to_thread(restore, tmp_path / "monday", erasures=listed, config=new)
    assert "Erased again: 1 of 1 customers" in capsys.readouterr().out
    con = await connect(there)
    assert await con.fetchval("SELECT count(*) FROM customer") == 0


@pytest.mark.parametrize(
    "text", ["nobody", "01a20390-0000-7000-8000-000000000000\n\nsomebody 2026-01-01"]
)
def test_a_list_that_is_none_is_refused_before_anything_is_done(tmp_path: Path, text: str) -> None:
    listed = tmp_path / "list"
    listed.write_text(text)
    with pytest.raises(Failed, match=r"line \d: '\w+' is no customer's id"):
        read_erasures(listed)
    with pytest.raises(Failed, match="cannot be read"):
        read_erasures(tmp_path / "missing")


def test_notes_and_empty_lines_in_the_list_are_passed_over(tmp_path: Path) -> None:
    one = new_id()
    listed = tmp_path / "list"
    listed.write_text(f"# of May\n\n{one}  2026-05-01T00:00:00Z\n")
    assert read_erasures(listed) == [one]
