"""Let the product read its task types before its processes do: one wrong value fails them all."""

from emulators.stack.errors import StackError
from emulators.stack.once import Launch, run_to_end

ARGUMENTS = ("task-types", "--check")


async def check(launch: Launch) -> None:
    """Launch the product's own check.

    Raises:
        StackError: CT110 with every problem of every file.
    """
    code, output = await run_to_end(launch)
    if code != 0:
        raise StackError(
            "CT110",
            "The task types cannot be used as they stand.",
            *(f"  {line}" for line in output.splitlines()),
            "Nothing was changed; what runs goes on as it was.",
            fix="correct what is named and save it.",
        )
