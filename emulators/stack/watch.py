"""Hear of edited files. Edits are kept from the moment a watch is made until somebody asks."""

import asyncio
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from watchfiles._rust_notify import RustNotify

# An editor's several writes of one save are one edit; all in all well below the 2 s promised.
_DEBOUNCE_MS = 400
_STEP_MS = 200


class Watch:
    """Watches files and folders (with all below) while it is entered."""

    def __init__(self, places: Iterable[Path]) -> None:
        # The documented backend itself: `awatch` would begin to watch only when first asked.
        self._notify = RustNotify(
            [str(place) for place in places],
            debug=False,
            force_polling=False,
            poll_delay_ms=0,
            recursive=True,
            ignore_permission_denied=True,
        )
        self._stop = threading.Event()
        self._thread = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.shutdown()
        self._notify.close()

    async def edits(self) -> set[Path]:
        """The files of the next edit, or of all edits since the last call; empty at the end."""
        loop = asyncio.get_running_loop()
        changes = await loop.run_in_executor(
            self._thread, self._notify.watch, _DEBOUNCE_MS, _STEP_MS, 0, self._stop
        )
        return set() if isinstance(changes, str) else {Path(path) for _, path in changes}
