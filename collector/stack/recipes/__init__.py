"""How each program is built: `RECIPES`, in the order of building."""

from typing import Final

from collector.stack.recipes.collector import Collector
from collector.stack.recipes.go_module import GoModule
from collector.stack.recipes.kafka import Kafka
from collector.stack.recipes.recipe import Recipe

RECIPES: Final[tuple[Recipe, ...]] = (
    Collector(),
    GoModule("jaeger", {"jaeger": "./cmd/jaeger"}, "github.com/jaegertracing/jaeger/internal/version.latestVersion"),
    GoModule(
        "prometheus",
        {"prometheus": "./cmd/prometheus", "promtool": "./cmd/promtool"},
        "github.com/prometheus/common/version.Version",
    ),
    GoModule(
        "victorialogs",
        {"victoria-logs": "./app/victoria-logs"},
        "github.com/VictoriaMetrics/VictoriaMetrics/lib/buildinfo.Version",
    ),
    GoModule("compose", {"docker-compose": "./cmd"}, "github.com/docker/compose/v5/internal.Version"),
    GoModule(
        "alertmanager",
        {"alertmanager": "./cmd/alertmanager", "amtool": "./cmd/amtool"},
        "github.com/prometheus/common/version.Version",
    ),
    Kafka(),
)
"""Every program of the stack."""
