"""docker-compose.yml by the real `docker-compose config`: which services each command would start, and how."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from collector.stack import cache
from dashboards.alerts.routes import URL_FILE

ROOT = Path(__file__).parents[2]
SHOP = {"pamazon-gateway", "pamazon-encoder", "pamazon-indexer", "pamazon-catalogue", "qdrant", "criticalpath"}
BACKENDS = {"jaeger", "loki", "alertmanager", "grafana"}
GATEWAYS = {"collector-gateway-1", "collector-gateway-2"}
CONSUMERS = {"collector-consumer-1", "collector-consumer-2"}
ON_A_GPU = (SHOP - {"pamazon-encoder", "pamazon-indexer"}) | {"pamazon-encoder-gpu", "pamazon-indexer-gpu"}
PROFILES = {
    "minimal": SHOP | {"collector-minimal", "jaeger", "prometheus-minimal"},
    "full": SHOP | BACKENDS | {"collector-full", "prometheus-full"},
    "gateways": SHOP | BACKENDS | GATEWAYS | {"collector-agent", "prometheus-gateways"},
    "scale": SHOP | BACKENDS | CONSUMERS | {"collector-producer", "kafka", "prometheus-gateways"},
    "gpu": ON_A_GPU | BACKENDS | {"collector-full", "prometheus-full"},
}
SENTRY = {"SENTRY_OTLP_ENDPOINT": "https://sentry.invalid/api/1/integration/otlp", "SENTRY_PUBLIC_KEY": "k"}


def composed(*options: str, **variables: str) -> dict[str, Any]:
    """The whole file as Compose understands it, for a command with these options."""
    command = [str(cache.binary("docker-compose")), *options, "config", "--format=json"]
    environment = {"PATH": os.environ["PATH"], **variables}
    output = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (output.returncode, output.stderr) == (0, "")
    return dict(json.loads(output.stdout))


def services(*options: str, **variables: str) -> dict[str, dict[str, Any]]:
    """What a command with these options would run."""
    return dict(composed(*options, **variables)["services"])


def test_up_without_a_profile_is_the_whole_stack() -> None:
    """And `down`, which reads the same file, stops the same services."""
    assert services().keys() == PROFILES["full"]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_runs_its_services_and_no_others(profile: str) -> None:
    """By the option, and by the variable."""
    assert services("--profile", profile).keys() == PROFILES[profile]
    assert services(COMPOSE_PROFILES=profile).keys() == PROFILES[profile]


@pytest.mark.parametrize("profile", PROFILES)
def test_sentry_is_a_layer_only_where_both_variables_are_set(profile: str) -> None:
    """Else the Collector has an empty argument more, which it takes for none."""
    for variables, expected in ((SENTRY, True), ({"SENTRY_PUBLIC_KEY": "k"}, False), ({}, False)):
        collectors = [s for name, s in services("--profile", profile, **variables).items() if name.startswith("coll")]
        assert {any("sentry" in part for part in collector["command"]) for collector in collectors} == {expected}
        assert all(collector["command"][-1] for collector in collectors) is expected


def test_a_gpu_gets_its_model_dimension_and_device() -> None:
    """Another model needs three variables."""
    output = services("--profile", "gpu", CLIP_MODEL="ViT-L-14::openai", CLIP_DIMENSION="768", CLIP_COLLECTION="large")
    encoder, indexer = output["pamazon-encoder-gpu"], output["pamazon-indexer-gpu"]
    assert "--model=ViT-L-14::openai" in encoder["command"]
    assert encoder["deploy"]["resources"]["reservations"]["devices"][0]["driver"] == "nvidia"
    assert {"--collection=large", "--dimension=768"} <= set(indexer["command"])


def test_alerts_are_sent_only_where_a_file_has_an_address(tmp_path: Path) -> None:
    """With the variable Alertmanager has the other file, and the user's as a secret in the folder that it runs in."""
    secret = tmp_path / "secret"
    for variables, name, source in (
        ({}, "alertmanager.yml", ROOT / "collector/stack/config/empty"),
        ({"ALERT_WEBHOOK_FILE": str(secret)}, "alertmanager-webhook.yml", secret),
    ):
        found = composed("--profile", "full", **variables)
        alertmanager = found["services"]["alertmanager"]
        assert f"--config.file=/etc/alerts/{name}" in alertmanager["command"]
        assert [each["source"] for each in alertmanager["secrets"]] == [URL_FILE]
        assert alertmanager["working_dir"] == "/run/secrets"
        assert found["secrets"][URL_FILE]["file"] == str(source)
        (mount,) = (each for each in alertmanager["volumes"] if each["target"] == "/etc/alerts")
        assert (Path(mount["source"]) / name).is_file()


@pytest.mark.parametrize("profile", PROFILES)
def test_every_prometheus_has_the_rules(profile: str) -> None:
    """Beside its configuration, where that looks for them."""
    (prometheus,) = (each for name, each in services("--profile", profile).items() if name.startswith("prometheus"))
    mounts = {each["target"]: Path(each["source"]) for each in prometheus["volumes"]}
    assert mounts["/etc/prometheus/rules"] == ROOT / "dashboards/alerts/rules"
