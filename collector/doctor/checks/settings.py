"""Findings from the settings alone: signals that are not exported, sampling, proxies."""

from collections.abc import Mapping
from typing import Final

from collector.doctor.finding import Cause, Finding, failed, ok, skipped, warning
from collector.doctor.network.place import of_exporter
from collector.doctor.network.proxies import between
from collector.doctor.options import SENTRY_VARIABLES
from telemetry.config.settings import ExporterSettings, Settings
from telemetry.conventions import SIGNALS, Signal

_FEW: Final = 0.01
"""A share of traces that is easily mistaken for none."""


def exporter_of(settings: Settings, signal: Signal) -> ExporterSettings:
    """Return the exporter settings of a signal."""
    return {"traces": settings.traces, "metrics": settings.metrics_export, "logs": settings.logs_export}[signal]


def exports(settings: Settings, signal: Signal) -> bool:
    """Return whether a service with these settings exports a signal by OTLP."""
    words = {"traces": settings.traces_exporter, "metrics": settings.metrics, "logs": settings.logs}[signal]
    return "otlp" in words


def unsent(settings: Settings, signal: Signal, environ: Mapping[str, str]) -> Cause | None:
    """Return why a signal is not sent; None if it is.

    Logs are not exported by default. They are sent nevertheless, unless a variable disables them, to show whether they
    would arrive.
    """
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    chosen = environ.get(variable, "").strip()
    if exports(settings, signal) or not chosen:
        return None
    if signal == "metrics" and "prometheus" in settings.metrics:
        detail = f"{variable}={chosen}: metrics are pulled from each service, not pushed"
        return Cause("pulled", detail, "let Prometheus scrape port 9464 of your services; see docs/metrics.md")
    return Cause("not_exported", f"{variable}={chosen}: no service exports {signal}", f"set {variable}=otlp")


def notes(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Return the findings."""
    found = [_sampling(settings, environ)]
    if settings.disabled:
        detail = "OTEL_SDK_DISABLED is true: services record nothing"
        found.insert(0, failed("settings", Cause("disabled", detail, "unset OTEL_SDK_DISABLED")))
    elif not any(exports(settings, signal) for signal in SIGNALS):
        found.insert(0, failed("settings", _nothing_exported(environ)))
    if not exports(settings, "logs") and not environ.get("OTEL_LOGS_EXPORTER", "").strip():
        detail = "OTEL_LOGS_EXPORTER is not set: services export no logs; a test record is sent anyway"
        found.append(skipped("log export", Cause("not_exported", detail, "set OTEL_LOGS_EXPORTER=otlp")))
    return [*found, *_proxies(settings, environ), *_sentry(environ)]


def _nothing_exported(environ: Mapping[str, str]) -> Cause:
    """All signals are off, which is a failure: nothing can arrive."""
    variables = {name: environ.get(name, "").strip() for name in (f"OTEL_{s.upper()}_EXPORTER" for s in SIGNALS)}
    chosen = ", ".join(f"{name}={value}" if value else f"{name} is not set" for name, value in variables.items())
    detail = f"{chosen}: services send nothing by OTLP"
    return Cause("not_exported", detail, "set one of them to otlp")


def _sampling(settings: Settings, environ: Mapping[str, str]) -> Finding:
    if settings.disabled:
        return skipped("sampling", Cause("disabled", "OTEL_SDK_DISABLED is true: services send no trace"))
    if off := unsent(settings, "traces", environ):
        return skipped("sampling", off)
    if not settings.sampler.endswith("traceidratio") and not settings.sampler.endswith("always_off"):
        return ok("sampling", f"services send every trace ({settings.sampler})")
    share = 0.0 if settings.sampler.endswith("always_off") else settings.sampler_arg
    named = f"OTEL_TRACES_SAMPLER={settings.sampler}"
    if share >= 1.0:
        return ok("sampling", f"services send every trace ({settings.sampler}, 1)")
    how = "no trace" if share == 0 else f"{share * 100:g} % of the traces"
    detail = f"{named}: services send {how}; the marked one is always sent"
    hint = "set OTEL_TRACES_SAMPLER=parentbased_always_on to see all" if share <= _FEW else ""
    return (warning if share == 0 else skipped)("sampling", Cause("sampled", detail, hint))


def _sentry(environ: Mapping[str, str]) -> list[Finding]:
    """A failure if only some of Sentry's variables are set."""
    missing = [name for name in SENTRY_VARIABLES if not environ.get(name, "").strip()]
    if len(missing) in {0, len(SENTRY_VARIABLES)}:
        return []
    detail = f"not checked: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set"
    return [failed("sentry", Cause("wrong_setting", detail, f"set all of {', '.join(SENTRY_VARIABLES)}, or none"))]


def _proxies(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    places = (of_exporter(exporter_of(settings, signal), "") for signal in SIGNALS)
    through = {
        (proxy.variable, proxy.address, place.host)
        for place in places
        if place is not None and (proxy := between(place, environ)) is not None
    }
    return [
        skipped(
            "proxy",
            Cause(
                "proxy",
                f"exports to {host} go through {variable}={address}",
                f"if that is not intended, add {host} to no_proxy",
            ),
        )
        for variable, address, host in sorted(through)
    ]
