"""How a bulk command goes: count, ask, start, watch, sum up. The service does the work.

Ctrl-C only ends the watching: the operation goes on, and its id says how to find it again.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import rich_click as click

from shared.cli.api import connect, run
from shared.cli.errors import CliError, Exit
from shared.cli.output import Output
from shared.cli.progress import Progress
from shared.cli.setup import Setup
from shared.client import Client, Clock
from shared.client.desk_shapes import OperationFilter, OperationJson, Preview

POLL_SECONDS: Final = 0.5
TYPED_ABOVE: Final = 100
"""More than so many are confirmed by typing their number."""
DONE_TO: Final = {"redrive": "redriven", "cancel": "cancelled", "discard": "discarded"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a bulk command was asked for."""

    kind: str
    wanted: OperationFilter
    per_second: float | None = None
    yes: bool = False
    dry_run: bool = False
    detach: bool = False


def bulk_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--rate`, `--yes`, `--dry-run`, `--detach`."""
    options = (
        click.option("--rate", "per_second", type=click.FloatRange(0, 10_000, min_open=True),
                     metavar="N", help="At most so many tasks a second."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--dry-run", is_flag=True, help="Count, and change nothing."),
        click.option("--detach", is_flag=True, help="Start it, and do not watch."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def run_bulk(setup: Setup, url: str | None, output: Output, asked: Asked) -> None:
    """The whole conversation. Exits with 7 when not every task was changed."""
    preview = run(_preview(setup, url, asked))
    if asked.dry_run:
        _show_preview(asked, preview, output)
        return
    if preview["total"] == 0:
        _show_nothing(asked, preview, output)
        return
    if not asked.yes:
        _confirm(asked.kind, preview)
    operation = run(_start(setup, url, asked, preview))
    if asked.detach:
        _show(operation, output)
        output.note(f"It goes on by itself. {_ways(operation['operation_id'])}")
        return
    finish(watch(setup, url, operation, output), output)


def watch(setup: Setup, url: str | None, operation: OperationJson, output: Output) -> OperationJson:
    """The operation once it is at its end, with its progress on stderr meanwhile."""
    try:
        return run(_watched(setup, url, operation, output))
    except KeyboardInterrupt:
        raise CliError(
            "CT130",
            "Detached. The operation goes on by itself.",
            fix=_ways(operation["operation_id"]),
            exit_code=Exit.INTERRUPTED,
        ) from None


def finish(operation: OperationJson, output: Output) -> None:
    """Sum up; exits with 7 unless every task was changed."""
    _show(operation, output)
    output.note(summary(operation))
    left = operation["total"] - operation["succeeded"]
    if left:
        output.note(f"Each of them: cloudtasker ops get {operation['operation_id']} --items")
        raise SystemExit(int(Exit.PARTIAL))


def summary(operation: OperationJson) -> str:
    """`1,204 redriven, 106 skipped, 0 failed` and what a stop left."""
    counts = [f"{operation['succeeded']:,} {DONE_TO[operation['kind']]}"]
    counts += [f"{operation[name]:,} {name}" for name in ("skipped", "failed")]
    if left := operation["total"] - decided(operation):
        counts.append(f"{left:,} left alone")
    return f"{operation['state'].capitalize()}: {', '.join(counts)}."


def decided(operation: OperationJson) -> int:
    """How many of its tasks it has been at."""
    return operation["succeeded"] + operation["skipped"] + operation["failed"]


async def _preview(setup: Setup, url: str | None, asked: Asked) -> Preview:
    async with connect(setup, url) as client:
        return await client.preview(asked.kind, asked.wanted)


async def _start(setup: Setup, url: str | None, asked: Asked, preview: Preview) -> OperationJson:
    """Of what was counted: the window is the preview's."""
    wanted = asked.wanted
    if "task_ids" not in wanted:
        wanted = {**wanted, "until": preview["until"]}
    async with connect(setup, url) as client:
        return await client.start_operation(asked.kind, wanted, per_second=asked.per_second)


async def _watched(
    setup: Setup, url: str | None, operation: OperationJson, output: Output
) -> OperationJson:
    clock = setup.wait_clock or Clock()
    async with connect(setup, url) as client:
        with Progress(operation["kind"], operation["total"], output) as progress:
            while operation["state"] == "running":
                await clock.sleep(POLL_SECONDS)
                operation = await _again(client, operation)
                progress.update(decided(operation))
    return operation


async def _again(client: Client, operation: OperationJson) -> OperationJson:
    return await client.operation(operation["operation_id"])


def _confirm(kind: str, preview: Preview) -> None:
    """Ask a person. Raises: CliError CT314 where nobody can be asked, CT130 for a no."""
    said = _counted(kind, preview)
    if not sys.stdin.isatty():
        raise CliError(
            "CT314",
            f"{said}, and nobody is here to confirm it.",
            "Nothing was changed.",
            fix="add --yes; --dry-run only counts.",
            exit_code=Exit.USAGE,
        )
    if not _agreed(said, preview["total"]):
        raise CliError(
            "CT130",
            "Not confirmed.",
            "Nothing was changed.",
            fix="--dry-run only counts; --yes does not ask.",
            exit_code=Exit.INTERRUPTED,
        )


def _agreed(said: str, total: int) -> bool:
    """Whether a person says so; Ctrl-C is a no."""
    try:
        if total <= TYPED_ABOVE:
            return click.confirm(f"{said}. Go on?", err=True)
        typed: str = click.prompt(f"{said}. Type {total} to go on", err=True, default="")
    except click.Abort:
        return False
    return typed == str(total)


def _counted(kind: str, preview: Preview) -> str:
    of_types = ", ".join(f"{name} {count:,}" for name, count in preview["by_type"].items())
    skipped = f"; {preview['skipped']:,} cannot be" if preview["skipped"] else ""
    return f"This would {kind} {preview['total']:,} tasks ({of_types or 'none'}{skipped})"


def _show_preview(asked: Asked, preview: Preview, output: Output) -> None:
    if output.is_table:
        click.echo(f"{_counted(asked.kind, preview)}. Nothing was changed.")
    else:
        output.document(preview)


def _show_nothing(asked: Asked, preview: Preview, output: Output) -> None:
    """No error unless tasks were named: those stay as they are."""
    if not output.is_table:
        output.document(preview)
    if "task_ids" not in asked.wanted:
        output.note(f"No task fits: nothing to {asked.kind}.")
        return
    output.note(f"No task that was named is there and can be {DONE_TO[asked.kind]}.")
    raise SystemExit(int(Exit.PARTIAL))


def _show(operation: OperationJson, output: Output) -> None:
    if output.is_table:
        click.echo(operation["operation_id"])
    else:
        output.document(operation)


def _ways(operation_id: str) -> str:
    return (
        f"Watch it: cloudtasker ops watch {operation_id}   Stop it: cloudtasker ops stop "
        f"{operation_id}"
    )
