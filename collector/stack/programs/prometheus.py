"""Prometheus, with its data in its own folder.

Prometheus reads environment variables in external labels alone. Its file refers to `targets.json` and `rules/` beside
it, so a folder is created with links to the file and the rules, and with the targets of this stack.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from collector.stack import cache
from collector.stack.programs.asking import answers_http
from collector.stack.programs.program import CONFIG, DASHBOARDS, Place, Port

FILE: Final = CONFIG / "prometheus" / "prometheus.yml"
RULES: Final = DASHBOARDS / "alerts" / "rules"
EXEMPLARS: Final = "--enable-feature=exemplar-storage"
"""From a slow bucket to a trace. Everything else that docker-compose sets too is in the file."""


class Prometheus:
    """Prometheus, scraping everything in its stack.

    Arguments: `rules`, the folder of its rules; a test has others, with shorter windows.
    """

    name = "prometheus"
    ports = (Port("web", 9090, "Prometheus", "http://", scraped=True),)

    def __init__(self, rules: Path = RULES) -> None:
        self._rules = rules.absolute()

    def prepare(self, place: Place) -> None:
        """Lay out its folder of configuration."""
        link = self._configuration(place)
        for made, target in ((link, FILE), (link.with_name("rules"), self._rules)):
            made.unlink(missing_ok=True)
            made.symlink_to(target)
        link.with_name("targets.json").write_text(json.dumps(targets(place), indent=2) + "\n", encoding="utf-8")

    def command(self, place: Place) -> Sequence[str]:
        """Prometheus on that folder."""
        return [
            str(cache.binary("prometheus")),
            f"--config.file={self._configuration(place)}",
            f"--storage.tsdb.path={place.folder(self.name) / 'series'}",
            f"--web.listen-address={place.address(self.name, 'web')}",
            EXEMPLARS,
        ]

    def environment(self, place: Place) -> Mapping[str, str]:  # noqa: ARG002 (a Program's)
        """None: it reads ours, `BOARDS_URL` and `RUNBOOKS_URL`."""
        return {}

    def is_ready(self, place: Place) -> bool:
        """By its health endpoint."""
        return answers_http(place.address(self.name, "web"), "/-/ready")

    def _configuration(self, place: Place) -> Path:
        return place.folder(self.name) / FILE.name


def targets(place: Place) -> list[dict[str, Any]]:
    """What there is to scrape, and where alerts go, as a file of `file_sd`.

    Each group has a label `__role__`, by which prometheus.yml takes its own: `pipeline` (what the Collector was sent
    and made), `own` (a program's own metrics), `alertmanager`.
    """
    groups = [
        *(_group("pipeline", place.address(name, "scrape"), collector=name) for name in place.having("scrape")),
        *(
            _group("own", place.address(name, "metrics"), job="otelcol", collector=name)
            for name in place.having("otlp_grpc")
        ),
        *(
            _group("own", place.address(program.name, port.use), job=program.name)
            for program, port in place.declared()
            if port.scraped
        ),
    ]
    if "alertmanager.web" in place.ports:
        groups.append(_group("alertmanager", place.address("alertmanager", "web")))
    return groups


def _group(role: str, target: str, **labels: str) -> dict[str, Any]:
    return {"targets": [target], "labels": {"__role__": role, **labels}}
