"""How the state of the stack's parts looks to a person."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from shared.cli.listing import Listing
from shared.cli.words import cut

if TYPE_CHECKING:
    from shared.cli.status import PartStatus


def status_table(parts: Sequence["PartStatus"]) -> Listing:
    """A line a part: icon and word in colour, its address, what it said."""
    table = Listing("PART", "STATE", "ADDRESS", "PID", "SAID")
    for part in parts:
        mark = Text("✓ ok", style="green") if part.ok else Text("✗ failed", style="bold red")
        pid = str(part.pid) if part.pid else ""
        table.add_row(part.name, mark, part.address, pid, cut(part.said, 100))
    return table
