"""What the ledger's SQL texts have in common.

Each move is one statement over a batch. `:items` is a JSON array; each item has its place `n`. Rows
are locked in the order of their ids, so that two batches cannot wait for each other. A statement is
planned while the table may still be empty and the plan is kept, so the first access names its ids
in an array: that can only use the index (the connection plans no sequential scan), however the
table has grown. What is then changed is joined to `held` by the id alone, one index probe a row:
with the array beside it, each row's probe would read the whole array. `now()` is the database's: no
process clock decides.
"""

from string import Template
from typing import Final

from shared.domain.ledger_rules import (
    COPY_HOLD_SECONDS,
    GIVEN_UP,
    IDEMPOTENCY_WINDOW_SECONDS,
    LEASE_SECONDS,
    PUBLISH_GRACE_SECONDS,
    RETURN_DELAYS_SECONDS,
)

_CONSTANTS: Final = {
    "lease": f"interval '{LEASE_SECONDS:g} seconds'",
    "grace": f"interval '{PUBLISH_GRACE_SECONDS:g} seconds'",
    "window": f"interval '{IDEMPOTENCY_WINDOW_SECONDS:g} seconds'",
    "copy_hold": f"interval '{COPY_HOLD_SECONDS:g} seconds'",
    "second": "interval '1 second'",
    "return_delays": f"ARRAY[{', '.join(f'{s:g}' for s in RETURN_DELAYS_SECONDS)}]::float8[]",
} | {
    kind: f"jsonb_build_object('kind', '{kind}', 'message', '{said.replace(chr(39), chr(39) * 2)}')"
    for kind, said in GIVEN_UP.items()
}


def filled(text: str, **parts: str) -> str:
    """Fill in the rules' constants and `parts`: ours, never a value that came from outside."""
    return Template(text).substitute(_CONSTANTS, **parts)
