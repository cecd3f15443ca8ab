"""The command line: `python -m emulators.terraform plan`, which `make plan` calls."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from emulators.terraform.checkov import check, skips
from emulators.terraform.errors import TerraformError
from emulators.terraform.planning import Plan, plan, providers, run_tests
from emulators.terraform.real import newest_archive, plan_real
from emulators.terraform.schema_cache import VERSION
from emulators.terraform.terraform import Terraform

ROOT = Path(__file__).resolve().parents[2]
LIMITS = f"""\
Planned by the real Terraform against a stand-in with the schema of Google's providers {VERSION}:
names, types, nesting and what is required are checked. Not known to it: allowed values and
ranges (the modules' own validations check those that matter), conflicts between arguments,
defaults of the cloud, quotas, and whether a name is free."""


def parser() -> argparse.ArgumentParser:
    """Return the parser, whose help is the manual."""
    cli = argparse.ArgumentParser(
        prog="python -m emulators.terraform",
        description="Plan the cloud's infrastructure on this machine, without network or account.",
        epilog=LIMITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = cli.add_subparsers(dest="command", required=True)
    planning = commands.add_parser("plan", help="check the format, validate and plan")
    planning.add_argument("environment", nargs="*", help="dev, prod (default: all)")
    planning.add_argument("--archive", type=Path, help="function archive (default: a placeholder)")
    planning.add_argument("--out", type=Path, help="folder to write each plan's JSON to")
    real = commands.add_parser("plan-real", help="plan with Google's own providers: needs network")
    real.add_argument("environment", nargs="*", help="dev, prod (default: all)")
    real.add_argument("--archive", type=Path, help="function archive (default: the newest in dist)")
    checking = commands.add_parser("checkov", help="plan everything and let checkov look at it")
    checking.add_argument("--program", type=Path, required=True, help="where checkov is")
    commands.add_parser("test", help="run Terraform's own tests (*.tftest.hcl)")
    return cli


def main(arguments: Sequence[str]) -> int:
    """Return the exit status: 0, or 1 when something is wrong with a plan."""
    options = parser().parse_args(arguments)
    console = Console(highlight=False)
    try:
        return COMMANDS[options.command](console, options)
    except TerraformError as error:
        print(error, file=sys.stderr)
        return 1


def _test(console: Console, _: argparse.Namespace) -> int:
    with console.status("testing"), providers() as found:
        said = run_tests(ROOT, found)
    console.print("\n".join(said))
    return 0


def _checkov(console: Console, options: argparse.Namespace) -> int:
    skipped = skips(ROOT / "infra" / "checkov.yaml")
    with console.status("checking"), tempfile.TemporaryDirectory(prefix="plans-") as folder:
        report = check(options.program, list(_written_plans(Path(folder))))
    problems = report.problems(skipped)
    print("\n".join(problems), end="\n" if problems else "", file=sys.stderr)
    console.print(
        f"{report.passed} checks passed, {len(report.findings)} findings; "
        f"{len(skipped)} checks are skipped, each with its reason in infra/checkov.yaml"
    )
    return 1 if problems else 0


def _written_plans(folder: Path) -> Iterator[Path]:
    with providers() as found:
        for environment in _environments():
            file = folder / f"{environment}.json"
            file.write_text(json.dumps(plan(ROOT, environment, found).json))
            yield file


def _environments() -> list[str]:
    return sorted(folder.name for folder in (ROOT / "infra" / "environments").iterdir())


def _plans(console: Console, options: argparse.Namespace) -> int:
    wanted = _wanted(options)
    if options.archive:
        _exists(options.archive)
    Terraform(ROOT / "infra", {}).run("fmt", "-check", "-recursive", "-diff", "-no-color")
    with providers() as found:
        for environment in wanted:
            _plan(console, environment, options, found)
    console.print(LIMITS, style="dim")
    return 0


def _plans_real(console: Console, options: argparse.Namespace) -> int:
    wanted = _wanted(options)
    archive = _exists(options.archive) if options.archive else newest_archive(ROOT)
    for environment in wanted:
        started = time.monotonic()
        with console.status(f"planning {environment} with Google's providers"):
            planned = plan_real(ROOT, environment, archive)
        _show(console, planned, time.monotonic() - started)
    return 0


def _wanted(options: argparse.Namespace) -> list[str]:
    """Raises: TerraformError for an environment that there is not."""
    known = _environments()
    wrong = sorted(set(options.environment) - set(known))
    if wrong:
        raise TerraformError(f"no environment {', '.join(wrong)}; there are {', '.join(known)}")
    return options.environment or known


def _exists(archive: Path) -> Path:
    if not archive.is_file():
        raise TerraformError(
            f"there is no archive {archive}. Nothing was planned. `make package` builds one and "
            "prints its path."
        )
    return archive


def _plan(
    console: Console, environment: str, options: argparse.Namespace, found: Mapping[str, str]
) -> None:
    started = time.monotonic()
    with console.status(f"planning {environment}"):
        planned = plan(ROOT, environment, found, options.archive)
    _show(console, planned, time.monotonic() - started)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"{environment}.json").write_text(json.dumps(planned.json))


def _show(console: Console, planned: Plan, seconds: float) -> None:
    created = planned.changes()["create"]
    title = f"{planned.environment}: {created} to create, in {seconds:.1f} s"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("resources", justify="right")
    table.add_column("type")
    for kind, count in planned.types().most_common():
        table.add_row(str(count), kind.removeprefix("google_"))
    console.print(table)
    console.print()


COMMANDS = {"plan": _plans, "plan-real": _plans_real, "test": _test, "checkov": _checkov}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
