"""Builds our distribution of the OpenTelemetry Collector, from its manifest, its locks and our own processor."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from collector.stack.recipes import go
from collector.stack.shell import Shell
from collector.stack.versions import VERSIONS

OTELCOL: Final = Path(__file__).parents[2] / "otelcol"
"""The Collector's configuration layers and manifest."""

MANIFEST: Final = OTELCOL / "builder.yaml"
LOCKS: Final = (OTELCOL / "go.mod", OTELCOL / "go.sum")
PROCESSOR: Final = (OTELCOL / "linkattributes" / "go.mod", OTELCOL / "linkattributes" / "processor.go")
"""Our own processor; the manifest names its folder."""

GENERATED: Final = "search-otelcol"
"""The folder that the manifest's `output_path` names, and the binary."""


class Collector:
    """The Collector's recipe."""

    name = "collector"
    tools = go.TOOLS
    outputs = ("bin/search-otelcol",)

    @property
    def version(self) -> str:
        """The version of its components."""
        return VERSIONS["collector"]["version"]

    @property
    def build_inputs(self) -> Sequence[bytes]:
        """Manifest, locks, our processor and flags."""
        sources = (MANIFEST, *LOCKS, *PROCESSOR)
        return [*(path.read_bytes() for path in sources), repr((go.FLAGS, go.LINK, self.version)).encode()]

    def make(self, shell: Shell, work: Path, out: Path) -> None:
        """Generate the source, replace the generated locks with ours, and compile."""
        source = generate(shell, work, "--skip-get-modules")
        for lock in LOCKS:
            shutil.copyfile(lock, source / lock.name)
        go.compile_package(shell, source, ".", out / "bin" / GENERATED)

    def lock(self, shell: Shell, work: Path) -> None:
        """Regenerate go.mod and go.sum, after an edit of the manifest."""
        source = generate(shell, work)
        for lock in LOCKS:
            shutil.copyfile(source / lock.name, lock)


def generate(shell: Shell, work: Path, *options: str) -> Path:
    """Run the builder on the manifest, and return the folder of the generated source."""
    pin = VERSIONS["collector"]
    shell.step("building the builder")
    shell.run(
        "go", "install", f"{pin['builder']}@v{pin['version']}", cwd=work, env={**go.ENVIRONMENT, "GOBIN": str(work)}
    )
    shutil.copyfile(MANIFEST, work / MANIFEST.name)
    for source in PROCESSOR:
        (work / source.parent.name).mkdir(exist_ok=True)
        shutil.copyfile(source, work / source.parent.name / source.name)
    shell.step("generating the source")
    arguments = ("--config", MANIFEST.name, "--skip-compilation", *options)
    shell.run(str(work / "builder"), *arguments, cwd=work, env=go.ENVIRONMENT)
    return work / GENERATED
