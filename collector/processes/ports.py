"""Which process holds a port."""

import psutil


def holder_of(port: int) -> str:
    """The process that listens on a port, as ` by NAME (pid ID)`; empty if this user may not see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            local = connection.laddr
            if connection.status == psutil.CONN_LISTEN and connection.pid and local and local.port == port:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return ""
