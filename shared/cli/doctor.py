"""`cloudtasker doctor`: finds what would fail without a word."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from shared.cli.errors import CliError, Exit
from shared.cli.output import Output, output_options
from shared.cli.plan_rules import RULES, Finding, findings


@click.command()
@click.option(
    "--plan",
    "plan_file",
    required=True,
    type=click.Path(path_type=Path),
    help="A plan, as `terraform show -json` prints it.",
)
@output_options("table", "json")
@click.pass_context
def doctor(context: click.Context, plan_file: Path, output: Output) -> None:
    """Look through a plan of the infrastructure for what fails silently. Exit code 1: found.

    \b
    Example:
    $ terraform show -json plan > plan.json
    $ cloudtasker doctor --plan plan.json
    """
    found = _examined(plan_file)
    if not output.is_table:
        shown = [{"address": f.address, "what": f.what, "fix": f.fix} for f in found]
        output.document({"findings": shown})
    elif found:
        _draw(found, output)
    else:
        output.note(f"Nothing found: {len(RULES)} rules hold.")
    context.exit(Exit.FAILED if found else Exit.OK)


def _examined(plan_file: Path) -> list[Finding]:
    try:
        plan: Any = json.loads(plan_file.read_bytes())
        return findings(plan)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise CliError(
            "CT309",
            f"{plan_file} cannot be read as a plan: {type(wrong).__name__}: {wrong}",
            "Nothing was looked at.",
            fix="write it with `terraform show -json PLAN`, or `make plan OUT=FOLDER`.",
            exit_code=Exit.USAGE,
        ) from None


def _draw(found: Sequence[Finding], output: Output) -> None:
    from shared.cli.listing import Listing

    table = Listing("RESOURCE", "WHAT HAPPENS", "FIX")
    for finding in found:
        table.add_row(finding.address, finding.what, finding.fix)
    output.draw(table)
