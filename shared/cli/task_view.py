"""How tasks look to a person. Draws what it is given; asks nobody.

A state is an icon, a word and a colour, so that it reads without colour too. Payloads, results and
errors are hostile text: they are drawn as plain text, and control characters are made visible.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from shared.cli.listing import Listing
from shared.cli.output import Output
from shared.cli.setup import Setup
from shared.cli.words import age, clock, cut, duration, plain
from shared.client import AttemptJson, TaskJson, TaskSummary

ERROR_CHARACTERS: Final = 60
NOT_MADE: Final = "not made: the task ended otherwise"
JSON_CHARACTERS: Final = 4_000
"""What a person may still want to read of a payload or a result."""
STATES: Final = {
    "scheduled": ("◷", "blue"),
    "queued": ("•", "cyan"),
    "running": ("▶", "bold cyan"),
    "retrying": ("↻", "yellow"),
    "succeeded": ("✓", "green"),
    "dead": ("✗", "bold red"),
    "cancelled": ("⊘", "dim"),
    "expired": ("⌛", "dim"),
}
_OUTCOMES: Final = {"succeeded": "green", "failed": "red", "rejected": "bold red"}


def show_task(task: TaskJson, setup: Setup, output: Output) -> None:
    """Print one task in the form asked for."""
    if output.is_table:
        output.draw(task_details(task, setup.now()))
    else:
        output.document(task)


def task_table(tasks: Sequence[TaskSummary], now: datetime) -> Listing:
    """A line a task; ids whole, so that they can be copied."""
    table = Listing("ID", "STATE", "TYPE", "AGE", "TOOK", "ATTEMPT", "ERROR", cut_last=True)
    for task in tasks:
        table.add_row(
            task["task_id"],
            state_text(task["state"]),
            task["task_type"],
            age(task["created_at"], now).removesuffix(" ago"),
            duration(task["started_at"], task["finished_at"]),
            str(task["attempt"]),
            Text(error_line(task["error"]), style="red"),
        )
    return table


def task_details(task: TaskJson, now: datetime) -> Group:
    """Everything about one task, the most telling first."""
    facts = plain_grid()
    facts.add_row("task", task["task_id"])
    facts.add_row("type", task["task_type"])
    facts.add_row("state", state_text(task["state"]))
    if task["generation"]:
        facts.add_row("generation", f"{task['generation']}: redriven, with new attempts")
    facts.add_row("created", f"{clock(task['created_at'])}   {age(task['created_at'], now)}")
    if task["not_before"] and not task["finished_at"]:
        facts.add_row("starts", f"{clock(task['not_before'])}   {age(task['not_before'], now)}")
    if task["expires_at"] and not task["finished_at"]:
        facts.add_row("expires", f"{clock(task['expires_at'])}   {age(task['expires_at'], now)}")
    if progress := task["progress"]:
        said = f"{percent_text(progress['percent'])}  {progress['text']}"
        facts.add_row("progress", plain(said.rstrip()))
    if task["cancel_requested_at"]:
        facts.add_row("asked to stop", age(task["cancel_requested_at"], now))
    if task["finished_at"]:
        took = duration(task["created_at"], task["finished_at"])
        facts.add_row("finished", f"{clock(task['finished_at'])}   {took} after it was created")
    if task["labels"]:
        facts.add_row("labels", plain(", ".join(f"{k}={v}" for k, v in task["labels"].items())))
    if task["parent_id"]:
        facts.add_row("follows", task["parent_id"])
    if task["group_id"]:
        facts.add_row("group", task["group_id"])
    for name, task_id in task["follow_ups"].items():
        facts.add_row(name, task_id if may_follow(name, task) else NOT_MADE)
    if task["error"]:
        facts.add_row("error", Text(error_line(task["error"], whole=True), style="red"))
    if blob := task["payload_blob"]:
        facts.add_row("payload", plain(f"{blob['bytes']:,} bytes in the blob store: {blob['key']}"))
    else:
        facts.add_row("payload", json_text(task["payload"]))
    facts.add_row("result", json_text(task["result"]))
    if not task["attempts"]:
        return Group(facts)
    return Group(facts, "", _attempt_table(task["attempts"]))


def may_follow(name: str, task: TaskJson) -> bool:
    """Whether the follow-up `name` is there or may still come. Both may be after a redrive."""
    if not task["finished_at"] or task["generation"]:
        return True
    return (name == "then") == (task["state"] == "succeeded")


def state_text(state: str) -> Text:
    """Icon and word, in the state's colour."""
    icon, style = STATES.get(state, ("?", ""))
    return Text(f"{icon} {plain(state)}", style=style, no_wrap=True)


def error_line(error: dict[str, str] | None, *, whole: bool = False) -> str:
    """`kind: message`, cut to what a list has room for unless it shall be whole."""
    if not error:
        return ""
    text = f"{error.get('kind', 'error')}: {error.get('message', '')}"
    return plain(text) if whole else cut(text, ERROR_CHARACTERS)


def percent_text(percent: float) -> str:
    """`40 %`, `3.3 %`."""
    return f"{round(percent, 1):g} %"


def json_text(value: Any) -> Text:
    """A JSON value, indented, as plain text; of a long one the beginning."""
    text = plain(json.dumps(value, indent=2, ensure_ascii=False))
    if len(text) <= JSON_CHARACTERS:
        return Text(text)
    return Text(f"{text[:JSON_CHARACTERS]}…\n({len(text):,} characters; -o json has them all)")


def plain_grid() -> Table:
    """Names on the left, values on the right; long values wrap."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _attempt_table(attempts: Sequence[AttemptJson]) -> Listing:
    table = Listing("ATTEMPT", "STARTED", "TOOK", "OUTCOME", "ERROR")
    redriven = any(attempt["generation"] for attempt in attempts)
    for attempt in attempts:
        outcome = attempt["outcome"] or "running"
        number = str(attempt["number"])
        table.add_row(
            f"{number} of generation {attempt['generation']}" if redriven else number,
            clock(attempt["started_at"]),
            duration(attempt["started_at"], attempt["finished_at"]),
            Text(plain(outcome), style=_OUTCOMES.get(outcome, "")),
            Text(error_line(attempt["error"], whole=True), style="red"),
        )
    return table
