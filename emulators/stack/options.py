"""What the user asked for: command line and environment, read once into frozen objects."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """The command line. A port of None is a default, which may move."""

    root: Path
    data_dir: Path
    fresh: bool
    as_json: bool
    verbose: bool
    rest_port: int | None
    grpc_port: int | None
    pubsub_port: int | None
    mail_port: int | None
    # As written: `TYPE=N`. `scale` knows what may stand there.
    scale: tuple[str, ...] = ()


@dataclass(frozen=True)
class External:
    """Servers of the user's own, from the environment; what is empty is started by us."""

    database_url: str
    redis_url: str
    pubsub: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "External":
        return cls(
            environment.get("CLOUDTASKER_DATABASE_URL", ""),
            environment.get("CLOUDTASKER_REDIS_URL", ""),
            environment.get("PUBSUB_EMULATOR_HOST", ""),
        )


def parse(argv: Sequence[str] | None) -> Options:
    """Read the command line; a wrong one ends the process with code 2, as argparse does."""
    parser = argparse.ArgumentParser(
        prog="cloudtasker dev", description="Start everything on this machine; Ctrl-C stops it."
    )
    add = parser.add_argument
    add("--fresh", action="store_true", help="clear the data of earlier runs first")
    add("--json", dest="as_json", action="store_true", help="print log lines as they are")
    add("-v", "--verbose", action="store_true", help="print everything that each part prints")
    add("--root", type=Path, default=Path(), help="the checkout (default: this folder)")
    add("--data-dir", type=Path, help="where data is kept (default: .cloudtasker in the checkout)")
    add("--rest-port", type=_port, help="REST API (default 5000)")
    add("--grpc-port", type=_port, help="gRPC gateway (default 50051)")
    add("--pubsub-port", type=_port, help="Pub/Sub emulator (default 8085)")
    add("--mail-port", type=_port, help="inbox of the mail sink over HTTP (default 8025)")
    add(
        "--scale", action="append", default=[], metavar="TYPE=N",
        help="run N processes of a task type, each with the concurrency of its task.yaml",
    )  # fmt: skip
    asked = parser.parse_args(argv)
    root = asked.root.resolve()
    data_dir = asked.data_dir.resolve() if asked.data_dir else root / ".cloudtasker"
    scale = tuple(asked.scale)
    return Options(**(vars(asked) | {"root": root, "data_dir": data_dir, "scale": scale}))


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; it must be 1 to 65535")
    return int(text)
