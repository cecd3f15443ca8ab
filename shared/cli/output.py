"""Where output goes: results on stdout, talk on stderr, colour on a terminal only.

Every command takes the options of `output_options`; rich is imported when a table is drawn.
"""

import functools
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import rich_click as click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDE: Final = 1000
"""Columns of a table that goes into a file or a pipe: nothing is cut for lack of room."""


@dataclass(frozen=True, slots=True)
class Output:
    """How this call prints."""

    format: str = "table"
    no_color: bool = False
    quiet: bool = False

    @property
    def is_table(self) -> bool:
        """Whether a person reads it."""
        return self.format == "table"

    def document(self, value: Any) -> None:
        """Print one JSON document."""
        indent = 2 if self.format == "json" and sys.stdout.isatty() else None
        click.echo(json.dumps(value, indent=indent, ensure_ascii=False))

    def documents(self, values: Iterable[Any], name: str) -> None:
        """Print a listing: one document a line, or all of them in one under `name`."""
        if self.format == "jsonl":
            for value in values:
                self.document(value)
        else:
            self.document({name: list(values)})

    def draw(self, *parts: "RenderableType") -> None:
        """Print what rich can render."""
        console = self._console()
        if sys.stdout.isatty():
            console.print(*parts, sep="\n")
            return
        with console.capture() as drawn:
            console.print(*parts, sep="\n")
        # rich fills every line up with blanks, which files and pipes need not carry.
        click.echo("\n".join(line.rstrip() for line in drawn.get().splitlines()))

    def note(self, text: str) -> None:
        """Say something that is not the result; `-q` silences it."""
        if not self.quiet:
            click.echo(text, err=True)

    def _console(self) -> "Console":
        from rich.console import Console

        width = None if sys.stdout.isatty() else WIDE
        # None leaves the decision to rich, which obeys NO_COLOR.
        no_color = True if self.no_color else None
        return Console(width=width, no_color=no_color, highlight=False, soft_wrap=False)


def output_options(*formats: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add `-o` with `formats`, `--no-color`, `-q`, `-v`; the command gets them as `output`."""
    options = [
        click.option(
            "-o",
            "--output",
            "output_format",
            type=click.Choice(formats),
            default=formats[0],
            help="How to print the result.",
        ),
        click.option(
            "--no-color", is_flag=True, help="Never use colour; NO_COLOR=1 does the same."
        ),
        click.option("-q", "--quiet", is_flag=True, help="Print the result and errors only."),
        # Read where errors are reported, since one may come before any option is parsed.
        click.option(
            "-v",
            "--verbose",
            is_flag=True,
            expose_value=False,
            help="Add the stack trace to an error.",
        ),
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(output_format: str, no_color: bool, quiet: bool, **given: Any) -> None:
            command(output=Output(output_format, no_color, quiet), **given)

        decorated: Callable[..., None] = run
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate
