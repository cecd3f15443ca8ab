"""Compares the three ledgers. Each sentence that it returns is a broken promise."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.clients import Told

FINAL = {"succeeded", "dead", "cancelled", "expired"}


@dataclass(frozen=True)
class Row:
    """What is compared of a row of the ledger."""

    task_id: str
    key: str | None
    state: str
    attempt: int
    run: str | None
    accepted: int
    """How many of its attempts ended well."""


@dataclass(frozen=True)
class Effects:
    """What the handlers wrote: task and run of each line."""

    began: frozenset[tuple[str, str]]
    ended: frozenset[tuple[str, str]]

    @classmethod
    def read(cls, file: Path) -> "Effects":
        """The file of the `record` tasks; an absent one is empty."""
        lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        return cls(
            frozenset((line[1], line[4]) for line in lines if line[0] == "began"),
            frozenset((line[1], line[4]) for line in lines if line[0] == "ended"),
        )


def rows_of(database: Any) -> dict[str, Row]:
    """The rows of all `record` tasks, by id; `database` is a connection."""
    found = database.run(
        """SELECT t.id::text, t.idempotency_key, t.state, t.attempt, t.result->>'run',
                  (SELECT count(*) FROM attempts a
                    WHERE a.task_id = t.id AND a.outcome = 'succeeded')
             FROM tasks t WHERE t.task_type = 'record'"""
    )
    return {row[0]: Row(*row) for row in found}


def broken_promises(
    told: Told, rows: Mapping[str, Row], effects: Effects, max_attempts: int = 5
) -> list[str]:
    """Everything that the three ledgers contradict each other in."""
    return [
        *told.strange[:5],
        *_of_the_told(told, rows),
        *_of_the_rows(rows, effects, max_attempts),
        *_of_the_effects(rows, effects),
    ]


def _of_the_told(told: Told, rows: Mapping[str, Row]) -> Iterator[str]:
    for key, ids in told.ids.items():
        if len(ids) > 1:
            yield f"key {key} was answered with {len(ids)} tasks"
        for task_id in ids:
            if task_id not in rows:
                yield f"{task_id} was accepted and has no row"


def _of_the_rows(rows: Mapping[str, Row], effects: Effects, max_attempts: int) -> Iterator[str]:
    for key, count in Counter(row.key for row in rows.values()).items():
        if count > 1:
            yield f"{count} rows have the key {key}"
    for row in rows.values():
        if row.state not in FINAL:
            yield f"{row.task_id} is still {row.state} after attempt {row.attempt}"
        if row.attempt > max_attempts:
            yield f"{row.task_id} is at attempt {row.attempt} of {max_attempts}"
        if row.accepted != (row.state == "succeeded"):
            yield f"{row.task_id} is {row.state} and has {row.accepted} accepted outcomes"
        if row.state == "succeeded" and (row.task_id, row.run) not in effects.ended:
            yield f"{row.task_id} has the result of run {row.run}, which no handler wrote down"


def _of_the_effects(rows: Mapping[str, Row], effects: Effects) -> Iterator[str]:
    for task_id, run in effects.began | effects.ended:
        if task_id not in rows:
            yield f"run {run} worked on {task_id}, which has no row"
