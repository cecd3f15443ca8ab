"""`cloudtasker dev`: becomes the local stack, which product code may start but never import."""

import sys
from pathlib import Path

import rich_click as click

from shared.cli.setup import Setup

PORT = click.IntRange(1, 65535)


@click.command()
@click.option("--fresh", is_flag=True, help="Clear the data of earlier runs first.")
@click.option("--json", "as_json", is_flag=True, help="Print log lines as they are, as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Print everything that each part prints.")
@click.option("--root", type=Path, metavar="FOLDER", help="The checkout.  [default: this folder]")
@click.option(
    "--data-dir", type=Path, metavar="FOLDER", help="Where data is kept.  [default: .cloudtasker]"
)
@click.option("--rest-port", type=PORT, metavar="PORT", help="REST API.  [default: 5000]")
@click.option("--grpc-port", type=PORT, metavar="PORT", help="gRPC gateway.  [default: 50051]")
@click.option("--pubsub-port", type=PORT, metavar="PORT", help="Pub/Sub emulator.  [default: 8085]")
@click.option(
    "--mail-port", type=PORT, metavar="PORT", help="Inbox of the mail sink, HTTP.  [default: 8025]"
)
@click.option(
    "--scale",
    multiple=True,
    metavar="TYPE=N",
    help="Run N processes of a task type; may be given for several.  [default: one of each]",
)
@click.pass_obj
def dev(
    setup: Setup,
    /,
    fresh: bool,
    as_json: bool,
    verbose: bool,
    scale: tuple[str, ...],
    **values: Path | int | None,
) -> None:
    """Start everything on this machine; Ctrl-C stops it.

    Postgres, Valkey, the Pub/Sub emulator, a mail sink, the scheduler, every function and the gRPC
    gateway; no cloud account is needed. Data is kept between runs. A default port that is taken
    moves, loudly; one that you ask for never does.

    A function has one process, which takes whatever comes. With --scale a task type has N, and each
    takes at once what one instance on Cloud Run does: `concurrency` of its task.yaml.

    \b
    Examples:
    $ cloudtasker dev --fresh --rest-port 5001
    $ cloudtasker dev --scale send_email=2
    """
    flags = {"--fresh": fresh, "--json": as_json, "--verbose": verbose}
    words = [flag for flag, is_set in flags.items() if is_set]
    for name, value in values.items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    words += [f"--scale={pair}" for pair in scale]
    sys.stdout.flush()
    setup.replace_process(sys.executable, [sys.executable, "-m", "emulators.stack", *words])
