"""Every metric that an alert or the dashboard names is one that a node shows, with its labels."""

from pathlib import Path

import aiohttp
import pytest
import tomli_w
from prometheus_client.parser import text_string_to_metric_families

import channels
from gateway.app import serving
from gateway.config import load
from tests.support.monitoring import PROMETHEUS_OWN, expressions, named
from tests.support.ports import free_port

pytestmark = pytest.mark.integration

SAMPLES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


async def shown(database: str, path: Path) -> dict[str, list[dict[str, str]]]:
    """What a node's /metrics has: the labels of its samples by name."""
    file = path / "switchroom.toml"
    tree = {
        "store": {"dsn": database},
        "http": {"listen": f"127.0.0.1:{free_port()}"},
        "channel": [{"kind": "task", "name": "office"}],
    }
    file.write_text(tomli_w.dumps(tree))
    kinds = {name: kind.settings for name, kind in channels.table().items()}
    async with (
        serving(load(file, {}, kinds)) as app,
        aiohttp.ClientSession(app.url) as http,
        http.get("/metrics") as answer,
    ):
        text = await answer.text()
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(text):
        for end in SAMPLES[family.type]:
            found[f"{family.name}{end}"] = []
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


async def test_what_is_watched_is_shown(database: str, tmp_path: Path) -> None:
    found = await shown(database, tmp_path)
    for where, expression in expressions():
        for asked in named(expression):
            if asked.metric in PROMETHEUS_OWN:
                continue
            assert asked.metric in found, f"{where}: no node shows {asked.metric}"
            samples = found[asked.metric]
            for label in asked.labels if samples else ():
                assert any(label in each.items() for each in samples), f"{where}: {label}"
