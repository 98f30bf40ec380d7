"""Builds Go packages as static binaries without machine paths, with the user's module and build caches."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from collector.stack.errors import BuildError
from collector.stack.shell import Shell

ENVIRONMENT: Final[Mapping[str, str]] = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""}
"""No C compiler is needed, and the user's settings do not change the binary, except the choice of a module proxy."""

TOOLS: Final = ("go",)
"""The required tools."""

FLAGS: Final = ("-trimpath", "-buildvcs=false")
"""Neither paths of this machine nor the state of a repository in the binary."""

LINK: Final = "-s -w"
"""No symbol tables: a third of the size."""


def compile_package(shell: Shell, source: Path, package: str, binary: Path, link: str = "") -> None:
    """Compile one main package, with exactly the modules of its go.mod and go.sum.

    Arguments: `link`, additional flags of the linker.
    """
    shell.step(f"compiling {binary.name}")
    flags = (*FLAGS, "-mod=readonly", f"-ldflags={LINK} {link}".rstrip())
    shell.run("go", "build", *flags, "-o", str(binary), package, cwd=source, env=ENVIRONMENT)


def download(shell: Shell, module: str, version: str, into: Path, checksum: str = "") -> None:
    """Copy a module's source into a folder, writable.

    Arguments: `checksum`, the expected `h1:` sum; "" if a go.sum has it.

    Raises:
        BuildError: the download failed, or its checksum is wrong.
    """
    shell.step(f"downloading {module.rpartition('/')[2]} {version}")
    found = json.loads(
        shell.run("go", "mod", "download", "-json", f"{module}@{version}", cwd=into.parent, env=ENVIRONMENT)
    )
    if checksum and found["Sum"] != checksum:
        raise BuildError(
            f"The source of {module} {version} has the checksum {found['Sum']}, and versions.toml pins {checksum}.",
            "Do not use it before you know why: the source was changed after its release, or the proxy is compromised.",
        )
    shutil.copytree(found["Dir"], into, copy_function=shutil.copyfile)
    for folder in (into, *(path for path in into.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
