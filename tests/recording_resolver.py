"""Runs a command on a network of its own, where every look-up of a name is answered "no such name" and written down.

    unshare --map-root-user --net --mount python tests/recording_resolver.py FILE COMMAND …

In: a file for the names, one a line, and a command. Out: the command's exit status. State: the namespaces, which end
with it. The network holds the loopback interface alone, so whatever the command sends elsewhere goes nowhere.
"""

import fcntl
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

_UNSHARE = ("unshare", "--map-root-user", "--net", "--mount")
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_UNKNOWN_NAME = 3
"""NXDOMAIN, the answer's code for a name that does not exist."""


def unshared(names: Path, *command: str) -> list[str]:
    """The command line that runs `command` so, and writes the names that it looks up into `names`."""
    return [*_UNSHARE, sys.executable, __file__, str(names), *command]


def why_not() -> str | None:
    """Why this machine cannot run it, None where it can."""
    try:
        tried = subprocess.run([*_UNSHARE, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unshare (util-linux) is not installed"
    return tried.stderr.strip() or None


def name_of(question: bytes) -> str:
    """The name in a DNS query."""
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += length + 1
    return ".".join(labels)


def _answer(server: socket.socket, names: Path) -> None:
    with names.open("a", encoding="utf-8") as written:
        while True:
            question, asker = server.recvfrom(4096)
            print(name_of(question), file=written, flush=True)
            flags = 0x8180 | _UNKNOWN_NAME
            server.sendto(question[:2] + struct.pack(">H", flags) + question[4:6] + bytes(6) + question[12:], asker)


def _bring_up_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request.ljust(40, b"\0")), 16)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | _IFF_UP).ljust(40, b"\0"))


def main() -> int:
    """Run the command given on the command line."""
    names, command = Path(sys.argv[1]), sys.argv[2:]
    _bring_up_loopback()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as resolver:
        resolver.write("nameserver 127.0.0.1\n")
        resolver.flush()
        subprocess.run(["mount", "--bind", resolver.name, "/etc/resolv.conf"], check=True)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 53))
            threading.Thread(target=_answer, args=(server, names), daemon=True).start()
            return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
