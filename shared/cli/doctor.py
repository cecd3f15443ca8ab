"""`cloudtasker doctor`: finds what would fail without a word."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from shared.cli.api import connect, run
from shared.cli.errors import CliError, Exit
from shared.cli.output import Output, output_options
from shared.cli.plan_rules import RULES, Finding, findings
from shared.cli.setup import Setup
from shared.cli.words import plain
from shared.client import ApiError, ServiceUnreachable

if TYPE_CHECKING:
    from shared.cli.checkup import Check


@click.command()
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    help="A plan, as `terraform show -json` prints it.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as -o json.")
@output_options("table", "json")
@click.pass_context
def doctor(context: click.Context, plan_file: Path | None, as_json: bool, output: Output) -> None:
    """Check this machine and the stack that runs here; with --plan, a plan of the infrastructure.

    Exit code 1: a check failed, or the plan has what would fail silently.

    \b
    Examples:
    $ cloudtasker doctor
    $ terraform show -json plan > plan.json
    $ cloudtasker doctor --plan plan.json
    """
    if as_json:
        output = replace(output, format="json")
    if plan_file is None:
        _check_here(context, output)
        return
    found = _examined(plan_file)
    if not output.is_table:
        shown = [{"address": f.address, "what": f.what, "fix": f.fix} for f in found]
        output.document({"findings": shown})
    elif found:
        _draw(found, output)
    else:
        output.note(f"Nothing found: {len(RULES)} rules hold.")
    context.exit(Exit.FAILED if found else Exit.OK)


def _check_here(context: click.Context, output: Output) -> None:
    from shared.cli.checkup import here
    from shared.cli.deep_checks import package

    setup = context.ensure_object(Setup)
    checks = [*here(), package(), *run(_ask(setup))]
    if output.is_table:
        _draw_checks(checks, output)
    else:
        output.document({"checks": [asdict(one) for one in checks]})
    if any(one.verdict == "fail" for one in checks):
        context.exit(Exit.FAILED)


async def _ask(setup: Setup) -> "list[Check]":
    """The parts, and what the API says of its task types when it works."""
    from shared.cli import checkup, deep_checks

    checks, state = await checkup.stack(setup)
    for look in (deep_checks.database, deep_checks.redis, deep_checks.emulator):
        checks.extend(await look(state))
    if state is None or any(one.name == "enqueue" and one.verdict == "fail" for one in checks):
        return checks
    async with connect(setup, state.rest) as client:
        try:
            types = await client.task_types()
        except (ApiError, ServiceUnreachable) as failure:
            fix = "see `cloudtasker status`"
            return [*checks, checkup.Check("task types", "fail", str(failure), fix)]
    return [*checks, *checkup.task_types(types)]


def _draw_checks(checks: "Sequence[Check]", output: Output) -> None:
    from shared.cli.listing import Listing

    table = Listing("CHECK", "VERDICT", "FOUND", "FIX")
    for one in checks:
        table.add_row(one.name, one.verdict, plain(one.found), one.fix)
    output.draw(table)


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
