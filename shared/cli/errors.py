"""What a failed command says and how it ends: stable codes, exit codes, one form for all.

A text says what failed, the facts, what is untouched; its last line is the fix. With `-o json` the
same stands on stdout as one document, so that a script reads one stream whatever happened.
"""

import json
import sys
import traceback
from collections.abc import Sequence
from enum import IntEnum

import click

from shared.cli.words import plain


class Exit(IntEnum):
    """The exit codes, each with one meaning."""

    OK = 0
    FAILED = 1
    """The task or the check failed."""
    USAGE = 2
    """What was asked is wrong: the command line, the payload, a filter."""
    NOT_FOUND = 3
    CONFLICT = 4
    """Not in this state: too late to cancel, another payload under the same idempotency key."""
    UNREACHABLE = 5
    """The service, or the local stack, does not answer."""
    UNAUTHENTICATED = 6
    PARTIAL = 7
    """A bulk operation has not changed every task."""
    TIMED_OUT = 124
    INTERRUPTED = 130


class CliError(Exception):
    """A failure that the user can act on. `code` is stable; see the table in the README."""

    def __init__(self, code: str, what: str, *facts: str, fix: str, exit_code: Exit) -> None:
        super().__init__(what)
        self.message = what
        self.code = code
        self.facts = facts
        self.fix = fix
        self.exit_code = exit_code


def report(failure: BaseException, args: Sequence[str]) -> int:
    """Print `failure` in the form that `args` ask for; return the exit code."""
    error = _as_cli_error(failure)
    if _asks_for_json(args):
        document = {"code": error.code, "message": _sentence(error), "hint": error.fix}
        click.echo(json.dumps({"error": document}))
    else:
        lines = [f"{error.code} {error.message}", *error.facts, f"Fix: {error.fix}"]
        # The text may hold what a caller sent: a terminal must not obey it.
        click.echo(plain("\n".join(lines)), err=True)
    if {"-v", "--verbose"} & set(args):
        traceback.print_exception(failure, file=sys.stderr)
    return int(error.exit_code)


def _as_cli_error(failure: BaseException) -> CliError:
    if isinstance(failure, CliError):
        return failure
    if isinstance(failure, (click.Abort, KeyboardInterrupt)):
        return _interrupted()
    if isinstance(failure, click.ClickException):
        return _wrong_usage(failure)
    return _unexpected(failure)


def _sentence(error: CliError) -> str:
    return "\n".join([error.message, *error.facts])


def _interrupted() -> CliError:
    return CliError(
        "CT130",
        "Interrupted.",
        "What was already accepted goes on by itself.",
        fix="cloudtasker tasks list shows where it stands.",
        exit_code=Exit.INTERRUPTED,
    )


def _unexpected(failure: BaseException) -> CliError:
    return CliError(
        "CT900",
        f"Unexpected {type(failure).__name__}: {failure}",
        fix="run the same with -v, and report what it prints.",
        exit_code=Exit.FAILED,
    )


def _wrong_usage(failure: click.ClickException) -> CliError:
    """Click's own errors: a mistyped command, a missing argument, a file that is not there."""
    context = getattr(failure, "ctx", None)
    command = context.command_path if context else "cloudtasker"
    return CliError(
        "CT300",
        failure.format_message(),
        fix=f"{command} --help shows what it takes.",
        exit_code=Exit.USAGE,
    )


def _asks_for_json(args: Sequence[str]) -> bool:
    """Read from the raw words, since a wrong command line is never parsed to its end."""
    words = " ".join(args).replace("--output=", "-o ").replace("--output ", "-o ")
    return "-o json" in words or "-ojson" in words
