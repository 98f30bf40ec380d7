"""What tests in a real browser share: they run where `make browser` has installed it."""

import pytest

from tests.browser.environment import missing


@pytest.fixture(scope="session", autouse=True)
def _browser_is_installed() -> None:
    """Skip, saying what is missing."""
    if why := missing():
        pytest.skip(why)
