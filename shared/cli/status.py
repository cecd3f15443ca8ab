"""`cloudtasker status`: asks every part of the local stack whether it works."""

import asyncio
import os
import time
from collections.abc import Awaitable, Sequence
from dataclasses import asdict, dataclass
from typing import Final
from urllib.parse import urlsplit

import rich_click as click

from shared.cli.api import run, url_option
from shared.cli.errors import CliError, Exit
from shared.cli.output import Output, output_options
from shared.cli.probes import (
    ProbeFailed,
    load,
    probe_grpc,
    probe_http,
    probe_port,
    probe_postgres,
    probe_redis,
)
from shared.cli.setup import Setup
from shared.cli.stack_state import StackState, read_stack_state

PATIENCE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class PartStatus:
    """What one part answered, and how long it took."""

    name: str
    address: str
    ok: bool
    said: str
    milliseconds: int
    pid: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """A part, where it is, and how it is asked."""

    name: str
    address: str
    probe: Awaitable[str]


@click.command()
@url_option
@output_options("table", "json")
@click.pass_context
def status(context: click.Context, url: str | None, output: Output) -> None:
    """Ask every part of the local stack whether it works; with --url, only that REST API.

    Exit code 0: all work. 1: some do not. 5: nothing runs here.

    \b
    Example:
    $ cloudtasker status -o json
    """
    setup = context.ensure_object(Setup)
    state = None if url else read_stack_state()
    parts = run(ask_all(setup, state, url))
    if not any(part.ok for part in parts):
        raise _nothing_answers(parts)
    ready = all(part.ok for part in parts)
    if output.is_table:
        from shared.cli.status_view import status_table

        output.draw(status_table(parts))
    else:
        output.document({"ready": ready, "parts": [asdict(part) for part in parts]})
    if not ready:
        context.exit(Exit.FAILED)


async def ask_all(setup: Setup, state: StackState | None, url: str | None) -> list[PartStatus]:
    """What each part of the stack says, or with `url` that API alone."""
    load("httpx", *(["grpc"] if state else []))
    if state is None:
        questions = [Question("rest", str(url), _ready(setup, str(url)))]
    else:
        questions = _questions(setup, state)
    pids = state.pids if state else {}
    answers = [_ask(question, pids.get(question.name)) for question in questions]
    return list(await asyncio.gather(*answers))


def _questions(setup: Setup, state: StackState) -> list[Question]:
    """Every part with an address, then those that only have a process."""
    questions = [Question("postgres", _host(state.postgres), probe_postgres(state.postgres))]
    if state.redis:
        questions.append(Question("redis", _host(state.redis), probe_redis(state.redis)))
    questions.append(Question("pubsub", state.pubsub, _pubsub(setup, state)))
    questions.append(Question("mail", state.mail, _http(setup, f"{state.mail}/health")))
    for function in state.functions:
        for name, url in state.processes_of(function).items():
            questions.append(Question(name, url, _ready(setup, url)))
    questions.append(Question("gateway", state.grpc, probe_grpc(state.grpc)))
    asked = {question.name for question in questions}
    for name, pid in state.pids.items():
        if name not in asked:
            questions.append(Question(name, "", _process(pid)))
    return questions


async def _ask(question: Question, pid: int | None) -> PartStatus:
    started = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            ok, said = True, await question.probe
    except TimeoutError:
        ok, said = False, f"no answer within {PATIENCE_SECONDS:g} s"
    except (ProbeFailed, OSError) as failure:
        ok, said = False, str(failure) or type(failure).__name__
    took = round((time.monotonic() - started) * 1000)
    return PartStatus(question.name, question.address, ok, said, took, pid)


async def _ready(setup: Setup, url: str) -> str:
    return await _http(setup, f"{url.rstrip('/')}/ready")


async def _http(setup: Setup, url: str) -> str:
    return await probe_http(url, setup.transport)


async def _pubsub(setup: Setup, state: StackState) -> str:
    if not state.pubsub_http:
        return await probe_port(state.pubsub)
    return await _http(setup, f"{state.pubsub_http}/_emulator/health")


async def _process(pid: int) -> str:
    """A part without an address: whether its process lives."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        raise ProbeFailed("its process is gone") from None
    return "runs"


def _host(url: str) -> str:
    """`host:port` of a URL: never the rest, which may hold a password."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""


def _nothing_answers(parts: Sequence[PartStatus]) -> CliError:
    facts = [f"{part.name} {part.address}: {part.said}" for part in parts[:3]]
    return CliError(
        "CT501",
        "Nothing answers.",
        *facts,
        fix="start it with `cloudtasker dev` (or `make run`).",
        exit_code=Exit.UNREACHABLE,
    )
