"""docker-compose.yml against the repository: paths, ports, names, variables, versions, and how each container is kept.

The real `docker compose config` runs on every profile where it is built (tests/stack).
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROFILES = ("minimal", "full", "scale", "gpu")
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)([^A-Z_])")
HOST = re.compile(r"(?:^|//|\s|@|=)([a-z][a-z0-9-]+):\d{2,5}(?![\d:])")
LAYERS = ROOT / "collector/otelcol"


def of_profile(profile: str) -> dict[str, dict[str, Any]]:
    return {name: service for name, service in SERVICES.items() if profile in service["profiles"]}


def hosts(profile: str) -> set[str]:
    """Every name that a service of the profile answers to."""
    found = set[str]()
    for name, service in of_profile(profile).items():
        networks = service.get("networks", {})
        found |= {name, *networks.get("default", {}).get("aliases", ())}
    return found


ONLY_WITH = {"LOGS_OTLP": "logs.yaml", "KAFKA_BROKERS": "kafka-"}
"""Variables that are given to every Collector, and the layers without which nobody reads them."""


def addresses(service: dict[str, Any]) -> list[str]:
    """The hosts that a service is told of, by its environment and its command."""
    command = " ".join(service["command"]) if isinstance(service.get("command"), list) else service.get("command", "")
    told = [str(v) for k, v in service.get("environment", {}).items() if ONLY_WITH.get(k, "") in command]
    return [
        h for text in (command, *told) for h in re.findall(r"(?:^|//|\s|@|=)([a-z][a-z0-9-]+):\d{2,5}(?![\d:])", text)
    ]


@pytest.mark.parametrize("name", SERVICES)
def test_every_mounted_path_is_in_the_repository(name: str) -> None:
    """A path that does not exist would be made as an empty folder, owned by root."""
    mounts = [volume.split(":")[0] for volume in SERVICES[name].get("volumes", ())]
    assert [path for path in mounts if path.startswith(".") and not (ROOT / path).exists()] == []
    assert {path for path in mounts if not path.startswith(".")} <= COMPOSE["volumes"].keys()
    build = SERVICES[name].get("build")
    if build:
        assert (ROOT / build["context"] / build.get("dockerfile", "Dockerfile")).is_file()


@pytest.mark.parametrize("profile", PROFILES)
def test_every_dependency_is_in_the_profile(profile: str) -> None:
    """Whoever waits for another waits for one that starts, and whose health can be told."""
    services = of_profile(profile)
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}, which {profile} does not start"
            assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_host_is_a_name_in_the_profile(profile: str) -> None:
    """An address leads to a service that the profile starts."""
    known = hosts(profile) | {"localhost"}
    wrong = {name: set(addresses(service)) - known for name, service in of_profile(profile).items()}
    assert {name: unknown for name, unknown in wrong.items() if unknown} == {}


@pytest.mark.parametrize("profile", PROFILES)
def test_no_two_services_open_one_port_and_none_beyond_this_machine(profile: str) -> None:
    """Ports are bound to an address that is 127.0.0.1 unless told otherwise."""
    ports = [port for service in of_profile(profile).values() for port in service.get("ports", ())]
    assert all(port.startswith("${BIND:-127.0.0.1}:") for port in ports)
    assert len(ports) == len(set(ports))


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_is_scraped_whole(profile: str) -> None:
    """Prometheus' targets are services of the profile, and every Collector of it is among them."""
    (prometheus,) = (name for name in of_profile(profile) if name.startswith("prometheus"))
    (mount,) = (v.split(":")[0] for v in SERVICES[prometheus]["volumes"] if "targets" in v)
    groups = json.loads((ROOT / mount).read_text("utf-8"))
    targets = {target.split(":")[0] for group in groups for target in group["targets"]}
    assert targets <= hosts(profile) | {"localhost"}
    collectors = {name for name in of_profile(profile) if name.startswith("collector-gateway")} | {"collector"}
    assert collectors <= targets


def test_nothing_needs_a_dotenv() -> None:
    """Every variable has a default, or leaves something out where it is not set."""
    assert {name for name, follows in VARIABLE.findall(TEXT) if follows != ":"} == set()


def test_every_variable_of_the_collector_is_one_that_a_layer_reads() -> None:
    """A misspelt variable would be ignored in silence."""
    read = set(re.findall(r"\$\{env:([A-Z0-9_]+)", "".join(p.read_text("utf-8") for p in LAYERS.glob("*.yaml"))))
    given = set(COMPOSE["x-otelcol-environment"]) - {"GOMEMLIMIT"}
    assert given <= read


def test_every_layer_that_is_named_is_there() -> None:
    """The Collectors load files of collector/otelcol, privacy.yaml always right after base.yaml."""
    for name, service in SERVICES.items():
        if name.startswith("collector-"):
            layers = re.findall(r"file:/etc/search-otelcol/([a-z-]+\.yaml)", service["command"])
            assert layers[:2] == ["base.yaml", "privacy.yaml"]
            assert [layer for layer in layers if not (LAYERS / layer).is_file()] == []


def test_images_are_exact_and_the_ones_that_are_tested() -> None:
    """No `latest`, no digest that nobody has seen; what is built and tested here carries the same version."""
    images = {service["image"] for service in SERVICES.values()}
    assert [image for image in images if not re.fullmatch(r"[a-z0-9/-]+:v?\d+\.\d+\.\d+(-[a-z]+)?", image)] == []
    pinned = tomllib.loads((ROOT / "collector/stack/versions.toml").read_text("utf-8"))
    tested = {program["image"] for name, program in pinned.items() if "image" in program and name != "go"}
    assert tested <= images
    assert f"search-telemetry/otelcol:{pinned['collector']['version']}" in images


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_bounded_and_hardened(name: str) -> None:
    """Limits of memory and CPU, not root, no new privileges, logs that end; read-only but for one that cannot."""
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert limits["cpus"]
    assert limits["memory"]
    assert service.get("user", "").split(":")[0] not in {"", "0", "root"} or service["image"].endswith("-unprivileged")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] or name == "kafka"
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"pamazon-catalogue"}))
def test_every_container_that_stays_tells_its_health(name: str) -> None:
    """By a program that its image holds: no curl anywhere."""
    test = SERVICES[name]["healthcheck"]["test"]
    assert test[0] == "CMD"
    assert "curl" not in test


def test_no_password_is_written_down() -> None:
    """Grafana has no administrator unless a secret file gives one a password."""
    assert not re.search(r"(?i)(password|secret|token)[A-Z_]*:\s*[\"']?[a-z0-9]+[\"']?\s*$", TEXT, re.MULTILINE)
    grafana = SERVICES["grafana"]["environment"]
    assert grafana["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "${GRAFANA_NO_ADMIN:-true}"
    assert grafana["GF_SECURITY_ADMIN_PASSWORD__FILE"].startswith("/run/secrets/")


def test_grafana_reads_what_is_there() -> None:
    """Data sources lead to each other by uid, and their addresses are variables that compose sets."""
    path = ROOT / "dashboards/grafana/provisioning/datasources/datasources.yaml"
    text = path.read_text("utf-8")
    sources = yaml.safe_load(text)["datasources"]
    assert set(re.findall(r"datasourceUid: (\w+)", text)) <= {source["uid"] for source in sources}
    variables = {source["url"].strip("${}") for source in sources}
    assert variables <= SERVICES["grafana"]["environment"].keys()
