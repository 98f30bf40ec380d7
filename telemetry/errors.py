"""What a user can get wrong, said so that it can be mended.

In: the text of a mistake and of its mend. Out: exceptions that commands print without a stack trace. State: none.
"""

from collections.abc import Sequence


class TelemetryError(Exception):
    """A user's mistake: `message` says what is wrong and where, `mend` says what to do about it."""

    def __init__(self, message: str, mend: str = "") -> None:
        super().__init__(f"{message}\n{mend}" if mend else message)
        self.message = message
        self.mend = mend


class ConfigurationError(TelemetryError):
    """Every mistake in the settings at once.

    Arguments: `problems`, one sentence for each, naming the variable, its value (never a secret) and the mend.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = "1 setting is wrong" if count == 1 else f"{count} settings are wrong"
        super().__init__("\n".join((f"{heading}:", *(f"  {problem}" for problem in self.problems))))
