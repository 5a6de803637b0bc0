"""docker/two-regions: no container engine runs here, but what its files say of each other holds."""

import os
import re
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

import channels
from gateway import config
from gateway.store.pool import hosts_of
from tests.support import patroni

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker" / "two-regions"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PATRONI: dict[str, Any] = yaml.safe_load((FOLDER / "patroni.yaml").read_text("utf-8"))
REGIONS = ("east", "west")


def settings(region: str) -> config.Settings:
    raw = SERVICES[f"node-{region}"]["environment"]["SWITCHROOM_DSN"]
    dsn = re.sub(r"\$\{[^}]*\}", "secret", raw)
    kinds = {name: kind.settings for name, kind in channels.table().items()}
    return config.load(FOLDER / f"node-{region}.toml", {"SWITCHROOM_DSN": dsn}, kinds)


def haproxy() -> dict[str, list[str]]:
    """The lines of each section."""
    sections: dict[str, list[str]] = {}
    at: list[str] = []
    for line in (FOLDER / "haproxy.cfg").read_text("utf-8").splitlines():
        words = line.split("#")[0].rstrip()
        if words and not words[0].isspace():
            at = sections.setdefault(words, [])
        elif words:
            at.append(words.strip())
    return sections


def test_compose_names_only_what_it_declares() -> None:
    for name, service in SERVICES.items():
        assert set(service["networks"]) <= COMPOSE["networks"].keys(), name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (FOLDER / source).is_file(), source
            else:
                assert source in COMPOSE["volumes"], source
        for other in service.get("depends_on", {}):
            assert "healthcheck" in SERVICES[other]
        if "build" in service:
            context = (FOLDER / service["build"]["context"]).resolve()
            assert (context / service["build"]["dockerfile"]).is_file()


def test_every_password_is_asked_for_and_none_is_given() -> None:
    text = (FOLDER / "compose.yaml").read_text("utf-8")
    asked = set(re.findall(r"\$\{(\w+):\?", text))
    assert set(re.findall(r"\$\{(\w+)", text)) == asked
    example = (FOLDER / ".env.example").read_text("utf-8")
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == asked


def test_it_is_published_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("region", REGIONS)
def test_a_node_knows_every_database_and_its_peer(region: str) -> None:
    node = settings(region)
    (other,) = set(REGIONS) - {region}
    assert (node.node.name, node.node.region) == (f"node-{region}", region)
    assert {host.name for host in hosts_of(node.store.dsn)} == {"db-east", "db-west"}
    (peer,) = node.node.peers
    assert peer == f"{settings(other).public_url}/agent/v1".replace("http", "ws", 1)
    (port,) = SERVICES[f"node-{region}"]["ports"]
    assert node.public_url.endswith(f":{port.split(':')[1]}")
    assert node.http.port == int(port.split(":")[2])


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_has_its_own_node_database_and_vote(region: str) -> None:
    for part in ("node", "db", "etcd"):
        assert set(SERVICES[f"{part}-{region}"]["networks"]) == {region, "wide"}
    environment = SERVICES[f"db-{region}"]["environment"]
    assert environment["PATRONI_NAME"] == f"db-{region}"
    for key, port in (("POSTGRESQL", 5432), ("RESTAPI", 8008)):
        assert environment[f"PATRONI_{key}_CONNECT_ADDRESS"] == f"db-{region}:{port}"


def test_etcd_has_three_votes_and_the_third_stands_in_no_region() -> None:
    members = {name for name in SERVICES if name.startswith("etcd-")}
    assert len(members) == 3
    assert SERVICES["etcd-third"]["networks"] == ["wide"]
    for name in members:
        environment = SERVICES[name]["environment"]
        cluster = dict(
            each.split("=", 1) for each in environment["ETCD_INITIAL_CLUSTER"].split(",")
        )
        assert cluster.keys() == members
        assert environment["ETCD_NAME"] == name
        assert environment["ETCD_INITIAL_ADVERTISE_PEER_URLS"] == cluster[name]
    for region in REGIONS:
        hosts = SERVICES[f"db-{region}"]["environment"]["PATRONI_ETCD3_HOSTS"].split(",")
        assert {host.partition(":")[0] for host in hosts} == members


def test_patroni_runs_with_what_the_tests_run_with() -> None:
    dcs = PATRONI["bootstrap"]["dcs"]
    assert {key: dcs[key] for key in patroni.DCS} == patroni.DCS
    assert "data-checksums" in PATRONI["bootstrap"]["initdb"]
    given = PATRONI["postgresql"]["parameters"]
    for key in ("wal_sender_timeout", "wal_receiver_timeout"):
        assert given[key] == patroni.PARAMETERS[key]


def test_patroni_understands_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SERVICES["db-east"]["environment"].items():
        if name.startswith("PATRONI_"):
            monkeypatch.setenv(name, value)
    read = import_module("patroni.config").Config(str(FOLDER / "patroni.yaml"), validator=None)
    assert read["name"] == "db-east"
    assert read["etcd3"]["hosts"] == [f"etcd-{n}:2379" for n in ("east", "west", "third")]
    assert read["postgresql"]["connect_address"] == "db-east:5432"
    assert set(read["postgresql"]["authentication"]) == {"superuser", "replication", "rewind"}


def test_the_first_primary_gets_a_database_that_a_node_can_watch() -> None:
    script = FOLDER / "make-database.sh"
    assert os.access(script, os.X_OK)
    subprocess.run(["sh", "-n", str(script)], check=True)
    dockerfile = (FOLDER / "patroni.Dockerfile").read_text("utf-8")
    assert f"make-database.sh {PATRONI['bootstrap']['post_bootstrap']}" in dockerfile
    assert "GRANT pg_monitor TO switchroom" in script.read_text("utf-8")


def test_the_proxy_asks_every_node_whether_it_is_ready() -> None:
    backend = haproxy()["backend nodes"]
    servers = {line.split()[1]: line.split() for line in backend if line.startswith("server ")}
    assert servers.keys() == {"node-east", "node-west"}
    for name, words in servers.items():
        assert words[2] == f"{name}:{settings(name.removeprefix('node-')).http.port}"
        assert "check" in words
    assert "option httpchk GET /readyz" in backend
    binds = {line.split(":")[1] for s in haproxy().values() for line in s if "bind" in line}
    assert binds == {port.split(":")[2] for port in SERVICES["proxy"]["ports"]}
