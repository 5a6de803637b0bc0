"""No container engine runs where these tests do; what can be known without one is held here."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
COMPOSE = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
# The variant that stands in comments, as a reader would make it.
EXTERNAL = COMPOSE.replace("# external: ", "")


def instructions() -> list[tuple[str, str]]:
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\\\n\s*", "", text)
    pairs = (line.split(None, 1) for line in text.splitlines() if line.strip())
    return [(word, rest) for word, rest in pairs]


def last(word: str) -> str:
    return [rest for each, rest in instructions() if each == word][-1]


def test_copies_only_what_exists() -> None:
    ignore = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:].rstrip("/") for line in ignore if line.startswith("!")}
    for word, rest in instructions():
        if word != "COPY" or "--from=" in rest:
            continue
        *sources, _ = rest.split()
        for source in sources:
            assert ROOT.joinpath(source).exists(), source
            assert any(source == name or source.startswith(f"{name}/") for name in sent), (
                f"{source} is not in Dockerfile.dockerignore"
            )


def test_copies_from_stages_that_came_before() -> None:
    stages: set[str] = set()
    for word, rest in instructions():
        if word == "FROM" and " AS " in rest:
            stages.add(rest.rpartition(" AS ")[2])
        for stage in re.findall(r"--from=(\S+)", rest):
            assert stage in stages


def test_installs_from_locks_that_exist() -> None:
    text = " ".join(rest for word, rest in instructions() if word == "RUN")
    locks = re.findall(r"-r (\S+)", text)
    assert "requirements/base.txt" in locks
    assert all(ROOT.joinpath(lock).is_file() for lock in locks)
    assert text.count("--require-hashes") == len(locks)


def test_runs_without_root_and_says_when_it_is_ready() -> None:
    assert last("USER") not in {"root", "0"}
    healthcheck = last("HEALTHCHECK")
    command = json.loads(healthcheck.partition("CMD ")[2])
    assert "/readyz" in command[-1]
    compile(command[-1], "HEALTHCHECK", "exec")


def test_starts_by_the_entrypoint() -> None:
    assert json.loads(last("ENTRYPOINT")) == ["entrypoint"]
    assert any(
        word == "COPY" and rest == "docker/entrypoint.sh /usr/local/bin/entrypoint"
        for word, rest in instructions()
    )
    assert os.access(DOCKER / "entrypoint.sh", os.X_OK)


@pytest.mark.parametrize("text", [COMPOSE, EXTERNAL], ids=["embedded", "external"])
def test_compose_names_only_what_it_declares(text: str) -> None:
    compose: dict[str, Any] = yaml.safe_load(text)
    node = compose["services"]["node"]
    context = (DOCKER / node["build"]["context"]).resolve()
    assert context == ROOT
    assert (context / node["build"]["dockerfile"]).is_file()
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in compose["volumes"]
        for other in service.get("depends_on", {}):
            assert "healthcheck" in compose["services"][other]


def test_compose_publishes_on_loopback_what_the_node_listens_on() -> None:
    node = yaml.safe_load(COMPOSE)["services"]["node"]
    (port,) = node["ports"]
    assert port.startswith("127.0.0.1:")
    assert port.endswith(f":{last('EXPOSE')}")
    assert f'"0.0.0.0:{last("EXPOSE")}"' in (DOCKER / "switchroom.toml").read_text(encoding="utf-8")


def test_compose_keeps_the_embedded_database_on_its_volume() -> None:
    node = yaml.safe_load(COMPOSE)["services"]["node"]
    mounts = {volume.split(":")[1] for volume in node["volumes"]}
    config = (DOCKER / "switchroom.toml").read_text(encoding="utf-8")
    found = re.search(r'^data_dir = "(.+)"', config, re.MULTILINE)
    assert found
    assert any(found[1].startswith(f"{mount}/") for mount in mounts)


def test_the_commented_variant_brings_a_database() -> None:
    compose = yaml.safe_load(EXTERNAL)
    assert {"node", "postgres"} == compose["services"].keys()
    assert "@postgres/" in compose["services"]["node"]["environment"]["SWITCHROOM__STORE__DSN"]


@pytest.mark.parametrize(
    ("given", "runs"),
    [
        ([], "run --config {config}"),
        (["run"], "run --config {config}"),
        (["run", "--verbose"], "run --config {config} --verbose"),
        (["demo", "--agents", "3"], "demo --host 0.0.0.0 --port 8080 --agents 3"),
        (["user", "add", "ana"], "user add ana"),
        (["switchroom", "status"], "status"),
    ],
)
def test_entrypoint_runs(given: list[str], runs: str, tmp_path: Path) -> None:
    fake = tmp_path / "switchroom"
    fake.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    fake.chmod(0o755)
    config = DOCKER / "switchroom.toml"
    done = _entrypoint(given, config, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == runs.format(config=config)


def test_entrypoint_says_what_to_do_without_a_configuration(tmp_path: Path) -> None:
    done = _entrypoint(["run"], tmp_path / "absent.toml", tmp_path)
    assert done.returncode == 2
    assert "mount your switchroom.toml" in done.stderr


def _entrypoint(given: list[str], config: Path, path: Path) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": f"{path}:{os.environ['PATH']}",
        "SWITCHROOM_CONFIG": str(config),
        "SWITCHROOM_PORT": "8080",
    }
    return subprocess.run(
        [DOCKER / "entrypoint.sh", *given], env=env, capture_output=True, text=True, check=False
    )
