"""What the stack is made of is pinned in one place, and everything else that names a version agrees."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from collector.stack.recipes import RECIPES, go
from collector.stack.recipes.collector import LOCKS, PROCESSOR
from collector.stack.recipes.recipe import Recipe
from collector.stack.versions import VERSIONS

ROOT = Path(__file__).parents[2]
OTELCOL = ROOT / "collector" / "otelcol"
MANIFEST = yaml.safe_load((OTELCOL / "builder.yaml").read_text(encoding="utf-8"))
KINDS = ("receivers", "processors", "exporters", "connectors", "extensions", "providers")
MODULES = dict(entry["gomod"].split() for kind in KINDS for entry in MANIFEST[kind])
DOCKERFILE = (OTELCOL / "Dockerfile").read_text(encoding="utf-8")


def test_the_manifest_has_the_pinned_versions() -> None:
    """Components and providers, which count differently, each have theirs; so has the distribution."""
    pin = VERSIONS["collector"]
    for module, version in MODULES.items():
        wanted = pin["providers"] if "/confmap/provider/" in module else pin["version"]
        assert version == f"v{wanted}", module
    assert MANIFEST["dist"]["version"] == pin["version"]


def test_the_locks_belong_to_the_manifest() -> None:
    """go.mod requires what the manifest lists, in its versions, and go.sum vouches for each; no path of a machine."""
    mod, vouched = ((OTELCOL / name).read_text(encoding="utf-8") for name in ("go.mod", "go.sum"))
    required = dict(re.findall(r"^\t(\S+) (v\S+)$", mod, re.MULTILINE))
    assert MODULES.items() <= required.items(), "run: telemetry stack lock"
    ours = {entry["gomod"]: entry["path"] for kind in KINDS for entry in MANIFEST[kind] if "path" in entry}
    modules = {f"{module} {version}" for module, version in required.items()}
    assert {module for module in modules if f"{module} h1:" not in vouched} == set(ours)
    beside = {module: path.replace("./", "../", 1) for module, path in ours.items()}  # of the generated folder
    assert dict(re.findall(r"^replace (.+) => (\.\./[a-z]+)$", mod, re.MULTILINE)) == beside
    assert mod.count("replace") == len(ours)
    assert mod.splitlines()[2] == f"module {MANIFEST['dist']['module']}"


def test_our_processor_is_compiled_with_what_it_is_tested_with() -> None:
    """The modules that it requires itself are, in the same versions, those of the distribution."""
    own, whole = (
        dict(re.findall(r"^\t(go\.opentelemetry\.io/collector\S*) (v\S+)", path.read_text("utf-8"), re.MULTILINE))
        for path in (OTELCOL / "linkattributes" / "go.mod", OTELCOL / "go.mod")
    )
    assert own
    assert own.items() <= whole.items(), "edit linkattributes/go.mod, and run there: go mod tidy"


def test_the_layers_use_what_the_distribution_has_and_no_more() -> None:
    """Every kind of component in a layer is in the manifest, and nothing is compiled in that no layer names."""
    used = {kind: set[str]() for kind in KINDS[:-1]}
    for layer in set(OTELCOL.glob("*.yaml")) - {OTELCOL / "builder.yaml"}:
        document = yaml.safe_load(layer.read_text(encoding="utf-8")) or {}
        for kind, names in used.items():
            names.update(name.partition("/")[0].replace("_", "") for name in document.get(kind, ()))
    for kind, names in used.items():
        held = {_component(entry["gomod"].split()[0], kind) for entry in MANIFEST[kind]}
        assert names <= held, f"add these {kind} to builder.yaml"
        assert held - ON_HAND <= names, f"no layer uses these {kind}: take them out of builder.yaml"


ON_HAND = {"debug"}
"""What people load when they look for a fault."""

RENAMED = {"otlp": "otlpgrpc"}
"""Components that are called otherwise than their module."""


def _component(module: str, kind: str) -> str:
    name = module.rpartition("/")[2].removesuffix(kind.removesuffix("s"))
    return RENAMED.get(name, name) if kind == "exporters" else name


def test_the_image_is_compiled_as_the_cache_is() -> None:
    """Same Go, same builder, same flags: what was tested as a process is what the image holds."""
    assert f"FROM {VERSIONS['go']['image']} AS build\n" in DOCKERFILE
    assert f"{VERSIONS['collector']['builder']}@v{VERSIONS['collector']['version']}\n" in DOCKERFILE
    assert f"go build {' '.join(go.FLAGS)} -mod=readonly '-ldflags={go.LINK}'" in DOCKERFILE
    assert "ENV " + " ".join(f"{name}={value}" for name, value in go.ENVIRONMENT.items()) in DOCKERFILE


def test_the_image_is_given_what_it_copies() -> None:
    """The build's context is this folder less what .dockerignore leaves out."""
    kept = {line[1:] for line in (OTELCOL / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    names = {name for group in copied for name in group.split()}
    assert all((OTELCOL / name).is_file() for name in names)
    assert {name.partition("/")[0] for name in names} == kept
    assert {str(path.relative_to(OTELCOL)) for path in (*LOCKS, *PROCESSOR)} <= names


def test_the_image_runs_as_nobody_and_owns_its_queues() -> None:
    """Not root; the folder that file_storage writes to by default belongs to that user; the probe is in the image."""
    (user,) = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert not user.startswith("0")
    base = yaml.safe_load((OTELCOL / "base.yaml").read_text(encoding="utf-8"))
    default = base["extensions"]["file_storage/queue"]["directory"].partition(":-")[2].removesuffix("}")
    assert f"COPY --from=build --chown={user} /out/queues {default}\n" in DOCKERFILE
    assert 'CMD ["/probe", "http://127.0.0.1:13133/"]' in DOCKERFILE


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_program_is_pinned(recipe: Recipe) -> None:
    """An exact version, and Go's checksum where the source is a Go module."""
    pin = VERSIONS[recipe.name]
    assert re.fullmatch(r"\d+\.\d+\.\d+", recipe.version)
    assert ("module" in pin) == ("sum" in pin)
    assert re.fullmatch(r"h1:[A-Za-z0-9+/]{43}=", pin.get("sum", "h1:" + "A" * 43 + "="))


NAMED = re.compile(r"\b(?:docker\.io/)?((?:jaegertracing|prom|grafana|apache|library)/[a-z]+|golang):(v?[\w.-]+)")


def test_whatever_names_an_image_names_the_pinned_one() -> None:
    """In any tracked file: an image that is pinned is named in its one version."""
    pinned = dict(pin["image"].split(":") for pin in VERSIONS.values() if "image" in pin)
    tracked = subprocess.check_output(
        ["git", "ls-files", "*.yml", "*.yaml", "*.md", "*Dockerfile*"], cwd=ROOT, text=True
    )
    wrong = [
        (path, image, tag)
        for path in tracked.split()
        for image, tag in NAMED.findall((ROOT / path).read_text(encoding="utf-8"))
        if image in pinned and pinned[image] != tag
    ]
    assert wrong == []


PAGE = (ROOT / "docs" / "stack.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_page_names_the_pinned_version(recipe: Recipe) -> None:
    """In its table, and in the output of a build."""
    rows = [
        row.split(" | ")[1] for row in PAGE.splitlines() if row.lower().startswith("| ") and recipe.name in row.lower()
    ]
    assert recipe.version in rows
    assert set(re.findall(rf"^  {recipe.name} (\S+) +built", PAGE, re.MULTILINE)) <= {recipe.version}
