"""Broken variants for callables of every kind and programs of any shape (see `tests.defects.mutants`)."""

from typing import Final

from tests.defects.mutant import Mutant

_SHAPES: Final = "unit/test_stage_shapes.py::"
_MACHINE: Final = "unit/test_state_machine.py::test_any_program_has_its_trace_and_is_not_changed"

CALLABLES: Final = (
    Mutant(
        "telemetry/recording/runs/block.py",
        "    if last[:2] == block:\n",
        "    if last[0] == id(frame):\n",
        "unit/test_stage_tasks.py::TestOneObjectInHelpers",
    ),
    Mutant(
        "telemetry/recording/runs/callables.py",
        "if declared is Kind.PLAIN:",
        "if True:",
        "unit/test_stage_stacked.py::TestPlainFunctionsAroundOthers::test_a_coroutine_is_timed_to_its_end",
    ),
    Mutant(
        "telemetry/recording/runs/callables.py",
        "if declared is Kind.PLAIN:",
        "if False:",
        "unit/test_stage_stacked.py::TestPlainFunctionsAroundOthers::"
        "test_a_generator_that_is_only_passed_on_stays_what_it_was",
    ),
    Mutant(
        "telemetry/recording/runs/recorder.py",
        "        self._resumed = get_current()\n",
        "",
        _MACHINE,
    ),
    Mutant(
        "telemetry/recording/runs/recorder.py",
        "        if token is not None:\n            detach(token, self._resumed)\n",
        "",
        _MACHINE,
    ),
    Mutant(
        "telemetry/recording/runs/exceptions.py",
        "None if is_a(exc, GeneratorExit) else exc",
        "exc",
        _MACHINE,
    ),
    Mutant(
        "telemetry/recording/runs/block.py",
        "return next(mine, next(same_context, last))",
        "return last",
        _MACHINE,
    ),
    Mutant(
        "telemetry/recording/request/scope.py",
        "        return next((outcome for other, outcome in tuple(self._seen) if other is exc), None)\n",
        "        return None\n",
        _MACHINE,
    ),
    Mutant(
        "telemetry/recording/runs/callables.py",
        "resume = functools.partial(generator.throw, exc)",
        "resume = functools.partial(generator.throw, type(exc)(*exc.args))",
        _MACHINE,
    ),
    Mutant(
        "telemetry/recording/runs/callables.py",
        "                    return stop.value\n",
        "                    return None\n",
        _MACHINE,
    ),
    Mutant(
        "telemetry/context/carrying.py",
        "        self._token = attach(self._context)\n",
        "        self._token = attach(Context())\n",
        _MACHINE,
    ),
)
