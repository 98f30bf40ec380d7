"""The Collector's processor of our own, by its own tests."""

import os
import shutil
import subprocess

import pytest

from collector.stack.recipes import go
from collector.stack.recipes.collector import OTELCOL

ENVIRONMENT = {**os.environ, **go.ENVIRONMENT}
"""Go's caches are the caller's; during a test, home is elsewhere."""


@pytest.mark.slow  # the first time half a minute of compiling
@pytest.mark.skipif(shutil.which("go") is None, reason="needs go, which is not on the PATH")
def test_its_own_tests_pass() -> None:
    """Links keep their ids alone, in every resource, scope and span, and nothing beside them changes."""
    command = ["nice", "go", "test", *go.FLAGS, "./..."]  # the build's flags: what it has compiled is there
    done = subprocess.run(
        command, cwd=OTELCOL / "linkattributes", env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
