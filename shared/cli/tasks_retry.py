"""`cloudtasker tasks retry`: put one dead task back to work."""

from pathlib import Path

import rich_click as click

from shared.cli.api import connect, run, url_option
from shared.cli.output import Output, output_options
from shared.cli.payload_input import PayloadInput
from shared.cli.setup import Setup
from shared.client import TaskJson


@click.command()
@click.argument("task_id", metavar="ID")
@click.option("--json", "text", metavar="OBJECT", help="Another payload, as a JSON object.")
@click.option("--file", type=Path, metavar="FILE", help="Read that object from a file; - is stdin.")
@url_option
@output_options("table", "json", "id")
@click.pass_obj
def retry(
    setup: Setup,
    task_id: str,
    text: str | None,
    file: Path | None,
    url: str | None,
    output: Output,
) -> None:
    """Put a dead task back to work with new attempts, perhaps with another payload.

    It keeps its id; its generation grows. A task that is not dead stays as it is: exit code 4.

    \b
    Examples:
    $ cloudtasker tasks retry 019ac5b2-0e4f-7c3e-9a51-3c1f6d2b8e70
    $ cloudtasker tasks retry 019ac5b2-0e4f-7c3e-9a51-3c1f6d2b8e70 --file better.json
    """
    is_new = text is not None or file is not None
    payload = PayloadInput((), text, file, sample=False).payload() if is_new else None

    async def work() -> TaskJson:
        async with connect(setup, url) as client:
            return await client.redrive(task_id, payload)

    task = run(work())
    if output.format == "id":
        click.echo(task["task_id"])
    elif output.is_table:
        generation = task["generation"]
        output.note(f"Redriven {task['task_type']} {task['task_id']}, generation {generation}.")
    else:
        output.document(task)
