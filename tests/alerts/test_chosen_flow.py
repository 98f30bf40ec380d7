"""What a chosen flow selects, by a real Prometheus: its own services; with all flows, those without a flow too."""

import subprocess
from pathlib import Path
from typing import Final

import yaml

from dashboards.boards.overview import OVERVIEW
from dashboards.promql import FLOW, NAMESPACE

JOBS: Final = ("pamazon/entry", "pamazon/indexer", "shop/entry", "other_team", "entry")
EVERYTHING: Final = {f"${variable.name}": variable.everything for variable in OVERVIEW.variables}
CHOICES: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("pamazon", "", ("pamazon/entry", "pamazon/indexer")),
    ("pamazon", "entry", ("pamazon/entry",)),
    ("(pamazon|shop)", "", ("pamazon/entry", "pamazon/indexer", "shop/entry")),
    ("(pamazon|shop)", "(entry|other_team)", ("pamazon/entry", "shop/entry")),
    ("", "", JOBS),
    ("", "entry", ("pamazon/entry", "shop/entry", "entry")),
    ("", "(entry|other_team)", ("pamazon/entry", "shop/entry", "other_team", "entry")),
)
"""Flow and service as Grafana and Perses write what is chosen, nothing for all; and the jobs that are selected."""


def chosen(matcher: str, namespace: str, service: str) -> str:
    """Return a matcher as it is sent."""
    values = {"$namespace": namespace or EVERYTHING["$namespace"], "$service": service or EVERYTHING["$service"]}
    for name, value in values.items():
        matcher = matcher.replace(name, value)
    return f"series_of_a_test{{{matcher}}}"


def test_a_flow_is_its_own_services(promtool: Path, tmp_path: Path) -> None:
    """One flow, several and all; one service, several and all; only all flows have services without a flow."""
    asked = [(chosen(FLOW, namespace, service), jobs) for namespace, service, jobs in CHOICES]
    asked += [(chosen(NAMESPACE, namespace, ""), jobs) for namespace, service, jobs in CHOICES if not service]
    test = {
        "interval": "1m",
        "input_series": [{"series": f'series_of_a_test{{job="{job}"}}', "values": "1"} for job in JOBS],
        "promql_expr_test": [
            {
                "expr": expr, "eval_time": "0m",
                "exp_samples": [{"labels": f'series_of_a_test{{job="{job}"}}', "value": 1} for job in jobs],
            }
            for expr, jobs in asked
        ],
    }  # fmt: skip
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [test]}), encoding="utf-8")
    done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
