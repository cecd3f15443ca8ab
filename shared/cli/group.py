"""Groups whose commands are imported when they are used, and which end with our own exit codes.

The imports of one command must not slow another: `--version` stays near what Click itself costs.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

import rich_click as click
from click.exceptions import NoSuchCommand

from shared.cli.errors import Exit, report


class LazyGroup(click.RichGroup):
    """A group that is told where its commands are: `{name: "module:attribute"}`, in help order."""

    def __init__(self, *args: Any, lazy: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order in which they were told."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command the first time."""
        if cmd_name in self._lazy and cmd_name not in self.commands:
            module, _, attribute = self._lazy[cmd_name].partition(":")
            self.add_command(getattr(import_module(module), attribute), cmd_name)
        return self.commands.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As Click does, but knowing the names that are not imported when it guesses one."""
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as unknown:
            raise NoSuchCommand(unknown.command_name, possibilities=self._lazy, ctx=ctx) from None


class Root(LazyGroup):
    """The outermost group. Every failure ends here: a text or a JSON document, and an exit code."""

    def main(  # type: ignore[override]  # Click's signature promises a value outside standalone mode
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run the command line and end the process."""
        asked = list(sys.argv[1:] if args is None else args)
        extra["standalone_mode"] = False
        try:
            code = super().main(asked, prog_name, **extra)
        except (Exception, KeyboardInterrupt) as failure:  # the top of an edge
            code = report(failure, asked)
        sys.exit(code if isinstance(code, int) else Exit.OK)
