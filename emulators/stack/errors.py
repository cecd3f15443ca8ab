"""What can go wrong with a run, told to people: code, fact, what is untouched, the fix last."""


class StackError(Exception):
    """One failure that the user can act on; `str()` is the whole text to print.

    The last line is always the fix. `code` is stable (CT1xx: the run itself, CT2xx: a function).
    """

    def __init__(self, code: str, what: str, *facts: str, fix: str) -> None:
        self.code = code
        self.what = what
        self.facts = facts
        self.fix = fix
        super().__init__("\n".join([f"{code} {what}", *facts, f"Fix: {fix}"]))


class UsageError(StackError):
    """What was asked for cannot be; the command ends with 2, as for any wrong option."""


def first_stack_error(error: BaseException) -> StackError | None:
    """The first `StackError` inside nested exception groups, or None."""
    if isinstance(error, StackError):
        return error
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            if found := first_stack_error(inner):
                return found
    return None
