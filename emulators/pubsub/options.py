"""How to run an emulator, and the command line that says so. Imports nothing slow."""

import argparse
from dataclasses import dataclass
from math import inf
from pathlib import Path

DESCRIPTION = """\
A Pub/Sub emulator for the unmodified client libraries. Point them at it with

  export PUBSUB_EMULATOR_HOST=127.0.0.1:8085

REST v1 is at http://127.0.0.1:8086/v1/ (for gcloud: CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB with
http://127.0.0.1:8086/).

Messages outlive the process unless --durability memory is chosen. Push requests carry OIDC tokens
when the subscription asks for them; verify them with the keys at
http://127.0.0.1:8086/oauth2/v3/certs (or /oauth2/v1/certs for google-auth).
Tests reset, seed, dump, advance the clock and inject faults under http://127.0.0.1:8086/_emulator/.
Standard output gets one JSON object a line; the first tells both addresses.
SIGTERM and SIGINT stop it cleanly."""


# What the service calls itself to push endpoints.
APIS_GOOGLE = "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run. Port 0 takes a free one; `durability` is memory, normal or full."""

    host: str = "127.0.0.1"
    port: int = 8085
    http_port: int = 8086
    data_dir: Path = Path(".pubsub-emulator")
    durability: str = "normal"
    push_backoff: bool = True
    push_outstanding: float = inf
    push_user_agent: str = APIS_GOOGLE
    enforce_iam: bool = False
    lenient: bool = False
    seed: Path | None = None


def parser() -> argparse.ArgumentParser:
    """Return the parser, whose help is the manual."""
    cli = argparse.ArgumentParser(
        prog="python -m emulators.pubsub",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_addresses(cli.add_argument_group("where it listens"))
    _add_state(cli.add_argument_group("what it keeps"))
    _add_behaviour(cli.add_argument_group("how it behaves"))
    return cli


def options_of(arguments: argparse.Namespace) -> Options:
    """Return what the parsed command line asks for."""
    return Options(
        host=arguments.host,
        port=arguments.port,
        http_port=arguments.http_port,
        data_dir=arguments.data_dir,
        durability=arguments.durability,
        push_backoff=arguments.push_backoff == "documented",
        push_outstanding=arguments.push_outstanding,
        push_user_agent=arguments.push_user_agent,
        enforce_iam=arguments.iam == "enforce",
        lenient=arguments.lenient,
        seed=arguments.seed,
    )


def _add_addresses(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--host",
        default="127.0.0.1",
        help="address of both ports (%(default)s). It knows no callers: on another address than "
        "loopback everybody who reaches it can read, write and reset everything",
    )
    group.add_argument(
        "--port",
        type=_port,
        default=8085,
        help="gRPC, the quickest way; 0 takes a free one (%(default)s)",
    )
    group.add_argument(
        "--http-port",
        type=_port,
        default=8086,
        help="REST, keys, tokens and control API, and gRPC by a relay, so that one port can be "
        "enough; 0 takes a free one (%(default)s)",
    )


def _add_state(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data-dir",
        type=Path,
        default=Path(".pubsub-emulator"),
        help="where messages and the signing key are kept (%(default)s)",
    )
    group.add_argument(
        "--durability",
        choices=("memory", "normal", "full"),
        default="normal",
        help="what an answered Publish survives: memory: nothing, and nothing is written to disk; "
        "normal: a kill of the process; full: a power loss (%(default)s)",
    )
    group.add_argument(
        "--seed",
        type=Path,
        metavar="FILE",
        help="make the topics, subscriptions, schemas and messages of a JSON or YAML file before "
        "serving; what is there as described stays as it is",
    )


def _add_behaviour(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--lenient",
        action="store_true",
        help="accept what Google's emulator accepts and the service refuses, such as over-long "
        "attributes",
    )
    group.add_argument(
        "--push-backoff",
        choices=("documented", "off"),
        default="documented",
        help="documented: nacked pushes slow the whole subscription, as in the service; "
        "off: only retry policies delay (%(default)s)",
    )
    group.add_argument(
        "--push-outstanding",
        type=_count,
        default=inf,
        metavar="N",
        help="the most messages that one push subscription has out at a time: what a single "
        "process at its endpoint can hold in memory (no bound, as in the service)",
    )
    group.add_argument(
        "--push-user-agent",
        type=_header_value,
        default=APIS_GOOGLE,
        metavar="TEXT",
        help="the User-Agent of push requests (%(default)s)",
    )
    group.add_argument(
        "--iam",
        choices=("off", "enforce"),
        default="off",
        help="enforce: dead letters are forwarded and push tokens signed only where a policy lets "
        "the Pub/Sub service agent (service-NUMBER@gcp-sa-pubsub.iam.gserviceaccount.com); "
        "off: policies are kept and nobody is refused (%(default)s)",
    )
    group.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="least severe event to log (%(default)s)",
    )


def _header_value(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} is not printable ASCII")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 65535")
    return int(text)
