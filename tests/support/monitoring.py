"""What docker/monitoring asks Prometheus for: every alert, every panel, and what they name."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import yaml
from msgspec import Struct

FOLDER = Path(__file__).parents[2] / "docker" / "monitoring"
DASHBOARD = FOLDER / "grafana" / "dashboards" / "switchroom.json"
PROMETHEUS_OWN = {"up"}


class Named(Struct, frozen=True):
    """A metric with the labels that are asked of it."""

    metric: str
    labels: frozenset[tuple[str, str]]


def alerts() -> list[dict[str, Any]]:
    tree = yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))
    return [rule for group in tree["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Where each stands, and what it is."""
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def named(expression: str) -> set[Named]:
    """The metrics of an expression. Raises ``ValueError`` if Prometheus would not take it."""
    found: set[Named] = set()

    def look(part: Any) -> bool:
        if isinstance(part, promql_parser.VectorSelector):
            equal = promql_parser.MatchOp.Equal
            labels = {(m.name, m.value) for m in part.matchers.matchers if m.op == equal}
            found.add(Named(part.name or "", frozenset(labels)))
        return True

    promql_parser.walk(promql_parser.parse(expression), look)
    return found
