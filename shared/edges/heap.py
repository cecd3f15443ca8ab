"""How a server process collects its garbage: as seldom as the requests under way allow.

Reference counts free nearly everything at once; the collector only looks for cycles. With Python's
own settings it walked what a thousand requests hold again and again, a quarter of a task's CPU.
"""

import gc
from typing import Final

LEAST: Final = 2_000
"""New objects between two looks when nothing is under way."""
EACH: Final = 400
"""So many more for each request under way, which holds about a hundred. What cycles may keep stays
in proportion to what is alive."""


class Heap:
    """The process's own: `with HEAP:` around each request, on the event loop's thread."""

    def __init__(self) -> None:
        self._settled = False
        self._under_way = 0

    def settle(self) -> None:
        """What is alive now lives as long as the process: never look at it again.

        Call when the process has imported and opened what it needs. Safe to repeat: once counts.
        """
        if not self._settled:
            self._settled = True
            gc.freeze()
            self._adapt()

    def __enter__(self) -> None:
        self._under_way += 1
        self._adapt()

    def __exit__(self, *_: object) -> None:
        self._under_way -= 1
        self._adapt()

    def _adapt(self) -> None:
        if self._settled:
            gc.set_threshold(LEAST + EACH * self._under_way, 10, 10)


HEAP: Final = Heap()
