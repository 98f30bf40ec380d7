"""What went wrong, told to the person who can mend it.

In: a message and a mend. Out: an exception that the command line prints without a stack trace. State: none.
"""


class PamazonError(Exception):
    """Something that the user, not the program, has to mend.

    `message` says what is wrong and where, `mend` what to do about it; printed as they are, neither holds a secret.
    """

    def __init__(self, message: str, mend: str) -> None:
        super().__init__(f"{message} {mend}")
        self.message = message
        self.mend = mend
