"""Grafana's data sources as bodies of its HTTP API, from the file that provisions them.

In: `grafana/provisioning/datasources/datasources.yaml`. Out: `grafana/datasources.json`, for those who publish over the
API. State: none. Provisioning writes `$` as `$$`, except of its variables; the API has no variables, so addresses stay
`${PROMETHEUS_URL}` here, and `dashboards/publishing` replaces them. Which data source is the default one is left to
Grafana's owner.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

_SOURCE: Final = Path(__file__).parents[1] / "grafana/provisioning/datasources/datasources.yaml"
_KEYS: Final = ("name", "uid", "type", "access", "url", "jsonData")


def files() -> Mapping[Path, Callable[[], str]]:
    """Return every generated file, by its path below `dashboards/`."""
    return {Path("grafana/datasources.json"): _text}


def _text() -> str:
    import yaml  # a development package: the JSON is what is published

    provisioned = yaml.safe_load(_SOURCE.read_text(encoding="utf-8"))["datasources"]
    bodies = [{key: _unescaped(each[key]) for key in _KEYS} for each in provisioned]
    return json.dumps(bodies, indent=2, ensure_ascii=False) + "\n"


def _unescaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, dict):
        return {key: _unescaped(item) for key, item in value.items()}
    return [_unescaped(item) for item in value] if isinstance(value, list) else value
