"""What each program of a profile is given agrees with the files that it runs on, which docker-compose mounts too."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from collector.stack import cache
from collector.stack.errors import StackError
from collector.stack.ports import free_ports
from collector.stack.profiles import PROFILES, programs_of
from collector.stack.programs.criticalpath import CriticalPath
from collector.stack.programs.kafka import Kafka
from collector.stack.programs.otelcol import LAYERS, Otelcol
from collector.stack.programs.program import CONFIG, Place, Program
from collector.stack.programs.prometheus import FILE, Prometheus, targets
from collector.stack.programs.victorialogs import VictoriaLogs

VARIABLE = re.compile(r"\$\{(?:env:)?([A-Z][A-Z0-9_]*)")


@pytest.fixture(autouse=True)
def _built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every program counts as built."""
    monkeypatch.setattr(cache, "built", lambda name: tmp_path / name)
    for variable in ("SENTRY_OTLP_ENDPOINT", "SENTRY_PUBLIC_KEY"):
        monkeypatch.delenv(variable, raising=False)


def place_of(programs: Sequence[Program], data: Path) -> Place:
    return Place(free_ports(programs), data, programs)


def files(program: Program, place: Place) -> list[Path]:
    """The configuration files on a program's command line."""
    configured = (part.partition("=")[2].removeprefix("file:") for part in program.command(place) if "config" in part)
    return [Path(path) for path in configured if path.endswith((".yaml", ".yml"))]


EVERY = [
    pytest.param(profile, program, id=f"{profile}-{program.name}")
    for profile in PROFILES
    for program in PROFILES[profile]
]


@pytest.mark.parametrize(("profile", "program"), EVERY)
def test_every_file_on_a_command_line_is_there(profile: str, program: Program, tmp_path: Path) -> None:
    """A layer or file that was renamed is noticed here, before a stack is started."""
    place = place_of(PROFILES[profile], tmp_path)
    if not isinstance(program, (Kafka, VictoriaLogs, CriticalPath)):  # on a file of its own, and on flags
        program.prepare(place)
        found = files(program, place)
        assert found
        assert [path for path in found if not path.exists()] == []


@pytest.mark.parametrize(("profile", "program"), EVERY)
def test_every_program_can_be_alone_in_a_profile(profile: str, program: Program, tmp_path: Path) -> None:
    """A test's own profile may leave out any other: its addresses are then left out, too."""
    place = place_of([program], tmp_path)
    own = {place.address(program.name, port.use) for port in program.ports}
    configured = set(re.findall(r"127\.0\.0\.1:\d+", " ".join(program.environment(place).values())))
    assert configured <= own


@pytest.mark.parametrize("profile", PROFILES)
def test_every_address_in_the_environment_is_used(profile: str, tmp_path: Path) -> None:
    """A program gets only variables that its files read, and all addresses in them that this stack has."""
    programs = PROFILES[profile]
    place = place_of(programs, tmp_path)
    known = {variable for program in programs for variable in program.environment(place)}
    for program in programs:
        configured = set(program.environment(place))
        text = "".join(path.read_text(encoding="utf-8") for path in files(program, place) if path.exists())
        asked = set(VARIABLE.findall(text))
        spare = SPARE if isinstance(program, Otelcol) else set()
        assert configured - asked - spare == set(), program.name
        assert (asked & known) - configured == set(), program.name


SPARE = {
    "OTELCOL_SCRAPE",
    "OTELCOL_GATEWAY_1",
    "OTELCOL_GATEWAY_2",
    "CRITICALPATH_OTLP",
    "JAEGER_OTLP",
    "LOGS_OTLP",
    "KAFKA_BROKERS",
}
"""What every Collector of a stack is given, whichever of its layers reads it."""


@pytest.mark.parametrize("path", sorted([*CONFIG.rglob("*.y*ml"), *LAYERS.glob("*.yaml")]), ids=lambda path: path.name)
def test_every_address_has_a_default(path: Path) -> None:
    """Each file runs as it lies there: no variable lacks a value, but secrets, what is Sentry's, and of links."""
    text = "\n".join(
        line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")
    )
    allowed = ("SENTRY_", "OTELCOL_TLS_", "OTELCOL_TOKEN", "BOARDS_URL", "RUNBOOKS_URL")
    bare = re.findall(r"\$\{(?:env:)?([A-Z][A-Z0-9_]*)\}", text)
    assert [name for name in bare if not name.startswith(allowed)] == []


@pytest.mark.parametrize("profile", PROFILES)
def test_usual_ports_do_not_clash(profile: str) -> None:
    """A profile runs on one host, and beside the local collector's API and Pamazon."""
    ports = Counter(port.usual for program in PROFILES[profile] for port in program.ports)
    assert [port for port, count in ports.items() if count > 1] == []
    assert set(ports) & {4319, 8080, 8081, 8090, 8100} == set()


@pytest.mark.parametrize("profile", PROFILES)
def test_senders_start_last_and_end_first(profile: str) -> None:
    """A Collector that ends still finds its backends; an agent its gateways."""
    names = [program.name for program in PROFILES[profile]]
    collectors = [program.name for program in PROFILES[profile] if isinstance(program, Otelcol)]
    assert names[-len(collectors) :] == collectors
    assert collectors in (["collector"], ["gateway-1", "gateway-2", "agent"])


def test_the_profile_that_everyone_starts_with_has_the_documented_ports() -> None:
    """Jaeger, Prometheus and OTLP are at the ports of README and dashboards."""
    usual = {f"{program.name}.{port.use}": port.usual for program in PROFILES["full"] for port in program.ports}
    documented = {
        "collector.otlp_grpc": 4317,
        "collector.otlp_http": 4318,
        "collector.health": 13133,
        "collector.metrics": 8888,
        "collector.scrape": 8889,
        "jaeger.query": 16686,
        "jaeger.otlp": 14317,
        "prometheus.web": 9090,
        "alertmanager.web": 9093,
        "victorialogs.http": 9428,
    }
    assert {key: usual[key] for key in documented} == documented


def test_an_unknown_profile_is_reported_with_those_there_are() -> None:
    """A mistyped profile starts nothing."""
    with pytest.raises(StackError, match=r"No profile is called 'ful'") as raised:
        programs_of("ful")
    assert raised.value.hint == f"There are: {', '.join(PROFILES)}."


def test_the_sentry_layer_is_loaded_with_both_variables_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one of them missing nothing is sent to Sentry; an agent sends its logs alone."""
    one, agent = Otelcol("collector", ("base",)), Otelcol("agent", ("base",), sentry="sentry-logs")
    place = place_of([one], tmp_path)

    def layers(program: Otelcol) -> list[str]:
        return [path.stem for path in files(program, place)]

    assert layers(one) == ["base"]
    monkeypatch.setenv("SENTRY_OTLP_ENDPOINT", "https://sentry.example/api/1/integration/otlp")
    assert layers(one) == ["base"]
    monkeypatch.setenv("SENTRY_PUBLIC_KEY", "key")
    assert layers(one) == ["base", "sentry"]
    assert layers(agent) == ["base", "sentry-logs"]


def groups(found: list[dict[str, Any]]) -> Mapping[str, list[str]]:
    """For each role what is scraped for it: by `collector` for pipelines, else by `job`."""
    by_role: dict[str, list[str]] = {}
    for group in found:
        labels = group["labels"]
        by_role.setdefault(labels["__role__"], []).append(labels.get("collector") or labels.get("job", ""))
    return by_role


def test_prometheus_gets_the_addresses_of_everything_in_its_stack(tmp_path: Path) -> None:
    """Both gateways' pipelines and the agent's, every program's own metrics, and the Alertmanager."""
    place = place_of(PROFILES["scale"], tmp_path)
    assert groups(targets(place)) == {
        "pipeline": ["gateway-1", "gateway-2", "agent"],
        "own": ["gateway-1", "gateway-2", "agent", "jaeger", "alertmanager", "prometheus", "victorialogs"],
        "alertmanager": [""],
    }
    addresses = {group["targets"][0] for group in targets(place)}
    assert place.address("agent", "scrape") in addresses
    assert all(address.startswith("127.0.0.1:") for address in addresses)


def test_a_collector_without_the_layer_is_not_scraped_for_a_pipeline(tmp_path: Path) -> None:
    """It has nothing there to scrape: the target would be down for ever."""
    place = place_of([Otelcol("agent", ("base", "agent")), Prometheus()], tmp_path)
    assert groups(targets(place)) == {"own": ["agent", "prometheus"]}


def test_every_role_is_one_that_prometheus_knows() -> None:
    """The jobs of prometheus.yml and its alerting take each role once, and no other."""
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    jobs = [*document["scrape_configs"], *document["alerting"]["alertmanagers"]]
    assert sorted(rule["regex"] for job in jobs for rule in job["relabel_configs"]) == [
        "alertmanager",
        "own",
        "pipeline",
    ]
    assert {name for job in jobs for sd in job["file_sd_configs"] for name in sd["files"]} == {"targets.json"}


def test_prometheus_finds_its_targets_beside_its_file(tmp_path: Path) -> None:
    """The mounted file itself runs, by a link, and a second start replaces what the first has written."""
    prometheus = Prometheus()
    for _ in range(2):
        place = place_of([prometheus], tmp_path)
        prometheus.prepare(place)
    (link,) = files(prometheus, place)
    assert link.resolve() == FILE.resolve()
    assert json.loads((link.parent / "targets.json").read_text()) == targets(place)


def test_kafka_runs_on_the_mounted_file_with_its_addresses_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Java's properties the later line wins; the folder is formatted once."""
    formats: list[list[str]] = []
    monkeypatch.setattr("subprocess.run", lambda command, **_: formats.append(command))
    kafka = Kafka()
    place = place_of([kafka], tmp_path)
    kafka.prepare(place)
    written = Path(kafka.command(place)[-1]).read_text(encoding="utf-8")
    assert written.startswith((CONFIG / "kafka" / "server.properties").read_text(encoding="utf-8"))
    own = dict(line.split("=", 1) for line in written.splitlines()[-4:])
    address = place.address("kafka", "broker")
    assert own["advertised.listeners"] == f"PLAINTEXT://{address}"
    assert own["listeners"].startswith(f"PLAINTEXT://{address},CONTROLLER://")
    assert own["log.dirs"] == str(tmp_path / "kafka" / "log")
    (tmp_path / "kafka" / "log").mkdir()
    (tmp_path / "kafka" / "log" / "meta.properties").touch()
    kafka.prepare(place)
    assert [command[-5:-2] for command in formats] == [["format", "-t", formats[0][-3]]]
