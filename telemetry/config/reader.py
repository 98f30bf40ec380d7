"""Reads settings: from arguments, from the environment, from defaults.

In: what a setting is (`env`), arguments of `configure`, the environment. Out: values; what is wrong with them, and what
is worth a warning. State: those two lists, owned by one `Reader` for each `configure`.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from telemetry.config import checks
from telemetry.config.checks import Check
from telemetry.config.standard import Nearest
from telemetry.conventions import Signal

_OLD_NAMES: Final = {"traces": "OTEL_EXPORTER_OTLP_SPAN_INSECURE", "metrics": "OTEL_EXPORTER_OTLP_METRIC_INSECURE"}
"""Names that the specification keeps alive."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a setting is: its variable ("" where only the argument exists), its check, its help, whether it is secret.

    A `{}` in the variable stands for `TRACES_`, `METRICS_`, `LOGS_` or nothing. `nearest` says what becomes of a
    standard value that the check refuses; `of` is the signal that alone is concerned, "" where all are.
    """

    variable: str
    check: Check
    help: str
    secret: bool = False
    nearest: Nearest | None = None
    of: Signal | Literal[""] = ""


def env(
    variable: str,
    default: Any,
    check: Check,
    *,
    help: str,  # noqa: A002
    secret: bool = False,
    shown: bool = True,
    nearest: Nearest | None = None,
    of: Signal | Literal[""] = "",
) -> Any:
    """Declare a setting; not `shown` in the settings' `repr` is one that may hold a secret."""
    declared = Declared(variable, check, help, secret, nearest, of)
    return field(default=default, repr=shown and not secret, metadata={"setting": declared})


class Reader:
    """Reads settings one by one and collects what is wrong with them, and what is worth a warning.

    `unused` are the signals whose variables are not judged; "" in it: neither are those of the process.
    """

    def __init__(
        self, arguments: Mapping[str, object], environ: Mapping[str, str], unused: Iterable[Signal] = ()
    ) -> None:
        self._arguments = arguments
        self._environ = environ
        self.unused: set[str] = set(unused)
        self.problems: list[str] = []
        self.notes: list[str] = []

    def value(self, declared: "dataclasses.Field[Any]", signal: Signal | None = None) -> Any:
        """Return the value of one setting; where it is wrong, its default, and one problem more."""
        setting: Declared = declared.metadata["setting"]
        name, raw = self._raw(declared.name, setting.variable, signal)
        if raw is None:
            return declared.default
        try:
            return setting.check(raw)
        except ValueError as error:
            problem = f"{name}={checks.shown(raw, secret=setting.secret)} {error}"
        if self.argued(declared.name):
            self.problems.append(problem)
            return declared.default
        if not self.judges(signal or setting.of):
            return declared.default
        found = setting.nearest(str(raw)) if setting.nearest is not None else None
        if found is None:
            self.problems.append(problem)
            return declared.default
        self.note(name, found[1])
        return found[0]

    def check(self, variable: str, check: Check, nearest: Nearest | None = None, of: Signal | None = None) -> None:
        """Look for a mistake in a variable that somebody else reads."""
        raw = self.variable(variable)
        if not raw or (of is not None and not self.judges(of)):
            return
        try:
            check(raw)
        except ValueError as error:
            found = None if nearest is None else nearest(raw)
            if found is not None:
                self.note(variable, found[1])
            else:
                self.problems.append(f"{variable}={checks.shown(raw, secret=False)} {error}")

    def refuse(self, variables: Sequence[str], problem: str) -> None:
        """Add `problem` for each of these variables that is set."""
        for variable in variables:
            raw = self.variable(variable)
            if raw:
                self.problems.append(f"{variable}={checks.shown(raw, secret=False)} {problem}")

    def note(self, variable: str, words: str) -> None:
        """Add a warning, where there are words for one."""
        if words:
            self.notes.append(f"{variable}={checks.shown(self.variable(variable), secret=False)} {words}")

    def judges(self, signal: str) -> bool:
        """Say whether mistakes in the variables of a signal matter."""
        return signal not in self.unused

    def argued(self, name: str) -> bool:
        """Say whether a setting comes from an argument."""
        return self._arguments.get(name) is not None

    def variable(self, name: str) -> str:
        """Return the text of a variable, "" where it is not set."""
        return self._environ.get(name, "").strip()

    def words_of(self, declared: "dataclasses.Field[Any]") -> str:
        """Return the text of a setting's variable, "" where an argument goes before it."""
        return "" if self.argued(declared.name) else self.variable(declared.metadata["setting"].variable)

    def has_own(self, signal: Signal) -> bool:
        """Say whether the signal's endpoint comes from the variable of this signal alone."""
        return bool(self.variable(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")) and not self.argued("endpoint")

    def _raw(self, name: str, variable: str, signal: Signal | None) -> tuple[str, object]:
        """Return what was written for a setting, None for nothing, and where."""
        if self.argued(name):
            return f"configure: {name}", self._arguments[name]
        spellings = [variable] if signal is None else [variable.format(f"{signal.upper()}_"), variable.format("")]
        if name == "insecure" and signal in _OLD_NAMES:
            spellings.insert(1, _OLD_NAMES[signal])
        for spelling in spellings:
            if self.variable(spelling):
                return spelling, self._environ[spelling]
        return name, None
