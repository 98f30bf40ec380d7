"""docker-compose.yml against the repository: paths, ports, names, variables, versions, and how each container is kept.

The real `docker compose config` runs on every profile where it is built (tests/stack).
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROFILES = ("minimal", "full", "gateways", "scale", "gpu")
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


ONLY_WITH = {"LOGS_OTLP": "/logs.yaml", "KAFKA_BROKERS": "kafka-"} | dict.fromkeys(
    ("OTELCOL_GATEWAY_1", "OTELCOL_GATEWAY_2"), "agent.yaml"
)
"""Variables that are given to every Collector, and the layers without which nobody reads them."""


def addresses(service: dict[str, Any]) -> list[str]:
    """The hosts that a service knows, by its environment and its command."""
    command = " ".join(service["command"]) if isinstance(service.get("command"), list) else service.get("command", "")
    texts = [str(v) for k, v in service.get("environment", {}).items() if ONLY_WITH.get(k, "") in command]
    return [
        h for text in (command, *texts) for h in re.findall(r"(?:^|//|\s|@|=)([a-z][a-z0-9-]+):\d{2,5}(?![\d:])", text)
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
    """Whoever waits for another waits for one that starts, and whose health can be checked."""
    services = of_profile(profile)
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services or how.get("required") is False, f"{name} waits for {other}, not in {profile}"
            assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_host_is_a_name_in_the_profile(profile: str) -> None:
    """An address leads to a service that the profile starts."""
    known = hosts(profile) | {"localhost"}
    wrong = {name: set(addresses(service)) - known for name, service in of_profile(profile).items()}
    assert {name: unknown for name, unknown in wrong.items() if unknown} == {}


@pytest.mark.parametrize("profile", PROFILES)
def test_no_two_services_open_one_port_and_none_beyond_this_machine(profile: str) -> None:
    """Ports are bound to an address that is 127.0.0.1 unless configured otherwise."""
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
    collectors = {name for name in hosts(profile) if name.startswith("collector-gateway")} | {"collector"}
    assert collectors <= targets


def test_nothing_needs_to_be_set() -> None:
    """Every variable has a default, or leaves something out where it is not set; .env names a profile alone."""
    assert {name for name, follows in VARIABLE.findall(TEXT) if follows != ":"} == set()
    lines = (ROOT / ".env").read_text("utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["COMPOSE_PROFILES=full"]


def test_the_page_lists_every_variable() -> None:
    """What can be set stands in docs/containers.md, and nothing else does."""
    listed = re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/containers.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted({name for name, _ in VARIABLE.findall(TEXT)} | {"COMPOSE_PROFILES"})


def test_the_file_stays_readable() -> None:
    """It fits a few screens, and no line runs off one; no layer's path is written twice."""
    lines = TEXT.splitlines()
    assert len(lines) <= 325
    assert max(map(len, lines)) <= 120
    layers = re.findall(r"--config=\S+?\.yaml", TEXT)
    assert len(layers) == len(set(layers))


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "build" in service])
def test_our_own_images_are_built_and_never_pulled(name: str) -> None:
    """Nobody publishes them: a pull would ask a registry for a stranger's image of that name."""
    assert SERVICES[name]["pull_policy"] == "build"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_goods_are_indexed_once_encoder_and_indexer_are_healthy(profile: str) -> None:
    """It is tried again when it fails, and not done again where the goods are there."""
    catalogue = SERVICES["pamazon-catalogue"]
    needed = {name for name in of_profile(profile) if name.startswith(("pamazon-encoder", "pamazon-indexer"))}
    healthy = {name for name, how in catalogue["depends_on"].items() if how["condition"] == "service_healthy"}
    assert len(needed) == 2
    assert needed | {"pamazon-gateway"} <= healthy
    assert (catalogue["restart"], catalogue["command"][:2]) == ("on-failure", ["index", "--once"])


def test_a_gpu_runs_a_real_model_into_a_collection_of_its_dimension() -> None:
    """Its weights, which are downloaded, are kept; vectors of the small model are in another collection."""
    encoder, indexer = SERVICES["pamazon-encoder-gpu"], SERVICES["pamazon-indexer-gpu"]
    assert {"--model=${CLIP_MODEL:-ViT-B-32::openai}", "--device=cuda"} <= set(encoder["command"])
    assert {"--dimension=${CLIP_DIMENSION:-512}", "--collection=${CLIP_COLLECTION:-goods-clip}"} <= set(
        indexer["command"]
    )
    home = encoder["environment"]["HOME"]
    assert f"weights:{home}" in encoder["volumes"]
    assert f"-o 10001 -g 10001 {home}" in (ROOT / encoder["build"]["dockerfile"]).read_text("utf-8")


def test_kafka_runs_on_the_file_of_the_stack() -> None:
    """The environment gives it addresses and its folder, and repeats nothing of the file."""
    kafka = SERVICES["kafka"]
    assert "./collector/stack/config/kafka:/mnt/shared/config:ro" in kafka["volumes"]
    text = (ROOT / "collector/stack/config/kafka/server.properties").read_text("utf-8")
    keys = {line.partition("=")[0] for line in text.splitlines() if "=" in line and not line.startswith("#")}
    given = {name.removeprefix("KAFKA_").lower().replace("_", ".") for name in kafka["environment"]}
    assert given == {"listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs"}
    assert given & keys == set()


def test_a_secret_that_is_not_given_is_an_empty_file() -> None:
    """Rootless engines refuse /dev/null."""
    for secret in COMPOSE["secrets"].values():
        (default,) = re.findall(r":-(\./[^}]+)\}", secret["file"])
        assert (ROOT / default).read_bytes() == b""


def test_every_variable_of_the_collector_is_one_that_a_layer_reads() -> None:
    """A misspelt variable would be ignored in silence."""
    read = set(re.findall(r"\$\{env:([A-Z0-9_]+)", "".join(p.read_text("utf-8") for p in LAYERS.glob("*.yaml"))))
    given = set(COMPOSE["x-otelcol"]["environment"]) - {"GOMEMLIMIT"}
    assert given <= read


def test_every_layer_that_is_named_is_there() -> None:
    """The Collectors load files of collector/otelcol, privacy.yaml always right after base.yaml."""
    for name, service in SERVICES.items():
        if name.startswith("collector-"):
            layers = re.findall(r"--config=/layers/([a-z-]+\.yaml)", " ".join(service["command"]))
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
    assert service["read_only"] or name == "kafka"  # its start script formats folders in the image
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"pamazon-catalogue"}))
def test_every_container_that_stays_reports_its_health(name: str) -> None:
    """By a program that its image holds: no curl anywhere."""
    test = SERVICES[name]["healthcheck"]["test"]
    assert test[0] == "CMD"
    assert "curl" not in test


@pytest.mark.parametrize("profile", PROFILES)
def test_the_shops_page_is_open_and_may_send_to_the_collector(profile: str) -> None:
    """At 8081; its browser sends to the port that the collector opens, which answers pages of this machine."""
    gateway = of_profile(profile)["pamazon-gateway"]
    assert "${BIND:-127.0.0.1}:8081:8081" in gateway["ports"]
    assert {"--shop=0.0.0.0:8081", "--page-otlp=${PAGE_OTLP:-http://127.0.0.1:4318}"} <= set(gateway["command"])
    assert "--traces=${TRACES:-http://127.0.0.1:16686/trace/}" in gateway["command"]
    exposed = re.search(r"^EXPOSE (.+)$", (ROOT / "demo_flow/Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert exposed is not None
    assert "8081" in exposed[1].split()
    open_to_pages = [s for s in of_profile(profile).values() if any(":4318:" in port for port in s.get("ports", ()))]
    assert [service for service in open_to_pages if "--config=/layers/cors.yaml" not in service["command"]] == []
    assert len(open_to_pages) == 1


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


def test_the_image_of_the_shop_installs_what_comes_from_elsewhere_first() -> None:
    """All that our distributions need, and none of them: an edit of our source installs none of it again."""
    dockerfile = (ROOT / "demo_flow/Dockerfile").read_text("utf-8")
    assert dockerfile.index("-r needed.txt") < dockerfile.index("COPY telemetry")
    asked = [
        requirement.replace("${EXTRA}", "clip") for requirement in re.findall(r'"(search-telemetry\S*)"', dockerfile)
    ]
    command = [sys.executable, str(ROOT / "packaging/requirements.py"), *asked]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    names = {re.split(r"[^a-z0-9-]", requirement)[0] for requirement in printed}
    assert {"h2", "sentry-sdk", "duckdb", "onnxruntime", "qdrant-client", "torch"} <= names
    assert [name for name in names if name.startswith("search-telemetry")] == []


def test_the_image_of_the_collector_downloads_before_it_compiles() -> None:
    """The locked modules come before whatever of ours is edited."""
    dockerfile = (LAYERS / "Dockerfile").read_text("utf-8")
    assert dockerfile.index("go mod download") < dockerfile.index("COPY builder.yaml")
    assert dockerfile.index("go mod download") < dockerfile.index("processor.go")
