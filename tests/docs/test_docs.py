"""What the documents must say: a word that users meet and no page explains is a red test."""

import re
from pathlib import Path

import pytest

from gateway.cli import COMMANDS
from push.protocol import ERROR_CODES, WAITING_CODES, ClientFrame, Close, ServerFrame
from tests.support.documents import written

ROOT = Path(__file__).parent.parent.parent
PAGES = {p: p.read_text("utf-8") for p in (*ROOT.glob("docs/**/*.md"), ROOT / "README.md")}
ALL = "\n".join(PAGES.values())
AGENT = (ROOT / "docs/protocols/agent.md").read_text("utf-8")


def frames() -> list[str]:
    kinds = (*ClientFrame.__args__, *ServerFrame.__args__)
    return sorted({kind.__struct_config__.tag for kind in kinds})


def metrics() -> list[str]:
    source = (ROOT / "gateway/api/metrics.py").read_text("utf-8")
    return sorted(set(re.findall(r'"(switchroom_\w+)"', source)))


@pytest.mark.parametrize("frame", frames())
def test_every_frame_of_the_agents_protocol_is_explained(frame: str) -> None:
    assert f"`{frame}" in AGENT


@pytest.mark.parametrize("code", [*ERROR_CODES, *WAITING_CODES, *(str(int(c)) for c in Close)])
def test_every_error_and_close_code_is_explained(code: str) -> None:
    assert code in AGENT


@pytest.mark.parametrize("metric", metrics())
def test_every_metric_is_explained(metric: str) -> None:
    assert metric in PAGES[ROOT / "docs/operations.md"]


@pytest.mark.parametrize("command", [name for name, *_ in COMMANDS])
def test_every_command_is_mentioned(command: str) -> None:
    assert f"switchroom {command}" in ALL


def test_what_is_written_from_the_code_is_up_to_date() -> None:
    for path, text in written().items():
        assert path.read_text("utf-8") == text, f"run `make docs`: {path.name} is old"


def test_no_link_between_pages_leads_nowhere() -> None:
    for page, text in PAGES.items():
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readmes_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"`?make ([a-z]+)`?", PAGES[ROOT / "README.md"])):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
