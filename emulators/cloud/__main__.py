"""The command line: `python -m emulators.cloud apply`, which `make deploy-local` calls."""

import argparse
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from emulators.cloud.client import running, stopped
from emulators.cloud.deployment import Deployment
from emulators.cloud.errors import DeployError
from emulators.cloud.folder import Folder
from emulators.stack.errors import StackError
from emulators.terraform.errors import TerraformError
from emulators.terraform.provider import CloudError

ROOT = Path(__file__).resolve().parents[2]
MANUAL = """\
The production Terraform, applied to this machine: Pub/Sub resources go to the emulator, functions
and gateways become processes of the archive, Cloud SQL and Memorystore the embedded servers, and
grants are enforced where something here can. Everything else is held in Terraform's state.

The state and the data are kept in .cloudtasker/deploy/ENV; destroy leaves nothing."""
_MANY = 12
_SIGNS = {"create": "+", "update": "~", "delete": "-", "replace": "±"}


def parser() -> argparse.ArgumentParser:
    """Return the parser, whose help is the manual."""
    cli = argparse.ArgumentParser(
        prog="python -m emulators.cloud",
        description=MANUAL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = cli.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, what in {
        "apply": "make everything as planned, and start what does not run",
        "plan": "show what apply would change",
        "destroy": "take everything away, its data too",
        "status": "show what runs, and where",
        "stop": "end the processes; apply starts them again with their data",
    }.items():
        _add(commands.add_parser(name, help=what, description=f"{name}: {what}"), name)
    return cli


def _add(command: argparse.ArgumentParser, name: str) -> None:
    add = command.add_argument
    add("environment", nargs="?", default="dev", help="dev or prod (default: %(default)s)")
    add("--root", type=Path, default=ROOT, help="the checkout (default: this one)")
    add("--folder", type=Path, help="where it is kept (default: .cloudtasker/deploy/ENV in it)")
    if name in ("apply", "plan", "destroy"):
        add("--archive", type=Path, help="function archive (default: the newest in dist/)")
        add("--var-file", type=Path, help="values of variables, over those of example.tfvars")
    if name == "apply":
        add("--api-port", type=_port, default=0, help="port of the API (default: 8443, or near)")


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; it must be 1 to 65535")
    return int(text)


def main(arguments: Sequence[str]) -> int:
    """Return the exit status: 0, 1 when it could not be done, 2 for a wrong command line."""
    options = parser().parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        return _COMMANDS[options.command](_deployment(options), console)
    except (DeployError, TerraformError, CloudError, StackError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. What was made stays; do the same again and it goes on.")
        return 130


def _deployment(options: argparse.Namespace) -> Deployment:
    root = options.root.resolve()
    environments = root / "infra" / "environments"
    known = sorted(one.name for one in environments.glob("*") if one.is_dir())
    if options.environment not in known:
        raise DeployError(
            f"no environment {options.environment!r}; in {environments} there are: "
            f"{', '.join(known) or 'none'}"
        )
    variables = getattr(options, "var_file", None)
    if variables and not variables.is_file():
        raise DeployError(f"the file of variables {variables} is not there. Nothing was changed.")
    folder = options.folder or root / ".cloudtasker" / "deploy" / options.environment
    return Deployment(
        root,
        options.environment,
        Folder(folder.resolve()),
        getattr(options, "archive", None),
        variables,
        getattr(options, "api_port", 0),
    )


def _apply(deployment: Deployment, console: Console) -> int:
    began = time.monotonic()
    with deployment.planned() as planned:
        changes, took = planned.changes(), time.monotonic() - began
        _show(console, changes)
        console.print(f"Planned in {took:.1f} s.")
        with console.status("applying"):
            planned.apply()
        console.print(f"Applied in {time.monotonic() - began - took:.1f} s.\n")
        _tell(deployment, console, planned.client.describe())
    return 0


def _show(console: Console, changes: list[tuple[str, str]]) -> None:
    """Say what changes: each thing, or when these are many how many of each kind."""
    if not changes:
        console.print("Nothing to change.")
    elif len(changes) <= _MANY:
        for action, address in changes:
            console.print(f"  {_SIGNS[action]} {address}")
    else:
        counts = Counter(action for action, _ in changes)
        said = ", ".join(f"{count} to {action}" for action, count in counts.items())
        console.print(f"  {said}")


def _plan(deployment: Deployment, console: Console) -> int:
    if not deployment.exists:
        with console.status("planning"):
            plan = deployment.planned_from_nothing()
        console.print(
            f"{deployment.environment} is not deployed: {plan.changes()['create']} to create."
        )
        return 0
    with deployment.planned() as planned:
        _show(console, planned.changes())
    return 0


def _destroy(deployment: Deployment, console: Console) -> int:
    if not deployment.exists:
        console.print(f"{deployment.environment} is not deployed: nothing to destroy.")
        return 0
    began = time.monotonic()
    with deployment.planned(destroy=True) as planned:
        _show(console, planned.changes())
        planned.apply()
    deployment.remove()
    console.print(f"Destroyed in {time.monotonic() - began:.1f} s; nothing is left.")
    return 0


def _status(deployment: Deployment, console: Console) -> int:
    if not deployment.exists:
        console.print(f"{deployment.environment} is not deployed.")
        return 0
    client = running(deployment.folder)
    if client is None:
        console.print(f"{deployment.environment} is deployed and stopped; apply starts it.")
        return 0
    said = client.describe()
    table = Table(box=None, pad_edge=False)
    for column in ("part", "kind", "address", "pid", ""):
        table.add_column(column)
    for name, part in said["parts"].items():
        address = f"127.0.0.1:{part['port']}" if part["port"] else ""
        works = "" if part["works"] else "[red]does not work[/red]"
        table.add_row(name, part["kind"], address, str(part["pid"] or ""), works)
    console.print(table)
    _tell(deployment, console, said)
    return 0 if all(part["works"] for part in said["parts"].values()) else 1


def _stop(deployment: Deployment, console: Console) -> int:
    stopped(deployment.folder)
    console.print("Stopped. Its data is kept; apply starts it again.")
    return 0


def _tell(deployment: Deployment, console: Console, said: dict[str, str]) -> None:
    """Say where to go from here."""
    folder, outputs = deployment.folder, deployment.folder.outputs()
    for name, value in sorted(outputs.items()):
        if isinstance(value, str):
            console.print(f"{name:<12} {value}")
    console.print(f"{'mail':<12} {said['mail']}/messages")
    console.print(f"{'logs':<12} {folder.log}")
    console.print(f"\n{how_to_call(deployment, said)}")


def how_to_call(deployment: Deployment, said: dict[str, str]) -> str:
    """Return the commands after which the API can be called: with a key, or with a token."""
    folder = deployment.folder
    enqueue = (folder.read(folder.part("enqueue")) or {}).get("environment", {})
    exports = (
        f"  export CLOUDTASKER_STATE={folder.path / 'state.json'}\n"
        f"  export SSL_CERT_FILE={folder.authority}\n"
    )
    if enqueue.get("CLOUDTASKER_AUTH") != "google":
        program = _program()
        return (
            f"{exports}  export CLOUDTASKER_API_KEY=$({program} keys create --name me "
            "--scope enqueue --scope read -q)\n"
            f"  {program} tasks enqueue send_email --sample --wait"
        )
    account = enqueue["CLOUDTASKER_AUTH_CALLERS"].split(",")[0]
    audience = enqueue["CLOUDTASKER_AUTH_AUDIENCES"].split(",")[0]
    address = f"{said['pubsub_http']}/v1/projects/-/serviceAccounts/{account}:generateIdToken"
    return (
        f"{exports}  curl -s {address} \\\n"
        f'    -d \'{{"audience": "{audience}", "includeEmail": true}}\''
        "   # a token for Authorization: Bearer"
    )


def _program() -> str:
    """Return how `cloudtasker` is called here, whether its environment is activated or not."""
    name = "cloudtasker"
    return name if shutil.which(name) else str(Path(sys.executable).with_name(name))


_COMMANDS: dict[str, Callable[[Deployment, Console], int]] = {
    "apply": _apply,
    "plan": _plan,
    "destroy": _destroy,
    "status": _status,
    "stop": _stop,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
