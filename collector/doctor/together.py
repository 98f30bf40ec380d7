"""Runs functions in parallel, in daemon threads, until a deadline.

A function that hangs (a slow name server cannot be interrupted) delays neither the report nor the end of the process.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def together(steps: Mapping[str, Callable[[], T]], deadline: float, late: Callable[[str], T]) -> dict[str, T]:
    """Run all steps in parallel.

    Arguments: `steps` by name; `deadline` of `time.monotonic`; `late`, the result of a step that has not finished by
    then, by its name.

    Returns the results in the order of the steps. Raises what a step raised.
    """
    results: dict[str, Any] = {}
    errors: list[BaseException] = []

    def run(name: str, step: Callable[[], T]) -> None:
        try:
            results[name] = step()
        except BaseException as error:  # noqa: BLE001  raised again by the thread that waits
            errors.append(error)

    threads = {
        name: threading.Thread(target=run, args=(name, step), name=f"doctor-{name}", daemon=True)
        for name, step in steps.items()
    }
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(0.0, deadline - time.monotonic()))
    if errors:
        raise errors[0]
    return {name: results[name] if name in results else late(name) for name in steps}
