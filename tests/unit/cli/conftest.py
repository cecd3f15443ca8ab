"""The command line, on fakes."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console, RenderableType

from tests.unit.cli.command_line import CommandLine


@pytest.fixture
def cloudtasker(tmp_path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def drawn() -> Callable[[RenderableType], str]:
    """What rich makes of something in a wide window."""

    def draw(what: RenderableType) -> str:
        console = Console(file=io.StringIO(), width=200, highlight=False)
        with console.capture() as output:
            console.print(what)
        return output.get()

    return draw
