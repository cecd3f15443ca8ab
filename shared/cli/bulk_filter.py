"""How bulk commands name their tasks: by id, by conditions, or all of them."""

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict

import rich_click as click

from shared.cli.bulk import Asked
from shared.cli.params import Moment, label_option
from shared.client.desk_shapes import OperationFilter
from shared.domain.operation import OperationKind, concerned


class Wanted(TypedDict):
    """The conditions that a bulk command takes."""

    group: str | None
    task_type: str | None
    labels: dict[str, str]
    created_after: datetime | None
    created_before: datetime | None
    every: bool


class How(TypedDict):
    """How a bulk command goes."""

    per_second: float | None
    yes: bool
    dry_run: bool
    detach: bool


class BulkWords(Wanted, How):
    """All of them."""


def filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the conditions that a bulk command takes."""
    options = (
        click.option("--group", metavar="GROUP", help="Of this group, as `groups` shows it."),
        click.option("--type", "task_type", metavar="TYPE", help="Of this type."),
        label_option("With this label; repeatable."),
        click.option("--created-after", type=Moment(), help="30m, 2h, 1d ago, or RFC 3339."),
        click.option("--created-before", type=Moment(), help="The same forms."),
        click.option("--all", "every", is_flag=True, help="Every one that there is."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def state_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--state`: of those that a cancel concerns."""
    states = sorted(concerned(OperationKind.CANCEL))
    return click.option(
        "--state",
        type=click.Choice([state.value for state in states]),
        metavar="STATE",
        help=f"In this state: {', '.join(states)}.",
    )(command)


def is_bulk(words: BulkWords) -> bool:
    """Whether any condition, or a way for a bulk operation to go, was given."""
    return any(words.values())


def asked_of(
    kind: str, task_ids: tuple[str, ...], words: BulkWords, state: str | None = None
) -> Asked:
    """What the words ask for."""
    return Asked(
        kind,
        filter_of(task_ids, words, state),
        words["per_second"],
        words["yes"],
        words["dry_run"],
        words["detach"],
    )


def filter_of(
    task_ids: tuple[str, ...], words: BulkWords, state: str | None = None
) -> OperationFilter:
    """The filter of a bulk command. Raises: UsageError when it names nothing, or two things."""
    given: OperationFilter = {}
    if words["group"]:
        given["group"] = words["group"]
    if words["task_type"]:
        given["task_type"] = words["task_type"]
    if state:
        given["state"] = state
    if words["labels"]:
        given["labels"] = words["labels"]
    if words["created_after"]:
        given["created_after"] = words["created_after"].isoformat()
    if words["created_before"]:
        given["created_before"] = words["created_before"].isoformat()
    if sum(map(bool, (task_ids, given, words["every"]))) != 1:
        raise click.UsageError("name the tasks: by id, by conditions such as --type, or --all")
    return {"task_ids": list(task_ids)} if task_ids else given
