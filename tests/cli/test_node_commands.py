"""Commands that talk to a running node, run against one."""

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from gateway.cli import main
from tests.support.apiworld import ADMIN, ApiWorld, api_world

Said = tuple[int, str, str]
PEOPLE = """
[[queue]]
name = "billing"
skills = { de = 2 }

[[agent]]
name = "ana"
queues = ["billing"]
"""


class Shell:
    """Runs command lines in a thread, as the node runs in this loop."""

    def __init__(self, world: ApiWorld, capsys: pytest.CaptureFixture[str]) -> None:
        self._url = str(world.client.make_url("")).rstrip("/")
        self._capsys = capsys

    async def run(self, *words: str, token: str = ADMIN) -> Said:
        line = [*words, "--url", self._url, "--token", token]
        code = await asyncio.to_thread(main, line)
        said = self._capsys.readouterr()
        return code, said.out, said.err


async def test_a_declaration_is_shown_applied_and_then_nothing_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.toml"
    file.write_text(PEOPLE)
    async with api_world() as world:
        shell = Shell(world, capsys)
        code, out, err = await shell.run("apply", str(file))
        assert (code, "--yes" in err) == (1, True)
        assert "+ queue billing" in out
        assert "queues: [] → ['billing']" in out
        assert "billing" not in world.rig.tables.queues
        code, out, _ = await shell.run("apply", str(file), "--yes")
        assert (code, "Applied 2 changes." in out) == (0, True)
        assert world.rig.tables.queues["billing"].skills == {"de": 2}
        code, out, _ = await shell.run("apply", str(file), "--yes")
        assert (code, out) == (0, "Nothing to do: all 2 entries are so already.\n")


async def test_what_is_odd_is_warned_about_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "odd.toml"
    file.write_text('[[skill]]\nname = "law"\n\n[[queue]]\nname = "court"\nskills = { law = 3 }\n')
    async with api_world() as world:
        code, out, _ = await Shell(world, capsys).run("apply", str(file), "--yes")
    assert code == 0
    assert f"! {file}:5: queue 'court': nobody has the skill 'law'" in out


async def test_what_a_declaration_removes_is_shown_and_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.toml"
    async with api_world() as world:
        shell = Shell(world, capsys)
        file.write_text(PEOPLE)
        await shell.run("apply", str(file), "--yes")
        file.write_text("[remove]\nqueues = ['billing']\n")
        code, _, err = await shell.run("apply", str(file), "--yes")
        assert (code, "remove.queues: ana works in queue 'billing'" in err) == (1, True), err
        file.write_text("[remove]\nqueues = ['billing']\n[[agent]]\nname = 'ana'\nqueues = []\n")
        code, out, _ = await shell.run("apply", str(file), "--yes")
        assert (code, out.splitlines()[0]) == (0, "- queue billing")
        assert "billing" not in world.rig.node.ledger.state.queues


async def test_a_wrong_declaration_names_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.toml"
    async with api_world() as world:
        shell = Shell(world, capsys)
        for text, said in (
            ("[[agents]]\nname = 'x'\nqueues = ['no']\n", "agents[0].queues"),
            ("[[agent]]\nnmae = 'x'\n", "nmae"),
            ("[agent]\nname = 'x'\n", "[[agent]] with double brackets"),
            ("[[holiday]]\nname = 'x'\n", "unknown section 'holiday'"),
            ("= nonsense", "people.toml"),
            ("[[remove]]\nqueues = ['x']\n", "write [remove] once"),
            ("[remove]\nagents = ['x']\n", "agents"),
        ):
            file.write_text(text)
            code, _, err = await shell.run("apply", str(file), "--yes")
            assert (code, said in err) == (1, True), err
        code, _, err = await shell.run("apply", str(tmp_path / "none.toml"))
        assert (code, "there is no file" in err) == (1, True)


async def test_a_user_is_made_and_can_sign_in(capsys: pytest.CaptureFixture[str]) -> None:
    async with api_world() as world:
        code, out, _ = await Shell(world, capsys).run(
            "user", "add", "bob", "--role", "supervisor", "--display-name", "Bob B."
        )
        assert code == 0
        password = out.partition("(shown once): ")[2].strip()
        wish = {"name": "bob", "password": password}
        status, answer = await world.call("POST", "/api/v1/login", wish, token="")
        assert (status, answer["agent"]) == (
            200,
            {"name": "bob", "display_name": "Bob B.", "role": "supervisor"},
        )


async def test_a_ticket_is_explained_with_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    async with api_world() as world:
        filed = await world.file_task()
        shell = Shell(world, capsys)
        code, out, _ = await shell.run("explain", str(filed["number"]))
        assert code == 0
        assert "it waits in queue 'general'" in out
        assert "It was put into queue 'general'" in out
        code, _, err = await shell.run("explain", "99999")
        assert (code, "there is no case" in err) == (1, True)


async def test_channels_are_paused_and_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    async with api_world() as world:
        shell = Shell(world, capsys)
        assert (await shell.run("channel", "pause", "office"))[0] == 0
        assert [one.health for one in world.process.cards()] == ["paused"]
        assert (await shell.run("channel", "resume", "office"))[0] == 0
        assert [one.health for one in world.process.cards()] == ["up"]
        code, _, err = await shell.run("channel", "pause", "none")
        assert (code, "there is no channel 'none'" in err) == (1, True)


async def test_status_and_lists_are_there_for_people_and_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with api_world() as world:
        await world.file_task()
        shell = Shell(world, capsys)
        _, out, _ = await shell.run("status", "--json")
        now = json.loads(out)
        assert (now["items"], now["channels"][0]["name"]) == ({"queued": 1}, "office")
        _, out, _ = await shell.run("status")
        assert "general" in out
        assert (await shell.run("outbox", "list"))[1] == "Nothing waits to be sent.\n"
        assert json.loads((await shell.run("quarantine", "list", "--json"))[1]) == []
        code, _, err = await shell.run("outbox", "retry", "none")
        assert (code, "there is no such row" in err) == (1, True)


async def test_a_wrong_token_is_one_line_that_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    async with api_world() as world:
        code, _, err = await Shell(world, capsys).run("status", token="wrong")
        assert (code, err.count("\n")) == (1, 1)
        assert "give another with --token" in err


def test_nobody_there_says_how_to_start_one(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    assert main(["status", "--url", url, "--token", "x"]) == 1
    assert "switchroom run" in capsys.readouterr().err
    assert main(["status", "--url", "ftp://x", "--token", "x"]) == 2


async def test_something_else_at_that_address_is_recognised(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="<html>hello</html>")

    app = web.Application()
    app.router.add_get("/{path:.*}", hello)
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        line = ["status", "--url", url, "--token", "x"]
        assert await asyncio.to_thread(main, line) == 1
        assert "is no Switchroom node" in capsys.readouterr().err


def test_check_tells_what_to_do_about_each_thing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    file = tmp_path / "switchroom.toml"
    port = unused_port()
    store = f'[store]\ndsn = "postgresql://127.0.0.1:{port}/x"\n'
    file.write_text(f'{store}[[channel]]\nkind = "task"\nname = "t"\n')
    assert main(["check", "--config", str(file)]) == 1
    said = capsys.readouterr()
    assert "1 of 4 checks failed" in said.err
    lines = [line for line in said.out.splitlines() if "│" in line]
    assert ["✓" in line for line in lines if "configuration" in line] == [True]
    assert ["✗" in line for line in lines if "database" in line] == [True]
    assert "tasks are filed at" in said.out


async def test_a_site_is_closed_in_part_listed_and_opened(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with api_world() as world:
        await world.call("PUT", "/api/v1/agents/ana", {"site": "port"})
        shell = Shell(world, capsys)
        code, out, _ = await shell.run("site", "close", "port", "--reason", "storm")
        assert (code, out) == (0, "port is open by 0 %: 1 of 1 agents get nothing new.\n")
        _, out, _ = await shell.run("site", "list")
        assert "storm" in out
        line = ["site", "close", "port", "--percent", "10", "--reason", "strike", "--return-work"]
        code, out, _ = await shell.run(*line)
        assert (code, out) == (0, "port is open by 90 %: 1 of 1 agents get nothing new.\n")
        assert world.rig.tables.sites["port"].in_hand == "return"
        code, out, _ = await shell.run("site", "open", "port")
        assert (code, out) == (0, "port is open: 1 agents, 0 at work.\n")
        code, _, err = await shell.run("site", "open", "prot")
        assert (code, "there are: port" in err) == (1, True)
        assert (await shell.run("site", "close", "port"))[0] == 2
