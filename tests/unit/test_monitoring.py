"""docker/monitoring: neither Prometheus nor Grafana runs here, but what their files say holds."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.support.monitoring import (
    DASHBOARD,
    FOLDER,
    PROMETHEUS_OWN,
    alerts,
    expressions,
    named,
    panels,
)

ROOT = FOLDER.parents[1]
KNOWN = {"alert", "expr", "for", "labels", "annotations"}
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
REGIONS = ROOT / "docker" / "two-regions"


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_is_whole_and_its_runbook_is_there(rule: dict[str, object]) -> None:
    assert rule.keys() <= KNOWN
    assert re.fullmatch(r"Switchroom[A-Z]\w+", str(rule["alert"]))
    assert re.fullmatch(r"\d+[smhd]", str(rule.get("for", "1m")))
    labels, said = rule["labels"], rule["annotations"]
    assert isinstance(labels, dict)
    assert labels["severity"] in {"page", "warning"}
    assert isinstance(said, dict)
    assert said.keys() == {"summary", "runbook"}
    page, _, anchor = said["runbook"].partition("#")
    assert anchor in anchors(ROOT / page), f"{page} has no section {anchor}"


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_every_alert_is_explained(rule: dict[str, object]) -> None:
    assert f"`{rule['alert']}`" in (ROOT / "docs/operations.md").read_text("utf-8")


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_prometheus_would_take_every_expression(where: str, expression: str) -> None:
    assert named(expression), f"{where} asks for no metric"


def test_an_alert_that_counts_lost_labels_is_noticed() -> None:
    assert {one.metric for one in named("rate(a_total[5m]) / b offset 1h")} == {"a_total", "b"}
    with pytest.raises(ValueError, match="unclosed"):
        named("sum by (queue")


def test_every_metric_is_ours_or_prometheus_own() -> None:
    asked = {one.metric for _, expression in expressions() for one in named(expression)}
    assert all(name.startswith("switchroom_") for name in asked - PROMETHEUS_OWN)


def test_the_dashboard_lies_within_its_grid_and_nothing_covers_anything() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)


def test_grafana_finds_its_dashboard_and_its_source() -> None:
    provided = FOLDER / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provided / "datasources/prometheus.yaml").read_text())[
        "datasources"
    ]
    (looks,) = yaml.safe_load((provided / "dashboards/switchroom.yaml").read_text())["providers"]
    uids = set(re.findall(r'"type": "prometheus",\s+"uid": "(\w+)"', DASHBOARD.read_text()))
    assert uids == {source["uid"]}
    assert json.loads(DASHBOARD.read_text())["uid"] == "switchroom"
    assert source["url"] == "http://prometheus:9090"
    mounts = {m.split(":")[1]: m.split(":")[0] for m in COMPOSE["services"]["grafana"]["volumes"]}
    assert (REGIONS / mounts[looks["options"]["path"]]).resolve() == DASHBOARD.parent


def test_compose_wires_prometheus_to_the_nodes_of_the_two_regions() -> None:
    regions = yaml.safe_load((REGIONS / "compose.yaml").read_text("utf-8"))
    prometheus = yaml.safe_load((FOLDER / "prometheus.yaml").read_text("utf-8"))
    (job,) = prometheus["scrape_configs"]
    assert job["job_name"] == "switchroom"
    targets = {t.partition(":")[0] for one in job["static_configs"] for t in one["targets"]}
    assert targets == {name for name in regions["services"] if name.startswith("node-")}
    for name, service in COMPOSE["services"].items():
        assert set(service["networks"]) <= regions["networks"].keys(), name
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            if source.startswith(".."):
                assert (REGIONS / source).exists(), source
            else:
                assert source in COMPOSE["volumes"]
    mounted = {v.split(":")[1] for v in COMPOSE["services"]["prometheus"]["volumes"]}
    assert {f"/etc/prometheus/{file}" for file in prometheus["rule_files"]} <= mounted
    (config,) = [w for w in COMPOSE["services"]["prometheus"]["command"] if "config.file" in w]
    assert config.partition("=")[2] in mounted
