"""What tests with the real programs share: they run where `make stack` has built them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.stack import cache
from collector.stack.recipes import RECIPES
from tests.stack.watched import watched

__all__ = ["watched"]

CACHE = cache.root()
"""The caller's environment, before any test changes it."""


@pytest.fixture(scope="session", autouse=True)
def _cache_stays(home: Path) -> Iterator[None]:
    """The programs are found in the caller's cache, in a home of the tests' own, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(CACHE))
        yield


@pytest.fixture(scope="session", autouse=True)
def _programs_are_built(_cache_stays: None) -> None:
    """Skip, saying what is missing, where the programs are not in the cache."""
    missing = [recipe.name for recipe in RECIPES if not cache.is_built(recipe)]
    if missing:
        pytest.skip(f"not built: {', '.join(missing)}: make stack")
    if shutil.which("java") is None:
        pytest.skip("Kafka needs java, which is not on the PATH")
