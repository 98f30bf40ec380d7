"""Reads settings from arguments, the environment and defaults; collects all mistakes and warnings."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from telemetry.config import checks
from telemetry.config.checks import Check
from telemetry.config.standard import Fallback
from telemetry.conventions import Signal

_OLD_NAMES: Final = {"traces": "OTEL_EXPORTER_OTLP_SPAN_INSECURE", "metrics": "OTEL_EXPORTER_OTLP_METRIC_INSECURE"}
"""Names that the specification has deprecated."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting's variable ("" if there is only the argument), its check, its help, and whether it is secret.

    A `{}` in the variable stands for `TRACES_`, `METRICS_`, `LOGS_` or nothing. `fallback` replaces a standard value
    that the check refuses; `of` is the only signal that the setting is for, "" for all.
    """

    variable: str
    check: Check
    help: str
    secret: bool = False
    fallback: Fallback | None = None
    of: Signal | Literal[""] = ""


def env(
    variable: str,
    default: Any,
    check: Check,
    *,
    help: str,  # noqa: A002
    secret: bool = False,
    shown: bool = True,
    fallback: Fallback | None = None,
    of: Signal | Literal[""] = "",
) -> Any:
    """Declare a setting. `shown=False` leaves one that may hold a secret out of the settings' `repr`."""
    declared = Declared(variable, check, help, secret, fallback, of)
    return field(default=default, repr=shown and not secret, metadata={"setting": declared})


class Reader:
    """Reads settings one by one; collects `problems` and, for warnings, `notes`.

    `unchecked` are the signals whose variables are not checked; "" stands for the variables of the process.
    """

    def __init__(
        self, arguments: Mapping[str, object], environ: Mapping[str, str], unchecked: Iterable[Signal] = ()
    ) -> None:
        self._arguments = arguments
        self._environ = environ
        self.unchecked: set[str] = set(unchecked)
        self.problems: list[str] = []
        self.notes: list[str] = []

    def value(self, declared: "dataclasses.Field[Any]", signal: Signal | None = None) -> Any:
        """Return the value of one setting; if it is wrong, add a problem and return the default."""
        setting: Declared = declared.metadata["setting"]
        name, raw = self._raw(declared.name, setting.variable, signal)
        if raw is None:
            return declared.default
        try:
            return setting.check(raw)
        except ValueError as error:
            problem = f"{name}={checks.redacted(raw, secret=setting.secret)} {error}"
        if self.has_argument(declared.name):
            self.problems.append(problem)
            return declared.default
        if not self.is_checked(signal or setting.of):
            return declared.default
        found = setting.fallback(str(raw)) if setting.fallback is not None else None
        if found is None:
            self.problems.append(problem)
            return declared.default
        self.note(name, found[1])
        return found[0]

    def check(self, variable: str, check: Check, fallback: Fallback | None = None, of: Signal | None = None) -> None:
        """Check a variable that the SDK reads."""
        raw = self.variable(variable)
        if not raw or (of is not None and not self.is_checked(of)):
            return
        try:
            check(raw)
        except ValueError as error:
            found = None if fallback is None else fallback(raw)
            if found is not None:
                self.note(variable, found[1])
            else:
                self.problems.append(f"{variable}={checks.redacted(raw, secret=False)} {error}")

    def refuse(self, variables: Sequence[str], problem: str) -> None:
        """Add `problem` for each of these variables that is set."""
        for variable in variables:
            raw = self.variable(variable)
            if raw:
                self.problems.append(f"{variable}={checks.redacted(raw, secret=False)} {problem}")

    def note(self, variable: str, words: str) -> None:
        """Add a warning, unless `words` is empty."""
        if words:
            self.notes.append(f"{variable}={checks.redacted(self.variable(variable), secret=False)} {words}")

    def is_checked(self, signal: str) -> bool:
        """Return whether the variables of a signal are checked."""
        return signal not in self.unchecked

    def has_argument(self, name: str) -> bool:
        """Return whether a setting comes from an argument."""
        return self._arguments.get(name) is not None

    def variable(self, name: str) -> str:
        """Return the text of a variable, "" if it is not set."""
        return self._environ.get(name, "").strip()

    def text_of(self, declared: "dataclasses.Field[Any]") -> str:
        """Return the text of a setting's variable, "" if an argument takes precedence."""
        return "" if self.has_argument(declared.name) else self.variable(declared.metadata["setting"].variable)

    def has_own(self, signal: Signal) -> bool:
        """Return whether the signal's endpoint comes from the variable of this signal."""
        return bool(self.variable(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")) and not self.has_argument(
            "endpoint"
        )

    def _raw(self, name: str, variable: str, signal: Signal | None) -> tuple[str, object]:
        """Return the name of the argument or variable that has a setting's value, and the value; None without one."""
        if self.has_argument(name):
            return f"configure: {name}", self._arguments[name]
        spellings = [variable] if signal is None else [variable.format(f"{signal.upper()}_"), variable.format("")]
        if name == "insecure" and signal in _OLD_NAMES:
            spellings.insert(1, _OLD_NAMES[signal])
        for spelling in spellings:
            if self.variable(spelling):
                return spelling, self._environ[spelling]
        return name, None
