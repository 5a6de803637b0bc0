"""Configurations that are wrong in shape: every problem is a line, none is a traceback."""

from pathlib import Path

import pytest

import channels
from gateway import app
from gateway.config import ConfigError, Settings, load

KINDS = {name: kind.settings for name, kind in channels.table().items()}


def problems(tmp_path: Path, text: str, **environ: str) -> list[str]:
    file = tmp_path / "switchroom.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file, environ, KINDS)
    return caught.value.problems


def test_what_is_no_channel_is_told_beside_the_other_problems(tmp_path: Path) -> None:
    found = problems(tmp_path, 'channel = ["x", { kind = ["email"] }]\n[node]\nname = 3\n')
    assert [p.partition(":")[0] for p in found] == ["node.name", "channel[0]", "channel[1].kind"]


def test_a_variable_below_what_is_no_table_is_told(tmp_path: Path) -> None:
    environ = {"SWITCHROOM__NODE": "eu-1", "SWITCHROOM__NODE__NAME": "eu-1"}
    found = problems(tmp_path, "", **environ)
    assert any(p.startswith("SWITCHROOM__NODE__NAME:") for p in found)
    found = problems(tmp_path, '[[channel]]\nkind = "task"\n', SWITCHROOM__CHANNEL__NAME="x")
    assert any(p.startswith("SWITCHROOM__CHANNEL__NAME:") for p in found)


def test_a_port_beyond_the_last_is_told(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, '[http]\nlisten = "127.0.0.1:99999"\n')
    assert found.startswith("http.listen:")
    assert "99999" in found


async def test_a_missing_certificate_is_named_before_anything_starts(tmp_path: Path) -> None:
    file = tmp_path / "switchroom.toml"
    file.write_text('[http]\ntls = { certificate = "no.pem", key = "no.key" }\n')
    settings: Settings = load(file, {"SWITCHROOM__NODE__DATA_DIR": str(tmp_path / "db")}, KINDS)
    with pytest.raises(ConfigError, match=r"no\.pem"):
        async with app.serving(settings):
            pass
    assert not (tmp_path / "db").exists()
