"""The Collector's layers, merged as the Collector merges them: what each combination has and never loses."""

import copy
import itertools
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from collector.stack.profiles import PROFILES
from collector.stack.programs.otelcol import Otelcol
from telemetry import conventions
from telemetry.privacy import rules
from telemetry.privacy.keys import ABOUT, PIECES, STRONG, WEAK, Keys
from telemetry.privacy.rules import IP_RULE, KINDS
from telemetry.privacy.scrubber import scrub

ROOT = Path(__file__).parents[2]
LAYERS = ROOT / "collector" / "otelcol"
PAGE = (ROOT / "docs" / "collector.md").read_text("utf-8")
NAMES = sorted(path.stem for path in LAYERS.glob("*.yaml") if path.stem != "builder")
VARIABLE = re.compile(r"\$\{env:([A-Z0-9_]+)(?::-([^}]*))?\}")
PULLED = {"nop", "prometheus"}
"""Exporters that send nothing: nothing waits for them."""
TOO_LATE = {"otlp_grpc/criticalpath"}
"""Exporters to what stores nothing: there, what is older than a minute has no use."""


def _section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


COMBINATIONS = [
    tuple(re.findall(r"`([a-z-]+)`", line.split("|")[2]))
    for line in _section("Combinations").splitlines()
    if line.startswith("| ") and "`base`" in line
]
ACCESS = (
    (),
    ("tls",),
    ("tls", "mtls"),
    ("tls", "token"),
    ("tls", "mtls", "token"),
    ("cors",),
    ("tls", "token", "cors"),
)
"""What may stand behind each of them."""


@cache
def layer(name: str) -> Any:
    return yaml.safe_load((LAYERS / f"{name}.yaml").read_text("utf-8"))


def merged(names: tuple[str, ...]) -> Any:
    """Later ones win; maps are joined, lists replaced."""
    result: Any = {}
    for name in names:
        _merge(result, copy.deepcopy(layer(name)))
    return result


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def lists(of: Any, path: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Every list of a configuration, with where it stands."""
    if isinstance(of, list):
        yield path, of
    if isinstance(of, dict):
        for key, value in of.items():
            yield from lists(value, f"{path}/{key}")


def leaves(of: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value of a configuration, as a text, with where it stands."""
    if isinstance(of, (list, dict)):
        for key, value in of.items() if isinstance(of, dict) else enumerate(of):
            yield from leaves(value, f"{path}/{key}")
    else:
        yield path, str(of)


every_combination = pytest.mark.parametrize("names", COMBINATIONS, ids="+".join)


def test_the_page_names_each_layer_and_each_combination_once() -> None:
    """No layer is left out of both tables, and none is named that does not exist."""
    listed = re.findall(r"^\| `([a-z-]+)` \|", _section("Layers"), re.MULTILINE)
    assert sorted(listed) == NAMES
    assert {name for names in COMBINATIONS for name in names} | {name for row in ACCESS for name in row} == set(NAMES)
    assert len(set(COMBINATIONS)) == len(COMBINATIONS) > 10
    after = _section("Combinations").partition("for authentication:")[2].partition("\n\n")[0]
    rows = [tuple(re.findall("`([a-z]+)`", row)) for row in re.split(r",|\band for\b|\bor\b", after)]
    assert {row for row in rows if row} | {()} == set(ACCESS)


def test_what_runs_is_a_combination_of_the_page() -> None:
    """Each Collector of the stack's profiles and of docker-compose, with Sentry and without; who may send apart."""
    run = {p.layers for programs in PROFILES.values() for p in programs if isinstance(p, Otelcol)}
    run |= {(*p.layers, p.sentry) for programs in PROFILES.values() for p in programs if isinstance(p, Otelcol)}
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    for service in compose.values():
        found = tuple(re.findall(r"--config=/layers/([a-z-]+)\.yaml", str(service.get("command", ""))))
        run |= {found, tuple(name for name in found if not name.startswith("sentry"))} if found else set()
    named = {frozenset(names) for names in COMBINATIONS}
    who_may_send = {name for names in ACCESS for name in names}
    assert [names for names in run if frozenset(names) - who_may_send not in named] == []
    assert [names for names in run if set(names) & who_may_send not in map(set, ACCESS)] == []
    assert [names for names in run if names[:2] != ("base", "privacy")] == []


def test_both_layers_for_sentry_send_alike() -> None:
    """The exporter stands in two files, since layers cannot share one."""
    both = [yaml.safe_load((LAYERS / f"{name}.yaml").read_text("utf-8")) for name in ("sentry", "sentry-logs")]
    assert both[0]["exporters"] == both[1]["exporters"]
    assert both[1]["service"]["pipelines"] == {"logs/sentry": both[0]["service"]["pipelines"]["logs/sentry"]}


@every_combination
@pytest.mark.parametrize("access", ACCESS, ids=lambda access: "+".join(access) or "open")
def test_no_layer_takes_away_what_an_earlier_one_brought(names: tuple[str, ...], access: tuple[str, ...]) -> None:
    """Lists are replaced: a layer that adds to one has to repeat it. Rules of privacy stay, whatever comes after."""
    combination = names + access
    whole = dict(lists(merged(combination)))
    for count in range(1, len(combination)):
        before = dict(lists(merged(combination[:count])))
        lost = {where: set(map(str, items)) - set(map(str, whole[where])) for where, items in before.items()}
        assert {where: items for where, items in lost.items() if items} == {}
    assert merged(combination)["processors"]["redaction/secrets"] == layer("privacy")["processors"]["redaction/secrets"]


@every_combination
def test_every_part_is_used_and_every_pipeline_ends_somewhere(names: tuple[str, ...]) -> None:
    """What a layer configures stands in a pipeline or among the extensions; what a pipeline names is configured."""
    whole = merged(names)
    used: dict[str, set[str]] = {"extensions": set(whole["service"]["extensions"])}
    for kind in ("receivers", "processors", "exporters"):
        used[kind] = {name for p in whole["service"]["pipelines"].values() for name in p.get(kind, ())}
    connectors = set(whole["connectors"])
    assert connectors <= used["receivers"] & used["exporters"]
    for kind, found in used.items():
        assert found - connectors == set(whole.get(kind, {})), kind


@every_combination
def test_what_comes_in_is_limited_first_and_cleaned_before_it_goes_anywhere(names: tuple[str, ...]) -> None:
    """The memory limit refuses before work is done; secrets are hidden before the first junction."""
    outside = {"otlp", "kafka"}
    cleaning = {
        "traces": "link_attributes filter/events transform/room transform/reach redaction/names redaction/secrets"
        " transform/back transform/lengths",
        "metrics": "transform/reach redaction/names redaction/secrets",
        "logs": "transform/room transform/reach redaction/names redaction/bodies redaction/secrets transform/back"
        " transform/lengths",
    }
    for name, pipeline in merged(names)["service"]["pipelines"].items():
        if outside & set(pipeline["receivers"]):
            assert pipeline["processors"] == ["memory_limiter", *cleaning[name].split()]
            assert pipeline["exporters"] == [{"traces": "forward/clean"}.get(name, f"forward/{name}")]


@every_combination
def test_whatever_sends_keeps_on_disk_and_never_gives_up(names: tuple[str, ...]) -> None:
    """Each has a queue in the storage, batches in it, and retries without end; none of these outlives its bound."""
    whole = merged(names)
    for name, exporter in whole["exporters"].items():
        if name in PULLED:
            continue
        queue = exporter["sending_queue"]
        assert queue["storage"] == "file_storage/queue", name
        assert queue["queue_size"] <= 500_000, name
        assert 0 < queue["batch"]["min_size"] < queue["batch"]["max_size"] <= 8_000_000, name
        assert exporter["retry_on_failure"]["max_elapsed_time"] == ("60s" if name in TOO_LATE else 0), name
        assert "wait_for_result" not in queue
    assert "file_storage/queue" in whole["service"]["extensions"]
    assert not {"batch", "attributes", "resource"} & set(whole["processors"])


@every_combination
def test_metrics_of_spans_are_made_before_sampling_and_none_goes_to_sentry(names: tuple[str, ...]) -> None:
    """They are exact whatever is kept; Sentry takes no metrics by OTLP, and alone gets its operations."""
    pipelines = merged(names)["service"]["pipelines"]
    sampled = "tail_sampling" in pipelines["traces/kept"].get("processors", ())
    assert sampled == ("gateway" in names)
    for name, pipeline in pipelines.items():
        assert ("transform/sentry" in pipeline.get("processors", ())) == (name == "traces/sentry")
        if "span_metrics" in pipeline["exporters"]:
            assert (pipeline["receivers"], pipeline.get("processors", [])) == (["forward/clean"], [])
        if name.startswith("metrics"):
            assert not [exporter for exporter in pipeline["exporters"] if "sentry" in exporter]


@pytest.mark.parametrize("name", NAMES)
def test_every_address_is_a_variable_with_a_default(name: str) -> None:
    """Hosts differ from place to place. Sentry has no default: its layer is loaded where it is configured."""
    for where, text in leaves(layer(name)):
        plain = VARIABLE.sub("", text)
        assert (
            not re.search(r"://[a-z0-9]|\b[a-z0-9.-]+:[0-9]{2,5}\b|localhost|127\.0\.0", plain) or name == "privacy"
        ), where
        if re.search(r"/(endpoint|host|hostname|port|directory|brokers|\w+_file|filename)(/\d+)?$", where):
            assert VARIABLE.fullmatch(text), f"{where}: {text}"
        for variable, default in VARIABLE.findall(text):
            assert default or variable.startswith("SENTRY_"), f"{where}: {variable} has no default"


@pytest.mark.parametrize("name", NAMES)
def test_no_file_holds_a_secret(name: str) -> None:
    """What opens a door is named by a variable or lies in a file of its own."""
    for where, text in leaves(layer(name)):
        key = where.rsplit("/", 1)[-1]
        assert not Keys().found(key) or VARIABLE.search(text), where
        if name != "privacy":  # which is made of what secrets look like
            assert scrub(VARIABLE.sub("", text)) == VARIABLE.sub("", text), where


def test_the_page_lists_every_variable_with_its_default() -> None:
    """And no other."""
    used: dict[str, str] = {}
    for name in NAMES:
        for variable, default in VARIABLE.findall((LAYERS / f"{name}.yaml").read_text("utf-8")):
            assert used.setdefault(variable, default) == default, f"{variable} has two defaults"
    rows = re.findall(
        r"^\| `([A-Z0-9_]+)` \| (?:`([^`]*)`|none|empty: the system's) \|", _section("Variables"), re.MULTILINE
    )
    assert dict(rows) == used


PRIVACY = layer("privacy")["processors"]


def test_the_collector_hides_the_kinds_that_the_library_hides() -> None:
    """Each look of privacy.yaml stands under its kind; addresses are hidden by neither unless asked for."""
    text = (
        (LAYERS / "privacy.yaml")
        .read_text("utf-8")
        .partition("    blocked_values:\n")[2]
        .partition("  transform/back")[0]
    )
    comments = " ".join(line for line in text.splitlines() if line.lstrip().startswith("#"))
    assert {kind for kind in KINDS if re.search(rf"\b{kind}\b", comments)} == KINDS - {IP_RULE.kind}


def test_ibans_are_known_by_the_same_countries() -> None:
    """The list of letters is that of the registry."""
    (listed,) = re.findall(r"\(\?:A\[[^ ]*?\|XK\)", " ".join(PRIVACY["redaction/secrets"]["blocked_values"]))
    countries = re.compile(listed)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    found = {a + b for a in letters for b in letters if countries.fullmatch(a + b)}
    assert found == set(rules._IBAN_LENGTHS)


BEGINNINGS = ("", "sent ", "my-", "/a/")
PREFIXES = (
    *(f"{word}{sign}" for word in ("Bearer", "bearer", "BEARER", "token", "Basic", "ApiKey") for sign in " -_/"),
    *("sk-", "sk-proj-", "hf_", "ghp_", "glpat-", "pk_test_", "xoxb-", "AKIA", "npm_"),
)
KEYS = (
    "mySecretTokenValue", "abcdefghijklmnop", "x1y2z3_q4w5e6_r7t8y9", "a1b2c3.d4e5f6.g7h8i9", "abc12-def34-ghi56",
    "Zx8Kq2Lm9Rt4Vb7Nc3Hd", "abcdefghijklmnopqrstuvwxyz", "A1B2C3D4E5F6G7H8", "AbcDefGhiJklMnoPqrStuVwx",
)  # fmt: skip
ENDS = ("", " twice", ".", "/x", ", 2")


def test_what_passes_at_once_holds_nothing_that_a_look_would_find() -> None:
    """`allowed_values` comes before the looks, and is there for speed alone: no secret's form fits it."""
    rules = PRIVACY["redaction/secrets"]
    looks = [
        one.replace(r"\z", r"\Z").replace(r"\pL\pN_", r"\w").replace(r"\pL", r"\w") for one in rules["blocked_values"]
    ]
    texts = map("".join, itertools.product(BEGINNINGS, PREFIXES, KEYS, ENDS))
    passed = [text for text in texts if any(re.fullmatch(pattern, text) for pattern in rules["allowed_values"])]
    assert [text for text in passed if _any(looks, text)] == []


def test_everyday_values_pass_at_once() -> None:
    """Else every look is tried on each of them."""
    texts = [
        "/pamazon.Gateway/Search", "search", "img_da", "onnx", "black jacket", "eu-west-1", "http://qdrant:6334",
        "bm25", "No such index, try again.", "127.0.0.1:4317", "512", "0.25", "ValueError", "GET",
    ]  # fmt: skip
    allowed = PRIVACY["redaction/secrets"]["allowed_values"]
    assert [text for text in texts if not any(re.fullmatch(pattern, text) for pattern in allowed)] == []


def _any(patterns: list[str], text: str) -> bool:
    return any(re.search(pattern, text, re.ASCII) for pattern in patterns)


def masked(name: str) -> bool:
    """What redaction/names does: what it ignores comes first."""
    names = PRIVACY["redaction/names"]
    if name in names["ignored_keys"] or _any(names["ignored_key_patterns"], name):
        return False
    return _any(names["blocked_key_patterns"], name)


def spellings(phrase: str) -> list[str]:
    """A phrase as attributes spell it."""
    words = phrase.split()
    camel = "".join(word.title() for word in words)
    return [
        *(sign.join(words) for sign in "_-."), "_".join(words).upper(), f"db.{'_'.join(words)}", f"{'_'.join(words)}2",
        f"x.{'_'.join(words)}.raw", words[0] + camel[len(words[0]) :], f"db{camel}", camel,
    ]  # fmt: skip


@pytest.mark.parametrize("phrase", [*STRONG, *WEAK])
def test_the_collector_knows_the_names_that_the_library_knows(phrase: str) -> None:
    """In every spelling; a word behind them that is about a secret keeps the value."""
    keys = Keys()
    assert [name for name in spellings(phrase) if keys.found(name) and not masked(name)] == []
    about = [f"{'_'.join(phrase.split())}_{word}" for word in sorted(ABOUT)]
    assert [name for name in about if not keys.found(name) and masked(name)] == []


def test_the_collector_keeps_names_that_only_sound_like_secrets() -> None:
    """Pieces of text, everything that the library itself records, and everyday names."""
    everyday = ["max_tokens", "tokenizer", "keyboard", "secretary", "sessions_open", "gen_ai.token.type", "http.route"]
    names = [*(f"{word}_token" for word in PIECES), *(a.name for a in conventions.ATTRIBUTES), *everyday]
    assert [name for name in names if masked(name)] == []


def test_names_that_are_known_at_once_are_not_secrets() -> None:
    """The list is that of our own attributes; the shape of harmless names is that of no secret's."""
    names = PRIVACY["redaction/names"]
    sdk = {f"telemetry.sdk.{part}" for part in ("name", "language", "version")}
    carried = {name for name in names["ignored_keys"] if name.startswith("redaction.")}
    assert set(names["ignored_keys"]) - sdk - carried == {attribute.name for attribute in conventions.ATTRIBUTES}
    assert {name for name in names["ignored_keys"] if Keys().found(name)} == set()
    quick = names["ignored_key_patterns"][0]
    secret = [name for phrase in (*STRONG, *WEAK) for name in spellings(phrase) if Keys().found(name)]
    assert [name for name in secret for before in ("", "db.", "x_1.") if re.search(quick, before + name)] == []


def statements(processor: str, kind: str) -> list[str]:
    """What a `transform` does, of all its groups."""
    groups = PRIVACY[processor][kind]
    return [one for group in groups for one in (group["statements"] if isinstance(group, dict) else [group])]


@pytest.mark.parametrize("name", NAMES)
def test_statements_on_spans_and_on_their_events_stand_in_groups_of_their_own(name: str) -> None:
    """Together they would run once for each event: on a span without events, not at all."""
    for where, items in lists(layer(name)):
        for group in (items, *(item.get("statements", ()) for item in items if isinstance(item, dict))):
            texts = [item for item in group if isinstance(item, str) and not where.endswith("/conditions")]
            assert len({owner for text in texts for owner in re.findall(r"\((span|spanevent)\.", text)}) < 2, where


def test_what_is_carried_around_redaction_comes_back() -> None:
    """Each place that is carried into an attribute is carried back, and the attribute goes."""
    for kind in ("trace_statements", "log_statements"):
        carrying = [one for one in statements("transform/reach", kind) if one.startswith("set(")]
        there = re.findall(r"set\((\S+), (\S+)\)", "\n".join(carrying))
        back = statements("transform/back", kind)
        assert len(there) == len(carrying)
        for attribute, place in there:
            owner, _, key = attribute.partition("[")
            assert f"set({place}, {attribute})" in back
            assert f"delete_key({owner}, {key.rstrip(']')})" in back
            assert key.strip('"]') in PRIVACY["redaction/names"]["ignored_keys"]
