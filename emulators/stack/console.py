"""Everything that the run prints. Results of parts first, then their logs; never a stack trace."""

import os
import sys
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import TextIO

from emulators.stack.log_lines import Entry, parse, pretty

_QUIET = {"DEBUG"}
_LOUD = {"WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"}
_HELD_LINES = 1000


class Console:
    """Prints to one stream; `on_closed` is called when nobody reads it any more."""

    def __init__(self, stream: TextIO, *, as_json: bool, verbose: bool) -> None:
        self._stream = stream
        self._as_json = as_json
        self._verbose = verbose
        self._coloured = stream.isatty() and "NO_COLOR" not in os.environ
        # Until the run is ready its log lines wait, so that the table of parts stays in one piece.
        self._held: deque[Entry] | None = deque(maxlen=_HELD_LINES)
        self.on_closed: Callable[[], None] = lambda: None

    def say(self, text: str = "") -> None:
        """A line of talk."""
        self._say(Entry("stack", "INFO", text, {}), text)

    def ok(self, part: str, address: str, remark: str) -> None:
        """A part that works: its address, and what is worth knowing."""
        word = "\x1b[32mok\x1b[0m" if self._coloured else "ok"
        entry = Entry("stack", "INFO", f"{part} is ready: {address} {remark}".rstrip(), {})
        self._say(entry, f"  {word}  {part:<16}  {address:<36}  {remark}".rstrip())

    def bad(self, part: str, address: str, remark: str) -> None:
        """A part that does not work although the run goes on."""
        word = "\x1b[31m--\x1b[0m" if self._coloured else "--"
        entry = Entry("stack", "ERROR", f"{part} is not ready: {address} {remark}", {})
        self._say(entry, f"  {word}  {part:<16}  {address:<36}  {remark}")

    def warn(self, text: str) -> None:
        """Something that the reader should notice among the logs."""
        self._print(self._text(Entry("stack", "WARNING", text, {})))

    def log(self, source: str, *lines: str) -> None:
        """Lines that a part printed."""
        shown: list[str] = []
        for line in lines:
            entry = parse(source, line)
            if entry.severity in _QUIET and not self._verbose:
                continue
            if self._held is not None and entry.severity not in _LOUD and not self._verbose:
                self._held.append(entry)
            else:
                shown.append(self._text(entry))
        self._print(*shown)

    def release(self) -> None:
        """Print the log lines held so far, and from now on each at once."""
        held = list(self._held or ())
        self._held = None
        self._print(*map(self._text, held))

    def _text(self, entry: Entry) -> str:
        if self._as_json:
            return entry.as_json()
        text = pretty(entry, datetime.now().astimezone(), coloured=self._coloured)
        if self._verbose and "traceback" in entry.fields:
            text += "\n" + str(entry.fields["traceback"]).rstrip()
        return text

    def _say(self, entry: Entry, text: str) -> None:
        self._print(entry.as_json() if self._as_json else text)

    def _print(self, *texts: str) -> None:
        try:
            self._stream.writelines(f"{text}\n" for text in texts)
            self._stream.flush()
        except OSError:  # a closed pipe, or a terminal that has gone
            # Python would try to flush once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.on_closed()
