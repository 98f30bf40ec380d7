"""What tests of rules need: Prometheus' own tool, where it is built."""

from pathlib import Path

import pytest

from collector.stack import cache
from collector.stack.errors import NotBuiltError
from dashboards.alerts.rendering import write
from dashboards.alerts.windows import Scale

_ROOT = cache.root()
"""The caller's cache, before a test has a home of its own."""


@pytest.fixture(scope="session")
def promtool(home: Path) -> Path:
    """Return the tool, or skip, saying what is missing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(_ROOT))
        try:
            return cache.binary("promtool")
        except NotBuiltError as error:
            pytest.skip(f"{error.message}: make stack")


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the rules as they are shipped."""
    folder = tmp_path_factory.mktemp("rules")
    write(folder, Scale())
    return folder
