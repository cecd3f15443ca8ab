"""A table that people can read and copy at any width: no lines, and ids are never cut.

In a narrow window the last column, which says most, goes onto a line of its own below its row, and
of the others those that have no room are left out: `-o json` has everything. A listing may have
more such columns; a row whose last cell is empty has nothing below it.
"""

from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.text import Text

GAP: Final = 2
ROOM_TO_CUT: Final = 30
"""A last column that may be cut stays on its row's line when it has this much room."""


class Listing:
    """Rows below headers. `cut_last`: the last column may be cut to stay on its row's line.

    `below`: so many columns, counted from the last, go below a row that has no room for them.
    """

    def __init__(self, *headers: str, cut_last: bool = False, below: int = 1) -> None:
        self._headers = [Text(header, style="bold") for header in headers]
        self._rows: list[list[Text]] = []
        self._cut_last = cut_last
        self._below = below

    def add_row(self, *cells: str | Text) -> None:
        """Add a row; a cell may be empty."""
        self._rows.append([Text(cell) if isinstance(cell, str) else cell for cell in cells])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw for the width that there is."""
        widths = self._widths()
        shown = self._columns_in(options.max_width, widths)
        for row in [self._headers, *self._rows]:
            yield _line(row[:shown], widths)
            if row[-1].plain and row is not self._headers:
                for cell in row[max(shown, len(row) - self._below) :]:
                    yield Padding(cell, (0, 0, 0, GAP))

    def _widths(self) -> list[int]:
        rows = [self._headers, *self._rows]
        return [max(cell_len(row[n].plain) for row in rows) for n in range(len(self._headers))]

    def _columns_in(self, width: int, widths: list[int]) -> int:
        """How many of the columns stand side by side; at least the first."""
        needed = list(widths)
        if self._cut_last:
            needed[-1] = min(needed[-1], ROOM_TO_CUT)
        shown = len(needed)
        while shown > 1 and sum(needed[:shown]) + GAP * (shown - 1) > width:
            shown -= 1
        return shown


def _line(cells: list[Text], widths: list[int]) -> Text:
    """One row, its cells as wide as they are in all rows; what is too long ends in an ellipsis."""
    line = Text(no_wrap=True, overflow="ellipsis")
    for cell, width in zip(cells[:-1], widths, strict=False):
        line.append_text(cell)
        line.append(" " * (width - cell_len(cell.plain) + GAP))
    return line.append_text(cells[-1])
