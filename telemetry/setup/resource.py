"""Makes the OpenTelemetry resource of a process. The SDK adds `service.instance.id`, a new one in each forked child."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from opentelemetry.sdk.resources import Resource

from telemetry import conventions as c
from telemetry.config.settings import Settings
from telemetry.config.version import own_version

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def make_resource(settings: Settings) -> Resource:
    """Return the resource: settings take precedence over detected attributes."""
    attributes = {
        c.HOST_NAME.name: socket.gethostname(),
        c.DISTRO_NAME.name: "search-telemetry",
        c.DISTRO_VERSION.name: own_version(),
        **_kubernetes(os.environ, _NAMESPACE_FILE),
        **named(settings),
    }
    return Resource.create({name: value for name, value in attributes.items() if value})


def named(settings: Settings) -> dict[str, str]:
    """Return the attributes of the resource that the settings give."""
    names = {
        c.SERVICE_NAME.name: settings.service_name,
        c.SERVICE_NAMESPACE.name: settings.namespace,
        c.SERVICE_VERSION.name: settings.version,
    }
    return {**dict(settings.resource_attributes), **{name: value for name, value in names.items() if value}}


def _kubernetes(environ: Mapping[str, str], namespace_file: Path) -> dict[str, str]:
    """Return the attributes of a pod: from the usual variables of the downward API, else from what every pod has."""
    if "KUBERNETES_SERVICE_HOST" not in environ:
        return {}
    try:
        namespace = namespace_file.read_text().strip()
    except OSError:
        namespace = ""
    return {
        c.K8S_POD_NAME.name: environ.get("POD_NAME") or environ.get("HOSTNAME", ""),
        c.K8S_POD_UID.name: environ.get("POD_UID", ""),
        c.K8S_NAMESPACE_NAME.name: environ.get("POD_NAMESPACE") or namespace,
        c.K8S_NODE_NAME.name: environ.get("NODE_NAME", ""),
    }
