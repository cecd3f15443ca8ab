"""`cloudtasker doctor`: finds what would fail without a word."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import rich_click as click

from shared.cli.api import run, url_option
from shared.cli.errors import CliError, Exit
from shared.cli.output import Output, output_options
from shared.cli.plan_rules import RULES, Finding, findings
from shared.cli.setup import Setup
from shared.cli.stack_state import settings
from shared.cli.words import plain
from shared.client import ApiError, Client, ServiceUnreachable, TaskTypeJson

if TYPE_CHECKING:
    from shared.cli.checkup import Check
    from shared.cli.stack_state import StackState

VERDICTS: Final = ("ok", "warn", "fail")


@click.command()
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    help="A plan, as `terraform show -json` prints it.",
)
@click.option("--fix", is_flag=True, help="Make subscriptions that local dead-letter topics lack.")
@click.option("--json", "as_json", is_flag=True, help="The same as -o json.")
@url_option
@output_options("table", "json")
@click.pass_context
def doctor(
    context: click.Context,
    plan_file: Path | None,
    fix: bool,
    as_json: bool,
    url: str | None,
    output: Output,
) -> None:
    """Check this machine and the stack that runs here; with --url, another API instead of it.

    With --plan only a plan of the infrastructure is looked at. Exit code 1: a check failed, or
    the plan has what would fail silently.

    \b
    Examples:
    $ cloudtasker doctor
    $ cloudtasker doctor --url https://tasks.example.com
    $ terraform show -json plan > plan.json
    $ cloudtasker doctor --plan plan.json
    """
    if as_json:
        output = replace(output, format="json")
    if plan_file is None:
        _check_here(context, output, url, fix)
        return
    if url or fix:
        raise click.UsageError("--plan looks at a file alone: leave --url and --fix out.")
    found = _examined(plan_file)
    if not output.is_table:
        shown = [{"address": f.address, "what": f.what, "fix": f.fix} for f in found]
        output.document({"findings": shown})
    elif found:
        _draw(found, output)
    else:
        output.note(f"Nothing found: {len(RULES)} rules hold.")
    context.exit(Exit.FAILED if found else Exit.OK)


def _check_here(context: click.Context, output: Output, url: str | None, fix: bool) -> None:
    from shared.cli.check_binaries import binaries
    from shared.cli.checkup import here
    from shared.cli.deep_checks import package, task_files
    from shared.settings import ROOT

    setup = context.ensure_object(Setup)
    checks = [*here(), *binaries(settings()), package()]
    if url is None:
        checks.extend(task_files(ROOT))
    checks.extend(run(_ask(setup, url, fix)))
    if output.is_table:
        _draw_checks(checks, output)
        output.note(_summed_up(checks))
    else:
        output.document({"checks": [asdict(one) for one in checks]})
    if any(one.verdict == "fail" for one in checks):
        context.exit(Exit.FAILED)


async def _ask(setup: Setup, url: str | None, fix: bool) -> "list[Check]":
    """The parts, the API and what it says of its task types, the ports, Pub/Sub."""
    from shared.cli import check_ports, check_pubsub, checkup, deep_checks

    checks, state = await checkup.parts(setup, url)
    for look in (deep_checks.database, deep_checks.redis, deep_checks.emulator):
        checks.extend(await look(state))
    answers = not any(one.name in ("enqueue", "rest") and one.verdict == "fail" for one in checks)
    api = url or (state.rest if state else "")
    types: list[TaskTypeJson] = []
    if api and answers:
        of_api, types = await _of_api(setup, api, state)
        checks.extend(of_api)
    if url is None:
        checks.extend(check_ports.ports(state))
    place = check_pubsub.place_of(state, settings(), url)
    return [*checks, *await check_pubsub.pubsub(setup, place, types, fix=fix)]


async def _of_api(
    setup: Setup, api: str, state: "StackState | None"
) -> "tuple[list[Check], list[TaskTypeJson]]":
    """The credentials, and each task type of an API that answers."""
    from shared.cli import checkup
    from shared.cli.check_credentials import api_key, elsewhere, sent_key

    key = settings().api_key
    checks = elsewhere(api, state, settings())
    try:
        checks.append(await api_key(setup, api, key))
        async with Client(api, api_key=sent_key(api, key), transport=setup.transport) as client:
            types = await client.task_types()
    except (ApiError, ServiceUnreachable) as failure:
        fix = "see `cloudtasker status`"
        return [*checks, checkup.Check("task types", "fail", str(failure), fix)], []
    except KeyError as missing:
        said = f"its answer has no {missing}; is it CloudTasker's API?"
        return [*checks, checkup.Check("task types", "fail", said, "correct --url")], []
    return [*checks, *checkup.task_types(types)], types


def _draw_checks(checks: "Sequence[Check]", output: Output) -> None:
    from shared.cli.listing import Listing

    table = Listing("CHECK", "VERDICT", "FOUND", "FIX", below=2)
    for one in checks:
        table.add_row(one.name, one.verdict, plain(one.found), one.fix)
    output.draw(table)


def _summed_up(checks: "Sequence[Check]") -> str:
    """`41 checks: 39 ok, 1 warn, 1 fail.`, without what there is none of."""
    of = Counter(one.verdict for one in checks)
    counts = ", ".join(f"{of[verdict]} {verdict}" for verdict in VERDICTS if of[verdict])
    return f"{len(checks)} checks: {counts}."


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
