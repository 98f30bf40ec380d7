"""What every Go build here has in common.

In: a source folder and packages. Out: static binaries without machine paths. State: Go's own caches.

Go's module and build caches are the user's usual ones: what was compiled once is not compiled again.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from collector.stack.errors import BuildError
from collector.stack.shell import Shell

ENVIRONMENT: Final[Mapping[str, str]] = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""}
"""No C compiler is needed and none of the user's own settings changes what comes out; which proxy is asked stays
theirs."""

TOOLS: Final = ("go",)
"""What compiles."""

FLAGS: Final = ("-trimpath", "-buildvcs=false")
"""No path of this machine, and no state of a repository around the source, in the binary."""

LINK: Final = "-s -w"
"""No symbol tables: a third of the size."""


def compile_package(shell: Shell, source: Path, package: str, binary: Path, link: str = "") -> None:
    """Compile one main package, of exactly the modules that its go.mod and go.sum name.

    Arguments: `link`, more flags for the linker.
    """
    shell.step(f"compiling {binary.name}")
    flags = (*FLAGS, "-mod=readonly", f"-ldflags={LINK} {link}".rstrip())
    shell.run("go", "build", *flags, "-o", str(binary), package, cwd=source, env=ENVIRONMENT)


def download(shell: Shell, module: str, version: str, into: Path, checksum: str = "") -> None:
    """Copy a module's source into a folder, writable.

    Arguments: `checksum`, Go's `h1:` sum that the source must have; "" where a go.sum vouches for it.

    Raises:
        BuildError: it cannot be had, or is not what was pinned.
    """
    shell.step(f"downloading {module.rpartition('/')[2]} {version}")
    told = json.loads(
        shell.run("go", "mod", "download", "-json", f"{module}@{version}", cwd=into.parent, env=ENVIRONMENT)
    )
    if checksum and told["Sum"] != checksum:
        raise BuildError(
            f"The source of {module} {version} has the checksum {told['Sum']}, and versions.toml pins {checksum}.",
            "Do not use it before you know why: the source was changed after its release, or the proxy is not honest.",
        )
    shutil.copytree(told["Dir"], into, copy_function=shutil.copyfile)
    for folder in (into, *(path for path in into.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
