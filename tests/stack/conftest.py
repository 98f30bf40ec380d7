"""What tests with the real programs share: they run where `make stack` has built them."""

import shutil

import pytest

from collector.stack import cache
from collector.stack.recipes import RECIPES


@pytest.fixture(autouse=True)
def _programs_are_built() -> None:
    """Skip, saying what is missing, where the programs are not in the cache."""
    missing = [recipe.name for recipe in RECIPES if not cache.is_built(recipe)]
    if missing:
        pytest.skip(f"not built: {', '.join(missing)}: make stack")
    if shutil.which("java") is None:
        pytest.skip("Kafka needs java, which is not on the PATH")
