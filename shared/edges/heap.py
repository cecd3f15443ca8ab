"""How a server process collects its garbage: seldom, and never what it was started with.

Reference counts free nearly everything at once; the collector only looks for cycles. With Python's
own settings it walked every request under way again and again, for a quarter of a task's CPU.
"""

import gc
from typing import Final

YOUNG: Final = 50_000
"""New objects between two looks; some megabytes, and more than requests under way ever are."""


def settle_heap() -> None:
    """Call when the process has imported and opened what it needs. Safe to repeat: once counts."""
    if gc.get_threshold()[0] == YOUNG:
        return
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
