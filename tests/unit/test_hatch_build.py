"""The wheel: what it depends on, and that it never leaves without the web app."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

import hatch_build

ROOT = Path(__file__).parents[2]


def hook(root: Path) -> hatch_build.WebApp:
    metadata = ProjectMetadata[PluginManager](str(ROOT), PluginManager())
    return hatch_build.WebApp(str(root), {}, None, metadata, "", "wheel")


def test_requirements_are_read_without_their_reasons() -> None:
    text = "# What runs\naiohttp>=3.14   # HTTP\n\n  uvloop>=0.22\n"
    assert hatch_build.requirements(text) == ["aiohttp>=3.14", "uvloop>=0.22"]


@pytest.mark.parametrize("readme", [True, False])
def test_the_readme_is_taken_if_it_is_there(tmp_path: Path, *, readme: bool) -> None:
    tmp_path.joinpath("requirements").mkdir()
    tmp_path.joinpath("requirements", "base.in").write_text("aiohttp>=3.14\n", encoding="utf-8")
    if readme:
        tmp_path.joinpath("README.md").touch()
    metadata: dict[str, object] = {}
    hatch_build.Metadata(str(tmp_path), {}).update(metadata)
    assert metadata["dependencies"] == ["aiohttp>=3.14"]
    assert ("readme" in metadata) is readme


def test_a_wheel_without_the_web_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="make web"):
        hook(tmp_path).initialize("standard", {"artifacts": []})


def test_an_editable_install_needs_no_web_app(tmp_path: Path) -> None:
    build_data: dict[str, list[str]] = {"artifacts": []}
    hook(tmp_path).initialize("editable", build_data)
    assert not build_data["artifacts"]


def test_the_web_app_goes_into_the_wheel(tmp_path: Path) -> None:
    page = tmp_path / "push" / "static" / "index.html"
    page.parent.mkdir(parents=True)
    page.touch()
    build_data: dict[str, list[str]] = {"artifacts": []}
    hook(tmp_path).initialize("standard", build_data)
    assert build_data["artifacts"] == ["push/static/**"]


@pytest.mark.integration
def test_the_built_wheel_holds_what_runs_and_nothing_else(tmp_path: Path) -> None:
    if not ROOT.joinpath("push", "static", "index.html").is_file():
        pytest.fail("the web app is not built: `make web`")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, ROOT],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        head = archive.read(metadata).decode()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {
        "gateway",
        "channels",
        "push",
    }
    assert "push/static/index.html" in names
    assert "push/static/desktop/index.html" in names
    assert not [name for name in names if name.startswith("push/web/")]
    assert "Requires-Dist: aiohttp>=3.14" in head
