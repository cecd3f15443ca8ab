"""What becomes of runs that no relay was there for. Without the validating library: the command
line offers these words before it loads anything."""

from enum import StrEnum


class Missed(StrEnum):
    """What happens to runs that no relay was there for."""

    SKIP = "skip"
    """They are not made up for."""
    RUN_ONCE = "run_once"
    """One run stands for all of them."""
    RUN_ALL = "run_all"
    """Each is made, however late."""
