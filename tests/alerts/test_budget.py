"""The error budget by `promtool test rules`: failures count within a minute, and each of them once."""

import subprocess
from pathlib import Path
from typing import Final

import yaml

HOUR: Final = 120
"""Samples of an hour, one every 30 seconds."""
_SERIES: Final = (
    'search_request_duration_seconds_count{job="pamazon/entry", search_operation="search", search_entry="true",'
    ' search_outcome="%s"}'
)
_WHICH: Final = '{slo="availability", search_operation="search"%s}'
LEFT: Final = f"search_slo:budget_left:ratio{_WHICH % ''}"
BAD: Final = f"""search_slo:bad:increase{_WHICH % ', window="3d"'}"""
ASKED: Final = {
    "59m": f"{LEFT} == bool 1",
    "61m": f"{LEFT} < bool 0.9",
    "63m": f"{LEFT} < bool 0",
    "110m": f"abs({BAD} - 300) < bool 30",
}
"""When it is asked, and what is then true: failures begin after an hour, and last for five minutes."""


def test_failures_are_seen_at_once_and_counted_once(promtool: Path, rules: Path, tmp_path: Path) -> None:
    """Before the next multiple of five minutes; and the long window has as many as there were."""
    test = {
        "interval": "30s",
        "input_series": [
            {"series": _SERIES % "ok", "values": f"0+300x{2 * HOUR}"},
            {"series": _SERIES % "error", "values": f"0x{HOUR} 30+30x9 300x{HOUR}"},
        ],
        "promql_expr_test": [
            {"expr": f"sum({expr})", "eval_time": at, "exp_samples": [{"labels": "{}", "value": 1}]}
            for at, expr in ASKED.items()
        ],
    }
    file = tmp_path / "test.yml"
    document = {"rule_files": [f"{rules}/search_slo.yml"], "evaluation_interval": "30s", "tests": [test]}
    file.write_text(yaml.safe_dump(document, width=1000), encoding="utf-8")
    done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
