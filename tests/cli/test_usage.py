"""How commands are called, and what they say when called wrongly."""

import sys
from pathlib import Path

import pytest

from gateway.cli import COMMANDS, main
from gateway.cli.run import told_of
from gateway.config import Settings
from gateway.rejoin import leaves
from gateway.store.contract import Fenced, Unavailable, VersionConflict


@pytest.mark.parametrize("words", [words for words, *_ in COMMANDS])
def test_every_command_has_help_with_an_example(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words.split(), "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"Example: switchroom {words}" in shown


def test_help_imports_no_command() -> None:
    for name in [n for n in sys.modules if n.startswith("gateway.cli.")]:
        del sys.modules[name]
    assert main(["--help"]) == 0
    assert not [n for n in sys.modules if n.startswith("gateway.cli.")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("usr add ana", "did you mean 'user'"),
        ("frobnicate", "switchroom --help"),
        ("run --confg x", "--config"),
        ("explain", "number"),
        ("explain many", "many"),
        ("user add ana --role boss", "boss"),
        ("user add", "name"),
    ],
)
def test_wrong_usage_is_one_line_and_exits_2(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split()) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert said.lower() in told.lower()


def test_no_configuration_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SWITCHROOM_CONFIG", raising=False)
    assert main(["run"]) == 2
    assert "switchroom init" in capsys.readouterr().err


def test_every_problem_of_a_configuration_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(
        '[http]\nlisten = "nowhere"\n[node]\nnmae = "x"\n[[channel]]\nkind = "pigeon"\n'
    )
    assert main(["run", "--config", str(file)]) == 1
    told = capsys.readouterr().err
    assert all(part in told for part in ("http.listen", "node.nmae", "channel[0].kind", "pigeon"))


def test_a_missing_file_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--config", "/nowhere/x.toml"]) == 1
    assert "there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(98, "Address already in use"), "127.0.0.1:8080 is in use"),
        (OSError(13, "Permission denied"), "cannot listen on 127.0.0.1:8080"),
        (Fenced("epoch 3"), "another process runs as node 'node-1'"),
        (OSError(30, "Read-only file system", "/x/lock"), "cannot write to /x/lock: Read-only"),
        (PermissionError(13, "Permission denied", "/x"), "node.data_dir (var) must be a folder"),
        (Unavailable("connection refused"), "no database: connection refused"),
        (VersionConflict("item: only 0 of 1 rows"), "only 0 of 1 rows"),
    ],
)
def test_what_stops_a_node_is_told_with_what_to_do(error: Exception, said: str) -> None:
    nested = ExceptionGroup("outer", [ExceptionGroup("inner", [error])])
    assert said in str(told_of(next(leaves(nested)), Settings()))


def test_a_bug_is_not_dressed_up() -> None:
    assert told_of(ZeroDivisionError(), Settings()) is None
