"""The resource: the process that a signal comes from."""

from typing import Final

from telemetry.conventions.kinds import Attribute

SERVICE_NAME: Final = Attribute("service.name", "string", "The executor's name, as given to `configure`.")
SERVICE_NAMESPACE: Final = Attribute("service.namespace", "string", "The flow's name.")
SERVICE_VERSION: Final = Attribute("service.version", "string", "The executor's version.")
SERVICE_INSTANCE_ID: Final = Attribute("service.instance.id", "string", "One process; new in a forked child.")
HOST_NAME: Final = Attribute("host.name", "string", "Name of the machine.")
DISTRO_NAME: Final = Attribute("telemetry.distro.name", "string", "`search-telemetry`.")
DISTRO_VERSION: Final = Attribute("telemetry.distro.version", "string", "Version of this library.")
K8S_POD_NAME: Final = Attribute("k8s.pod.name", "string", "In Kubernetes: the pod.")
K8S_POD_UID: Final = Attribute("k8s.pod.uid", "string", "In Kubernetes: the pod's id, if `POD_UID` is set.")
K8S_NAMESPACE_NAME: Final = Attribute("k8s.namespace.name", "string", "In Kubernetes: the namespace.")
K8S_NODE_NAME: Final = Attribute("k8s.node.name", "string", "In Kubernetes: the node, if `NODE_NAME` is set.")
RESOURCE: Final = (
    SERVICE_NAME, SERVICE_NAMESPACE, SERVICE_VERSION, SERVICE_INSTANCE_ID, HOST_NAME, DISTRO_NAME, DISTRO_VERSION,
    K8S_POD_NAME, K8S_POD_UID, K8S_NAMESPACE_NAME, K8S_NODE_NAME,
)  # fmt: skip
"""The resource of a process; all its signals have it."""
