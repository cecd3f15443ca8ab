"""`cloudtasker tasks enqueue`: hand a task in, and wait for it if asked to."""

from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict, Unpack

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.enqueue_errors import NOTHING, no_sample, rejected, unknown_type, without_answer
from shared.cli.errors import Exit
from shared.cli.output import Output, output_options
from shared.cli.params import FollowUp, Instant, Period, label_option
from shared.cli.payload_input import PayloadInput
from shared.cli.setup import Setup
from shared.cli.task_view import error_line, show_task
from shared.client import (
    ApiError,
    Client,
    FollowUpRequest,
    Receipt,
    ServiceUnreachable,
    TaskJson,
    TaskRequest,
)
from shared.domain.task import State


class Given(TypedDict):
    """What the caller said about the task itself."""

    fields: tuple[str, ...]
    text: str | None
    file: Path | None
    sample: bool
    idempotency_key: str | None
    ordering_key: str | None
    concurrency_key: str | None
    labels: dict[str, str]
    run_at: datetime | None
    delay: float | None
    expires_in: float | None
    then: FollowUpRequest | None
    on_failure: FollowUpRequest | None


@click.command()
@click.argument("task_type", metavar="TYPE")
@click.argument("fields", metavar="[KEY=TEXT | KEY:=JSON]...", nargs=-1)
@click.option("--json", "text", metavar="OBJECT", help="The payload as a JSON object.")
@click.option("--file", type=Path, metavar="FILE", help="Read that object from a file; - is stdin.")
@click.option("--sample", is_flag=True, help="Begin with the task type's own example.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit 1 unless it succeeded.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long --wait waits, then exit 124.",
)
@click.option("--idempotency-key", metavar="KEY", help="The same key within 24 h: the same task.")
@click.option("--ordering-key", metavar="KEY", help="Tasks of one key run in order.")
@click.option("--concurrency-key", metavar="KEY", help="Only so many of one key run at once.")
@click.option("--run-at", type=Instant(), help="Start no sooner: 2026-11-24T10:00:00Z.")
@click.option("--delay", type=Period(), help="Start no sooner than after 30s, 15m, 12h, 7d.")
@click.option("--expires-in", type=Period(), help="Do not start later than so long after its time.")
@click.option("--then", type=FollowUp(), help="What follows a success: TYPE or a JSON object.")
@click.option("--on-failure", type=FollowUp(), help="What follows any other end, as --then.")
@label_option("Shown with the task and filtered by; repeatable.")
@url_option
@output_options("table", "json")
@click.pass_context
def enqueue(
    context: click.Context,
    task_type: str,
    wait: bool,
    timeout: float,
    url: str | None,
    output: Output,
    **given: Unpack[Given],
) -> None:
    """Enqueue one task, and print its id.

    The payload is --json, --file or --sample, with single fields over it: KEY=TEXT sets a string,
    KEY:=JSON any JSON value. `cloudtasker task-types TYPE` shows the fields.

    \b
    Examples:
    $ cloudtasker tasks enqueue send_email --sample --wait
    $ cloudtasker tasks enqueue send_email --sample to=ana@example.com
    $ cloudtasker tasks enqueue noop sleep_seconds:=2 --wait -o json
    $ cloudtasker tasks enqueue noop --file payload.json --label team=blue
    $ cloudtasker tasks enqueue noop --delay 15m --expires-in 1h
    $ cloudtasker tasks enqueue noop --then noop
    """
    setup = context.ensure_object(Setup)
    source = PayloadInput(given["fields"], given["text"], given["file"], given["sample"])
    payload = source.payload()

    async def work() -> TaskJson | None:
        async with connect(setup, url) as client:
            sample = await _sample(client, task_type) if given["sample"] else {}
            request = _request(task_type, sample | payload, given)
            receipt = await _enqueue(client, request)
            output.note(_said(receipt))
            if not wait:
                _show_receipt(receipt, output)
                return None
            return await client.wait(receipt["task_id"], timeout)

    task = run(work())
    if task:
        show_task(task, setup, output)
        if task["state"] != State.SUCCEEDED:
            output.note(f"It is {task['state']}. {error_line(task['error'])}".rstrip())
            context.exit(Exit.FAILED)


def _request(task_type: str, payload: dict[str, Any], given: Given) -> TaskRequest:
    request = TaskRequest(task_type=task_type, payload=payload)
    if given["idempotency_key"] is not None:
        request["idempotency_key"] = given["idempotency_key"]
    if given["ordering_key"] is not None:
        request["ordering_key"] = given["ordering_key"]
    if given["concurrency_key"] is not None:
        request["concurrency_key"] = given["concurrency_key"]
    if given["labels"]:
        request["labels"] = given["labels"]
    if given["run_at"] is not None:
        request["run_at"] = given["run_at"].isoformat()
    if given["delay"] is not None:
        request["delay_seconds"] = given["delay"]
    if given["expires_in"] is not None:
        request["expires_in_seconds"] = given["expires_in"]
    if given["then"] is not None:
        request["then"] = given["then"]
    if given["on_failure"] is not None:
        request["on_failure"] = given["on_failure"]
    return request


async def _sample(client: Client, name: str) -> dict[str, Any]:
    """The example that the service gives for this task type."""
    types = {one["name"]: one for one in await client.task_types()}
    if name not in types:
        raise unknown_type(name, sorted(types), NOTHING)
    example = types[name].get("example")
    if example is None:
        raise no_sample(name)
    return example


async def _enqueue(client: Client, request: TaskRequest) -> Receipt:
    try:
        return await client.enqueue(request)
    except ApiError as refused:
        raise rejected(refused, request) from refused
    except ServiceUnreachable as away:
        raise without_answer(away) from away


def _said(receipt: Receipt) -> str:
    if receipt["replayed"]:
        return f"The idempotency key belongs to this earlier task, which is {receipt['state']}."
    if receipt["state"] == State.SCHEDULED:
        return f"Scheduled {receipt['task_type']} {receipt['task_id']}."
    return f"Enqueued {receipt['task_type']} {receipt['task_id']}."


def _show_receipt(receipt: Receipt, output: Output) -> None:
    """The bare id, which a script can take as it is."""
    if output.is_table:
        click.echo(receipt["task_id"])
    else:
        output.document(receipt)
