"""How the state of the stack's parts looks to a person."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from shared.cli.task_view import plain_table
from shared.cli.words import cut

if TYPE_CHECKING:
    from shared.cli.status import PartStatus


def status_table(parts: Sequence["PartStatus"]) -> Table:
    """A line a part: icon and word in colour, its address, what it said."""
    table = plain_table("PART", "", "ADDRESS", "PID", "TOOK", "SAID")
    for part in parts:
        mark = Text("✓ ok", style="green") if part.ok else Text("✗ failed", style="bold red")
        pid = str(part.pid) if part.pid else ""
        said = Text(cut(part.said, 100))
        table.add_row(part.name, mark, part.address, pid, f"{part.milliseconds} ms", said)
    return table
