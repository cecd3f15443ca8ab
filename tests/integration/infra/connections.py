"""Counts what a process of each kind may open to Postgres; run in a process of its own, whose
settings name a Postgres that is not there: connections are made at their first use."""

import gc
import json

from shared import bootstrap
from shared.adapters.batcher import Batcher
from shared.adapters.pg_calls import Calls
from shared.adapters.pg_reads import reads_of
from shared.opened import settings


def of(root: object) -> int:
    """Return how many connections hang on `root`, each object counted once."""
    seen, waiting, found = set(), [root], 0
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, type):
            continue
        seen.add(id(part))
        found += isinstance(part, Batcher | Calls)
        waiting += [held for held in gc.get_referents(part) if _is_ours(held)]
    return found


def _is_ours(part: object) -> bool:
    """Whether to look inside: our own objects, and what holds several of them."""
    return isinstance(part, dict | list | tuple) or type(part).__module__.startswith("shared.")


def _pool() -> int:
    pool = reads_of(settings().database_url)._engine.pool
    return pool.size() + pool._max_overflow  # type: ignore[attr-defined]


async def _nothing(*_: object) -> None:
    """A handler."""


if __name__ == "__main__":
    counted = {
        "api": of(bootstrap.api()) + _pool(),
        "relay": of(bootstrap.relay()),
        "task": of(bootstrap.runner("noop", _nothing)),
        "dead_letter": of(bootstrap.burial()),
    }
    print(json.dumps(counted))
